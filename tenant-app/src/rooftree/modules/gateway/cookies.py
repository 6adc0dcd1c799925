"""Cookies as raw headers: read without guessing, written with every attribute that `__Host-` asks for."""

from fastapi import Request

from rooftree.kernel.auth import SESSION_COOKIE

LOGIN_COOKIE = "__Host-login"
_MAX_SECRET = 64


def session_secret(request: Request) -> str | None:
    """The secret of the session cookie, None when there is none; two of them count as none."""
    return _single(request, SESSION_COOKIE)


def login_secret(request: Request) -> tuple[str, str] | None:
    """The login cookie's secret and where to return to."""
    value = _single(request, LOGIN_COOKIE, limit=1024)
    if value is None or "." not in value:
        return None
    secret, _, return_to = value.partition(".")
    return secret, return_to


def _single(request: Request, name: str, limit: int = _MAX_SECRET) -> str | None:
    pairs = [part.strip().partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    values = [value for key, _, value in pairs if key == name]
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= limit else None


def set_cookie(name: str, value: str, max_age: int) -> tuple[str, str]:
    """A Set-Cookie header; `max_age` 0 removes it."""
    return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax"
