"""Optimistic concurrency (RFC 9110, 13.1.1): a version is the strong ETag `"7"`, and a change names it in If-Match.

A route that changes a versioned resource takes `ExpectedVersion`; its use case calls `require` with the version that
the locked row has. Without If-Match nobody can overwrite what they have not seen.
"""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from rooftree.kernel.errors import BadRequest, PreconditionRequired, VersionConflict

# Versions are 32-bit integers in the database; anything longer was never one of ours.
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,9})"')


def etag(version: int) -> dict[str, str]:
    """The header that tells a response's version."""
    return {"ETag": f'"{version}"'}


async def expected_version(
    request: Request,
    _documented: Annotated[
        str | None, Header(alias="If-Match", description='The ETag seen last, such as `"7"`.')
    ] = None,
) -> int:
    """Raises `PreconditionRequired` without If-Match, `BadRequest` for anything but one strong ETag of ours."""
    given = request.headers.getlist("if-match")
    if not given:
        raise PreconditionRequired("Send If-Match with the ETag of what you saw.")
    found = _VERSION.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        raise BadRequest('If-Match must be one ETag as this API gave it, such as "7".')
    return int(found[1])


ExpectedVersion = Annotated[int, Depends(expected_version)]


def require(expected: int, *, current: int) -> None:
    """Raises `VersionConflict` when somebody else changed it meanwhile."""
    if expected != current:
        raise VersionConflict(current_version=current)
