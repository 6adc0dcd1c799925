"""Who may see which listing, and how much of it: one rule for both places that are searched.

Nobody sees what has left its feed or is no listing (yet); a draft is there for those alone who may edit it. People of
the brokerage see everything else; outsiders only what may be shown on the internet. Where the address may not be shown,
outsiders get neither address nor coordinates, and do not find the listing by words or by its place either, which would
give them away.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from rooftree.contracts.identity.api import AGENT_ROLE, MANAGER_ROLE, OWNER_ROLE, STAFF_ROLES
from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES
from rooftree.modules.property.listing_status import CLOSED, DRAFT
from rooftree.modules.property.rights import OWN_FEED, may_correct
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


def readable_rows(principal: Principal) -> ColumnElement[bool]:
    """What a person may open by its id: what everybody in their place sees, and drafts that they may edit."""
    drafts = and_(editable_rows(principal), PropertyRow.standard_status == DRAFT)
    return or_(visible_rows(everything=is_staff(principal)), drafts)


def editable_rows(principal: Principal) -> ColumnElement[bool]:
    """`rights.may_edit` for PostgreSQL, without what was deleted."""
    theirs: ColumnElement[bool] = false()
    if principal.role == OWNER_ROLE:
        theirs = true()
    elif principal.role == MANAGER_ROLE and principal.office_id is not None:
        theirs = PropertyRow.list_office_id == principal.office_id
    elif principal.role == AGENT_ROLE:
        theirs = PropertyRow.list_agent_id == principal.user_id
    own = and_(PropertyRow.feed == OWN_FEED, PropertyRow.removed_at.is_(None), theirs)
    return own if may_correct(principal) else and_(own, PropertyRow.standard_status != CLOSED)


def indexed_rows() -> ColumnElement[bool]:
    """What search has a copy of: all but own listings that nobody else ever saw."""
    return or_(PropertyRow.feed != OWN_FEED, PropertyRow.standard_status.not_in(HIDDEN_STATUSES))


def visible_documents(*, everything: bool, by_place: bool = False) -> list[dict[str, Any]]:
    """For Elasticsearch, as filters; documents hold `is_hidden` of their row."""
    filters: list[dict[str, Any]] = [{"term": {"hidden": False}}]
    if not everything:
        filters.append({"term": {"internet_display": True}})
        if by_place:
            filters.append({"term": {"internet_address_display": True}})
    return filters
