"""Keeps a change of an own listing: the row, its edit, its history and its event, in the caller's transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.property.events import Change, ChangedGroup
from rooftree.kernel import live
from rooftree.kernel.live import MOST_RECORDS, Record
from rooftree.kernel.outbox import Outbox
from rooftree.modules.property.changes import ALL_GROUPS, ListingChange
from rooftree.modules.property.history_repository import Happened, HistoryRepository, differences
from rooftree.modules.property.listing_edit import groups
from rooftree.modules.property.listing_status import DRAFT
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.tables import PropertyRow

_WATCHED = ("standard_status", "list_price", "close_price")


async def tell(session: AsyncSession, outbox: Outbox, changes: Iterable[ListingChange]) -> None:
    """Open pages and other modules hear of them once the transaction commits; of many at once, pages hear no names.

    Comes last: it holds the listings' sequences.
    """
    told = list(changes)
    await live.tell(session, "listing", [Record(one.property_id) for one in told], named=len(told) <= MOST_RECORDS)
    await outbox.add(session, [one.event(OWN_FEED) for one in told])


class ListingSaver:
    """Made before the row is changed, and used once afterwards."""

    def __init__(self, session: AsyncSession, outbox: Outbox, row: PropertyRow, *, now: datetime) -> None:
        self._session = session
        self._outbox = outbox
        self._row = row
        self._now = now
        self._before: Any = SimpleNamespace(**{name: getattr(row, name) for name in _WATCHED})

    async def edit(self, fields: Collection[str], *, actor: UUID, reason: str | None = None) -> None:
        """A person changed these fields: the next revision."""
        await tell(self._session, self._outbox, await self.keep(fields, actor=actor, reason=reason))

    async def keep(self, fields: Collection[str], *, actor: UUID, reason: str | None = None) -> Sequence[ListingChange]:
        """`edit` without telling it: what there is to tell."""
        row, history = self._row, HistoryRepository(self._session)
        row.revision += 1
        row.modification_timestamp = self._now
        change = await self._store()
        await history.add_edit(row.id, row.revision, fields, at=self._now, actor=actor)
        if row.standard_status != self._before.standard_status or row.standard_status != DRAFT:
            await history.add(self._happened(reason), at=self._now, actor=actor)
        return self._told(change, groups(fields))

    async def touch(self, *changed: ChangedGroup) -> None:
        """Something about the row changed that no editor has to know."""
        await tell(self._session, self._outbox, self._told(await self._store(), changed))

    async def _store(self) -> Change | None:
        """Others are told of what they can see: nobody of drafts."""
        row = self._row
        row.updated_at = self._now
        change: Change | None = None
        if row.standard_status != DRAFT and row.removed_at is None:
            change = "created" if self._before.standard_status == DRAFT else "updated"
            row.version += 1
        await OwnListings(self._session).store(row)
        return change

    def _happened(self, reason: str | None) -> list[Happened]:
        row = self._row
        found = differences(row.id, self._before, row, reason=reason)
        if reason and not found:
            # A correction that touches neither price nor status is kept with its reason all the same.
            status = row.standard_status
            same = {"from_value": status, "to_value": status, "reason": reason}
            found.append(Happened(property_id=row.id, change_type=status, field="standard_status", **same))
        if self._before.standard_status == DRAFT and row.removed_at is None:
            # The first price is a part of the price's history, too.
            first = Happened(
                property_id=row.id,
                change_type=found[0].change_type,
                field="list_price",
                from_value=None,
                to_value=str(row.list_price),
            )
            found = [*(one for one in found if one.field != "list_price"), first]
        return found

    def _told(self, change: Change | None, changed: tuple[ChangedGroup, ...]) -> Sequence[ListingChange]:
        if change is None:
            return ()
        row = self._row
        told = ListingChange(
            property_id=row.id,
            version=row.version,
            change=change,
            changed=ALL_GROUPS if change == "created" else changed,
            listing_key=row.listing_key,
            standard_status=row.standard_status,
            list_price=row.list_price,
            currency=row.currency,
            modification_timestamp=row.modification_timestamp,
        )
        return (told,)
