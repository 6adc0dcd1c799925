"""Versions of resources over HTTP: strong ETags out, `If-Match` in (RFC 9110, 13.1.1)."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header

from rooftree.kernel.errors import BadRequest, PreconditionRequired

_ETAG = re.compile(r'"(\d{1,18})"')
# For a route's `responses=`.
WITH_ETAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}
}


def etag(version: int) -> str:
    return f'"{version}"'


def _expected(if_match: Annotated[str | None, Header(alias="If-Match")] = None) -> int:
    """Raises PreconditionRequired without the header: a blind write would undo what others wrote."""
    if if_match is None:
        raise PreconditionRequired
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise BadRequest('If-Match takes one version, as in "7".')
    return int(found[1])


ExpectedVersion = Annotated[int, Depends(_expected)]
"""The version that the caller read and wants to change."""
