"""Who may do what to whom, as pure functions over roles and offices.

An owner may do everything, an office manager what concerns agents and coordinators of their own office, everybody may
change their own name. Who may not see something is told that it does not exist; who may see it but not do it, that it
is forbidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE, STAFF_ROLES

# What an office manager may make of somebody.
MANAGED_ROLES = frozenset({AGENT_ROLE, COORDINATOR_ROLE})


@dataclass(frozen=True, slots=True)
class Person:
    """As much of somebody as the rules ask for."""

    id: UUID
    role: str
    office_id: UUID | None
    is_active: bool = True


def is_owner(actor: Person) -> bool:
    return actor.role == OWNER_ROLE


def is_manager_of(actor: Person, office_id: UUID | None) -> bool:
    return actor.role == MANAGER_ROLE and office_id is not None and actor.office_id == office_id


def may_see(actor: Person, target: Person) -> bool:
    """Colleagues see each other while they are here; who left, and clients, only who manages them."""
    if is_owner(actor) or actor.id == target.id or is_manager_of(actor, target.office_id):
        return True
    return actor.role in STAFF_ROLES and target.role in STAFF_ROLES and target.is_active


def manages(actor: Person, target: Person) -> bool:
    """Whether role, office, teams, state and sign-ins of the target are the actor's business."""
    if is_owner(actor):
        return True
    return is_manager_of(actor, target.office_id) and target.role not in {OWNER_ROLE, MANAGER_ROLE}


def refusal(actor: Person, target: Person, changes: Mapping[str, Any]) -> str | None:
    """Why the actor may not make these changes of a target whom they see, or None."""
    if not manages(actor, target):
        if actor.id != target.id:
            return "You may not change this person's account."
        return None if set(changes) <= {"name"} else "Only the name is yours to change."
    if is_owner(actor):
        return None
    if "role" in changes and changes["role"] not in MANAGED_ROLES:
        return "An office manager makes agents and coordinators only."
    if "office_id" in changes and changes["office_id"] != actor.office_id:
        return "An office manager keeps people in their own office."
    return None


def may_invite(actor: Person, role: str, office_id: UUID | None) -> bool:
    return actor.is_active and (is_owner(actor) or (role in MANAGED_ROLES and is_manager_of(actor, office_id)))


def lists_invitations(actor: Person) -> bool:
    return actor.role in {OWNER_ROLE, MANAGER_ROLE}


def may_see_invitation(actor: Person, office_id: UUID | None) -> bool:
    return is_owner(actor) or is_manager_of(actor, office_id)


def may_see_offices(actor: Person) -> bool:
    """Offices and teams."""
    return actor.role in STAFF_ROLES


def may_edit_team(actor: Person, office_id: UUID) -> bool:
    return is_owner(actor) or is_manager_of(actor, office_id)
