"""Optimistic concurrency (RFC 9110, 13.1.1): a version is the strong ETag `"7"`, and a change names it in If-Match.

A route that changes a versioned resource takes `ExpectedVersion`; its use case calls `require` with the version that
the locked row has. Without If-Match nobody can overwrite what they have not seen.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

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


class Stale(Exception):
    """The version that was to be changed is not the stored one, which `actor` made at `at`.

    `since`: the fields of each edit that is kept from after the expected version. They are told if none is missing.
    """

    def __init__(
        self, *, expected: int, current: int, at: datetime, actor: UUID | None, since: Sequence[Sequence[str]]
    ) -> None:
        super().__init__("stale")
        is_known = 0 < expected < current and len(since) == current - expected
        self.current = current
        self.at = at
        self.actor = actor
        self.fields = sorted({field for fields in since for field in fields}) if is_known else None


@asynccontextmanager
async def conflicts_told(
    names: Callable[[Collection[UUID]], Awaitable[Mapping[UUID, str]]],
) -> AsyncGenerator[None]:
    """Turns `Stale` into `VersionConflict` with a name, which needs another transaction than the one that failed."""
    try:
        yield
    except Stale as stale:
        known = await names([stale.actor] if stale.actor else [])
        raise VersionConflict(
            current_version=stale.current,
            changed_at=stale.at.isoformat(),
            changed_by=known.get(stale.actor) if stale.actor else None,
            changed_fields=stale.fields,
        ) from None
