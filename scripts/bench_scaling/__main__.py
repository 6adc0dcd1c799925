"""Compares policies of scaling in a simulated world: `make bench-scaling`.

Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread", …}. Every trial is a line in
`.bench/scaling-<time>.jsonl`; the figures are computed from those lines. Ends with 1 when a figure misses its budget.
`--write` puts tables and pictures into `docs/scaling-evaluation.md`; `--quick` takes three seeds and no other settings
than the defaults. `docs/scaling-evaluation.md` says what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rooftree_operator.scaling.replay.world import fewest, make_load, simulate

from bench_scaling import cases, figures, pictures, running, sharing, tables, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path("docs/scaling-evaluation.md")
IMAGES = Path("docs/images")


def collect(path: Path, every: Sequence[running.Task], processes: int) -> list[dict[str, Any]]:
    """All trials, each written as soon as it is there."""
    lines: list[dict[str, Any]] = []
    with path.open("w") as file:
        for number, found in enumerate(running.run(every, processes), 1):
            file.writelines(json.dumps(line) + "\n" for line in found)
            file.flush()
            lines += found
            print(f"{datetime.now(UTC):%H:%M:%S} {number} of {len(every)} loads", file=sys.stderr, flush=True)
    return lines


def draw(traces: Sequence[Path], scale: float = 1.0, start: int = 8) -> dict[str, str]:
    """Of each trace, the replicas of some policies over the hour, by the name of the picture."""
    found: dict[str, str] = {}
    service = replace(cases.SERVICE, start=start)
    shown = [one for one in cases.defaults() if one.name in (cases.OURS, "hpa 70", "kpa")]
    for trace in traces:
        rates = [rate * scale for rate in cases.read_trace(trace)]
        load = make_load(rates, seed=1)
        every = [pictures.Line(cases.BOUND, fewest(rates, service, cases.BUDGET))]
        for candidate in shown:
            outcome = simulate(load, candidate.make(service, load), service, cases.initial(rates))
            every.append(pictures.Line(candidate.name, outcome.replicas[load.warm_up :]))
        title = f"Replicas over the hour: {trace.stem}, pods start in {start} s"
        found[f"scaling-{trace.stem}.svg"] = pictures.lines(title, every, "replicas")
    return found


def write(results: figures.Results, found: Sequence[dict[str, Any]], traces: Sequence[Path]) -> None:
    """The page's tables, and its pictures."""
    parts = {"figures": tables.of_figures(found)}
    parts |= {f"scale {scale:g}": tables.at_defaults(results, scale) for scale in cases.SCALES}
    parts |= {"hindsight": tables.in_hindsight(results), "ablation": tables.of_ablation(results)}
    parts["sharing"] = tables.of_sharing(sharing.measure(traces))
    tables.write(PAGE, parts)
    for name, text in draw(traces).items():
        (IMAGES / name).write_text(text)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("traces", nargs="*", type=Path, help="files of one request rate a line, one line a second")
    options.add_argument("--seeds", type=int, default=cases.SEEDS)
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options.add_argument("--quick", action="store_true", help="three seeds, defaults only")
    options.add_argument("--trials", type=Path, help="figures of the whole seeds of a run that was made before")
    options.add_argument("--write", action="store_true", help="tables and pictures for docs/scaling-evaluation.md")
    chosen = options.parse_args()
    traces = chosen.traces or sorted(cases.TRACES.glob("*.txt"))
    if not traces:
        options.error(f"no traces in {cases.TRACES}: name files")
    seeds = 3 if chosen.quick else chosen.seeds
    if chosen.trials:
        lines, seeds = whole(chosen.trials.read_text().splitlines(), len(traces) * len(cases.SCALES))
        return told(figures.Results.of(lines), seeds, traces, write_page=chosen.write)
    sets = ("defaults",) if chosen.quick else ("defaults", "grids", "ablations")
    Path(".bench").mkdir(exist_ok=True)
    path = Path(".bench", f"scaling-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl")
    results = figures.Results.of(collect(path, running.tasks(traces, sets, seeds), chosen.processes))
    return told(results, seeds, traces, write_page=chosen.write)


def whole(lines: Sequence[str], loads: int) -> tuple[list[dict[str, Any]], int]:
    """Trials of those first seeds of which there are all loads, and how many seeds these are."""
    every = [json.loads(line) for line in lines]
    counts = Counter(line["seed"] for line in every if line["policy"] == cases.BOUND)
    seeds = next(seed for seed in range(len(counts) + 1) if counts[seed + 1] < loads)
    return [line for line in every if line["seed"] <= seeds], seeds


def told(results: figures.Results, seeds: int, traces: Sequence[Path], *, write_page: bool) -> int:
    """Prints the figures; 1 when one misses its budget."""
    found = [*figures.of(results, seeds=seeds), tick.figure(tick.measure())]
    for one in found:
        print(json.dumps(one), flush=True)
    if write_page:
        write(results, found, traces)
    return 1 if figures.missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
