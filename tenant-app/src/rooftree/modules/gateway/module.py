"""Composition of the gateway, and how this app recognises who is calling."""

from pathlib import Path

from fastapi import Request

from rooftree.contracts.identity.api import IdentityApi, TokenRefused
from rooftree.kernel.auth import Authenticator, Principal
from rooftree.kernel.errors import Unauthenticated
from rooftree.kernel.module import Built, Module, Runtime
from rooftree.kernel.rate_limits import RateLimits
from rooftree.modules.gateway.consumers import SESSIONS, consumers
from rooftree.modules.gateway.cookies import session_secret
from rooftree.modules.gateway.domain import KEPT_WHILE_AWAY
from rooftree.modules.gateway.handing_on import HandedOn, operations
from rooftree.modules.gateway.job_list import JobList
from rooftree.modules.gateway.jobs import jobs
from rooftree.modules.gateway.routes import router
from rooftree.modules.gateway.service import KeptSessions, Sessions
from rooftree.modules.gateway.session_list import SessionList
from rooftree.modules.gateway.streams import Streams
from rooftree.modules.gateway.web import ApiDescription, WebApp

# In the image beside `src`'s content, in a checkout beside `src`.
_OPENAPI_PLACES = tuple(parent / "openapi" / "openapi.json" for parent in list(Path(__file__).resolve().parents)[3:5])


def build(runtime: Runtime) -> Built:
    identity, kept = runtime.port(IdentityApi), KeptSessions(runtime.clock, while_away=KEPT_WHILE_AWAY, absences=False)
    sessions = Sessions(runtime.unit_of_work, runtime.clock, identity, runtime.background, kept)
    listed = SessionList(runtime.unit_of_work, runtime.clock, identity, kept)
    description, limits = ApiDescription(_OPENAPI_PLACES), runtime.rate_limits
    authenticate = _limited(_authenticator(sessions, limits), limits)
    http, web = runtime.elsewhere.http, WebApp(runtime.settings.frontend_dir)
    handed_on = operations(description.content, http)
    return Built(
        services=(
            sessions,
            listed,
            description,
            JobList(runtime.unit_of_work, runtime.clock),
            Streams(runtime.ears, runtime.metrics.open_streams),
        ),
        jobs=jobs(sessions),
        consumers=consumers(listed),
        authenticator=authenticate,
        fallback=HandedOn(handed_on, http, authenticate, limits, web),
        uploads=tuple(one.upload for one in handed_on if one.upload is not None),
    )


def _limited(authenticate: Authenticator, limits: RateLimits) -> Authenticator:
    """Counts each request with whoever it is from."""

    async def counted(request: Request) -> Principal:
        try:
            principal = await authenticate(request)
        except (Unauthenticated, TokenRefused):
            await limits.visitor(request.scope)
            raise
        await limits.person(request.scope, str(principal.user_id))
        return principal

    return counted


def _authenticator(sessions: Sessions, limits: RateLimits) -> Authenticator:
    async def authenticate(request: Request) -> Principal:
        """A bearer token when one is sent, else the session cookie; never one after the other failed."""
        given = request.headers.getlist("authorization")
        if given:
            scheme, _, token = given[0].partition(" ")
            if len(given) != 1 or scheme.lower() != "bearer":
                raise TokenRefused
            return await sessions.bearer(token)
        secret = session_secret(request)
        if secret is None:
            raise Unauthenticated
        if limits.is_spent(request.scope) and not sessions.knows(secret):
            # Guesses must not cost the database a question each. Whoever was here before goes on.
            await limits.visitor(request.scope)
        return await sessions.principal(secret)

    return authenticate


MODULE = Module(name="gateway", router=router, build=build, requires=(IdentityApi,), consumers=(SESSIONS,))
