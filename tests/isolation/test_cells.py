"""The notes themselves: what is red, what is counted, and that the guide shows the table that is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import api
from .cells import Matrix

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "isolation.md"
TRUTH: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "truth.yaml").read_text())


def test_a_cell_is_red_when_the_attempt_was_accepted_or_foreign_bytes_came_back() -> None:
    notes = Matrix()
    assert not notes.tried("a", "refused", accepted=False, answer="no access", marks=["secret"]).red
    assert notes.tried("a", "accepted", accepted=True).red
    assert notes.tried("a", "leak", accepted=False, answer="a secret, secret", marks=["secret"]).foreign == 12
    assert [line.split(": ")[1] for line in notes.red()] == ["accepted", "leak"]


def test_what_an_attempt_itself_held_is_no_finding_in_its_answer() -> None:
    assert not Matrix().tried("a", "x", accepted=False, answer="no index [other]", sent="/other/x", marks=["other"]).red


def test_figures_are_sums_of_their_areas() -> None:
    notes, more = Matrix(), Matrix()
    notes.tried("a", "x", accepted=False)
    more.tried("b", "y", accepted=True, answer="ab", marks=["b"])
    more.control("b", "y", worked=True)
    notes.add(more)
    figures = [json.loads(line) for line in notes.figures()]
    assert {figure["figure"]: figure["value"] for figure in figures} == {
        "isolation_cells": 2,
        "isolation_controls": 1,
        "isolation_accepted": 1,
        "isolation_foreign_bytes": 1,
        "isolation_holes_found": 0,
    }
    assert figures[0]["by_area"] == {"a": 1, "b": 1}


def test_a_hole_is_found_where_it_is_red_and_is_no_cell_of_the_run() -> None:
    run, wide, tight = Matrix(), Matrix(), Matrix()
    wide.tried("a", "x", accepted=True)
    wide.tried("a", "y", accepted=True)
    tight.tried("b", "x", accepted=False)
    run.hole(wide)
    run.hole(tight)
    assert (run.holes, run.cells) == ({"a": 1}, [])


def test_a_control_that_fails_is_an_error() -> None:
    with pytest.raises(AssertionError, match="does not work on one's own"):
        Matrix().control("a", "x", worked=False)


def test_an_operation_with_an_unknown_path_parameter_is_an_error() -> None:
    operation = next(item for item in api.operations() if item.path_names)
    with pytest.raises(AssertionError, match="teach people"):
        api.request(operation, {})


def test_every_operation_has_a_request() -> None:
    for operation in api.operations():
        request = api.request(operation, {name: ["x"] for name in operation.path_names})
        assert "{" not in request.target
        assert (request.content is not None) == bool(operation.body), operation.id


def table() -> str:
    """`truth.yaml` as the guide shows it."""
    sources = list(TRUTH["open"])
    named = [name for names in TRUTH["open"].values() for name in names]
    rows = dict.fromkeys([*named, *TRUTH["destinations"], *TRUTH["guarded"]])
    lines = [f"| to \\ from | {' | '.join(sources)} |", f"| --- |{' :-: |' * len(sources)}"]
    for name in rows:
        marks = ["●" if name in TRUTH["open"][source] else "·" for source in sources]
        lines.append(f"| {name} | {' | '.join(marks)} |")
    return "\n".join(lines)


def test_the_guide_shows_the_table_that_is_measured() -> None:
    assert table() in GUIDE.read_text()
