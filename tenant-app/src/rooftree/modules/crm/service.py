"""Crm as other modules use it; fulfils the contract."""

from collections.abc import Collection
from uuid import UUID

from rooftree.contracts.crm.api import KnownPerson
from rooftree.kernel.auth import Principal
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.records_repository import Records


class CrmService:
    def __init__(self, unit_of_work: UnitOfWork) -> None:
        self._unit_of_work = unit_of_work

    async def people(self, reader: Principal, person_ids: Collection[UUID]) -> dict[UUID, KnownPerson]:
        if not person_ids:
            return {}
        async with self._unit_of_work() as session:
            rows = await PeopleRepository(session, reader).seen(person_ids)
            contacts = await Records(session).contacts([row.id for row in rows])
        return {
            row.id: KnownPerson(
                id=row.id,
                name=row.name,
                emails=tuple(one.typed for one in contacts[row.id] if one.kind == "email"),
                phones=tuple(one.typed for one in contacts[row.id] if one.kind == "phone"),
                assigned_to=row.assigned_to,
                stage_id=row.stage_id,
            )
            for row in rows
        }
