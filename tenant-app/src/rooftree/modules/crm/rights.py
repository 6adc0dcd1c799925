"""Who may do what with people and leads: functions of the caller and of where a person belongs. Pure.

`visibility` says the same to PostgreSQL where rows are read. A person belongs to who looks after them, to that one's
teams and office. Whom nobody looks after waits in an office, or in none: then owners and managers see to it.
"""

from dataclasses import dataclass
from uuid import UUID

from rooftree.contracts.identity.api import AGENT_ROLE, MANAGER_ROLE, OWNER_ROLE, STAFF_ROLES, User
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable

# Coordinators work for named agents; as long as nobody can be named, they see nobody.
WORKING_ROLES = frozenset({OWNER_ROLE, MANAGER_ROLE, AGENT_ROLE})
_ANSWERING = frozenset({OWNER_ROLE, MANAGER_ROLE})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person belongs; `team_ids` are those of who looks after them."""

    assigned_to: UUID | None
    office_id: UUID | None
    team_ids: frozenset[UUID] = frozenset()


def works(principal: Principal) -> bool:
    """Has people to look after."""
    return principal.role in WORKING_ROLES


def is_theirs(principal: Principal, place: Place) -> bool:
    """The person is this caller's to read and change."""
    match principal.role:
        case "broker_owner":
            return True
        case "office_manager":
            return place.assigned_to == principal.user_id or _in_office(principal, place)
        case "agent" if place.assigned_to is not None:
            return place.assigned_to == principal.user_id or bool(place.team_ids & principal.team_ids)
        case _:
            return False


def may_see(principal: Principal, place: Place) -> bool:
    """Whose the person is, and agents of the office in which the person waits for somebody."""
    return is_theirs(principal, place) or waits_for(principal, place)


def waits_for(principal: Principal, place: Place) -> bool:
    """Nobody looks after the person, and this agent may see and claim them."""
    if principal.role != AGENT_ROLE or place.assigned_to is not None:
        return False
    return principal.office_id is not None and place.office_id == principal.office_id


def looks_after_people(role: str, *, is_active: bool) -> bool:
    """Whether a colleague can have people, by what crm has heard of them last."""
    return is_active and role in WORKING_ROLES


def may_assign(principal: Principal) -> bool:
    """Of those whose the person is: who says who looks after them."""
    return principal.role in _ANSWERING


def may_edit_stages(principal: Principal) -> bool:
    return principal.role in _ANSWERING


def may_edit_note(principal: Principal, author_id: UUID) -> bool:
    """Nobody changes another's words."""
    return principal.user_id == author_id


def may_delete_note(principal: Principal, author_id: UUID) -> bool:
    return principal.user_id == author_id or principal.role in _ANSWERING


def require_works(principal: Principal) -> None:
    """Raises `Forbidden`."""
    if not works(principal):
        raise Forbidden("Your role does not look after people.")


def require_place(principal: Principal) -> None:
    """Whom a manager of no office would write down they would not see. Raises `Forbidden`."""
    if principal.role == MANAGER_ROLE and principal.office_id is None:
        raise Forbidden("You belong to no office yet.")


def require_staff(principal: Principal) -> None:
    """Raises `Forbidden`."""
    if principal.role not in STAFF_ROLES:
        raise Forbidden("This is for people of the brokerage.")


def require_assigns(principal: Principal) -> None:
    """Raises `Forbidden`."""
    if not may_assign(principal):
        raise Forbidden("Owners and office managers say who looks after people; an agent can claim whom nobody does.")


def require_assignee(principal: Principal, user: User) -> None:
    """Whether the caller may give people to this colleague. Raises `Unprocessable`."""
    pointer = "/assigned_to"
    if user.role not in WORKING_ROLES:
        raise Unprocessable(errors=[FieldError(pointer, "This person's role does not look after people.")])
    is_elsewhere = principal.office_id is None or user.office_id != principal.office_id
    if principal.role == MANAGER_ROLE and user.id != principal.user_id and is_elsewhere:
        raise Unprocessable(errors=[FieldError(pointer, "This person is not in your office.")])


def sees(user: User, place: Place) -> bool:
    """`is_theirs` for a colleague who is not the caller."""
    as_caller = Principal(
        user_id=user.id,
        tenant_id="",
        role=user.role,
        client_id="",
        scopes=frozenset(),
        office_id=user.office_id,
        team_ids=user.team_ids,
    )
    return is_theirs(as_caller, place)


def _in_office(principal: Principal, place: Place) -> bool:
    if principal.office_id is None:
        return False
    return place.office_id == principal.office_id or (place.assigned_to is None and place.office_id is None)
