"""What is wrong with cells and rows. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_VALUE_LETTERS = 200  # of a cell, where it is told what is wrong with it
RowProblem = Mapping[str, Any]
"""As `RowError` of the API, without the row's number; `error` makes them."""


class Cell(NamedTuple):
    """What stands in a column that fills a field."""

    column: str
    field: str
    text: str


class Fault(Exception):
    """What is wrong with a value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def error(
    code: str, message: str, *, column: str | None = None, field: str | None = None, value: str = ""
) -> dict[str, Any]:
    """`code` and `message` are for people; with `column` None it is wrong with the row."""
    return {"column": column, "field": field, "value": value[:_VALUE_LETTERS], "code": code, "message": message}
