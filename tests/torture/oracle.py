"""What must hold of events, whatever died: compares what was committed with the effects there were. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID


class Cause(NamedTuple):
    """A committed event."""

    number: int
    aggregate: UUID


class Effect(NamedTuple):
    """What a consumer did for an event."""

    number: int
    aggregate: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """All zero when nothing went wrong."""

    lost: int
    """Committed events without an effect."""
    doubled: int
    """Effects of events that had one already."""
    inverted: int
    """Events whose first effect came after that of a later one of their aggregate."""
    uncommitted: int
    """Events that had an effect and were never committed."""

    @property
    def is_clean(self) -> bool:
        return self == CLEAN


CLEAN = Verdict(lost=0, doubled=0, inverted=0, uncommitted=0)


def judge(
    causes: Sequence[Cause], effects: Sequence[Effect], *, acknowledged: Collection[int], withdrawn: Collection[int]
) -> Verdict:
    """`causes` in the order of each aggregate's commits, `effects` in the order in which they happened.

    `acknowledged` and `withdrawn`: numbers whose publisher was told that they are committed, or rolled them back. So a
    commit that the database forgot is a loss, too. Of all others nobody but the database knows.
    """
    committed = ({cause.number for cause in causes} | set(acknowledged)) - set(withdrawn)
    happened = Counter(effect.number for effect in effects)
    return Verdict(
        lost=len(committed - happened.keys()),
        doubled=happened.total() - len(happened),
        inverted=_inverted(causes, effects),
        uncommitted=len(happened.keys() - committed),
    )


def _inverted(causes: Sequence[Cause], effects: Sequence[Effect]) -> int:
    """By sequence and by the order of commits, which must agree."""
    place = {cause.number: index for index, cause in enumerate(causes)}
    seen: set[int] = set()
    latest: dict[UUID, tuple[int, int]] = {}
    found = 0
    for effect in effects:
        if effect.number in seen or effect.number not in place:
            continue
        seen.add(effect.number)
        own = (effect.sequence, place[effect.number])
        highest = latest.get(effect.aggregate, own)
        found += own[0] < highest[0] or own[1] < highest[1]
        latest[effect.aggregate] = max(own[0], highest[0]), max(own[1], highest[1])
    return found
