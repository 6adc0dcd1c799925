"""SQL of feeds: how far each copy is, the history of runs, what was rejected."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import cast, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.property.api import RunState
from rooftree.modules.property.domain import Rejected
from rooftree.modules.property.tables import FeedRow, FeedRunRow, PropertyRow, RejectionRow

KEPT_RUNS = 200  # of each feed
KEPT_FAILURES = "30 days"


class FeedRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # -- feeds --------------------------------------------------------------------------------------------------------

    async def locked(self, name: str, *, url: str) -> FeedRow:
        """The feed's row, made if there is none yet; nobody else changes it before this transaction ends."""
        new = insert(FeedRow).values(name=name, url=url, state="idle")
        await self._session.execute(new.on_conflict_do_nothing())
        query = select(FeedRow).where(FeedRow.name == name).with_for_update()
        return (await self._session.execute(query)).scalar_one()

    async def feeds(self) -> dict[str, FeedRow]:
        return {row.name: row for row in await self._session.scalars(select(FeedRow))}

    async def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Listings and rejections held now, by feed."""
        here = PropertyRow.removed_at.is_(None)
        listings = select(PropertyRow.feed, func.count()).where(here).group_by(PropertyRow.feed)
        rejected = select(RejectionRow.feed, func.count()).group_by(RejectionRow.feed)
        results = [(await self._session.execute(query)).all() for query in (listings, rejected)]
        first, second = ({row[0]: row[1] for row in rows} for rows in results)
        return first, second

    async def change_feed(self, name: str, **values: Any) -> None:
        await self._session.execute(update(FeedRow).where(FeedRow.name == name).values(values))

    async def advance(self, name: str, *, checkpoint: str | None, to: str | None) -> bool:
        """Move the feed's checkpoint. False if it is not where the caller left it: another run is at work."""
        moved = await self._session.scalars(
            update(FeedRow)
            .where(FeedRow.name == name, FeedRow.checkpoint.is_not_distinct_from(checkpoint))
            .values(checkpoint=to)
            .returning(FeedRow.name)
        )
        return moved.one_or_none() is not None

    async def finish_reading(self, name: str, *, now: datetime) -> None:
        """The run that began at `run_began_at` has read the feed to its end."""
        await self.change_feed(name, last_finished_at=now, complete_until=FeedRow.run_began_at)

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def runs(
        self, feed: str, *, state: RunState | None = None, limit: int, before: UUID | None = None
    ) -> Sequence[FeedRunRow]:
        """Newest first; `before` is the last one of the page before."""
        query = select(FeedRunRow).where(FeedRunRow.feed == feed).order_by(FeedRunRow.id.desc()).limit(limit)
        if state is not None:
            query = query.where(FeedRunRow.state == state)
        if before is not None:
            query = query.where(FeedRunRow.id < before)
        return (await self._session.scalars(query)).all()

    async def running(self, feed: str | None = None) -> dict[str, FeedRunRow]:
        """The runs that are going on, by feed."""
        query = select(FeedRunRow).where(FeedRunRow.state == "running")
        if feed is not None:
            query = query.where(FeedRunRow.feed == feed)
        return {row.feed: row for row in await self._session.scalars(query)}

    async def add_run(self, **values: Any) -> None:
        await self._session.execute(insert(FeedRunRow).values(state="running", **values))

    async def change_run(self, run_id: UUID, **values: Any) -> None:
        await self._session.execute(update(FeedRunRow).where(FeedRunRow.id == run_id).values(values))

    async def count_run(self, run_id: UUID, **more: int) -> None:
        """Add to the counts of a run."""
        values = {name: getattr(FeedRunRow, name) + number for name, number in more.items()}
        await self._session.execute(update(FeedRunRow).where(FeedRunRow.id == run_id).values(values))

    async def forget_run(self, run_id: UUID) -> None:
        await self._session.execute(delete(FeedRunRow).where(FeedRunRow.id == run_id))

    async def compact_runs(self, feed: str, *, now: datetime) -> None:
        """Keep the newest runs and the failures of a month; of runs in a row that did the same, the first and last."""
        await self._session.execute(_COMPACT_RUNS, {"feed": feed, "now": now, "kept": KEPT_RUNS})

    # -- rejections ---------------------------------------------------------------------------------------------------

    async def rejections(self, feed: str, *, limit: int, after: int) -> tuple[Sequence[RejectionRow], int]:
        """A page in the order in which they were first seen, and how many there are."""
        mine = RejectionRow.feed == feed
        page = select(RejectionRow).where(mine, RejectionRow.id > after).order_by(RejectionRow.id).limit(limit)
        total = await self._session.execute(select(func.count()).select_from(RejectionRow).where(mine))
        return (await self._session.scalars(page)).all(), total.scalar_one()

    async def count_rejections(self, feed: str) -> int:
        query = select(func.count()).select_from(RejectionRow).where(RejectionRow.feed == feed)
        return (await self._session.execute(query)).scalar_one()

    async def rejected_stamps(self, feed: str) -> Sequence[tuple[str, str | None, Any]]:
        """Identity, key and ModificationTimestamp as received of everything that is rejected."""
        stamp = RejectionRow.record["ModificationTimestamp"]
        query = select(RejectionRow.identity, RejectionRow.listing_key, stamp).where(RejectionRow.feed == feed)
        return [(row[0], row[1], row[2]) for row in await self._session.execute(query)]

    async def forget_rejections(self, feed: str, identities: Collection[str]) -> None:
        if identities:
            await self._session.execute(
                delete(RejectionRow).where(RejectionRow.feed == feed, RejectionRow.identity.in_(identities))
            )

    async def save_rejections(self, feed: str, rejected: Collection[Rejected], *, now: datetime) -> None:
        if not rejected:
            return
        values = [
            {
                "feed": feed,
                "identity": item.identity,
                "listing_key": item.listing_key,
                "reasons": [asdict(reason) for reason in item.reasons],
                "record": item.record,
                "seen_at": now,
            }
            for item in rejected
        ]
        statement = insert(RejectionRow).values(values)
        new = {name: statement.excluded[name] for name in ("listing_key", "reasons", "record", "seen_at")}
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[RejectionRow.feed, RejectionRow.identity],
                set_=new,
                where=or_(
                    RejectionRow.record != cast(statement.excluded.record, RejectionRow.record.type),
                    RejectionRow.reasons != cast(statement.excluded.reasons, RejectionRow.reasons.type),
                ),
            )
        )


# A run between two of its kind that came to the same end tells nothing: a quiet week is two rows, not 20,000.
_COMPACT_RUNS = text(f"""
    WITH told AS (
        SELECT id, state, started_at, row_number() OVER (ORDER BY id DESC) AS place,
            (state, coalesce(error, ''), rejected) AS ending,
            lag((state, coalesce(error, ''), rejected)) OVER by_kind AS earlier,
            lead((state, coalesce(error, ''), rejected)) OVER by_kind AS later,
            requested OR created + updated + removed > 0 AS tells
        FROM property.feed_runs WHERE feed = :feed AND state <> 'running'
        WINDOW by_kind AS (PARTITION BY kind ORDER BY id)
    )
    DELETE FROM property.feed_runs WHERE id IN (
        SELECT id FROM told
        WHERE (NOT tells AND ending = earlier AND ending = later)
            OR (place > :kept AND (state = 'succeeded' OR started_at < :now - interval '{KEPT_FAILURES}'))
    )
""")  # noqa: S608 - a constant of this file, no values
