"""What a merge patch makes of a listing's values. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any

from rooftree.contracts.identity.api import User
from rooftree.contracts.property.events import ChangedGroup
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.modules.property.changes import ALL_GROUPS, GROUPS
from rooftree.modules.property.domain import DATE_DETAILS, LIST_DETAILS, MONEY_DETAILS, TEXT_DETAILS

_PLAIN_DETAILS = ("lot_size_acres", "garage_spaces", "fireplaces_total")
# What a column holds where a draft has no value yet; of all other ones, NULL.
EMPTY: Mapping[str, Any] = {
    "unparsed_address": "",
    "property_type": "",
    "list_price": 0,
    "internet_display": True,
    "internet_address_display": True,
}
COLUMNS = (
    *EMPTY,
    "city",
    "state_or_province",
    "postal_code",
    "latitude",
    "longitude",
    "property_sub_type",
    "bedrooms_total",
    "bathrooms_total",
    "living_area",
    "lot_size_area",
    "year_built",
    "private_remarks",
    "showing_instructions",
    "list_agent_id",
    "list_office_id",
)
_GROUP_OF: Mapping[str, ChangedGroup] = {
    **{name: group for group, names in GROUPS.items() for name in names},
    "photos": "photos",
}


@dataclass(frozen=True, slots=True)
class Edited:
    """The values that are to be stored, and which fields differ from what was."""

    columns: dict[str, Any]
    details: dict[str, Any]
    fields: tuple[str, ...]


def empty_details() -> dict[str, Any]:
    """Of a draft of which nothing is known."""
    return {
        **dict.fromkeys((*TEXT_DETAILS, *MONEY_DETAILS, *DATE_DETAILS, *_PLAIN_DETAILS, "days_on_market")),
        **{name: [] for name in LIST_DETAILS},
    }


def empty_draft() -> Any:
    """What `edited` takes for a listing of which nothing is known."""
    return SimpleNamespace(**{**dict.fromkeys(COLUMNS), **EMPTY}, details=empty_details())


def stored(row: Any) -> dict[str, Any]:
    """What the row holds now, by the names of `edited`, and what details have beside."""
    return row.details | {name: getattr(row, name) for name in COLUMNS}


def of_agent(agent: User) -> dict[str, Any]:
    """What a listing's agent brings along."""
    return {
        "list_agent_id": agent.id,
        "list_agent_full_name": agent.name,
        "list_office_id": agent.office_id,
    }


def edited(row: Any, given: Mapping[str, Any], *, currency: str) -> Edited:
    """`given` has the members of `PropertyInput` that are in the request. Raises Unprocessable."""
    errors: list[FieldError] = []
    wanted = {name: _stored(name, value, currency, errors) for name, value in given.items()}
    columns = {name: value for name, value in wanted.items() if name in COLUMNS}
    details = {name: value for name, value in wanted.items() if name not in COLUMNS}
    place = [columns.get(name, getattr(row, name)) for name in ("latitude", "longitude")]
    if (place[0] is None) != (place[1] is None):
        missing = "latitude" if place[0] is None else "longitude"
        errors.append(FieldError(f"/{missing}", "Latitude and longitude go together."))
    if errors:
        raise Unprocessable(errors=errors)
    differing = [name for name, value in columns.items() if getattr(row, name) != value]
    differing += [name for name, value in details.items() if row.details.get(name) != value]
    return Edited(
        {name: columns[name] for name in differing if name in columns},
        {**row.details, **details},
        tuple(differing),
    )


def groups(fields: Collection[str]) -> tuple[ChangedGroup, ...]:
    """What an event says of these fields; of those that only some people see no more than that there are some."""
    found = {_GROUP_OF.get(name, "details") for name in fields}
    return tuple(group for group in ALL_GROUPS if group in found)


def _stored(name: str, value: Any, currency: str, errors: list[FieldError]) -> Any:
    """A member's value as its column, or `details`, holds it."""
    if value is None or value == "":
        return [] if name in LIST_DETAILS else EMPTY.get(name)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        if value["currency"] != currency:
            errors.append(FieldError(f"/{name}/currency", f"The brokerage's currency is {currency}."))
        return value["amount"]
    if name == "roof":
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
