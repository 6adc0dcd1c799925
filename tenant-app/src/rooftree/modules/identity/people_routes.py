"""HTTP of people and their invitations."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.identity.people_schemas import (
    UserDetail,
    UserDetailPage,
    UserInvitation,
    UserInvitationCreated,
    UserInvitationInput,
    UserInvitationPage,
    UserInvitationQuery,
    UserPatch,
    UserQuery,
)
from rooftree.modules.identity.user_invitations import Invited, UserInvitations
from rooftree.modules.identity.users import Known, Users

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
UsersDep = Annotated[Users, Depends(provided(Users))]
InvitationsDep = Annotated[UserInvitations, Depends(provided(UserInvitations))]
_NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store"}


@router.get("/users", dependencies=[*needs("user", "read"), SPARSE], responses=responses(401, 422))
async def list_users(
    query: Annotated[UserQuery, Query()], principal: CurrentPrincipal, users: UsersDep
) -> UserDetailPage:
    page = await users.find(principal, **query.model_dump())
    return UserDetailPage(items=[_user(item) for item in page.items], total=page.total, next_cursor=page.next_cursor)


@router.get("/users/{user_id}", dependencies=[*needs("user", "read"), SPARSE], responses=responses(401, 404, 422))
async def get_user(user_id: UUID, principal: CurrentPrincipal, users: UsersDep, response: Response) -> UserDetail:
    found = await users.show(principal, user_id)
    response.headers.update(etag(found.row.version))
    return _user(found)


@router.patch(
    "/users/{user_id}",
    dependencies=needs("user", "update"),
    responses=responses(400, 401, 403, 404, 409, 412, 422, 428),
)
async def update_user(
    user_id: UUID,
    *,
    body: UserPatch,
    expected: ExpectedVersion,
    principal: CurrentPrincipal,
    users: UsersDep,
    response: Response,
) -> UserDetail:
    changed = await users.change(principal, user_id, body.given(), expected=expected)
    response.headers.update(etag(changed.row.version))
    return _user(changed)


@router.get(
    "/user-invitations", dependencies=[*needs("invitation", "read"), SPARSE], responses=responses(401, 403, 422)
)
async def list_user_invitations(
    query: Annotated[UserInvitationQuery, Query()], principal: CurrentPrincipal, invitations: InvitationsDep
) -> UserInvitationPage:
    page = await invitations.find(principal, **query.model_dump())
    items = [UserInvitation(**_invitation(item)) for item in page.items]
    return UserInvitationPage(items=items, total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/user-invitations",
    dependencies=[*needs("invitation", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 409, 422),
)
async def create_user_invitation(
    body: UserInvitationInput, principal: CurrentPrincipal, invitations: InvitationsDep, response: Response
) -> UserInvitationCreated:
    invited = await invitations.create(
        principal,
        email=body.email,
        name=body.name,
        role=body.role,
        office_id=body.office_id,
        team_ids=tuple(body.team_ids or ()),
    )
    response.headers.update(_NO_STORE)
    return UserInvitationCreated(**_invitation(invited), link=invitations.link(invited.row))


@router.post(
    "/user-invitations/{invitation_id}/resend",
    dependencies=[*needs("invitation", "update"), REPEATABLE],
    responses=responses(401, 403, 404, 409, 410, 422),
)
async def resend_user_invitation(
    invitation_id: UUID, principal: CurrentPrincipal, invitations: InvitationsDep, response: Response
) -> UserInvitationCreated:
    """With a new link; the ones before no longer work."""
    invited = await invitations.resend(principal, invitation_id)
    response.headers.update(_NO_STORE)
    return UserInvitationCreated(**_invitation(invited), link=invitations.link(invited.row))


@router.delete(
    "/user-invitations/{invitation_id}",
    dependencies=needs("invitation", "delete"),
    status_code=204,
    responses=responses(401, 403, 404, 410, 422),
)
async def revoke_user_invitation(invitation_id: UUID, principal: CurrentPrincipal, invitations: InvitationsDep) -> None:
    await invitations.revoke(principal, invitation_id)


def _user(known: Known) -> UserDetail:
    row = known.row
    return UserDetail(
        id=row.id,
        name=row.name,
        email=row.email,
        role=row.role,  # type: ignore[arg-type] - pydantic checks it
        office_id=row.office_id,
        team_ids=list(known.team_ids),
        state="active" if row.deactivated_at is None else "deactivated",
        created_at=row.created_at,
        version=row.version,
    )


def _invitation(invited: Invited) -> dict[str, Any]:
    row = invited.row
    values = {name: getattr(row, name) for name in ("id", "email", "name", "role", "created_at", "expires_at")}
    return values | {
        "office_id": row.office_id,
        "team_ids": row.team_ids,
        "state": invited.state,
        "invited_by": invited.invited_by,
    }
