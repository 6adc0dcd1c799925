"""What a page of an import's rows does to listings, in one transaction. Locks: ids of listings first, then their rows.

New ones are drafts and made in one go; others are changed as an editor changes them. That two rows of a file
are about one listing its dry run has found out for good: they have the same id then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.subject import About, Outcome, Verdict
from rooftree.kernel.auth import Principal
from rooftree.kernel.outbox import Outbox
from rooftree.modules.property.history_repository import HistoryRepository
from rooftree.modules.property.import_rows import Candidate, Decided, decided
from rooftree.modules.property.listing_draft import apply, new_draft
from rooftree.modules.property.listing_edit import stored
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import PropertyRow

if TYPE_CHECKING:
    from rooftree.modules.property.changes import ListingChange


class _Known(NamedTuple):
    """Own listings by their ids; `pictured`: which deleted ones have or had photos."""

    rows: Mapping[str, PropertyRow]
    pictured: Collection[UUID]


@dataclass(frozen=True, slots=True)
class Brokerage:
    """Whose listings they are."""

    name: str
    currency: str


async def judged(
    session: AsyncSession, principal: Principal, page: Sequence[Candidate], brokerage: Brokerage
) -> list[Verdict]:
    """What would become of each."""
    known = await _known(session, page, lock=False)
    return [_verdict(one, _decided(principal, one, known, brokerage)) for one in page]


class ListingPage:
    """`told` is what is to be told of it, once all else of the transaction is done."""

    def __init__(
        self, session: AsyncSession, outbox: Outbox, principal: Principal, brokerage: Brokerage, *, now: datetime
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._principal = principal
        self._brokerage = brokerage
        self._now = now
        self.told: list[ListingChange] = []

    async def take(self, page: Sequence[Candidate], updates: Collection[int]) -> list[Outcome]:
        """What became of each row; `updates`: numbers of those that were found to be a change. Raises `Forbidden`."""
        await OwnListings(self._session).lock_keys(_keys(page))
        known = await _known(self._session, page, lock=True)
        made: list[tuple[Candidate, Decided]] = []
        outcomes: list[Outcome] = []
        for candidate in page:
            is_known = candidate.number in updates
            one = _decided(self._principal, candidate, known, self._brokerage, is_known=is_known)
            if one.decision == "create":
                made.append((candidate, one))
            elif one.decision == "update":
                outcomes.append(await self._change(candidate, known.rows[candidate.listing_id or ""], one.values))
            else:
                outcomes.append(Outcome(number=candidate.number, outcome=one.decision, errors=one.errors))
        return outcomes + await self._make(made)

    async def _make(self, made: Sequence[tuple[Candidate, Decided]]) -> list[Outcome]:
        listings = OwnListings(self._session)
        keys = iter(await listings.next_keys(sum(candidate.listing_id is None for candidate, _ in made)))
        rows: list[PropertyRow] = []
        edits: list[tuple[UUID, int, Sequence[str]]] = []
        for candidate, one in made:
            row = self._draft(candidate.listing_id or next(keys))
            edits.append((row.id, row.revision, apply(row, one.values, currency=self._brokerage.currency)))
            rows.append(row)
        await listings.remove({one.replaces for _, one in made if one.replaces is not None})
        await listings.add_all(rows)
        await HistoryRepository(self._session).add_first_edits(edits, at=self._now, actor=self._principal.user_id)
        return [
            Outcome(number=candidate.number, outcome="create", record_id=row.id, revision=row.revision)
            for (candidate, _), row in zip(made, rows, strict=True)
        ]

    def _draft(self, key: str) -> PropertyRow:
        row = new_draft(key, brokerage=self._brokerage.name, currency=self._brokerage.currency, now=self._now)
        row.revision, row.updated_at = 1, self._now
        return row

    async def _change(self, candidate: Candidate, row: PropertyRow, values: Mapping[str, Any]) -> Outcome:
        saver = ListingSaver(self._session, self._outbox, row, now=self._now)
        was = stored(row)
        fields = apply(row, values, currency=self._brokerage.currency)
        self.told += await saver.keep(fields, actor=self._principal.user_id)
        # It goes along when the new agent moves (`agents_moved`), without a revision.
        kept = {*fields, "list_office_id"} if "list_agent_id" in fields else fields
        return Outcome(
            number=candidate.number,
            outcome="update",
            record_id=row.id,
            revision=row.revision,
            before={name: _plain(was.get(name)) for name in kept},
        )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _keys(page: Sequence[Candidate]) -> set[str]:
    return {one.listing_id for one in page if one.listing_id is not None}


async def _known(session: AsyncSession, page: Sequence[Candidate], *, lock: bool) -> _Known:
    rows = await OwnListings(session).by_keys(_keys(page), lock=lock)
    deleted = {row.id for row in rows.values() if row.removed_at is not None}
    return _Known(rows, await OwnPhotos(session).pictured(deleted) if deleted else ())


def _decided(
    principal: Principal, candidate: Candidate, known: _Known, brokerage: Brokerage, *, is_known: bool = False
) -> Decided:
    row = known.rows.get(candidate.listing_id) if candidate.listing_id is not None else None
    is_pictured = row is not None and row.id in known.pictured
    return decided(principal, candidate, row, currency=brokerage.currency, is_known=is_known, is_pictured=is_pictured)


def _verdict(candidate: Candidate, one: Decided) -> Verdict:
    about = () if candidate.listing_id is None else (About(candidate.listing_id, "listing_id"),)
    return Verdict(number=candidate.number, decision=one.decision, errors=one.errors, about=about)
