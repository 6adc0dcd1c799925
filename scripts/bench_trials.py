"""What benchmarks of the whole stack share: the file of a run's raw trials, and figures from them."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass
class Lines:
    """The file of the run's trials."""

    path: Path

    @classmethod
    def of(cls, bench: str) -> Lines:
        """A new one in `.bench`, named by the time."""
        folder = Path(".bench")
        folder.mkdir(exist_ok=True)
        return cls(folder / f"{bench}-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl")

    def note(self, kind: str, value: float, **more: Any) -> None:
        line = {"trial": kind, "value": value, "at": datetime.now(UTC).isoformat(), **more}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def grouped(lines: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Values by the kind of trial, in their order."""
    found: dict[str, list[float]] = {}
    for line in lines:
        found.setdefault(line["trial"], []).append(line["value"])
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that is not under `share` (0 to 1) of them: nearest rank."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def figure(
    name: str, value: float, unit: str, values: Sequence[float], *, seed: int, n: int | None = None, **more: Any
) -> dict[str, Any]:
    """One line of output. `values`: what the spread is of; `n`: how many there are, if that is another number."""
    spread = [round(min(values), 4), round(max(values), 4)]
    head = {"figure": name, "value": round(value, 4), "unit": unit, "n": n or len(values), "spread": spread}
    return {**head, "seed": seed, **more}


def told(found: Iterable[Mapping[str, Any]], budgets: Mapping[str, float]) -> int:
    """Prints the figures; what the command ends with: 1 when one is over its budget."""
    missed = 0
    for one in found:
        print(json.dumps(one), flush=True)
        missed += one["value"] > budgets.get(one["figure"], math.inf)
    return 1 if missed else 0
