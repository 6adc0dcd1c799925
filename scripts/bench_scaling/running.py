"""Runs candidates on loads, on as many processes as asked for; each load is made once and met by all candidates."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rooftree_operator.scaling.replay.world import fewest, make_load, simulate

from bench_scaling import cases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rooftree_operator.scaling.replay.world import Outcome


@dataclass(frozen=True)
class Task:
    """A trace at a scale with a seed, and which candidates meet it."""

    trace: Path
    scale: float
    seed: int
    sets: tuple[str, ...]  # of `SETS`


SETS = {"defaults": cases.defaults, "grids": cases.grids, "ablations": cases.ablations}


def trials_of(task: Task) -> list[dict[str, Any]]:
    """One line for each candidate and start."""
    rates = [rate * task.scale for rate in cases.read_trace(task.trace)]
    load = make_load(rates, task.seed)
    begun = cases.initial(rates)
    where = {"trace": task.trace.stem, "scale": task.scale, "seed": task.seed}
    lines: list[dict[str, Any]] = []
    for start in cases.STARTS:
        service = replace(cases.SERVICE, start=start)
        for candidate in (one for name in task.sets for one in SETS[name]()):
            there = replace(service, contention=candidate.contention)
            outcome = simulate(load, candidate.make(there, load), there, begun)
            lines.append({**where, "start": start, **_told(candidate, outcome)})
    bound = fewest(rates, cases.SERVICE, cases.BUDGET)
    lines.append(
        {
            "trial": "scaling",
            "policy": cases.BOUND,
            "family": cases.BOUND,
            **where,
            "value": float(sum(bound)),
            "most": max(bound),
        }
    )
    return lines


def _told(candidate: cases.Candidate, outcome: Outcome) -> dict[str, Any]:
    """`value` is core-seconds."""
    return {
        "trial": "scaling",
        "policy": candidate.name,
        "family": candidate.family,
        "value": outcome.core_seconds,
        "requests": round(outcome.requests),
        "over": round(outcome.over, 2),
        "worst": round(outcome.worst, 5),
        "changes": outcome.changes,
        "most": outcome.most,
    }


def tasks(traces: Sequence[Path], sets: tuple[str, ...], seeds: int) -> list[Task]:
    """Seed after seed, so that a run that is ended has whole ones; the longest first."""
    return [
        Task(trace, scale, seed, sets)
        for seed in range(1, seeds + 1)
        for scale in sorted(cases.SCALES, reverse=True)
        for trace in traces
    ]


def run(every: Sequence[Task], processes: int) -> Iterator[list[dict[str, Any]]]:
    """Lines of each task as it is done."""
    if processes == 1:
        yield from map(trials_of, every)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap_unordered(trials_of, every)
