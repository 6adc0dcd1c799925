"""From the raw trials of live replays to figures. Pure.

A trial is a policy on one trace; its `value` is core-seconds, and it has what the simulation says of the same seconds.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from bench_trials import figure

from bench_live.seconds import HPA, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BUDGETS = {"live_to_simulation": 0.10}
HOUR = 3600.0


def of(lines: Iterable[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """All figures; spreads are those of the traces."""
    every = [line for line in lines if line["trial"] == "live"]
    by_policy = {policy: [line for line in every if line["policy"] == policy] for policy in (OURS, HPA)}
    hours = {policy: [line["value"] / HOUR for line in found] for policy, found in by_policy.items()}
    ratios = [mine / other for mine, other in zip(hours[OURS], hours[HPA], strict=True)]
    beside = [abs(line["value"] / line["simulated"] - 1.0) for line in every]
    guessed = [
        mine["simulated"] / other["simulated"] for mine, other in zip(by_policy[OURS], by_policy[HPA], strict=True)
    ]
    starts = [line["start"] for line in every]
    lost = [float(line["lost"]) for line in every]
    return [
        *(figure(f"live_core_hours_{policy}", sum(found), "h", found, seed=seed) for policy, found in hours.items()),
        figure("live_ratio", sum(hours[OURS]) / sum(hours[HPA]), "1", ratios, seed=seed),
        figure("simulated_ratio", statistics.fmean(guessed), "1", guessed, seed=seed),
        figure("live_to_simulation", max(beside), "1", beside, seed=seed),
        *(_late(name, found, seed) for name, found in by_policy.items()),
        figure("live_start", statistics.median(starts), "s", starts, seed=seed),
        figure("live_lost", sum(lost), "1", lost, seed=seed),
    ]


def _late(policy: str, found: list[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """The share of requests that took longer than the objective, and what was simulated."""
    name = "live_over_objective" if policy == OURS else f"live_over_objective_{policy}"
    shares = [line["over"] / line["requests"] for line in found]
    requests, over = (sum(line[key] for line in found) for key in ("requests", "over"))
    guessed = sum(line["simulated_over"] for line in found) / requests
    return figure(name, over / requests, "1", shares, seed=seed, n=requests, simulated=round(guessed, 4))
