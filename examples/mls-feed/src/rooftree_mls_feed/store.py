"""The records in memory, in the order of the file. Read-only: the sample MLS never changes."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

DATA_FILE = Path(__file__).with_name("data") / "ames.jsonl.gz"


@lru_cache(maxsize=1)
def load_records() -> tuple[dict[str, Any], ...]:
    with gzip.open(DATA_FILE, "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


@lru_cache(maxsize=1)
def records_by_key() -> dict[str, dict[str, Any]]:
    return {record["ListingKey"]: record for record in load_records() if "ListingKey" in record}
