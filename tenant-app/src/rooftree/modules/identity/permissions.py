"""Who may do what to whom, by the policy. Pure; `people_repository` says the same to PostgreSQL where rows are read.

An account is its person's own and belongs to that one's office. An office manager manages (`managed`) those of the own
office who are below them; colleagues are who works in the own office now, and owners, who are everybody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rooftree.contracts.access.policy import FIELDS, granted, masked
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE, COORDINATOR_ROLE, OWNER_ROLE, STAFF_ROLES
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Grant, Place, reaches

# What an office manager may make of somebody, and whom one manages.
MADE_ROLES = frozenset({AGENT_ROLE, COORDINATOR_ROLE})
MANAGED_ROLES = frozenset({*MADE_ROLES, CLIENT_ROLE})
_ACCOUNT = FIELDS["user:account"]


@dataclass(frozen=True, slots=True)
class Person:
    """As much of somebody as the rules ask for."""

    id: UUID
    role: str
    office_id: UUID | None
    is_active: bool = True


def is_owner(actor: Person) -> bool:
    return actor.role == OWNER_ROLE


def may_see(actor: Person, target: Person) -> bool:
    """Who left, and clients, are seen by those alone who manage their office."""
    return _reaches(granted(actor.role, "user", "read"), actor, target)


def manages(actor: Person, target: Person) -> bool:
    """Whether role, office, teams and state of the target are the actor's business."""
    return _reaches(masked(actor.role, "user", "account"), actor, target)


def may_sign_out(actor: Person, target: Person) -> bool:
    """See and end the target's sign-ins."""
    return _reaches(granted(actor.role, "user", "sign_out"), actor, target)


def refusal(actor: Person, target: Person, changes: Mapping[str, Any]) -> str | None:
    """Why the actor may not make these changes of a target whom they see, or None."""
    if not _reaches(granted(actor.role, "user", "update"), actor, target):
        return "You may not change this person's account."
    if set(changes) & _ACCOUNT and not manages(actor, target):
        return "Only the name is yours to change."
    if is_owner(actor):
        return None
    if "role" in changes and changes["role"] not in MADE_ROLES:
        return "An office manager makes agents and coordinators only."
    if "office_id" in changes and changes["office_id"] != actor.office_id:
        return "An office manager keeps people in their own office."
    return None


def may_invite(actor: Person, role: str, office_id: UUID | None) -> bool:
    if not actor.is_active or not (is_owner(actor) or role in MADE_ROLES):
        return False
    return _reaches_place(granted(actor.role, "invitation", "create"), actor, office_id)


def may_see_invitation(actor: Person, office_id: UUID | None) -> bool:
    return _reaches_place(granted(actor.role, "invitation", "read"), actor, office_id)


def may_see_offices(actor: Person) -> bool:
    """Offices and teams."""
    return bool(granted(actor.role, "office", "read"))


def may_edit_office(actor: Person, action: str, office_id: UUID | None) -> bool:
    """`create` one, with None, or `update` or `delete` this one."""
    return _reaches_place(granted(actor.role, "office", action), actor, office_id)


def may_edit_team(actor: Person, office_id: UUID) -> bool:
    return _reaches_place(granted(actor.role, "team", "update"), actor, office_id)


def may_delegate(actor: Person, action: str, whose: Person) -> bool:
    """`create` or `delete` a delegation over this person's records."""
    return _reaches(granted(actor.role, "delegation", action), actor, whose)


def _reaches_place(what: Grant, actor: Person, office_id: UUID | None) -> bool:
    return reaches(what, as_principal(actor), Place(None, office_id))


def _reaches(what: Grant, actor: Person, target: Person) -> bool:
    in_office = actor.office_id is not None and target.office_id == actor.office_id
    is_colleague = target.is_active and target.role in STAFF_ROLES and (in_office or is_owner(target))
    more = {"managed": in_office and target.role in MANAGED_ROLES, "colleagues": is_colleague}
    return reaches(what, as_principal(actor), Place(target.id, target.office_id), more=more)


def as_principal(actor: Person) -> Principal:
    """As the rules of every module know who asks."""
    return Principal(
        user_id=actor.id, tenant_id="", role=actor.role, client_id="", scopes=frozenset(), office_id=actor.office_id
    )
