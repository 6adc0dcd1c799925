"""Which cookies hold what."""

from fastapi import Request

from rooftree.kernel.auth import MAX_SESSION_SECRET, SESSION_COOKIE
from rooftree.kernel.cookies import single

LOGIN_COOKIE = "__Host-login"


def session_secret(request: Request) -> str | None:
    """The secret of the session cookie, None when there is none; two of them count as none."""
    return single(request.headers.getlist("cookie"), SESSION_COOKIE, MAX_SESSION_SECRET)


def login_secret(request: Request) -> tuple[str, str] | None:
    """The login cookie's secret and where to return to."""
    value = single(request.headers.getlist("cookie"), LOGIN_COOKIE, 1024)
    if value is None or "." not in value:
        return None
    secret, _, return_to = value.partition(".")
    return secret, return_to
