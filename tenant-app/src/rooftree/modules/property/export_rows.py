"""What an export tells of a listing: texts that an import takes for the same values. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from rooftree.bulk.columns import Field
from rooftree.modules.property.import_fields import FIELDS, Kind
from rooftree.modules.property.import_values import major_units
from rooftree.modules.property.listing_edit import COLUMNS

Value = str | Sequence[str]


def values(row: Any, fields: Sequence[Field], emails: Mapping[UUID, str]) -> dict[str, Value]:
    """`emails`: of agents who are still here."""
    return {field.name: _told(row, field.name, emails) for field in fields}


def _told(row: Any, name: str, emails: Mapping[UUID, str]) -> Value:
    kind = FIELDS[name].kind
    if kind == "agent":
        return emails.get(row.list_agent_id, "") if row.list_agent_id else ""
    value = getattr(row, name) if name in COLUMNS else row.details[name]
    # A price of nothing is what a draft has that has none.
    if value is None or (name == "list_price" and not value):
        return ""
    if kind == "money":
        return major_units(value, row.currency)
    return _TEXTS.get(kind, str)(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


_TEXTS: Mapping[Kind, Callable[[Any], Value]] = {
    "number": _number,
    "flag": lambda value: "yes" if value else "no",
    "list": list,
    "parts": list,
}
