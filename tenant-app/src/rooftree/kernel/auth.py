"""Who is calling. Routes that need a person depend on `CurrentPrincipal`; the app decides how one is recognised."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

SESSION_COOKIE = "__Host-session"
MAX_SESSION_SECRET = 64


@dataclass(frozen=True, slots=True)
class Delegation:
    """Leave to work on another's records of these resources, until a time."""

    for_user: UUID
    resources: frozenset[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or client that proved who it is, for this tenant and this request."""

    user_id: UUID
    tenant_id: str
    role: str
    client_id: str
    scopes: frozenset[str]
    office_id: UUID | None = None
    team_ids: frozenset[UUID] = frozenset()
    sign_in_id: UUID | None = None
    """Which of the person's sign-ins this is."""
    team_mates: frozenset[UUID] = frozenset()
    """Who else is in these teams now."""
    delegations: tuple[Delegation, ...] = ()
    """Those that hold now."""
    token: str | None = field(default=None, repr=False, compare=False)
    """The access token (RFC 9068) that proved it: what crosses to another process in its place."""


# Raises `Unauthenticated`; never returns an anonymous principal.
Authenticator = Callable[[Request], Awaitable[Principal]]

# For whom this task works: a user's id, or nobody's but ours. Events tell it.
acting: ContextVar[str] = ContextVar("acting", default="system")

# Declared for the API description only; the authenticator reads the raw headers itself.
session_cookie = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", auto_error=False)
_bearer = HTTPBearer(bearerFormat="JWT", scheme_name="bearer", auto_error=False)


async def require_principal(
    request: Request,
    _session: Annotated[str | None, Depends(session_cookie)] = None,
    _token: Annotated[object | None, Depends(_bearer)] = None,
) -> Principal:
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator(request)
    acting.set(str(principal.user_id))
    return principal


CurrentPrincipal = Annotated[Principal, Depends(require_principal)]
