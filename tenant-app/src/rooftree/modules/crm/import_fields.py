"""Fields of people that a column of a file can fill, and which a header is likely to mean. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

FieldName = Literal["name", "emails", "phones", "source", "tags", "stage", "assigned_to"]
NAMES: tuple[FieldName, ...] = get_args(FieldName)
# Of which several columns may fill one: parts of a name, more addresses.
SEVERAL: frozenset[FieldName] = frozenset({"name", "emails", "phones", "tags"})
LISTS: frozenset[FieldName] = frozenset({"emails", "phones", "tags"})
LABELS: Mapping[FieldName, str] = {
    "name": "Name",
    "emails": "Email addresses",
    "phones": "Phone numbers",
    "source": "Source",
    "tags": "Tags",
    "stage": "Stage",
    "assigned_to": "Assigned to (email)",
}
REQUIRED: frozenset[FieldName] = frozenset({"name"})

_WHOLE_NAMES = frozenset({"name", "full name", "contact", "contact name", "display name", "person"})
_PARTS = frozenset(
    {"first name", "given name", "forename", "firstname", "middle name", "last name", "surname", "family name"}
    | {"lastname"}
)
_MEANT: Mapping[FieldName, re.Pattern[str]] = {
    "emails": re.compile(r"((primary|work|home|personal|other) )?e ?mails?( address(es)?)?( \d+)?( value)?"),
    "phones": re.compile(
        r"((primary|work|home|mobile|cell|other) )?(tele)?phones?( numbers?)?( \d+)?( value)?|mobile|cell( phone)?"
    ),
    "source": re.compile(r"(lead )?source"),
    "tags": re.compile(r"tags?|labels?|groups?"),
    "stage": re.compile(r"stage|lead stage|pipeline stage"),
    "assigned_to": re.compile(r"assigned to( email)?|assigned agent|agent email|owner email"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file, with some of its values and the field that it fills."""

    name: str
    sample: Sequence[str]
    field: FieldName | None


def open_to(*, assigns: bool) -> tuple[FieldName, ...]:
    """`assigns`: whether the caller says who looks after people."""
    return tuple(name for name in NAMES if assigns or name != "assigned_to")


def guessed(headers: Sequence[str], offered: Sequence[FieldName]) -> list[FieldName | None]:
    """A field for each header that clearly means one; of what only one column may fill, the first has it."""
    plain = [" ".join(re.findall(r"\w+", header.replace("_", " ").casefold())) for header in headers]
    has_whole = not _WHOLE_NAMES.isdisjoint(plain)
    found: list[FieldName | None] = []
    for text in plain:
        field = _meant(text, has_whole=has_whole)
        is_free = field not in found or field in SEVERAL
        is_second_name = field == "name" and has_whole and "name" in found
        found.append(field if field in offered and is_free and not is_second_name else None)
    return found


def _meant(text: str, *, has_whole: bool) -> FieldName | None:
    if text in _WHOLE_NAMES or (text in _PARTS and not has_whole):
        return "name"
    return next((name for name, pattern in _MEANT.items() if pattern.fullmatch(text)), None)


def misfits(columns: Sequence[Column], offered: Sequence[FieldName]) -> list[tuple[str, str]]:
    """What is wrong with what columns fill: a column's name and why."""
    found: list[tuple[str, str]] = []
    taken: set[FieldName] = set()
    for column in columns:
        if column.field is None:
            continue
        if column.field not in offered:
            found.append((column.name, "You do not say who looks after people."))
        elif column.field in taken and column.field not in SEVERAL:
            found.append((column.name, f"Another column fills {column.field}."))
        taken.add(column.field)
    return found
