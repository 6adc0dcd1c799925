"""Who comes to change a person: the row is locked, the caller may, and the revision is the one that they saw."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.crm.api import PersonNotFound
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden, VersionConflict
from rooftree.modules.crm.people_repository import Found, PeopleRepository
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.tables import HistoryRow


class Stale(Exception):
    """The revision that was to be changed is not the stored one. `after`: the changes since, if all are known."""

    def __init__(self, current: int, at: datetime, last: HistoryRow | None, after: Sequence[HistoryRow] | None) -> None:
        super().__init__("stale")
        self.current = current
        self.at = last.at if last else at
        self.actor: UUID | None = last.actor_id if last else None
        self.fields = None if after is None else sorted({field for one in after for field in one.fields})


async def editable(session: AsyncSession, principal: Principal, person_id: UUID) -> Found:
    """The person, locked. Raises `PersonNotFound` for one whom the caller may not see, else `Forbidden`."""
    found = await PeopleRepository(session, principal).locked(person_id)
    if found is None:
        raise PersonNotFound
    if not found.theirs:
        raise Forbidden("Nobody looks after this person yet; claim them first.")
    return found


async def require_revision(
    session: AsyncSession, subject_id: UUID, *, expected: int, current: int, at: datetime
) -> None:
    """Raises `Stale`. The row is locked: the revision stays what it is until this transaction ends."""
    if current == expected:
        return
    records = Records(session)
    after = await records.changes_after(subject_id, expected)
    is_known = 0 < expected < current and len(after) == current - expected
    raise Stale(current, at, await records.last_change(subject_id), after if is_known else None)


@asynccontextmanager
async def conflicts_told(identity: IdentityApi) -> AsyncGenerator[None]:
    """Turns `Stale` into `VersionConflict` with a name, which needs another transaction than the one that failed."""
    try:
        yield
    except Stale as stale:
        names = await identity.names([stale.actor] if stale.actor else [])
        raise VersionConflict(
            current_version=stale.current,
            changed_at=stale.at.isoformat(),
            changed_by=names.get(stale.actor) if stale.actor else None,
            changed_fields=stale.fields,
        ) from None
