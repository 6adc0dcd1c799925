"""Where the operator is made to die: every effect of every stage of a brokerage's life, in each mode. Pure.

What effects a stage has is learnt from an undisturbed run, by the file that a drill writes
(`rooftree_operator.effects`).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rooftree_operator.effects import Failpoint, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# A life is lived from its first stage to its last, and nothing is left of the brokerage then. A stage finds the same
# brokerage in each of them: so what is learnt of it in one holds for all, and what changes the plan comes last.
LIVES: dict[str, tuple[str, ...]] = {
    "whole": ("create", "suspend", "resume", "retire", "undelete", "update", "remove"),
    "returning": ("create", "retire", "undelete", "remove"),
    "purged": ("create", "retire", "purge"),
    "rotated": ("create", "rotate", "complete", "remove"),
    "restored": ("create", "backup", "restore", "remove"),
    "short": ("create", "remove"),
}
HEARTBEAT = "Lease"
# How often these are sent follows how fast things go.
PACED = re.compile(r"kubernetes\.apply\.\w+/status|kubernetes\.create\.Event|postgres\.terminate\.session")


@dataclass(frozen=True)
class Point:
    """One way to disturb one stage."""

    stage: str
    failpoint: Failpoint

    def __str__(self) -> str:
        return f"{self.stage} {self.failpoint}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """The point as a trial's line tells it. Raises ValueError."""
        stage, _, failpoint = text.partition(" ")
        if not any(stage in stages for stages in LIVES.values()):
            raise ValueError(f"no stage of a life is called {stage!r}")
        return cls(stage, Failpoint.parse(failpoint))


@dataclass(frozen=True)
class Trace:
    """What a process sent, and what of it was answered, by name; `died`: at which effect, if it did."""

    sent: Counter[str]
    done: Counter[str]
    died: tuple[str, int] | None = None
    unanswered: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def read(cls, lines: Iterable[str]) -> Trace:
        """Of the drill's file, without the Lease's heartbeat."""
        happened: dict[str, list[tuple[str, int]]] = {"sent": [], "done": [], "died": []}
        for line in lines:
            what, name, occurrence = line.split()
            if not name.endswith(f".{HEARTBEAT}"):
                happened[what].append((name, int(occurrence)))
        return cls(
            sent=Counter(name for name, _ in happened["sent"]),
            done=Counter(name for name, _ in happened["done"]),
            died=happened["died"][0] if happened["died"] else None,
            unanswered=frozenset(happened["sent"]) - frozenset(happened["done"]),
        )

    def struck(self, point: Point) -> bool:
        """Whether the process came to this point."""
        at = (point.failpoint.name, point.failpoint.occurrence)
        return at in self.unanswered if point.failpoint.mode is Mode.LOST else self.died == at


def points(learnt: Mapping[str, Counter[str]]) -> list[Point]:
    """All of them, by the effects that each stage has when nothing disturbs it."""
    return [
        Point(stage, Failpoint(name, mode, occurrence))
        for stage, counts in learnt.items()
        for name in sorted(counts)
        for occurrence in range(1, counts[name] + 1)
        for mode in Mode
    ]


def sure(every: Sequence[Point]) -> list[Point]:
    """Those that every run comes to."""
    return [point for point in every if point.failpoint.occurrence == 1 or not PACED.fullmatch(point.failpoint.name)]


def sample(every: Sequence[Point], count: int, seed: int) -> list[Point]:
    """`count` of them, the same ones for a seed: from each stage in turn, so that none is left out. 0: all of them."""
    dice = random.Random(seed)
    stages = {stage: [point for point in every if point.stage == stage] for stage in {p.stage: 0 for p in every}}
    decks = [dice.sample(deck, len(deck)) for deck in stages.values()]
    dealt = [deck[turn] for turn in range(max(map(len, decks), default=0)) for deck in decks if turn < len(deck)]
    return dealt[: count or None]


def next_life(pending: Mapping[str, Sequence[Point]]) -> str | None:
    """The life in which the largest part of its stages has a point left; None if no point is."""
    shares = {life: sum(bool(pending.get(stage)) for stage in stages) / len(stages) for life, stages in LIVES.items()}
    best = max(shares, key=lambda life: shares[life])
    return best if shares[best] else None
