"""Whoever asked for a job, with the rights that they have when it runs."""

from uuid import UUID

from rooftree.contracts.identity.api import IdentityApi, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden
from rooftree.modules.crm.rights import as_principal


async def asker(identity: IdentityApi, user_id: UUID | None) -> Principal:
    """Raises `Forbidden` when they are not here any more."""
    assert user_id is not None  # imports and exports are asked for by people
    try:
        return as_principal(await identity.user(user_id))
    except UserNotFound:
        raise Forbidden("Whoever asked for it is not here any more.") from None
