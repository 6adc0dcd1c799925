"""Use cases of stages: colleagues read them, owners and managers make, rename and reorder, owners remove them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.access.policy import grant
from rooftree.contracts.crm.api import LastStage, StageInUse, StageNameTaken, StageNotFound, StageTooFull, TooManyStages
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.preconditions import require
from rooftree.kernel.text import name_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.domain import MAX_STAGES, MOST_MOVED, order_version
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.tables import StageRow


@dataclass(frozen=True, slots=True)
class CountedStage:
    """`people`: how many whom the caller sees are in it."""

    row: StageRow
    people: int


@dataclass(frozen=True, slots=True)
class CountedStages:
    """In their order, which `version` is of."""

    items: Sequence[CountedStage]
    version: int


class StageList:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox

    async def all(self, principal: Principal) -> CountedStages:
        """In their order."""
        async with self._unit_of_work() as session:
            return await _counted(Stages(session), principal)

    async def create(self, principal: Principal, name: str) -> CountedStage:
        """At the end. Raises `Forbidden`, `StageNameTaken`, `TooManyStages`."""
        _require(principal, "create")
        async with self._unit_of_work.effect() as session:
            stages, changes = Stages(session), self._changes(session, principal)
            await stages.lock()
            present = await stages.all()
            if len(present) >= MAX_STAGES:
                raise TooManyStages(f"There are {MAX_STAGES} stages; remove one first.")
            row = StageRow(
                id=new_id(), name=name, name_key=name_key(name), position=present[-1].position + 1, version=1
            )
            if not await stages.try_add(row):
                raise StageNameTaken
            changes.note("stage", row.id, "created", person_id=None)
            await changes.finish()
        return CountedStage(row, 0)

    async def rename(self, principal: Principal, stage_id: UUID, name: str, *, version: int) -> CountedStage:
        """Raises `StageNotFound`, `Forbidden`, `VersionConflict`, `StageNameTaken`."""
        async with self._unit_of_work() as session:
            stages, changes = Stages(session), self._changes(session, principal)
            row = await _editable(stages, principal, stage_id, version)
            if row.name != name:
                if not await stages.try_rename(row, name):
                    raise StageNameTaken
                changes.note("stage", row.id, "changed", person_id=None, revision=row.version, fields=["name"])
            await changes.finish()
            return CountedStage(row, (await stages.counts(principal)).get(row.id, 0))

    async def order(self, principal: Principal, stage_ids: Sequence[UUID], *, version: int) -> CountedStages:
        """Raises `Forbidden`, `VersionConflict`, `Unprocessable` unless each stage is named once."""
        _require(principal, "update")
        async with self._unit_of_work() as session:
            stages, changes = Stages(session), self._changes(session, principal)
            await stages.lock()
            present = {row.id: row for row in await stages.all()}
            require(version, current=order_version(list(present)))
            if sorted(stage_ids) != sorted(present):
                raise Unprocessable(errors=[FieldError("/stage_ids", "Name each stage that there is now, once.")])
            for position, stage_id in enumerate(stage_ids):
                row = present[stage_id]
                if row.position != position:
                    row.position = position
                    row.version += 1
                    changes.note("stage", row.id, "changed", person_id=None, revision=row.version, fields=["position"])
            await changes.finish()
            return await _counted(stages, principal)

    async def remove(self, principal: Principal, stage_id: UUID, *, move_to: UUID | None, version: int) -> None:
        """People in it go to `move_to` in the same transaction.

        Raises `StageNotFound`, `Forbidden`, `VersionConflict`, `StageInUse`, `StageTooFull`, `LastStage`,
        `Unprocessable`.
        """
        async with self._unit_of_work() as session:
            stages, changes = Stages(session), self._changes(session, principal)
            await stages.lock()
            row = await _editable(stages, principal, stage_id, version, action="delete")
            if len(await stages.all()) == 1:
                raise LastStage("Make another one first.")
            people = await stages.people_in(row.id)
            if len(people) > MOST_MOVED:
                raise StageTooFull(f"Move people to other stages until {MOST_MOVED} are left, or rename it.")
            if people and move_to is None:
                raise StageInUse(
                    f"{len(people)} people are in it; say to which stage they go.", extensions={"people": len(people)}
                )
            if move_to is not None:
                after = await stages.stage(move_to)
                if after is None or after.id == row.id:
                    raise Unprocessable(errors=[FieldError("?move_to", "This is no other stage.")])
                await changes.all_moved(people, row, after)
            changes.note("stage", row.id, "deleted", person_id=None, revision=row.version + 1)
            await changes.finish()
            await stages.delete(row)

    def _changes(self, session: AsyncSession, principal: Principal) -> Changes:
        return Changes(session, self._outbox, now=self._clock.now(), actor=principal.user_id)


def _require(principal: Principal, action: str) -> None:
    if not grant(principal, "stage", action):
        raise Forbidden("Owners and office managers change stages; owners remove them.")


async def _editable(
    stages: Stages, principal: Principal, stage_id: UUID, version: int, *, action: str = "update"
) -> StageRow:
    """Locked. Raises `StageNotFound`, `Forbidden`, `VersionConflict`."""
    row = await stages.stage(stage_id, lock=True)
    if row is None or not grant(principal, "stage", "read"):
        raise StageNotFound
    _require(principal, action)
    require(version, current=row.version)
    return row


async def _counted(stages: Stages, principal: Principal) -> CountedStages:
    rows, counts = await stages.all(), await stages.counts(principal)
    items = [CountedStage(row, counts.get(row.id, 0)) for row in rows]
    return CountedStages(items, order_version([row.id for row in rows]))
