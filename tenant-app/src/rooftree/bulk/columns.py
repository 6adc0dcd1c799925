"""Fields that a column of a file can fill, and what a person says of columns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`is_required`: of something new. `takes_several`: more than one column may fill it."""

    name: str
    label: str
    is_required: bool = False
    takes_several: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file, with some of its values and the field that it fills."""

    name: str
    sample: Sequence[str]
    field: str | None


def misfits(columns: Sequence[Column], offered: Sequence[Field]) -> list[tuple[str, str]]:
    """What is wrong with what columns fill: a column's name and why."""
    fields = {field.name: field for field in offered}
    found: list[tuple[str, str]] = []
    taken: set[str] = set()
    for column in columns:
        if column.field is None:
            continue
        if column.field not in fields:
            found.append((column.name, "There is no such field that you could fill."))
        elif column.field in taken and not fields[column.field].takes_several:
            found.append((column.name, f"Another column fills {column.field}."))
        taken.add(column.field)
    return found
