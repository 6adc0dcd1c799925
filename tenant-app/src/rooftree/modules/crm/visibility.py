"""Who may see and change which people, for PostgreSQL: `rights.is_theirs` and `rights.may_see` on rows.

Every query for a caller goes through these; leads, notes, tasks, activities and histories are seen with their person.
"""

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from rooftree.contracts.identity.api import AGENT_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.kernel.auth import Principal
from rooftree.modules.crm.tables import AgentRow, PersonRow


def their_people(principal: Principal) -> ColumnElement[bool]:
    """Whom the caller may change."""
    if principal.role == OWNER_ROLE:
        return true()
    own = PersonRow.assigned_to == principal.user_id
    if principal.role == MANAGER_ROLE:
        return own if principal.office_id is None else or_(own, _in_office(principal))
    if principal.role == AGENT_ROLE:
        # Without teams the subquery would find nobody and cost a look.
        return or_(own, _of_team(principal)) if principal.team_ids else own
    return false()


def visible_people(principal: Principal) -> ColumnElement[bool]:
    """Whom the caller may see: theirs, and for agents those who wait in their office."""
    return or_(their_people(principal), _waiting_for(principal))


def claimable_people(principal: Principal) -> ColumnElement[bool]:
    """Whom the caller sees or may have seen before somebody else claimed them; whether they did, assignments tell."""
    if principal.role != AGENT_ROLE or principal.office_id is None:
        return visible_people(principal)
    return or_(visible_people(principal), PersonRow.office_id == principal.office_id)


def _in_office(principal: Principal) -> ColumnElement[bool]:
    waits_nowhere = and_(PersonRow.assigned_to.is_(None), PersonRow.office_id.is_(None))
    return or_(PersonRow.office_id == principal.office_id, waits_nowhere)


def _of_team(principal: Principal) -> ColumnElement[bool]:
    colleagues = select(AgentRow.user_id).where(AgentRow.team_ids.overlap(sorted(principal.team_ids)))
    return PersonRow.assigned_to.in_(colleagues)


def _waiting_for(principal: Principal) -> ColumnElement[bool]:
    if principal.role != AGENT_ROLE or principal.office_id is None:
        return false()
    return and_(PersonRow.assigned_to.is_(None), PersonRow.office_id == principal.office_id)
