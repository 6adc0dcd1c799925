"""Who may do what with own listings: functions of the person and the row. Pure.

`visibility` says the same to PostgreSQL where lists are read.
"""

from typing import Any

from rooftree.contracts.identity.api import AGENT_ROLE, MANAGER_ROLE, OWNER_ROLE, User
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.modules.property import listing_status
from rooftree.modules.property.listing_status import CLOSED
from rooftree.modules.property.values import StandardStatus

# No feed can have this name: theirs are DNS labels.
OWN_FEED = ".own"
LISTING_ROLES = frozenset({OWNER_ROLE, MANAGER_ROLE, AGENT_ROLE})
_ANSWERING = frozenset({OWNER_ROLE, MANAGER_ROLE})


def is_own(row: Any) -> bool:
    """Made here, not copied from a feed."""
    return row.feed == OWN_FEED


def may_create(principal: Principal) -> bool:
    return principal.role in LISTING_ROLES


def is_theirs(principal: Principal, row: Any) -> bool:
    """The listing is this person's to look after, whatever its status."""
    if not is_own(row):
        return False
    match principal.role:
        case "broker_owner":
            return True
        case "office_manager":
            return principal.office_id is not None and row.list_office_id == principal.office_id
        case "agent":
            return row.list_agent_id == principal.user_id
        case _:
            return False


def may_edit(principal: Principal, row: Any) -> bool:
    """An agent's own closed listing is no longer the agent's to change."""
    return is_theirs(principal, row) and (row.standard_status != CLOSED or may_correct(principal))


def may_correct(principal: Principal) -> bool:
    """Of those whose listing it is: who may change it after it was closed."""
    return principal.role in _ANSWERING


def may_read_private(principal: Principal, row: Any) -> bool:
    """Private remarks and showing instructions."""
    return is_own(row) and (is_theirs(principal, row) or principal.role in _ANSWERING)


def status_moves(principal: Principal, row: Any) -> tuple[StandardStatus, ...]:
    if not may_edit(principal, row):
        return ()
    return listing_status.moves(row.standard_status, corrects=may_correct(principal))


def require_agent(principal: Principal, agent: User) -> None:
    """Whether the person may make this one a listing's agent. Raises Forbidden or Unprocessable."""
    if principal.role == AGENT_ROLE and agent.id != principal.user_id:
        raise Forbidden("An agent's listings are the agent's own.")
    if agent.role not in LISTING_ROLES:
        raise Unprocessable(errors=[FieldError("/list_agent_id", "This person does not list homes.")])
    if principal.role == MANAGER_ROLE and agent.office_id != principal.office_id:
        raise Unprocessable(errors=[FieldError("/list_agent_id", "This person is not in your office.")])
