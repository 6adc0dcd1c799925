"""What an import did to listings is taken back, as far as nobody has touched them since.

A draft that it made is removed for good while it is at the import's revision and has no photos: files of photos are
removed by their rows. A listing that it changed gets back what was, by an edit like any other, while it is at the
import's revision. Whoever asks must be allowed to change them now; a former agent must be one whom they may choose now.
Others stay.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.subject import Outcome
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden, Unprocessable
from rooftree.kernel.outbox import Outbox
from rooftree.modules.property import rights
from rooftree.modules.property.listing_edit import COLUMNS, of_agent, stored
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import PropertyRow

if TYPE_CHECKING:
    from rooftree.modules.property.changes import ListingChange

_AGENT, _OFFICE = "list_agent_id", "list_office_id"
Former = Mapping[UUID, User]
"""Agents that listings had, who are still here, as they are now."""


def former_agents(lines: Sequence[Outcome]) -> set[UUID]:
    """To whom listings would go back."""
    return {UUID(one.before[_AGENT]) for one in lines if one.before is not None and one.before.get(_AGENT)}


class ListingUndo:
    """`told` is what is to be told of it, once all else of the transaction is done."""

    def __init__(
        self, session: AsyncSession, outbox: Outbox, principal: Principal, former: Former, *, now: datetime
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._principal = principal
        self._former = former
        self._now = now
        self.told: list[ListingChange] = []

    async def take_back(self, lines: Sequence[Outcome]) -> dict[int, bool]:
        """Whether each row's listing is as before now."""
        wanted = {line.record_id: line for line in lines if line.record_id is not None}
        rows = [row for row in await OwnListings(self._session).by_ids(wanted) if self._is_as_left(row, wanted[row.id])]
        made = [row for row in rows if wanted[row.id].outcome == "create"]
        done = await self._removed(made)
        for row in rows:
            if wanted[row.id].outcome == "update" and await self._put_back(row, wanted[row.id].before or {}):
                done.add(row.id)
        return {line.number: line.record_id in done for line in lines}

    def _is_as_left(self, row: PropertyRow, line: Outcome) -> bool:
        return row.revision == line.revision and rights.may_edit(self._principal, row)

    async def _removed(self, made: Collection[PropertyRow]) -> set[UUID]:
        drafts = {row.id for row in made}  # a draft that became something else has another revision
        gone = drafts - await OwnPhotos(self._session).pictured(drafts)
        await OwnListings(self._session).remove(gone)
        return gone

    async def _put_back(self, row: PropertyRow, before: Mapping[str, Any]) -> bool:
        try:
            values = dict(before) | (self._agent(row, before) if _AGENT in before else {})
        except (Forbidden, Unprocessable):
            return False
        saver = ListingSaver(self._session, self._outbox, row, now=self._now)
        self.told += await saver.keep(_put(row, values), actor=self._principal.user_id)
        return True

    def _agent(self, row: PropertyRow, before: Mapping[str, Any]) -> dict[str, Any]:
        """The former agent, with the name and office of now. Raises Forbidden, Unprocessable."""
        if not rights.may_assign(self._principal, row):
            raise Forbidden
        if before[_AGENT] is not None:
            return of_agent(rights.require_agent(self._principal, self._former.get(UUID(before[_AGENT]))))
        return {_OFFICE: UUID(before[_OFFICE]) if before[_OFFICE] else None}


def _put(row: PropertyRow, values: Mapping[str, Any]) -> list[str]:
    """Values as columns and details hold them. Returns the fields that differ."""
    now = stored(row)
    fields = [name for name, value in values.items() if now.get(name) != value]
    for name in set(fields) & set(COLUMNS):
        setattr(row, name, values[name])
    row.details = row.details | {name: values[name] for name in fields if name not in COLUMNS}
    return fields
