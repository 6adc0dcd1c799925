"""HTTP of the list of sessions: one's own, and those of people whom one manages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.gateway.schemas import BrowserSession, BrowserSessionList
from rooftree.modules.gateway.session_list import SessionList
from rooftree.modules.gateway.tables import SessionRow

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
ListDep = Annotated[SessionList, Depends(provided(SessionList))]


@router.get("/sessions", dependencies=[*needs("session", "read"), SPARSE], responses=responses(401))
async def list_sessions(principal: CurrentPrincipal, sessions: ListDep) -> BrowserSessionList:
    return _list(await sessions.of(principal, principal.user_id), principal.sign_in_id)


@router.delete("/sessions", dependencies=needs("session", "delete"), status_code=204, responses=responses(401, 403))
async def end_other_sessions(principal: CurrentPrincipal, sessions: ListDep) -> None:
    """All of one's own but this one, and what was signed in without a browser."""
    await sessions.end_others(principal)


@router.delete(
    "/sessions/{session_id}",
    dependencies=needs("session", "delete"),
    status_code=204,
    responses=responses(401, 403, 404, 422),
)
async def end_session(session_id: UUID, principal: CurrentPrincipal, sessions: ListDep) -> None:
    await sessions.end(principal, session_id)


@router.get(
    "/users/{user_id}/sessions",
    dependencies=[*needs("user", "sign_out"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def list_user_sessions(user_id: UUID, principal: CurrentPrincipal, sessions: ListDep) -> BrowserSessionList:
    return _list(await sessions.of(principal, user_id), principal.sign_in_id)


@router.delete(
    "/users/{user_id}/sessions",
    dependencies=needs("user", "sign_out"),
    status_code=204,
    responses=responses(401, 403, 404, 422),
)
async def end_user_sessions(user_id: UUID, principal: CurrentPrincipal, sessions: ListDep) -> None:
    """Also those that are no browser's."""
    await sessions.end_all(principal, user_id)


def _list(rows: list[SessionRow], current: UUID | None) -> BrowserSessionList:
    items = [
        BrowserSession(
            id=row.id,
            created_at=row.created_at,
            used_at=row.used_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent,
            is_current=row.sign_in_id is not None and row.sign_in_id == current,
        )
        for row in rows
    ]
    return BrowserSessionList(items=items)
