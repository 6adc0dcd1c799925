"""Who may do what with one person, by the policy. Pure; `visibility` says the same to PostgreSQL where rows are read.

A person belongs to who looks after them, and to that one's office; whom nobody looks after waits in an office (`pond`
to its agents) or in none (`nowhere`).
"""

from uuid import UUID

from rooftree.contracts.access.askers import as_principal
from rooftree.contracts.access.hearing import waiting
from rooftree.contracts.access.policy import grant, holders, mask
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.record_scope import Grant, Place, reaches
from rooftree.modules.crm.tables import PersonRow

WORKING_ROLES = holders("person")


def place_of(person: PersonRow) -> Place:
    return Place(person.assigned_to, person.office_id)


def may(principal: Principal, action: str, place: Place) -> bool:
    """Whether the caller reaches a person who belongs there, to `read`, `update`, …"""
    return _reaches(grant(principal, "person", action), principal, place)


def _reaches(granted: Grant, principal: Principal, place: Place) -> bool:
    return reaches(granted, principal, place, more=waiting(principal, place))


def works_on(principal: Principal, place: Place) -> bool:
    """Whether the caller reads what was done for this person, whom they see."""
    return _reaches(mask(principal, "person", "work"), principal, place)


def may_claim(principal: Principal, person: PersonRow) -> bool:
    """Of a person whom the caller sees."""
    return person.assigned_to is None and may(principal, "claim", place_of(person))


def looks_after_people(role: str, *, is_active: bool) -> bool:
    """Whether a colleague can have people, by what crm has heard of them last."""
    return is_active and role in WORKING_ROLES


def may_change_note(principal: Principal, action: str, *, author_id: UUID, person: PersonRow) -> bool:
    """Of a note of a person whom the caller may change."""
    return reaches(grant(principal, "note", action), principal, Place(author_id, person.office_id))


def brings_own(principal: Principal) -> bool:
    """Whether new people of the caller are the caller's to look after."""
    return "own" in grant(principal, "person", "create").ways


def require_place(principal: Principal) -> None:
    """Whom a manager of no office would write down they would not see. Raises `Forbidden`."""
    if "office" in grant(principal, "person", "create").ways and principal.office_id is None:
        raise Forbidden("You belong to no office yet.")


def require_assignee(principal: Principal, user: User) -> None:
    """Whether the caller may give people to this colleague. Raises `Unprocessable`."""
    if not may(principal, "assign", Place(user.id, user.office_id)):
        raise nobody()
    if user.role not in WORKING_ROLES:
        raise _refused("This person's role does not look after people.")


def sees(user: User, place: Place) -> bool:
    """Whether a colleague who is not the caller may change this person."""
    return may(as_principal(user), "update", place)


def nobody() -> Unprocessable:
    """Whom the caller does not reach is told to be nobody."""
    return _refused("There is no such person whom you could choose, or they have left.")


def _refused(detail: str) -> Unprocessable:
    return Unprocessable(errors=[FieldError("/assigned_to", detail)])
