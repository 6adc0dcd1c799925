"""Cookies as raw headers: read without guessing, written with every attribute that `__Host-` asks for."""

from collections.abc import Iterable


def single(headers: Iterable[str], name: str, limit: int) -> str | None:
    """The value in the headers `Cookie`; None when there is none, or more than one, or more than `limit` characters."""
    pairs = [part.strip().partition("=") for header in headers for part in header.split(";")]
    values = [value for key, _, value in pairs if key == name]
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= limit else None


def set_cookie(name: str, value: str, max_age: int) -> tuple[str, str]:
    """A Set-Cookie header; `max_age` 0 removes it."""
    return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax"
