"""Who may see which listing, and how much of it: one rule for both places that are searched.

Nobody sees what has left its feed or is no listing (yet). People of the brokerage see everything else; outsiders only
what may be shown on the internet. Where the address may not be shown, outsiders get neither address nor coordinates,
and do not find the listing by words or by its place either, which would give them away.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_

from rooftree.contracts.identity.api import STAFF_ROLES
from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES
from rooftree.modules.property.tables import PropertyRow

ADDRESS_WITHHELD = "Address withheld"


def is_staff(principal: Principal) -> bool:
    """People of the brokerage, who see all listings of its feeds."""
    return principal.role in STAFF_ROLES


def is_hidden(row: Any) -> bool:
    """A row of `properties` that nobody sees."""
    return row.removed_at is not None or row.standard_status in HIDDEN_STATUSES


def shows_place(document: dict[str, Any], *, everything: bool) -> bool:
    """Whether the reader may know where the listing is."""
    return everything or document["internet_address_display"]


def visible_rows(*, everything: bool, by_place: bool = False) -> ColumnElement[bool]:
    """For PostgreSQL. `by_place`: the query tells where listings are."""
    conditions: list[ColumnElement[bool]] = [
        PropertyRow.removed_at.is_(None),
        PropertyRow.standard_status.not_in(HIDDEN_STATUSES),
    ]
    if not everything:
        conditions.append(PropertyRow.internet_display.is_(True))
        if by_place:
            conditions.append(PropertyRow.internet_address_display.is_(True))
    return and_(*conditions)


def visible_documents(*, everything: bool, by_place: bool = False) -> list[dict[str, Any]]:
    """For Elasticsearch, as filters; documents hold `is_hidden` of their row."""
    filters: list[dict[str, Any]] = [{"term": {"hidden": False}}]
    if not everything:
        filters.append({"term": {"internet_display": True}})
        if by_place:
            filters.append({"term": {"internet_address_display": True}})
    return filters
