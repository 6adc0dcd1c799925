"""Which cell an error is about, and how many rows are read at once."""

from typing import Any

import pytest
from rooftree.bulk.cells import error
from rooftree.bulk.desk import PAGE_LETTERS, light, placed
from rooftree.bulk.subject import Line

COLUMNS = [("Work", "emails"), ("Home", "emails"), ("MLS #", "listing_id"), ("First", "name"), ("Last", "name")]
CELLS = ["ada@work.test; ab@work.test", "ada@home.test", " a-17 ", "", ""]


def told(field: str | None, value: str = "", cells: list[str] = CELLS, **given: Any) -> tuple[str | None, str]:
    (one,) = placed([error("code", "Why.", field=field, value=value, **given)], COLUMNS, cells)
    assert (one["code"], one["message"], one["field"]) == ("code", "Why.", field)
    return one["column"], one["value"]


def test_an_error_names_the_only_cell_that_it_can_be_about() -> None:
    assert told("listing_id") == ("MLS #", " a-17 ")
    assert told("listing_id", cells=["", "", "", "", ""]) == ("MLS #", "")
    assert told("emails", cells=["", "ada@home.test", "", "", ""]) == ("Home", "ada@home.test")
    assert told("emails", "ada@home.test") == ("Home", "ada@home.test")
    assert told("emails", "ab@work.test") == ("Work", "ab@work.test")


def test_where_it_could_be_about_several_cells_or_about_none_it_names_none() -> None:
    assert told("emails") == (None, "")
    assert told("name") == (None, "")
    assert told("tags") == (None, "")
    assert told("emails", "who@else.test") == (None, "who@else.test")
    assert told(None) == (None, "")
    assert told("emails", "x", column="Home") == ("Home", "x")


@pytest.mark.parametrize(
    ("letters", "rows"),
    [([PAGE_LETTERS + 1, 1], 1), ([PAGE_LETTERS, 1], 1), ([1, PAGE_LETTERS - 1, 1], 2), ([5] * 200, 200), ([], 0)],
)
def test_rows_come_together_up_to_so_many_letters_and_one_at_least(letters: list[int], rows: int) -> None:
    lines = [Line(number, ["x" * count], None, None, ()) for number, count in enumerate(letters)]
    assert len(light(lines)) == rows
