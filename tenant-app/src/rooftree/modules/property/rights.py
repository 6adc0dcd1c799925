"""Who may do what with one listing, by the policy. Pure; `visibility` says the same to PostgreSQL where rows are read.

A listing belongs to its agent and to that one's office. Those of feeds are changed at their source, by nobody here.
"""

from typing import Any

from rooftree.contracts.access.policy import grant, holders, mask
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.record_scope import Grant, Place, reaches
from rooftree.modules.property import listing_status
from rooftree.modules.property.listing_status import CLOSED
from rooftree.modules.property.values import StandardStatus

# No feed can have this name: theirs are DNS labels.
OWN_FEED = ".own"
LISTING_ROLES = holders("listing")


def is_own(row: Any) -> bool:
    """Made here, not copied from a feed."""
    return row.feed == OWN_FEED


def looks_after(principal: Principal, row: Any) -> bool:
    """Whether it is the caller's to change until it is closed."""
    return _reaches(grant(principal, "listing", "update"), principal, row)


def may_edit(principal: Principal, row: Any) -> bool:
    """An agent's own closed listing is no longer the agent's to change."""
    return looks_after(principal, row) and (row.standard_status != CLOSED or may_correct(principal, row))


def may_correct(principal: Principal, row: Any) -> bool:
    """Change it after it was closed."""
    return _reaches(grant(principal, "listing", "approve"), principal, row)


def may_read_private(principal: Principal, row: Any) -> bool:
    """Private remarks and showing instructions."""
    return _reaches(mask(principal, "listing", "private"), principal, row)


def status_moves(principal: Principal, row: Any) -> tuple[StandardStatus, ...]:
    if not may_edit(principal, row):
        return ()
    return listing_status.moves(row.standard_status, corrects=may_correct(principal, row))


def makes_own(principal: Principal) -> bool:
    """Whether new listings of the caller are the caller's."""
    return "own" in grant(principal, "listing", "create").ways


def brings_own(principal: Principal) -> bool:
    """Whether they are where a file names nobody: also of who makes them for the whole company, and lists homes."""
    ways = grant(principal, "listing", "create").ways
    return "own" in ways or ("company" in ways and principal.role in LISTING_ROLES)


def makes_of_office(principal: Principal) -> bool:
    """Whether they are the caller's office's. Raises Forbidden for somebody of none."""
    if "office" not in grant(principal, "listing", "create").ways:
        return False
    if principal.office_id is None:
        raise Forbidden("You belong to no office yet.")
    return True


def require_agent(principal: Principal, agent: User | None) -> User:
    """The one whom the person may make a listing's agent. Raises Forbidden or Unprocessable.

    Whoever is out of reach is told to be nobody: None.
    """
    granted = grant(principal, "listing", "assign")
    if agent is None or not reaches(granted, principal, Place(agent.id, agent.office_id)):
        if "own" in granted.ways:
            raise Forbidden("An agent's listings are the agent's own.")
        of_office = " of your office" if "office" in granted.ways else ""
        raise Unprocessable(errors=[FieldError("/list_agent_id", f"There is no such person{of_office}.")])
    if agent.role not in LISTING_ROLES:
        raise Unprocessable(errors=[FieldError("/list_agent_id", "This person does not list homes.")])
    return agent


def may_assign(principal: Principal, row: Any) -> bool:
    """Say who the listing's agent is."""
    return _reaches(grant(principal, "listing", "assign"), principal, row)


def gives_away(principal: Principal) -> bool:
    """Whether the caller makes other people agents of listings."""
    return bool({"office", "company"} & set(grant(principal, "listing", "assign").ways))


def _reaches(granted: Grant, principal: Principal, row: Any) -> bool:
    return is_own(row) and reaches(granted, principal, Place(row.list_agent_id, row.list_office_id))
