"""The cells of a row, and what is wrong with them. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from rooftree.kernel.cells import split

T = TypeVar("T")
VALUE_LETTERS = 200
"""Of a cell, where it is told what is wrong with it."""
CELL_LETTERS = 8_000
"""More than the values that a record can have in one field."""
RowProblem = Mapping[str, Any]
"""As `RowError` of the API, without the row's number; `error` makes them."""


class Fault(Exception):
    """What is wrong with a value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def error(
    code: str, message: str, *, column: str | None = None, field: str | None = None, value: str = ""
) -> dict[str, Any]:
    return {"column": column, "field": field, "value": value[:VALUE_LETTERS], "code": code, "message": message}


class Cell(NamedTuple):
    column: str
    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many values a field takes: `most` by its name, with the word for them; one where it says nothing.

    `lists`: fields of which a cell may hold several. `record`: the word for what a row is about.
    """

    record: str
    most: Mapping[str, tuple[int, str]]
    lists: Collection[str]


class Values:
    """Those of a row's cells, of each field no more than a record can have. `errors`: what is wrong with them."""

    def __init__(self, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], bounds: Bounds) -> None:
        self.given = [Cell(name, field, text) for (name, field), text in zip(columns, cells, strict=False) if field]
        self.errors: list[dict[str, Any]] = []
        self._bounds = bounds

    def of(self, field: str, use: Callable[[str], T]) -> list[T]:
        """What `use` makes of each value; it raises `Fault` for what is none. Empty cells have no values."""
        most, word = self._bounds.most.get(field, (1, "value"))
        found = list(islice(self._found(field), most + 1))
        made = [one for cell, value in found[:most] for one in self._read(cell, value, use)]
        if len(found) > most:
            why = f"A {self._bounds.record} has {most} {word} at most; here are more."
            self.errors.append(error("too-many", why, field=field))
        return made

    def _found(self, field: str) -> Iterator[tuple[Cell, str]]:
        for cell in self.given:
            if cell.field == field and len(cell.text) > CELL_LETTERS:
                self._wrong(cell, cell.text, Fault("too-long", f"A cell has {CELL_LETTERS:,} letters at most."))
            elif cell.field == field:
                is_list = field in self._bounds.lists
                yield from ((cell, one) for one in (split(cell.text) if is_list else [cell.text]) if one.strip())

    def _read(self, cell: Cell, value: str, use: Callable[[str], T]) -> Iterable[T]:
        try:
            return (use(value),)
        except Fault as fault:
            self._wrong(cell, value, fault)
            return ()

    def _wrong(self, cell: Cell, value: str, fault: Fault) -> None:
        self.errors.append(error(fault.code, fault.message, column=cell.column, field=cell.field, value=value))
