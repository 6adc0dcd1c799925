"""Which people somebody reaches, for PostgreSQL: `rights` for rows. Every query for a caller asks here.

Leads, notes, tasks, activities and histories are reached with their person.
"""

from sqlalchemy import ColumnElement, and_, false, or_

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Columns, rows
from rooftree.modules.crm.tables import PersonRow

_COLUMNS = Columns(PersonRow.assigned_to, PersonRow.office_id)


def people(principal: Principal, action: str) -> ColumnElement[bool]:
    """Rows of people whom the caller may `read`, `update`, …"""
    return rows(grant(principal, "person", action), principal, _COLUMNS, more=_waiting(principal))


def claimable_people(principal: Principal) -> ColumnElement[bool]:
    """Whom the caller sees or may have seen before somebody else claimed them; whether they did, assignments tell."""
    read = people(principal, "read")
    if "pond" not in grant(principal, "person", "claim").ways or principal.office_id is None:
        return read
    return or_(read, PersonRow.office_id == principal.office_id)


def _waiting(principal: Principal) -> dict[str, ColumnElement[bool]]:
    if principal.office_id is None:
        return {"pond": false(), "nowhere": false()}
    waits = PersonRow.assigned_to.is_(None)
    return {
        "pond": and_(waits, PersonRow.office_id == principal.office_id),
        "nowhere": and_(waits, PersonRow.office_id.is_(None)),
    }
