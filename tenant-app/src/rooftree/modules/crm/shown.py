"""People and leads with what pages show beside their rows. Read in two steps: rows in a transaction, names after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.modules.crm.people_repository import Found
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.rights import may, may_claim, place_of
from rooftree.modules.crm.tables import ContactRow, LeadRow, PersonRow


@dataclass(frozen=True, slots=True)
class Shown:
    """A person for a page. `can_*`: what this caller may do now."""

    row: PersonRow
    stage_name: str
    contacts: Sequence[ContactRow]
    open_leads: int
    assigned_name: str | None
    can_edit: bool
    can_assign: bool
    can_claim: bool


@dataclass(frozen=True, slots=True)
class ShownLead:
    """A lead with its person. `captured_by_name` None: the person used a form."""

    row: LeadRow
    person: PersonRow
    assigned_name: str | None
    captured_by_name: str | None
    can_claim: bool
    can_open: bool = True


@dataclass(frozen=True, slots=True)
class Beside:
    """What belongs to these people, by id."""

    stage_names: Mapping[UUID, str]
    contacts: Mapping[UUID, Sequence[ContactRow]]
    open_leads: Mapping[UUID, int]


async def beside(session: AsyncSession, rows: Sequence[PersonRow]) -> Beside:
    records, ids = Records(session), [row.id for row in rows]
    if not ids:
        return Beside({}, {}, {})
    return Beside(
        stage_names=await records.stage_names({row.stage_id for row in rows}),
        contacts=await records.contacts(ids),
        open_leads=await records.open_leads(ids),
    )


class Presenter:
    """Outside of transactions: identity has its own."""

    def __init__(self, identity: IdentityApi) -> None:
        self._identity = identity

    async def person(self, principal: Principal, found: Found, seen: Beside) -> Shown:
        row = found.row
        names = await self.names([row.assigned_to])
        return Shown(
            row=row,
            stage_name=seen.stage_names.get(row.stage_id, ""),
            contacts=seen.contacts.get(row.id, ()),
            open_leads=seen.open_leads.get(row.id, 0),
            assigned_name=names.get(row.assigned_to) if row.assigned_to else None,
            can_edit=found.theirs,
            can_assign=found.theirs and may(principal, "assign", place_of(row)),
            can_claim=may_claim(principal, row),
        )

    async def leads(self, principal: Principal, found: Sequence[tuple[LeadRow, PersonRow]]) -> list[ShownLead]:
        ids = [user_id for lead, person in found for user_id in (lead.captured_by, person.assigned_to)]
        names = await self.names(ids)
        return [
            ShownLead(
                row=lead,
                person=person,
                assigned_name=names.get(person.assigned_to) if person.assigned_to else None,
                captured_by_name=names.get(lead.captured_by) if lead.captured_by else None,
                can_claim=may_claim(principal, person),
            )
            for lead, person in found
        ]

    async def names(self, user_ids: Iterable[UUID | None]) -> dict[UUID, str]:
        """Of colleagues, also of those who left."""
        return await self._identity.names({user_id for user_id in user_ids if user_id is not None})
