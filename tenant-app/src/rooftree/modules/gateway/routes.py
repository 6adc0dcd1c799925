"""HTTP of the gateway: signing in and out with a cookie, who is signed in, which tenant this is."""

from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode

import structlog
from fastapi import APIRouter, Depends, Request, Response

from rooftree.contracts.access.policy import rights
from rooftree.contracts.access.routes import open_to_all
from rooftree.contracts.identity.api import WEB_CALLBACK_PATH, WEB_CLIENT_ID, GrantRefused
from rooftree.kernel.auth import SESSION_COOKIE, session_cookie
from rooftree.kernel.cookies import set_cookie
from rooftree.kernel.errors import Unauthenticated
from rooftree.kernel.ids import new_secret
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.settings import Settings
from rooftree.modules.gateway import job_routes, session_routes, stream_routes
from rooftree.modules.gateway.cookies import LOGIN_COOKIE, login_secret, session_secret
from rooftree.modules.gateway.domain import LOGIN_LIFE, SESSION_LIFE, Login, local_path
from rooftree.modules.gateway.schemas import SessionOutput, TenantName, TenantOutput, UserOutput
from rooftree.modules.gateway.service import Sessions
from rooftree.modules.gateway.web import ApiDescription

router = APIRouter(tags=["gateway"])
_log = structlog.get_logger(__name__)

SessionsDep = Annotated[Sessions, Depends(provided(Sessions))]
_REDIRECT: dict[int | str, dict[str, Any]] = {302: {"description": "The browser goes on."}}


def _redirect(location: str, *cookies: tuple[str, str]) -> Response:
    response = Response(status_code=302, headers={"Location": location, "Cache-Control": "no-store"})
    for name, value in cookies:
        response.headers.append(name, value)
    return response


@router.get(
    "/auth/login",
    dependencies=open_to_all("sign_in", "begin"),
    status_code=302,
    response_class=Response,
    responses=_REDIRECT,
)
async def start_login(request: Request, return_to: str | None = None) -> Response:
    settings: Settings = request.app.state.settings
    secret = new_secret()
    login = Login.of(secret)
    query = urlencode(
        {
            "response_type": "code",
            "client_id": WEB_CLIENT_ID,
            "redirect_uri": f"{settings.public_url}{WEB_CALLBACK_PATH}",
            "scope": "profile email",
            "state": login.state,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
        }
    )
    value = f"{secret}.{quote(local_path(return_to), safe='')}"
    cookie = set_cookie(LOGIN_COOKIE, value, int(LOGIN_LIFE.total_seconds()))
    return _redirect(f"/oauth/authorize?{query}", cookie)


@router.get(
    WEB_CALLBACK_PATH,
    dependencies=open_to_all("sign_in", "begin"),
    status_code=302,
    response_class=Response,
    responses=_REDIRECT,
)
async def finish_login(
    request: Request, sessions: SessionsDep, code: str = "", state: str = "", iss: str = ""
) -> Response:
    """Where the code comes back to. Whatever is wrong ends on the sign-in page, without a session."""
    settings: Settings = request.app.state.settings
    forget = set_cookie(LOGIN_COOKIE, "", 0)
    failed = _redirect("/sign-in?error=login_failed", forget)
    started, given = login_secret(request), request.query_params.multi_items()
    if started is None or iss != settings.public_url or len(dict(given)) != len(given) or "error" in dict(given):
        return failed
    secret, return_to = started
    login = Login.of(secret)
    if not code or not login.is_answered_by(state):
        return failed
    try:
        session = await sessions.begin(
            code=code,
            verifier=login.verifier,
            redirect_uri=f"{settings.public_url}{WEB_CALLBACK_PATH}",
            replaces=session_secret(request),
            user_agent=request.headers.get("user-agent"),
        )
    except GrantRefused:
        _log.info("login_refused")
        return failed
    cookie = set_cookie(SESSION_COOKIE, session, int(SESSION_LIFE.total_seconds()))
    return _redirect(local_path(unquote(return_to)), cookie, forget)


@router.post(
    "/auth/logout",
    dependencies=open_to_all("sign_in", "begin"),
    status_code=204,
    response_class=Response,
    responses=responses(403),
)
async def logout(request: Request, sessions: SessionsDep) -> Response:
    secret = session_secret(request)
    if secret is not None:
        await sessions.end(secret)
    name, value = set_cookie(SESSION_COOKIE, "", 0)
    return Response(status_code=204, headers={name: value, "Cache-Control": "no-store"})


@router.get(
    "/api/v1/session",
    responses=responses(401),
    dependencies=[Depends(session_cookie), *open_to_all("sign_in", "begin")],
)
async def get_session(request: Request, response: Response, sessions: SessionsDep) -> SessionOutput:
    settings: Settings = request.app.state.settings
    secret = session_secret(request)
    if secret is None:
        raise Unauthenticated("There is no session; this call describes a browser's.")
    session = await sessions.current(secret)
    user = UserOutput(
        id=session.user.id,
        name=session.user.name,
        email=session.user.email,
        role=session.user.role,  # type: ignore[arg-type] - pydantic checks it
        office_id=session.user.office_id,
        team_ids=sorted(session.user.team_ids),
    )
    tenant = TenantName(slug=settings.slug, display_name=settings.display_name)
    response.headers["Cache-Control"] = "no-store"
    can = list(rights(session.user.role))
    return SessionOutput(user=user, tenant=tenant, expires_at=session.expires_at, can=can)


@router.get("/api/v1/tenant", dependencies=open_to_all("sign_in", "begin"), responses=responses(421))
async def get_tenant(request: Request) -> TenantOutput:
    settings: Settings = request.app.state.settings
    return TenantOutput(
        slug=settings.slug,
        display_name=settings.display_name,
        time_zone=settings.time_zone,
        currency=settings.currency,
    )


@router.get("/openapi.json", dependencies=open_to_all("sign_in", "begin"), include_in_schema=False)
async def get_openapi(description: Annotated[ApiDescription, Depends(provided(ApiDescription))]) -> Response:
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(description.content, headers=headers, media_type="application/json")


router.include_router(session_routes.router)
router.include_router(job_routes.router)
router.include_router(stream_routes.router)
