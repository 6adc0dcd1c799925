"""Decisions of the copy of a feed: where to begin, what a list of keys tells and when to believe it. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from rooftree.modules.property.domain import key_of
from rooftree.modules.property.values import clean, instant

# Servers give out changes in the order in which they were committed, not stamped; Spark's guideline is 20 minutes.
OVERLAP = timedelta(minutes=20)
# Runs are 30 s apart and cost one small request when the count of records says that nothing left. What a count cannot
# show (one record left while another came that no run saw) is found by comparing all keys this often.
COMPARE_EVERY = timedelta(minutes=10)
# A removal of most listings is believed when the same keys are still missing after this time, or when a person says so.
CONFIRM_AFTER = timedelta(hours=1)
SMALLEST_SHARE = 0.5  # of the listings held must be listed still
FEWEST_SUSPECT = 10  # missing keys; a feed of three may lose two
# More than these are read as a whole: 2,000 records are 100 queries of 20 keys, or 8 pages of 250.
MAX_READ_BY_KEY = 2_000
# Runs are 30 s apart: four are the two minutes that a server's restart takes, with the 15 s that each one is patient.
FAILURES_BEFORE_ALERT = 4
# Runs that wait for a slow server count slowly: 6 attempts of 20 s make two minutes each.
SILENCE_BEFORE_ALERT = timedelta(minutes=10)
# A feed that asks to be left alone for longer is called all the same: a mistake there must not end the copy for ever.
MOST_PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """One record of a list of keys; the time as it came."""

    key: str | None
    modified: Any
    photos: datetime | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a listing: when it and its photos changed, and whether it had left the feed."""

    modified: datetime
    photos: datetime | None
    is_removed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """What is known of a rejected record: the time as it came."""

    identity: str
    key: str | None
    modified: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """What a list of keys says against what is stored."""

    missing: tuple[str, ...]
    """Listings here that the feed does not list."""
    unread: tuple[str, ...]
    """Records that the feed lists and that are not here, or not like this."""
    healed: tuple[str, ...]
    """Identities of rejections whose record is gone."""
    live: int = field(default=0)
    """Listings here, before."""
    listed: int = field(default=0)

    @property
    def is_suspicious(self) -> bool:
        """Rather a feed out of order than a brokerage that lost its listings."""
        if not self.live:
            return False
        if not self.listed:
            return True
        left = self.live - len(self.missing)
        return len(self.missing) >= FEWEST_SUSPECT and left < self.live * SMALLEST_SHARE

    @property
    def digest(self) -> bytes:
        """The same for the same missing keys."""
        return sha256("\n".join(sorted(self.missing)).encode()).digest()


def since(newest: datetime | None, complete_until: datetime | None) -> datetime | None:
    """The time after which changes may be unknown; None when there has been no complete run.

    A long or interrupted run has stored late changes without earlier ones of pages that it had read before.
    """
    if newest is None or complete_until is None:
        return None
    return min(newest, complete_until) - OVERLAP


def read_listed(records: Iterable[object]) -> list[Listed]:
    """The records of a page of keys."""
    found: list[Listed] = []
    for raw in records:
        record = clean(raw)
        if not isinstance(record, dict):
            found.append(Listed(None, None, None))
            continue
        photos = instant(record.get("PhotosChangeTimestamp"))
        found.append(Listed(key_of(record), record.get("ModificationTimestamp"), photos))
    return found


def compare(listed: Sequence[Listed], stored: Mapping[str, Stored], refused: Collection[Refused]) -> Difference:
    """What is missing, unread or healed, by keys and times."""
    refused_at: dict[str, Any] = {item.key: item.modified for item in refused if item.key}
    keys = {item.key for item in listed if item.key}
    keyless = [item.modified for item in listed if not item.key]
    known = {item.key for item in listed if item.key and _is_known(item, stored.get(item.key), refused_at)}
    live = [key for key, row in stored.items() if not row.is_removed]
    gone = [item.identity for item in refused if (item.key not in keys if item.key else item.modified not in keyless)]
    return Difference(
        missing=tuple(key for key in live if key not in keys),
        unread=tuple(sorted(keys - known)),
        healed=tuple(gone),
        live=len(live),
        listed=len(keys),
    )


def _is_known(item: Listed, stored: Stored | None, refused_at: Mapping[str, Any]) -> bool:
    if item.key is not None and item.key in refused_at and refused_at[item.key] == item.modified:
        return True
    if stored is None or stored.is_removed or stored.modified != instant(item.modified):
        return False
    return item.photos is None or stored.photos is None or item.photos == stored.photos


def must_compare(
    *, total: int | None, held: int, surplus: int | None, compared_at: datetime | None, now: datetime
) -> bool:
    """Whether keys have to be compared: counts moved apart since they last were, or that is long ago.

    `surplus`: by how much the feed's count exceeded what was held then. A feed that does not count is always compared.
    """
    if total is None or surplus is None or compared_at is None:
        return True
    return total - held != surplus or now - compared_at >= COMPARE_EVERY


def may_remove(
    difference: Difference, *, requested: bool, withheld_at: datetime | None, withheld_keys: bytes | None, now: datetime
) -> bool:
    """Whether the missing listings may be removed: nothing is strange about it, or it was confirmed."""
    if not difference.is_suspicious:
        return True
    if withheld_at is None:
        return False
    return requested or (withheld_keys == difference.digest and now - withheld_at >= CONFIRM_AFTER)


def patience(seconds: float) -> timedelta:
    """How long a feed that asks for it is left alone."""
    return timedelta(seconds=min(seconds, MOST_PATIENCE.total_seconds()))


def is_outage(
    *, failures: int, last_succeeded_at: datetime | None, wait: timedelta, is_withheld: bool, now: datetime
) -> bool:
    """Whether a person should know that a feed fails: `failures` in a row, the latest just now; the next try after
    `wait`. One failure after a long time without runs, as when the app was stopped, is none."""
    if is_withheld or failures >= FAILURES_BEFORE_ALERT or wait >= SILENCE_BEFORE_ALERT:
        return True
    is_silent = last_succeeded_at is not None and now - last_succeeded_at >= SILENCE_BEFORE_ALERT
    return is_silent and failures > 1
