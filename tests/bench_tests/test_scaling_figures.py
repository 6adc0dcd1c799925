"""Figures of scaling are computed from raw lines, and a best in hindsight keeps the objective."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from bench_scaling import cases, figures, pictures, running, tables, tick
from bench_scaling.ablation import last_week
from rooftree_operator.scaling.replay.world import make_load


def line(policy: str, value: float, *, over: float = 0.0, seed: int = 1, scale: float = 1.0) -> dict[str, Any]:
    return {
        "trial": "scaling",
        "policy": policy,
        "family": policy.split(" ")[0],
        "trace": "noisy",
        "scale": scale,
        "start": 8,
        "seed": seed,
        "value": value,
        "requests": 1000,
        "over": over,
        "worst": 0.0,
        "changes": 3,
        "most": 4,
    }


LINES = [
    line("ours", 80.0, over=5.0),
    line("hpa 70", 100.0),
    line("keda", 110.0),
    line("kpa", 120.0),
    line("hpa 90/60s", 70.0, over=20.0),
    line("hpa 80/60s", 90.0, over=9.0),
    line("hpa 80/300s", 95.0),
    {"trial": "scaling", "policy": "bound", "trace": "noisy", "scale": 1.0, "seed": 1, "value": 64.0},
]


def figure(name: str, lines: list[dict[str, Any]] = LINES) -> dict[str, Any]:
    found = figures.of(figures.Results.of(lines), seeds=1)
    (one,) = [one for one in found if one["figure"] == name]
    return one


def test_ours_is_compared_with_the_best_of_the_defaults() -> None:
    assert (figure("core_hours")["value"], figure("core_hours")["to"]) == (0.8, "hpa 70")


def test_ours_is_compared_with_the_bound() -> None:
    assert figure("core_hours_bound")["value"] == 1.25


def test_a_setting_that_breaks_the_objective_is_no_best_in_hindsight() -> None:
    assert figure("core_hours_hindsight")["value"] == pytest.approx(80 / 90, abs=1e-4)


def test_where_no_setting_keeps_the_objective_the_least_late_is_the_best() -> None:
    late = [{**one, "over": one["over"] + 100} if one["family"] == "hpa" else one for one in LINES if "family" in one]
    results = figures.Results.of(late)
    assert results.best("hpa", ("noisy", 1.0, 8)) in ("hpa 70", "hpa 80/300s")


def test_late_requests_are_counted_over_all_loads() -> None:
    more = [*LINES, line("ours", 80.0, over=25.0, scale=3.0)]
    more += [line(name, 100.0, scale=3.0) for name in figures.RIVALS]
    more.append({**LINES[-1], "scale": 3.0})
    found = figure("over_objective", more)
    assert (found["value"], found["spread"]) == (0.015, [0.005, 0.025])
    assert figures.missed([found]) == ["over_objective"]


def test_a_small_trace_runs_through_all_candidates(tmp_path: Path) -> None:
    trace = tmp_path / "short.txt"
    trace.write_text("60\n" * 120)
    task = running.Task(trace, 1.0, 1, ("defaults", "grids", "ablations"))
    lines = running.trials_of(task)
    names = {one["policy"] for one in lines}
    assert {cases.OURS, cases.BOUND, *cases.DEFAULTS} <= names
    assert len(lines) == 1 + len(cases.STARTS) * (len(names) - 1)
    (requests,) = {one["requests"] for one in lines if "requests" in one}
    assert requests == pytest.approx(60 * 120, rel=0.05), "the same ones for all"


def test_the_page_keeps_what_is_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    tables.write(page, {"figures": "| new |"})
    assert page.read_text() == "before\n<!-- figures -->\n| new |\n<!-- /figures -->\nafter\n"
    with pytest.raises(ValueError, match="no marks of other"):
        tables.write(page, {"other": ""})


def test_a_picture_has_a_line_for_each_policy() -> None:
    text = pictures.lines("Replicas", [pictures.Line("ours", [1, 1, 2]), pictures.Line("kpa", [2, 3, 3])], "replicas")
    assert text.count('class="l"') == 2
    assert ">kpa<" in text


def test_the_last_mark_of_time_is_not_cut() -> None:
    text = pictures.lines("Replicas", [pictures.Line("ours", [1] * 1200)], "replicas")
    marks = re.findall(r'x="([0-9.]+)" y="308" text-anchor="(\w+)">(\d+) min', text)
    assert marks == [("46.0", "middle", "0"), ("465.0", "middle", "10"), ("884.0", "end", "20")]


def test_the_answer_of_a_tick_has_all_tenants() -> None:
    taken = tick.measure(ticks=2, tenants=20)
    assert len(taken) == 2
    assert tick.answer(random.Random(1), 20).count(b'"arrivals"') == 20


def test_last_week_was_not_the_same() -> None:
    load = make_load([100.0 + second % 50 for second in range(600)], seed=4, warm_up=60)
    before = last_week(load)
    assert len(before) == 660
    assert before != list(load.rates)
