"""Who comes to change a person: the row is locked, the caller may, and the revision is the one that they saw."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.crm.api import PersonNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.preconditions import Stale
from rooftree.modules.crm.people_repository import Found, PeopleRepository
from rooftree.modules.crm.records_repository import Records


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
    last = await records.last_change(subject_id)
    raise Stale(
        expected=expected,
        current=current,
        at=last.at if last else at,
        actor=last.actor_id if last else None,
        since=[one.fields for one in after],
    )
