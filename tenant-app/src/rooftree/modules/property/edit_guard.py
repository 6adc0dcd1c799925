"""Who comes to change an own listing: the row is locked, the person may, and the version is the one that they saw."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden, VersionConflict
from rooftree.modules.property import rights
from rooftree.modules.property.history_repository import HistoryRepository
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import EditRow, PropertyRow


class Stale(Exception):
    """The version that was to be changed is not the stored one. `edits`: those that came after it, if all are known."""

    def __init__(self, row: PropertyRow, last: EditRow | None, edits: Sequence[EditRow] | None) -> None:
        super().__init__("stale")
        self.version = row.revision
        self.at = last.at if last else row.updated_at
        self.actor: UUID | None = last.actor_id if last else None
        self.fields = None if edits is None else sorted({field for edit in edits for field in edit.fields})


async def editable(session: AsyncSession, principal: Principal, property_id: UUID) -> PropertyRow:
    """The listing, locked. Raises PropertyNotFound for one that the person may not see, else Forbidden."""
    row = await OwnListings(session).locked(principal, property_id)
    if row is None:
        raise PropertyNotFound
    if not rights.is_own(row):
        raise Forbidden("This listing comes from a feed; it is changed at its source.")
    if not rights.may_edit(principal, row):
        raise Forbidden("This listing is not yours to change.")
    return row


async def require_version(session: AsyncSession, row: PropertyRow, version: int) -> None:
    """Raises Stale. The row is locked: the version stays what it is until this transaction ends."""
    if row.revision == version:
        return
    history = HistoryRepository(session)
    edits = await history.edits_after(row.id, version)
    is_known = 0 < version < row.revision and len(edits) == row.revision - version
    raise Stale(row, await history.last_edit(row.id), edits if is_known else None)


@asynccontextmanager
async def conflicts_told(identity: IdentityApi) -> AsyncGenerator[None]:
    """Turns Stale into VersionConflict with a name, which needs another transaction than the one that failed."""
    try:
        yield
    except Stale as stale:
        names = await identity.names([stale.actor] if stale.actor else [])
        raise VersionConflict(
            current_version=stale.version,
            changed_at=stale.at.isoformat(),
            changed_by=names.get(stale.actor) if stale.actor else None,
            changed_fields=stale.fields,
        ) from None
