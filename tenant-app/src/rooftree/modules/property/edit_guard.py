"""Who comes to change an own listing: the row is locked, the person may, and the version is the one that they saw."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.property.api import PropertyNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.preconditions import Stale
from rooftree.modules.property import rights
from rooftree.modules.property.history_repository import HistoryRepository
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import PropertyRow


async def editable(session: AsyncSession, principal: Principal, property_id: UUID) -> PropertyRow:
    """The listing, locked. Raises PropertyNotFound for one that the person may not see, else Forbidden."""
    found = await OwnListings(session).locked(principal, property_id)
    if found is None:
        raise PropertyNotFound
    row, theirs = found
    if not rights.is_own(row):
        raise Forbidden("This listing comes from a feed; it is changed at its source.")
    if not theirs:
        raise Forbidden("This listing is not yours to change.")
    return row


async def require_version(session: AsyncSession, row: PropertyRow, version: int) -> None:
    """Raises Stale. The row is locked: the version stays what it is until this transaction ends."""
    if row.revision == version:
        return
    history = HistoryRepository(session)
    edits = await history.edits_after(row.id, version)
    last = await history.last_edit(row.id)
    raise Stale(
        expected=version,
        current=row.revision,
        at=last.at if last else row.updated_at,
        actor=last.actor_id if last else None,
        since=[edit.fields for edit in edits],
    )
