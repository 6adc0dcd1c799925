"""SQL of people as lists show them: one statement for a page with all that stands beside its rows.

A measured hot read (`kernel.hot_reads`). A statement's text follows from what the caller was granted and from which
filters were chosen; `visibility` limits each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.hot_reads import Prepared, fetch, prepare
from rooftree.kernel.record_scope import parameters
from rooftree.modules.crm.domain import MOST_KNOWN, ContactKey
from rooftree.modules.crm.tables import ContactRow, LeadRow, PersonRow, StageRow
from rooftree.modules.crm.visibility import people_of

PeopleSort = Literal["-last_activity_at", "last_activity_at", "-created_at", "created_at", "name", "-name"]
_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "last_activity_at": PersonRow.last_activity_at,
    "created_at": PersonRow.created_at,
    "name": PersonRow.name_key,
}
_LIMIT = bindparam("limit", type_=Integer())


class Summary(TypedDict):
    """A person as a list shows them. `phones`: as typed and, where it can be told, as E.164."""

    id: UUID
    name: str
    name_key: str
    emails: list[str] | None
    phones: list[tuple[str, str | None]] | None
    stage_id: UUID
    stage_name: str
    source: str
    tags: list[str]
    assigned_to: UUID | None
    office_id: UUID | None
    open_leads: int
    last_activity_at: datetime
    created_at: datetime
    version: int
    can_edit: bool
    can_assign: bool
    can_claim: bool


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
    found: list[Summary]


class _Scope(NamedTuple):
    """Which people the caller may read, update, …; compared by identity, which `people_of` keeps."""

    read: ColumnElement[bool]
    update: ColumnElement[bool]
    assign: ColumnElement[bool]
    claim: ColumnElement[bool]


class Summaries:
    def __init__(self, connection: AsyncConnection, principal: Principal) -> None:
        self._connection = connection
        self._scope = _scope(principal)
        self._who = parameters(grant(principal, "person", "read"), principal)

    async def page(
        self, wanted: Filter, *, sort: PeopleSort, after: tuple[str | datetime, UUID] | None, limit: int
    ) -> tuple[list[Summary], int]:
        """Those that come `after` this place of the order, and how many there are in all."""
        chosen, values = _chosen(wanted)
        values |= {"limit": limit}
        if after is not None:
            values |= {"after_key": after[0], "after_id": after[1]}
        rows = await self._fetch(_page(self._scope, chosen, sort, after is not None), values)
        if rows or after is None:
            return rows, rows[0]["total"] if rows else 0
        return [], (await self._fetch(_count(self._scope, chosen), values))[0]["total"]

    async def known(self, keys: Collection[ContactKey]) -> list[Summary]:
        """Who has one of these addresses or numbers, who came first first."""
        if not keys:
            return []
        values = {"kinds": [key.kind for key in keys], "keys": [key.key for key in keys]}
        return await self._fetch(_known(self._scope), values)

    async def board(self, wanted: Filter, *, limit: int) -> dict[UUID, Column]:
        """By stage, of those that have somebody: how many, and the first of them, last activity first."""
        chosen, values = _chosen(wanted)
        counted = await self._fetch(_counts(self._scope, chosen), values)
        columns = {row["stage_id"]: Column(row["total"], []) for row in counted}
        for row in await self._fetch(_board(self._scope, chosen), values | {"limit": limit}):
            # Somebody who came in between the two queries is counted next time.
            columns.setdefault(row["stage_id"], Column(0, [])).found.append(row)
        return columns

    async def _fetch(self, prepared: Prepared, values: Mapping[str, Any]) -> list[Any]:
        return await fetch(self._connection, prepared, {**self._who, **values})


def _scope(principal: Principal) -> _Scope:
    return _Scope(*(people_of(grant(principal, "person", action)) for action in _Scope._fields))


def first_page(principal: Principal, *, limit: int) -> tuple[Prepared, dict[str, Any]]:
    """What is sent for the list's first page, in its usual order: to be measured or explained."""
    chosen, values = _chosen(Filter())
    who = parameters(grant(principal, "person", "read"), principal)
    return _page(_scope(principal), chosen, "-last_activity_at", False), who | values | {"limit": limit}


# -- statements; each is made once for what it is called with ---------------------------------------------------------


@lru_cache(maxsize=256)
def _page(scope: _Scope, chosen: "_Chosen", sort: PeopleSort, follows: bool) -> Prepared:
    column, is_down = _COLUMNS[sort.removeprefix("-")], sort.startswith("-")
    inner = _found(scope, _conditions(chosen))
    if follows:
        place = tuple_(bindparam("after_key", type_=column.type), bindparam("after_id", type_=Uuid()))
        here = tuple_(column, PersonRow.id)
        inner = inner.where(here < place if is_down else here > place)
    page = inner.order_by(*_order(column, PersonRow.id, is_down=is_down)).limit(_LIMIT).subquery("page")
    total = select(func.count()).select_from(PersonRow).where(scope.read, *_conditions(chosen)).scalar_subquery()
    key = page.c[column.key]
    query = _with_rest(page, total.label("total")).join_from(page, StageRow, StageRow.id == page.c.stage_id)
    return prepare(query.order_by(*_order(key, page.c.id, is_down=is_down)))


@lru_cache(maxsize=256)
def _count(scope: _Scope, chosen: "_Chosen") -> Prepared:
    return prepare(select(func.count().label("total")).select_from(PersonRow).where(scope.read, *_conditions(chosen)))


@lru_cache(maxsize=256)
def _counts(scope: _Scope, chosen: "_Chosen") -> Prepared:
    counted = select(PersonRow.stage_id, func.count().label("total")).where(scope.read, *_conditions(chosen))
    return prepare(counted.group_by(PersonRow.stage_id))


@lru_cache(maxsize=256)
def _board(scope: _Scope, chosen: "_Chosen") -> Prepared:
    """The first ones are read from the index of each stage: to sort everybody would take long, and often."""
    inner = _found(scope, [*_conditions(chosen), PersonRow.stage_id == StageRow.id])
    inner = inner.order_by(*_order(PersonRow.last_activity_at, PersonRow.id, is_down=True)).limit(_LIMIT)
    first = inner.correlate(StageRow).lateral("first")
    query = _with_rest(first).select_from(StageRow).join(first, true())
    return prepare(query.order_by(*_order(first.c.last_activity_at, first.c.id, is_down=True)))


@lru_cache(maxsize=256)
def _known(scope: _Scope) -> Prepared:
    asked = func.unnest(bindparam("kinds", type_=ARRAY(Text())), bindparam("keys", type_=ARRAY(Text())))
    pairs = asked.table_valued("kind", "key").render_derived()
    same = select(ContactRow.person_id).join(
        pairs, and_(ContactRow.kind == pairs.c.kind, ContactRow.key == pairs.c.key)
    )
    found = _found(scope, [PersonRow.id.in_(same)]).order_by(PersonRow.id).limit(MOST_KNOWN).subquery("known")
    query = _with_rest(found).join_from(found, StageRow, StageRow.id == found.c.stage_id)
    return prepare(query.order_by(found.c.id))


def _order(column: Any, key: Any, *, is_down: bool) -> tuple[Any, Any]:
    return (column.desc(), key.desc()) if is_down else (column, key)


def _found(scope: _Scope, conditions: Sequence[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    """People without what stands beside them. What the caller may do is never NULL, as of whom nobody looks after."""
    may_edit = scope.update.is_(true())
    return select(
        PersonRow.id,
        PersonRow.name,
        PersonRow.name_key,
        PersonRow.stage_id,
        PersonRow.source,
        PersonRow.tags,
        PersonRow.assigned_to,
        PersonRow.office_id,
        PersonRow.last_activity_at,
        PersonRow.created_at,
        PersonRow.revision.label("version"),
        may_edit.label("can_edit"),
        and_(may_edit, scope.assign.is_(true())).label("can_assign"),
        and_(PersonRow.assigned_to.is_(None), scope.claim.is_(true())).label("can_claim"),
    ).where(scope.read, *conditions)


def _with_rest(page: Subquery | Any, *more: Any) -> Select[*tuple[Any, ...]]:
    """The rows of `page`, which the caller joins with their stages; the rest is looked up for what is shown only."""
    contacts = {
        kind: select(func.array_agg(aggregate_order_by(value, ContactRow.position)))
        .where(ContactRow.person_id == page.c.id, ContactRow.kind == kind)
        .scalar_subquery()
        for kind, value in (("email", ContactRow.typed), ("phone", array([ContactRow.typed, ContactRow.e164])))
    }
    leads = select(func.count()).where(LeadRow.person_id == page.c.id, LeadRow.state != "responded").scalar_subquery()
    return select(
        *page.c,
        StageRow.name.label("stage_name"),
        contacts["email"].label("emails"),
        contacts["phone"].label("phones"),
        leads.label("open_leads"),
        *more,
    )


class _Chosen(NamedTuple):
    """Which filters a statement has."""

    names: tuple[str, ...]
    words: int


_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "stage_id": PersonRow.stage_id == bindparam("stage_id", type_=Uuid()),
    "assigned_to": PersonRow.assigned_to == bindparam("assigned_to", type_=Uuid()),
    "is_assigned": PersonRow.assigned_to.is_not(None) == bindparam("is_assigned", type_=Boolean()),
    "source": PersonRow.source == bindparam("source", type_=Text()),
    "tag": PersonRow.tags.contains(bindparam("tag", type_=ARRAY(Text()))),
}


def _chosen(wanted: Filter) -> tuple[_Chosen, dict[str, Any]]:
    values = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    chosen = _Chosen(tuple(values), len(wanted.words))
    if wanted.tag is not None:
        values["tag"] = [wanted.tag]
    return chosen, values | {f"word_{place}": _pattern(word) for place, word in enumerate(wanted.words)}


def _conditions(chosen: _Chosen) -> list[ColumnElement[bool]]:
    words = (bindparam(f"word_{place}", type_=Text()) for place in range(chosen.words))
    holds = [PersonRow.search_text.like(func.lower(func.unaccent(word))) for word in words]
    return [*(_CONDITIONS[name] for name in chosen.names), *holds]


def _pattern(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
