"""SQL of people as a caller sees them; `visibility` limits every query here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from rooftree.kernel.auth import Principal
from rooftree.modules.crm.domain import MOST_KNOWN, ContactKey
from rooftree.modules.crm.tables import ContactRow, PersonRow, StageRow
from rooftree.modules.crm.visibility import claimable_people, people

PeopleSort = Literal["-last_activity_at", "last_activity_at", "-created_at", "created_at", "name", "-name"]
_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "last_activity_at": PersonRow.last_activity_at,
    "created_at": PersonRow.created_at,
    "name": PersonRow.name_key,
}
_NEWEST_FIRST = (PersonRow.last_activity_at.desc(), PersonRow.id.desc())


@dataclass(frozen=True, slots=True)
class Found:
    """A person whom the caller sees. `theirs`: and may change."""

    row: PersonRow
    theirs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; None: not by this. `assigned_to` None with `is_assigned` False: nobody's."""

    words: Sequence[str] = ()
    stage_id: UUID | None = None
    assigned_to: UUID | None = None
    is_assigned: bool | None = None
    source: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One stage of the board: how many people, and the first of them."""

    total: int
    found: list[Found]


class PeopleRepository:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._visible = people(principal, "read")
        # Never NULL, as it would be for somebody whom nobody looks after.
        self._theirs = people(principal, "update").is_(true())

    async def person(self, person_id: UUID) -> Found | None:
        return await self._one(self._query(PersonRow.id == person_id))

    async def locked(self, person_id: UUID, *, claiming: bool = False) -> Found | None:
        """Nobody else changes the person before this transaction ends. `claiming`: also whom somebody just claimed."""
        seen = claimable_people(self._principal) if claiming else self._visible
        query = select(PersonRow, self._theirs).where(seen, PersonRow.id == person_id).with_for_update(of=PersonRow)
        # Also what this session read before: until now another transaction may have changed it.
        return await self._one(query.execution_options(populate_existing=True))

    async def seen(self, person_ids: Collection[UUID]) -> Sequence[PersonRow]:
        query = select(PersonRow).where(self._visible, PersonRow.id.in_(person_ids))
        return (await self._session.scalars(query)).all()

    async def known(self, keys: Collection[ContactKey]) -> Sequence[Found]:
        """Who has one of these addresses or numbers, who came first first."""
        if not keys:
            return ()
        same = select(ContactRow.person_id).where(tuple_(ContactRow.kind, ContactRow.key).in_(list(keys)))
        query = self._query(PersonRow.id.in_(same)).order_by(PersonRow.id).limit(MOST_KNOWN)
        return [Found(row, theirs) for row, theirs in await self._session.execute(query)]

    async def find(
        self, wanted: Filter, *, sort: PeopleSort, after: tuple[str | datetime, UUID] | None, limit: int
    ) -> tuple[list[Found], int]:
        """Those that come `after` this place of the order, and how many there are in all."""
        conditions = [self._visible, *_conditions(wanted)]
        total = await self._session.execute(select(func.count()).select_from(PersonRow).where(*conditions))
        column = _COLUMNS[sort.removeprefix("-")]
        query = self._query(*conditions)
        if sort.startswith("-"):
            query = query.order_by(column.desc(), PersonRow.id.desc())
            if after is not None:
                query = query.where(
                    tuple_(column, PersonRow.id) < tuple_(literal(after[0], column.type), literal(after[1]))
                )
        else:
            query = query.order_by(column, PersonRow.id)
            if after is not None:
                query = query.where(
                    tuple_(column, PersonRow.id) > tuple_(literal(after[0], column.type), literal(after[1]))
                )
        rows = await self._session.execute(query.limit(limit))
        return [Found(row, theirs) for row, theirs in rows], total.scalar_one()

    async def board(self, wanted: Filter, *, limit: int) -> dict[UUID, Column]:
        """By stage, of those that have somebody: how many, and the first of them, last activity first.

        The first ones are read from the index of each stage: to sort everybody would take long, and often.
        """
        conditions = [self._visible, *_conditions(wanted)]
        counted = select(PersonRow.stage_id, func.count()).where(*conditions).group_by(PersonRow.stage_id)
        columns = {row[0]: Column(row[1], []) for row in await self._session.execute(counted)}
        inner = select(PersonRow, self._theirs.label("theirs")).where(*conditions, PersonRow.stage_id == StageRow.id)
        first = inner.order_by(*_NEWEST_FIRST).limit(limit).correlate(StageRow).lateral("first")
        person = aliased(PersonRow, first)
        query = select(person, first.c.theirs).select_from(StageRow).join(first, true())
        query = query.order_by(person.last_activity_at.desc(), person.id.desc())
        for row, theirs in await self._session.execute(query):
            # Somebody who came in between the two queries is counted next time.
            columns.setdefault(row.stage_id, Column(0, [])).found.append(Found(row, theirs))
        return columns

    def _query(self, *conditions: ColumnElement[bool]) -> Select[PersonRow, bool]:
        return select(PersonRow, self._theirs).where(self._visible, *conditions)

    async def _one(self, query: Select[PersonRow, bool]) -> Found | None:
        row = (await self._session.execute(query)).one_or_none()
        return Found(row[0], row[1]) if row else None


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    equal = {
        PersonRow.stage_id: wanted.stage_id,
        PersonRow.assigned_to: wanted.assigned_to,
        PersonRow.source: wanted.source,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if wanted.is_assigned is not None:
        conditions.append(PersonRow.assigned_to.is_not(None) == wanted.is_assigned)
    if wanted.tag is not None:
        conditions.append(PersonRow.tags.contains([wanted.tag]))
    if wanted.words:
        conditions.append(and_(*(_holds(word) for word in wanted.words)))
    return conditions


def _holds(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return PersonRow.search_text.like(func.lower(func.unaccent(f"%{escaped}%")))
