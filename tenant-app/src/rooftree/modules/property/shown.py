"""One listing with all that its page shows a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.property import rights
from rooftree.modules.property.history_repository import HistoryRepository
from rooftree.modules.property.market_time import cumulative_days, days_on_market
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.repository import PropertyRepository
from rooftree.modules.property.tables import MediaRow, PhotoRow, PropertyRow
from rooftree.modules.property.values import StandardStatus
from rooftree.modules.property.visibility import sees_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`photos` of a feed's listing, `own_photos` of an own one."""

    row: PropertyRow
    photos: Sequence[MediaRow] = ()
    own_photos: Sequence[PhotoRow] = ()
    refreshed_at: datetime
    everything: bool
    """For the brokerage's own people."""
    private: bool = False
    """For those who may read what is not for everybody."""
    can_edit: bool = False
    status_moves: tuple[StandardStatus, ...] = ()
    days_on_market: int | None = None
    cumulative_days: int | None = None

    @property
    def version(self) -> int:
        """What an editor names in If-Match."""
        return self.row.revision if rights.is_own(self.row) else self.row.version


async def show(session: AsyncSession, principal: Principal, row: PropertyRow, *, now: datetime) -> Shown:
    """`row` as this person may see it."""
    if rights.is_own(row):
        return await _own(session, principal, row, now)
    repository = PropertyRepository(session, principal)
    feed = await repository.feed(row.feed)
    finished = feed.last_finished_at if feed else None
    return Shown(
        row=row,
        photos=await repository.photos(row.id),
        refreshed_at=max(row.updated_at, finished) if finished else row.updated_at,
        everything=sees_all(principal),
        days_on_market=row.details["days_on_market"],
    )


async def _own(session: AsyncSession, principal: Principal, row: PropertyRow, now: datetime) -> Shown:
    can_edit = rights.may_edit(principal, row)
    photos = await OwnPhotos(session).of(row.id)
    earlier = await OwnListings(session).same_home(row)
    moves = await HistoryRepository(session).moves([row.id, *earlier])
    chain = [moves.get(one, []) for one in (row.id, *earlier)]
    return Shown(
        row=row,
        own_photos=photos if can_edit else [photo for photo in photos if photo.state == "ready"],
        refreshed_at=row.updated_at,
        everything=sees_all(principal),
        private=rights.may_read_private(principal, row),
        can_edit=can_edit,
        status_moves=rights.status_moves(principal, row),
        days_on_market=days_on_market(chain[0], now=now) if chain[0] else None,
        cumulative_days=cumulative_days(chain, now=now) if chain[0] else None,
    )
