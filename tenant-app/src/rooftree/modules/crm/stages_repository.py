"""SQL of stages. The first use makes those that a brokerage begins with."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.ids import new_id
from rooftree.kernel.text import name_key
from rooftree.modules.crm.domain import FIRST_STAGES
from rooftree.modules.crm.tables import PersonRow, StageRow
from rooftree.modules.crm.visibility import people

# Who makes, moves or removes stages waits for who does; any number that is only ours.
_STAGES_LOCK = 0x737461676573
# By single rows 10,000 people take twelve seconds, so two.
_MOVE_PEOPLE = text("""
    WITH given AS (
        SELECT * FROM unnest(CAST(:people AS uuid[]), CAST(:changes AS uuid[]), CAST(:lines AS uuid[]))
            AS given (person_id, change_id, line_id)
    ), moved AS (
        UPDATE crm.people SET stage_id = CAST(:after_id AS uuid), revision = revision + 1, updated_at = :at
        FROM given WHERE people.id = given.person_id
        RETURNING people.id, people.revision, given.line_id
    ), told AS (
        INSERT INTO crm.stage_changes (id, person_id, at, actor_id, from_stage_id, from_name, to_stage_id, to_name)
        SELECT change_id, person_id, :at, CAST(:actor AS uuid), CAST(:before_id AS uuid), :before_name,
            CAST(:after_id AS uuid), :after_name
        FROM given
    )
    INSERT INTO crm.history (id, at, actor_id, subject, subject_id, person_id, action, revision, fields)
    SELECT line_id, :at, CAST(:actor AS uuid), 'person', id, id, 'changed', revision, ARRAY['stage_id'] FROM moved
""")


class Stages:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> Sequence[StageRow]:
        """In their order; never none."""
        if found := await self.known():
            return found
        await self.lock()
        if found := await self.known():  # somebody else made them meanwhile
            return found
        self._session.add_all(
            StageRow(id=new_id(), name=name, name_key=name_key(name), position=place, version=1)
            for place, name in enumerate(FIRST_STAGES)
        )
        await self._session.flush()
        return await self.known()

    async def lock(self) -> None:
        """Nobody else makes, moves or removes a stage before this transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_STAGES_LOCK)))

    async def stage(self, stage_id: UUID, *, lock: bool = False) -> StageRow | None:
        """`lock`: for a change of it. Otherwise it stays until this transaction ends."""
        query = select(StageRow).where(StageRow.id == stage_id)
        query = query.with_for_update() if lock else query.with_for_update(read=True, key_share=True)
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def named(self, stage_id: UUID) -> StageRow:
        """The stage of a person who is locked. Without a lock of its own: who removes a stage locks it, then people."""
        return (await self._session.scalars(select(StageRow).where(StageRow.id == stage_id))).one()

    async def first(self) -> StageRow:
        """Where new people begin. It stays until this transaction ends."""
        for row in await self.all():
            if (kept := await self.stage(row.id)) is not None:
                return kept
        raise RuntimeError("there is no stage")  # the last one cannot be removed

    async def people_in(self, stage_id: UUID) -> Sequence[UUID]:
        """All of them, locked."""
        query = select(PersonRow.id).where(PersonRow.stage_id == stage_id).order_by(PersonRow.id).with_for_update()
        return (await self._session.scalars(query)).all()

    async def move_people(
        self, person_ids: Sequence[UUID], before: StageRow, after: StageRow, *, at: datetime, actor: UUID | None
    ) -> None:
        """These people, who are locked, go to another stage: rows, changes and history by one statement."""
        values = {
            "people": person_ids,
            "changes": [new_id() for _ in person_ids],
            "lines": [new_id() for _ in person_ids],
            "at": at,
            "actor": actor,
            "before_id": before.id,
            "before_name": before.name,
            "after_id": after.id,
            "after_name": after.name,
        }
        await self._session.execute(_MOVE_PEOPLE, values)

    async def counts(self, principal: Principal) -> dict[UUID, int]:
        """How many people whom the caller sees are in each that has some."""
        visible = people(principal, "read")
        query = select(PersonRow.stage_id, func.count()).where(visible).group_by(PersonRow.stage_id)
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def try_add(self, row: StageRow) -> bool:
        """False when there is one with this name."""
        try:
            async with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError:
            return False
        return True

    async def try_rename(self, row: StageRow, name: str) -> bool:
        """False when there is another one with this name."""
        try:
            async with self._session.begin_nested():
                row.name, row.name_key = name, name_key(name)
                row.version += 1
        except IntegrityError:
            return False
        return True

    async def delete(self, row: StageRow) -> None:
        await self._session.delete(row)
        await self._session.flush()

    async def known(self) -> Sequence[StageRow]:
        query = select(StageRow).order_by(StageRow.position, StageRow.id)
        return (await self._session.scalars(query)).all()
