"""The MLS's records in memory. They begin as the data file has them and change only through `Mls`.

Each change puts a new tuple in place, so that an answer that is being made sees one state. A restart forgets changes.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rooftree_mls_feed.fields import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DATA_FILE = Path(__file__).with_name("data") / "ames.jsonl.gz"
Record = dict[str, Any]

# What a home for sale does next, when the market moves.
NEXT_STATUS = {"Coming Soon": "Active", "Active": "Active Under Contract", "Active Under Contract": "Pending"}
PRICE_CUT = 0.98


@lru_cache(maxsize=1)
def load_records() -> tuple[Record, ...]:
    """The records of the data file, in its order."""
    with gzip.open(DATA_FILE, "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


@dataclass(frozen=True)
class Trouble:
    """How the feed misbehaves: 5xx, 429 with Retry-After, answers after `seconds`, or a list without records."""

    kind: Literal["error", "throttle", "slow", "empty"]
    status: int = 500
    seconds: int = 1


class NotThere(Exception):
    """No record has this key (any more)."""


class Refused(Exception):
    """The change makes no sense."""


class Mls:
    """The state of the feed. `now` is the clock of ModificationTimestamp."""

    def __init__(self, records: Sequence[Record] | None = None, now: Callable[[], datetime] | None = None) -> None:
        self.records: tuple[Record, ...] = tuple(load_records() if records is None else records)
        self.trouble: Trouble | None = None
        self._now = now or (lambda: datetime.now(UTC))
        self._removed: dict[str, Record] = {}

    def get(self, key: str) -> Record | None:
        return next((record for record in self.records if record.get("ListingKey") == key), None)

    def change(self, key: str, fields: Mapping[str, Any]) -> Record:
        """Set fields (null takes one away); the record is modified now, its photos too if their number is set."""
        if "ListingKey" in fields:
            raise Refused("the key of a record does not change")
        record = self._require(key)
        changed = {name: value for name, value in {**record, **_known(fields)}.items() if value is not None}
        changed |= self._stamps(photos="PhotosCount" in fields)
        self.records = tuple(changed if item is record else item for item in self.records)
        return changed

    def add(self, fields: Mapping[str, Any]) -> Record:
        """A new record at the end; a copy of the fields, modified now."""
        record = dict(_known(fields))
        key = record.get("ListingKey")
        if not isinstance(key, str) or not key or self.get(key) is not None:
            raise Refused("a new record needs a ListingKey that no other has")
        record = {"PhotosCount": 0, **record, **self._stamps(photos=bool(record.get("PhotosCount")))}
        self._removed.pop(key, None)
        self.records = (*self.records, record)
        return record

    def delete(self, key: str) -> None:
        """The record disappears; nothing tells that it was there."""
        record = self._require(key)
        self._removed[key] = record
        self.records = tuple(item for item in self.records if item is not record)

    def restore(self, key: str) -> Record:
        """A deleted record comes back, modified now."""
        if key not in self._removed:
            raise NotThere(key)
        return self.add(self._removed[key])

    def advance(self, number: int) -> list[str]:
        """Let the market move: the next `number` homes for sale, in turn, go one status on or get cheaper."""
        keyed = (record for record in self.records if record.get("ListingKey"))
        for_sale = [record for record in keyed if record["StandardStatus"] in NEXT_STATUS]
        oldest_first = sorted(for_sale, key=lambda record: (record["ModificationTimestamp"], record["ListingKey"]))
        moved: list[str] = []
        for turn, record in enumerate(oldest_first[:number]):
            status = NEXT_STATUS[record["StandardStatus"]]
            price = round(record["ListPrice"] * PRICE_CUT)
            fields = {"ListPrice": price} if turn % 2 else {"StandardStatus": status, "MlsStatus": status}
            self.change(record["ListingKey"], fields)
            moved.append(record["ListingKey"])
        return moved

    def _require(self, key: str) -> Record:
        record = self.get(key)
        if record is None:
            raise NotThere(key)
        return record

    def _stamps(self, *, photos: bool) -> Record:
        now = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"ModificationTimestamp": now} | ({"PhotosChangeTimestamp": now} if photos else {})


def _known(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if unknown := sorted(fields.keys() - PROPERTY.keys()):
        raise Refused(f"Property has no field {', '.join(unknown)}")
    return fields
