"""HTTP of delegations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.identity.delegation_schemas import (
    Delegation,
    DelegationInput,
    DelegationPage,
    DelegationQuery,
    NamedUser,
)
from rooftree.modules.identity.delegations import Delegations, ShownDelegation

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
DelegationsDep = Annotated[Delegations, Depends(provided(Delegations))]


@router.get("/delegations", dependencies=[*needs("delegation", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_delegations(
    query: Annotated[DelegationQuery, Query()], principal: CurrentPrincipal, delegations: DelegationsDep
) -> DelegationPage:
    """Newest first."""
    page = await delegations.find(
        principal, user_id=query.user_id, only_live=query.state == "live", limit=query.limit, cursor=query.cursor
    )
    return DelegationPage(items=[_shown(one) for one in page.items], total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/delegations",
    dependencies=[*needs("delegation", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 422),
)
async def create_delegation(
    body: DelegationInput, principal: CurrentPrincipal, delegations: DelegationsDep
) -> Delegation:
    """It holds at once in every process, within a second."""
    made = await delegations.create(
        principal,
        assistant_id=body.assistant_id,
        for_user_id=body.user_id,
        resources=body.resources,
        expires_at=body.expires_at,
    )
    return _shown(made)


@router.delete(
    "/delegations/{delegation_id}",
    dependencies=needs("delegation", "delete"),
    status_code=204,
    responses=responses(401, 403, 404, 422),
)
async def revoke_delegation(delegation_id: UUID, principal: CurrentPrincipal, delegations: DelegationsDep) -> None:
    """Twice is no error."""
    await delegations.revoke(principal, delegation_id)


def _shown(shown: ShownDelegation) -> Delegation:
    row = shown.row

    def named(user_id: UUID) -> NamedUser:
        return NamedUser(id=user_id, name=shown.names.get(user_id, ""))

    return Delegation(
        id=row.id,
        assistant=named(row.assistant_id),
        user=named(row.for_user_id),
        resources=row.resources,  # pyright: ignore[reportArgumentType] - what the API let in
        granted_by=named(row.granted_by),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        is_live=shown.is_live,
    )
