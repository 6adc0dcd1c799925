"""A listing's status: which moves there are, what each needs, what history calls it. Pure.

The moves are a proposal of our own; rules of MLSs vary. What is not in the table cannot be done, except what the
people who answer for the brokerage correct on a closed listing, with a reason.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, cast

from rooftree.kernel.errors import FieldError
from rooftree.modules.property.values import STANDARD_STATUSES, StandardStatus

DRAFT: StandardStatus = "Incomplete"
DELETED: StandardStatus = "Delete"
CLOSED: StandardStatus = "Closed"
HistoryField = Literal["list_price", "standard_status", "close_price"]

_MOVES: dict[StandardStatus, tuple[StandardStatus, ...]] = {
    "Incomplete": ("Coming Soon", "Active", "Delete"),
    "Coming Soon": ("Active",),
    "Active": ("Active Under Contract", "Hold", "Expired", "Withdrawn", "Canceled"),
    "Hold": ("Active",),
    "Active Under Contract": ("Pending", "Active"),
    "Pending": ("Closed", "Active"),
}
MOVES: Mapping[str, tuple[StandardStatus, ...]] = MappingProxyType(
    {status: _MOVES.get(cast("StandardStatus", status), ()) for status in STANDARD_STATUSES}
)
# Of a closed listing: the closing was entered wrongly, or did not happen.
CORRECTIONS: tuple[StandardStatus, ...] = ("Active", "Pending", "Closed")
_UNSOLD = frozenset({"Active Under Contract", "Pending"})
_NOT_YET_SHOWN = frozenset({None, "Incomplete", "Coming Soon"})
# Without these nobody can make sense of a listing; drafts may lack them.
_NEEDED = {
    "unparsed_address": "A listing needs its address.",
    "city": "A listing needs its city.",
    "list_price": "A listing needs its price.",
    "property_type": "A listing needs its type.",
    "list_agent_id": "A listing needs its agent.",
}


def moves(status: str, *, corrects: bool) -> tuple[StandardStatus, ...]:
    """What the status may become. `corrects`: by somebody who may correct a closed listing."""
    return CORRECTIONS if status == CLOSED and corrects else MOVES[status]


def change_type(before: str | None, after: str) -> str:
    """What RESO's ChangeType calls a change of status."""
    if after == "Active" and before in _NOT_YET_SHOWN:
        return "New Listing"
    if after == "Active" and before in _UNSOLD:
        return "Back On Market"
    return after


def missing(listing: Mapping[str, Any]) -> list[FieldError]:
    """What a listing with these values lacks in order to be seen by others than those who edit it."""
    return [FieldError(f"/{name}", message) for name, message in _NEEDED.items() if not listing[name]]


def closing_errors(after: str, *, close_price: int | None, close_date: date | None, today: date) -> list[FieldError]:
    """What is wrong with the price (minor units) and date of a closing that come with a move."""
    given = {"close_price": close_price, "close_date": close_date}
    if after != CLOSED:
        return [
            FieldError(f"/{name}", "Only a closed listing has one.")
            for name, value in given.items()
            if value is not None
        ]
    errors = [FieldError(f"/{name}", "A closed listing needs it.") for name, value in given.items() if not value]
    if close_date is not None and close_date > today:
        errors.append(FieldError("/close_date", "This day is yet to come."))
    return errors


def described(status: str, allowed: Sequence[str]) -> str:
    """For a person whose move is not allowed."""
    return f"{status} can become {', '.join(allowed)}." if allowed else f"{status} is final."
