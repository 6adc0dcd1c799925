"""Fields of people that a column of a file can fill, and which a header is likely to mean. Pure."""

import re
from collections.abc import Mapping, Sequence

from rooftree.bulk.columns import Field

# Of which several columns may fill one: parts of a name, more addresses.
FIELDS = (
    Field(name="name", label="Name", is_required=True, takes_several=True),
    Field(name="emails", label="Email addresses", takes_several=True),
    Field(name="phones", label="Phone numbers", takes_several=True),
    Field(name="source", label="Source"),
    Field(name="tags", label="Tags", takes_several=True),
    Field(name="stage", label="Stage"),
    Field(name="assigned_to", label="Assigned to (email)"),
)
LISTS = frozenset({"emails", "phones", "tags"})

_WHOLE_NAMES = frozenset({"name", "full name", "contact", "contact name", "display name", "person"})
_PARTS = frozenset(
    {"first name", "given name", "forename", "firstname", "middle name", "last name", "surname", "family name"}
    | {"lastname"}
)
_MEANT: Mapping[str, re.Pattern[str]] = {
    "emails": re.compile(r"((primary|work|home|personal|other) )?e ?mails?( address(es)?)?( \d+)?( value)?"),
    "phones": re.compile(
        r"((primary|work|home|mobile|cell|other) )?(tele)?phones?( numbers?)?( \d+)?( value)?|mobile|cell( phone)?"
    ),
    "source": re.compile(r"(lead )?source"),
    "tags": re.compile(r"tags?|labels?|groups?"),
    "stage": re.compile(r"stage|lead stage|pipeline stage"),
    "assigned_to": re.compile(r"assigned to( email)?|assigned agent|agent email|owner email"),
}


def open_to(*, assigns: bool) -> tuple[Field, ...]:
    """`assigns`: whether the caller says who looks after people."""
    return tuple(field for field in FIELDS if assigns or field.name != "assigned_to")


def guessed(headers: Sequence[str], offered: Sequence[Field]) -> list[str | None]:
    """A field for each header that clearly means one; of what only one column may fill, the first has it."""
    several = {field.name: field.takes_several for field in offered}
    plain = [" ".join(re.findall(r"\w+", header.replace("_", " ").casefold())) for header in headers]
    has_whole = not _WHOLE_NAMES.isdisjoint(plain)
    found: list[str | None] = []
    for text in plain:
        field = _meant(text, has_whole=has_whole)
        is_free = field is not None and (field not in found or several.get(field, False))
        is_second_name = field == "name" and has_whole and "name" in found
        found.append(field if field in several and is_free and not is_second_name else None)
    return found


def _meant(text: str, *, has_whole: bool) -> str | None:
    if text in _WHOLE_NAMES or (text in _PARTS and not has_whole):
        return "name"
    return next((name for name, pattern in _MEANT.items() if pattern.fullmatch(text)), None)
