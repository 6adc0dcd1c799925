"""Tells open pages what has changed, with the transaction that changed it: a notice of PostgreSQL to every process.

A notice is a hint to read again, or how far a job is; it is kept nowhere but in `kernel.ears`. It names records and
where each belongs, so that the gateway hands it only to people who may see them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.ids import new_id

CHANNEL = "live"
# PostgreSQL takes 8,000 bytes; a record has at most 130.
MOST_RECORDS = 50
_MOST_NOTICES = 10
_NOTIFY = text(f"SELECT pg_notify('{CHANNEL}', notice) FROM unnest(CAST(:notices AS text[])) AS notice")  # noqa: S608 - a constant


class Record(NamedTuple):
    """One that changed, and where it belongs or belonged until now."""

    id: UUID | str
    owner_id: UUID | None = None
    office_id: UUID | None = None


async def tell(
    session: AsyncSession,
    resource: str,
    records: Sequence[Record],
    *,
    data: Mapping[str, Any] | None = None,
    named: bool = True,
) -> None:
    """Once the caller's transaction commits. `resource` is one of the policy's; `data`: plain values, under 1 KiB.

    Of more than 500 records, or if they are not to be `named`, none is: everybody who reads any of the resource hears
    that many have changed.
    """
    if not records:
        return
    distinct = list(dict.fromkeys(records))
    parts: list[Sequence[Record]] = [()]
    if named and len(distinct) <= MOST_RECORDS * _MOST_NOTICES:
        parts = [distinct[start : start + MOST_RECORDS] for start in range(0, len(distinct), MOST_RECORDS)]
    notices = [_notice(resource, part, data) for part in parts]
    await session.execute(_NOTIFY, {"notices": notices})


def _notice(resource: str, records: Sequence[Record], data: Mapping[str, Any] | None) -> str:
    notice: dict[str, Any] = {"id": str(new_id()), "resource": resource, "records": records}
    if data is not None:
        notice["data"] = data
    return json.dumps(notice, default=str, separators=(",", ":"))
