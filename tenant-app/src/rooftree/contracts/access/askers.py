"""Colleagues who did not sign in here and now: what they may do is asked of the policy all the same."""

from uuid import UUID

from rooftree.contracts.identity.api import IdentityApi, User, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden


def as_principal(user: User) -> Principal:
    """With the rights that they have now."""
    return Principal(
        user_id=user.id,
        tenant_id="",
        role=user.role,
        client_id="",
        scopes=frozenset(),
        office_id=user.office_id,
        team_ids=user.team_ids,
        team_mates=user.team_mates,
        delegations=user.delegations,
    )


async def asker(identity: IdentityApi, user_id: UUID | None) -> Principal:
    """Whoever asked for a job. Raises `Forbidden` when they are not here any more."""
    assert user_id is not None  # imports and exports are asked for by people
    try:
        return as_principal(await identity.user(user_id))
    except UserNotFound:
        raise Forbidden("Whoever asked for it is not here any more.") from None
