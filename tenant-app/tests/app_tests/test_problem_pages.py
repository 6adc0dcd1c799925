"""Whoever gets a problem finds a page for its type: what happened, and what to do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooftree import assembly
from rooftree.kernel import problems
from rooftree.kernel.errors import Problem

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "problems"
INDEX = (FOLDER / "README.md").read_text()


def kinds(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """All refusals of all modules."""
    yield kind
    for derived in kind.__subclasses__():
        yield from kinds(derived)


assembly.find()
# What answers instead of the app tells these; the operator's tests look after their pages.
OF_THE_EDGE = {"suspended", "asleep", "starting"}
BY_CODE = {kind.code: kind for kind in kinds() if kind.__module__.startswith("rooftree.")}


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_type_has_a_page_that_says_what_it_is(code: str) -> None:
    kind = BY_CODE[code]
    page = (FOLDER / f"{code}.md").read_text()
    assert page.startswith(f"# {kind.title}\n`{problems.TYPES}{code}`, status {kind.status}.\n")
    assert re.search(r"^\*\*When\*\*: .{20,}", page, re.M)
    assert re.search(r"^\*\*What to do\*\*: .{10,}", page, re.M)
    assert f"| [{code}]({code}.md) | {kind.status} | {kind.title} |" in INDEX


def test_no_page_is_of_a_type_that_is_gone() -> None:
    pages = {file.stem for file in FOLDER.glob("*.md")} - {"README"}
    assert pages == BY_CODE.keys() | OF_THE_EDGE
    assert set(re.findall(r"^\| \[([a-z-]+)\]", INDEX, re.M)) == pages


def test_one_type_has_one_status_and_title() -> None:
    told = {(kind.code, kind.status, kind.title) for kind in kinds() if kind.__module__.startswith("rooftree.")}
    assert len(told) == len(BY_CODE)
