"""SQL that finds who of a page of rows is known already: people in the caller's scope with an address or number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import Text, and_, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.modules.crm.domain import ContactKey, ContactKind
from rooftree.modules.crm.import_rows import Candidate, Known
from rooftree.modules.crm.records_repository import Records, contact_of
from rooftree.modules.crm.rights import may, place_of
from rooftree.modules.crm.tables import ContactRow, PersonRow
from rooftree.modules.crm.visibility import people


@dataclass(frozen=True, slots=True)
class Matched:
    """Who each row is about, by its number, and those people; of contacts the next free position."""

    by_row: Mapping[int, UUID]
    known: Mapping[UUID, Known]
    rows: Mapping[UUID, PersonRow]
    following: Mapping[UUID, int]


class Matching:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._visible = people(principal, "read")
        self._theirs = people(principal, "update").is_(true())

    async def found(self, candidates: Sequence[Candidate], *, lock: bool) -> Matched:
        """`lock`: nobody else changes these people before this transaction ends."""
        owners = await self._owners({key for candidate in candidates for key in candidate.keys})
        by_row = {
            candidate.number: owners[key]
            for candidate in candidates
            for key in reversed(candidate.keys)  # the first one that somebody has counts
            if key in owners
        }
        query = select(PersonRow, self._theirs).where(self._visible, PersonRow.id.in_(set(by_row.values())))
        if lock:
            query = query.order_by(PersonRow.id).with_for_update(of=PersonRow)
        found = (await self._session.execute(query.execution_options(populate_existing=True))).all()
        contacts = await Records(self._session).contacts([row.id for row, _ in found])
        known = {row.id: self._known(row, contacts[row.id], theirs=theirs) for row, theirs in found}
        return Matched(
            {number: person_id for number, person_id in by_row.items() if person_id in known},
            known,
            {row.id: row for row, _ in found},
            {row.id: 1 + max((one.position for one in contacts[row.id]), default=-1) for row, _ in found},
        )

    async def _owners(self, keys: set[ContactKey]) -> dict[ContactKey, UUID]:
        """Who has each of these: somebody whom the caller may change rather than others, then who came first."""
        asked = func.unnest(bindparam("kinds", type_=ARRAY(Text())), bindparam("keys", type_=ARRAY(Text())))
        pairs = asked.table_valued("kind", "key").render_derived()
        query = (
            select(ContactRow.kind, ContactRow.key, PersonRow.id)
            .join(pairs, and_(ContactRow.kind == pairs.c.kind, ContactRow.key == pairs.c.key))
            .join(PersonRow, PersonRow.id == ContactRow.person_id)
            .where(self._visible)
            .ext(distinct_on(ContactRow.kind, ContactRow.key))
            .order_by(ContactRow.kind, ContactRow.key, self._theirs.desc(), PersonRow.id)
        )
        ordered = sorted(keys)
        values = {"kinds": [key.kind for key in ordered], "keys": [key.key for key in ordered]}
        found = await self._session.execute(query, values)
        return {ContactKey(cast("ContactKind", kind), key): person_id for kind, key, person_id in found}

    def _known(self, row: PersonRow, contacts: Sequence[ContactRow], *, theirs: bool) -> Known:
        return Known(
            id=row.id,
            contacts=[contact_of(one) for one in contacts],
            tags=row.tags,
            is_assigned=row.assigned_to is not None,
            theirs=theirs,
            gives=may(self._principal, "assign", place_of(row)),
        )
