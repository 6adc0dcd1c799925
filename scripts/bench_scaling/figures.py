"""From raw trials to figures. Pure.

A trial is a policy on one load: its core-seconds are `value`. A cell is a trace at a scale with a start of pods; what
is told of it is over all seeds. Sums over cells count each as much as it costs, so the large ones more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench_scaling.cases import BOUND, BUDGET, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BUDGETS = {
    "core_hours": 0.80,
    "core_hours_hindsight": 0.92,
    "core_hours_bound": 1.25,
    "over_objective": 0.01,
    "tick_cpu": 250.0,
}
# The best of these is what ours is compared with at defaults.
RIVALS = ("hpa 70", "keda", "kpa")
FAMILIES = ("hpa", "keda", "kpa", OURS)
Cell = tuple[str, float, int]  # trace, scale, start


@dataclass
class Kept:
    """A policy in a cell."""

    core_seconds: dict[int, float] = field(default_factory=dict)  # by seed
    requests: float = 0.0
    over: float = 0.0
    worst: float = 0.0
    changes: list[int] = field(default_factory=list)
    most: int = 0

    def add(self, line: Mapping[str, Any]) -> None:
        self.core_seconds[line["seed"]] = line["value"]
        self.requests += line["requests"]
        self.over += line["over"]
        self.worst = max(self.worst, line["worst"])
        self.changes.append(line["changes"])
        self.most = max(self.most, line["most"])

    @property
    def over_share(self) -> float:
        return self.over / self.requests if self.requests else 0.0

    @property
    def core_hours(self) -> float:
        """Of one hour of the load, the mean of the seeds."""
        return sum(self.core_seconds.values()) / len(self.core_seconds) / 3600


@dataclass
class Results:
    """All trials of a run, by policy and cell."""

    kept: dict[str, dict[Cell, Kept]]
    families: dict[str, str]
    bound: dict[tuple[str, float], float]  # core-seconds
    cells: list[Cell]

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Results:
        kept: dict[str, dict[Cell, Kept]] = defaultdict(lambda: defaultdict(Kept))
        families: dict[str, str] = {}
        bound: dict[tuple[str, float], float] = {}
        for line in lines:
            if line["policy"] == BOUND:
                bound[line["trace"], line["scale"]] = line["value"]
                continue
            families[line["policy"]] = line["family"]
            kept[line["policy"]][line["trace"], line["scale"], line["start"]].add(line)
        return cls(dict(kept), families, bound, sorted({cell for of in kept.values() for cell in of}))

    def at(self, *, scales: Sequence[float] | None = None) -> list[Cell]:
        return [cell for cell in self.cells if scales is None or cell[1] in scales]

    def total(self, policy: str, cells: Sequence[Cell], seed: int | None = None) -> float:
        """Core-seconds, the mean of seeds or of one."""
        found = (self.kept[policy][cell] for cell in cells)
        return sum(one.core_hours * 3600 if seed is None else one.core_seconds[seed] for one in found)

    def over(self, policy: str, cells: Sequence[Cell]) -> float:
        found = [self.kept[policy][cell] for cell in cells]
        requests = sum(one.requests for one in found)
        return sum(one.over for one in found) / requests if requests else 0.0

    def best(self, family: str, cell: Cell) -> str:
        """In hindsight: the cheapest setting that keeps the budget in the cell; where none does, the least late."""
        every = [name for name, of in self.families.items() if of == family and cell in self.kept[name]]
        keeping = [name for name in every if self.kept[name][cell].over_share <= BUDGET]
        if keeping:
            return min(keeping, key=lambda name: self.kept[name][cell].core_hours)
        return min(every, key=lambda name: self.kept[name][cell].over_share)

    def best_of_all(self, family: str, cells: Sequence[Cell]) -> str:
        """One setting for all cells: the cheapest of those that keep the budget over all of them."""
        every = [name for name, of in self.families.items() if of == family]
        keeping = [name for name in every if self.over(name, cells) <= BUDGET] or every
        return min(keeping, key=lambda name: self.total(name, cells))

    def bound_total(self, cells: Sequence[Cell]) -> float:
        return sum(self.bound[trace, scale] for trace, scale, _ in cells)

    def hindsight_total(self, family: str, cells: Sequence[Cell], seed: int | None = None) -> float:
        return sum(self.total(self.best(family, cell), [cell], seed) for cell in cells)


def of(results: Results, *, seeds: int) -> list[dict[str, Any]]:
    """All figures; those with a scale are of its cells only. `spread` is the least and the most of the seeds."""
    found: list[dict[str, Any]] = []
    scales: list[tuple[str, list[Cell]]] = [("", results.cells)]
    scales += [(f".x{scale:g}", results.at(scales=[scale])) for scale in sorted({cell[1] for cell in results.cells})]
    for suffix, cells in scales:
        found += _of_cells(results, cells, suffix, seeds)
    return found


def _of_cells(results: Results, cells: Sequence[Cell], suffix: str, seeds: int) -> list[dict[str, Any]]:
    every = range(1, seeds + 1)
    rival = min(RIVALS, key=lambda name: results.total(name, cells))
    bound = results.bound_total(cells)
    ours = {seed: results.total(OURS, cells, seed) for seed in every}
    found = [
        _ratio("core_hours" + suffix, [ours[seed] / results.total(rival, cells, seed) for seed in every], to=rival),
        _ratio("core_hours_bound" + suffix, [ours[seed] / bound for seed in every], to=BOUND),
    ]
    if any(family == "hpa" and "/" in name for name, family in results.families.items()):
        best = {seed: results.hindsight_total("hpa", cells, seed) for seed in every}
        found.append(_ratio("core_hours_hindsight" + suffix, [ours[seed] / best[seed] for seed in every], to="hpa"))
    shares = [results.over(OURS, [cell]) for cell in cells]
    share = results.over(OURS, cells)
    spread = [round(min(shares), 5), round(max(shares), 5)]
    return [
        *found,
        {
            "figure": "over_objective" + suffix,
            "value": round(share, 5),
            "unit": "1",
            "n": len(shares),
            "spread": spread,
        },
    ]


def _ratio(name: str, ratios: Sequence[float], *, to: str) -> dict[str, Any]:
    spread = [round(min(ratios), 4), round(max(ratios), 4)]
    value = round(sum(ratios) / len(ratios), 4)
    return {"figure": name, "value": value, "unit": "1", "n": len(ratios), "spread": spread, "to": to}


def missed(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of figures that are over their budget."""
    return [one["figure"] for one in found if one["value"] > BUDGETS.get(one["figure"], math.inf)]
