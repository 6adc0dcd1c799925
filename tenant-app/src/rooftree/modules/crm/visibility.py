"""Which people somebody reaches, for PostgreSQL: `rights` for rows. Every query for a caller asks here.

Leads, notes, tasks, activities and histories are reached with their person.
"""

from functools import lru_cache

from sqlalchemy import ColumnElement, and_, or_

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Columns, Grant, Who, rows, rows_of
from rooftree.modules.crm.tables import PersonRow

_COLUMNS = Columns(PersonRow.assigned_to, PersonRow.office_id)


def people(principal: Principal, action: str) -> ColumnElement[bool]:
    """Rows of people whom the caller may `read`, `update`, …"""
    return rows(grant(principal, "person", action), principal, _COLUMNS, more=_waiting)


@lru_cache
def people_of(granted: Grant) -> ColumnElement[bool]:
    """`people` of whoever has this grant, for statements that are kept; who asks comes as `record_scope.parameters`."""
    return rows_of(granted, _COLUMNS, more=_waiting)


def claimable_people(principal: Principal) -> ColumnElement[bool]:
    """Whom the caller sees or may have seen before somebody else claimed them; whether they did, assignments tell."""
    read = people(principal, "read")
    if "pond" not in grant(principal, "person", "claim").ways or principal.office_id is None:
        return read
    return or_(read, PersonRow.office_id == principal.office_id)


def _waiting(who: Who) -> dict[str, ColumnElement[bool]]:
    waits = PersonRow.assigned_to.is_(None)
    return {
        "pond": and_(waits, PersonRow.office_id == who.office),
        "nowhere": and_(waits, PersonRow.office_id.is_(None), who.office.is_not(None)),
    }
