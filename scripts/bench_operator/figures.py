"""From raw trials to figures. Pure.

A trial is a line {"trial": kind, "value": number, …} of the run's file; a figure is computed from the lines of a kind.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from bench_trials import grouped, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

BUDGETS = {"create_ratio": 1.25, "edit_p99": 1.0, "restart_writes": 0.0}
BYTES = "bytes_"  # before the system's name, in the kind of its trials
Rule = tuple[str, "Callable[[Sequence[float]], float]", str]


def p99(values: Sequence[float]) -> float:
    return percentile(values, 0.99)


RULES: dict[str, Rule] = {
    "first_status_p50": ("first_status", statistics.median, "s"),
    "first_status_p99": ("first_status", p99, "s"),
    "ready_p50": ("ready", statistics.median, "s"),
    "ready_p99": ("ready", p99, "s"),
    "ready_all": ("created", max, "s"),
    "operator_cpu": ("operator_cpu", max, "s/tenant"),
    "operator_rss": ("operator_rss", max, "MiB"),
    "operator_idle_cpu": ("operator_idle_cpu", max, "s/s"),
    "requests": ("requests", max, "1/tenant"),
    "idle_requests": ("idle_requests", max, "1/tenant/round"),
    "edit_p50": ("edit", statistics.median, "s"),
    "edit_p99": ("edit", p99, "s"),
    "restart_edit_p99": ("restart_edit", p99, "s"),
    "restart_seconds": ("restart_seconds", max, "s"),
    "restart_writes": ("restart_writes", sum, "1"),
    "restart_lease": ("restart_lease", sum, "1"),
}


def of(lines: Iterable[Mapping[str, Any]], *, tenants: int, seed: int) -> list[dict[str, Any]]:
    """All figures that there are trials for. `spread` is the least and the most of the trials."""
    trials = grouped(lines)
    found = [
        _figure(name, rule(trials[kind]), unit, trials[kind])
        for name, (kind, rule, unit) in RULES.items()
        if kind in trials
    ]
    found += [*_ratio(trials), *_bytes(trials)]
    return [{**figure, "seed": seed, "tenants": tenants} for figure in found]


def missed(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of figures that are over their budget."""
    return [one["figure"] for one in found if one["value"] > BUDGETS.get(one["figure"], math.inf)]


def _figure(name: str, value: float, unit: str, values: Sequence[float], n: int | None = None) -> dict[str, Any]:
    spread = [round(min(values), 4), round(max(values), 4)]
    return {"figure": name, "value": round(value, 4), "unit": unit, "n": n or len(values), "spread": spread}


def _ratio(trials: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Seconds that a tenant takes the operator over those of the bare client, which had its turns before and after."""
    if not trials.get("bare_tenant") or not trials.get("created_tenant"):
        return []
    ours, bare = statistics.mean(trials["created_tenant"]), trials["bare_tenant"]
    ratios = [ours / one for one in bare]
    return [_figure("create_ratio", ours / statistics.mean(bare), "1", ratios, len(bare))]


def _bytes(trials: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Of each system, and of all together."""
    systems = {kind: values for kind, values in trials.items() if kind.startswith(BYTES)}
    if not systems:
        return []
    total = sum(statistics.mean(values) for values in systems.values())
    each = [
        _figure(f"bytes_per_tenant.{kind.removeprefix(BYTES)}", statistics.mean(values), "B", values)
        for kind, values in sorted(systems.items())
    ]
    return [_figure("bytes_per_tenant", total, "B", [total]), *each]
