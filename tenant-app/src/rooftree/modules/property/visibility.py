"""Who may see which listing, and how much of it, by the policy: one rule for both places that are searched.

Nobody sees what has left its feed or is no listing (yet); a draft is there for those alone who may edit it. People of
the brokerage see everything else; outsiders only what may be shown on the internet. Where the address may not be shown,
outsiders get neither address nor coordinates, and do not find the listing by words or by its place either, which would
give them away.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_

from rooftree.contracts.access.policy import grant, mask
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Columns, Grant, rows, rows_of
from rooftree.modules.property.domain import HIDDEN_STATUSES
from rooftree.modules.property.listing_status import CLOSED, DRAFT
from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.tables import PropertyRow

ADDRESS_WITHHELD = "Address withheld"
# The same for everybody. Each costs as much to make as a tenth of opening a listing may add for its scope.
_OWN = and_(PropertyRow.feed == OWN_FEED, PropertyRow.removed_at.is_(None))
_OPEN = PropertyRow.standard_status != CLOSED
_DRAFT = PropertyRow.standard_status == DRAFT
_COLUMNS = Columns(PropertyRow.list_agent_id, PropertyRow.list_office_id)


def sees_all(principal: Principal | None) -> bool:
    """Whether everything that was published is theirs to see, wherever it is: people of the brokerage."""
    return all(
        "company" in one.ways for one in (grant(principal, "listing", "read"), mask(principal, "listing", "place"))
    )


def is_hidden(row: Any) -> bool:
    """A row of `properties` that nobody sees."""
    return row.removed_at is not None or row.standard_status in HIDDEN_STATUSES


def shows_place(document: dict[str, Any], *, everything: bool) -> bool:
    """Whether the reader may know where the listing is."""
    return everything or document["internet_address_display"]


@lru_cache
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


class Granted(NamedTuple):
    """What the policy says of listings to somebody; `everything`: they see all that was published."""

    read: Grant
    update: Grant
    approve: Grant
    everything: bool


def granted(principal: Principal | None) -> Granted:
    """None: to the public."""
    read, update, approve = (grant(principal, "listing", action) for action in ("read", "update", "approve"))
    return Granted(read, update, approve, sees_all(principal))


def readable_rows(principal: Principal | None) -> ColumnElement[bool]:
    """What a person may open by its id: what everybody in their place sees, and drafts that they may edit."""
    return _readable(granted(principal), lambda one: rows(one, principal, _COLUMNS))


@lru_cache
def readable_rows_of(theirs: Granted) -> ColumnElement[bool]:
    """`readable_rows` for statements that are kept; who asks comes as `record_scope.parameters`."""
    return _readable(theirs, lambda one: rows_of(one, _COLUMNS))


def editable_rows(principal: Principal) -> ColumnElement[bool]:
    """`rights.may_edit` for PostgreSQL, without what was deleted."""
    return _editable(granted(principal), lambda one: rows(one, principal, _COLUMNS))


def _readable(theirs: Granted, reached: Callable[[Grant], ColumnElement[bool]]) -> ColumnElement[bool]:
    if not theirs.read:
        return false()
    visible = visible_rows(everything=theirs.everything)
    return or_(visible, and_(_editable(theirs, reached), _DRAFT)) if theirs.update else visible


def _editable(theirs: Granted, reached: Callable[[Grant], ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(_OWN, reached(theirs.update), or_(_OPEN, reached(theirs.approve)))


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
