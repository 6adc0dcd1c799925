"""Use cases of tasks: something to do for a person, by somebody, perhaps until a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rooftree.contracts.crm.api import TaskNotFound
from rooftree.contracts.identity.api import IdentityApi, User, UserNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import cursor_id, cursor_moment, decode_cursor, encode_cursor
from rooftree.kernel.preconditions import require
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.edit_guard import editable
from rooftree.modules.crm.rights import place_of, sees
from rooftree.modules.crm.shown import Presenter
from rooftree.modules.crm.tables import PersonRow, TaskRow
from rooftree.modules.crm.work_repository import TaskOwner, TaskState, WorkRepository

_PLAIN = ("title", "due_at", "time_zone", "assigned_to")


@dataclass(frozen=True, slots=True)
class ShownTask:
    row: TaskRow
    person_name: str
    assigned_name: str | None


@dataclass(frozen=True, slots=True)
class TasksPage:
    items: Sequence[ShownTask]
    total: int
    next_cursor: str | None


class Tasks:
    """`time_zone`: the brokerage's, for tasks that name none."""

    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, identity: IdentityApi, *, time_zone: str
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._identity = identity
        self._presenter = Presenter(identity)
        self._time_zone = time_zone

    async def find(
        self,
        principal: Principal,
        *,
        state: TaskState,
        owner: TaskOwner,
        person_id: UUID | None,
        limit: int,
        cursor: str | None,
    ) -> TasksPage:
        after = _place(cursor, state) if cursor else None
        found, total = await self._unit_of_work.read(
            lambda session: WorkRepository(session, principal).tasks(
                state=state, owner=owner, person_id=person_id, after=after, limit=limit + 1
            )
        )
        items = await self._shown(found[:limit])
        last = found[limit - 1][0] if len(found) > limit else None
        return TasksPage(items, total, _following(last, state) if last else None)

    async def create(self, principal: Principal, person_id: UUID, given: Mapping[str, Any]) -> ShownTask:
        """One's own, unless it is given to somebody who may see the person, too. `given`: members of `TaskInput`.

        Raises `PersonNotFound`, `Forbidden`, `Unprocessable`.
        """
        wanted = await self._wanted(principal, given["assigned_to"])
        now = self._clock.now()
        async with self._unit_of_work.effect() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            person = (await editable(session, principal, person_id)).row
            user = _seeing(wanted, person)
            row = TaskRow(
                id=new_id(),
                person_id=person.id,
                title=given["title"],
                due_at=given["due_at"],
                time_zone=given["time_zone"] or self._time_zone,
                assigned_to=user.id if user else principal.user_id,
                created_by=principal.user_id,
                created_at=now,
                done_at=None,
                done_by=None,
                revision=1,
            )
            session.add(row)
            changes.note("task", row.id, "created", person_id=person.id)
            await changes.finish()
        return (await self._shown([(row, person)]))[0]

    async def change(
        self, principal: Principal, task_id: UUID, given: Mapping[str, Any], *, revision: int
    ) -> ShownTask:
        """`given`: some members of `TaskPatch`. Raises `TaskNotFound`, `VersionConflict`, `Unprocessable`."""
        wanted = await self._wanted(principal, given.get("assigned_to"))
        now = self._clock.now()
        async with self._unit_of_work() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            found = await WorkRepository(session, principal).task(task_id)
            if found is None:
                raise TaskNotFound
            row, person = found
            require(revision, current=row.revision)
            _seeing(wanted, person)
            fields = _apply(row, given, actor=principal.user_id, now=now)
            if fields:
                row.revision += 1
                changes.note("task", row.id, "changed", person_id=person.id, revision=row.revision, fields=fields)
            await changes.finish()
        return (await self._shown([(row, person)]))[0]

    async def _wanted(self, principal: Principal, user_id: UUID | None) -> User | UserNotFound | None:
        """Who shall do it; None for nobody in particular and for the caller, who need not be asked for.

        That there is no such person is told only to those who see what the task is about.
        """
        if user_id is None or user_id == principal.user_id:
            return None
        try:
            return await self._identity.user(user_id)
        except UserNotFound as missing:
            return missing

    async def _shown(self, found: Sequence[tuple[TaskRow, PersonRow]]) -> list[ShownTask]:
        names = await self._presenter.names(task.assigned_to for task, _ in found)
        return [
            ShownTask(task, person.name, names.get(task.assigned_to) if task.assigned_to else None)
            for task, person in found
        ]


def _seeing(wanted: User | UserNotFound | None, person: PersonRow) -> User | None:
    """A task for somebody who cannot open the person would be done by nobody. Raises `Unprocessable`."""
    if isinstance(wanted, UserNotFound) or (wanted is not None and not sees(wanted, place_of(person))):
        raise _nobody()
    return wanted


def _nobody() -> Unprocessable:
    """Also of somebody whom the caller does not know: one answer for all."""
    detail = "There is no such person who looks after the one whom the task is about."
    return Unprocessable(errors=[FieldError("/assigned_to", detail)])


def _apply(row: TaskRow, given: Mapping[str, Any], *, actor: UUID, now: datetime) -> list[str]:
    """Returns the fields that differ."""
    values = {name: given[name] for name in _PLAIN if name in given}
    fields = [name for name, value in values.items() if getattr(row, name) != value]
    for name in fields:
        setattr(row, name, values[name])
    wanted = given.get("is_done")
    if wanted is not None and wanted != (row.done_at is not None):
        row.done_at, row.done_by = (now, actor) if wanted else (None, None)
        fields.append("done_at")
    return fields


def _place(cursor: str, state: TaskState) -> tuple[datetime | None, UUID]:
    """Only open tasks may have no time."""
    at, task_id = decode_cursor(cursor, (str, type(None)) if state == "open" else str, str)
    return (None if at is None else cursor_moment(at)), cursor_id(task_id)


def _following(row: TaskRow, state: TaskState) -> str:
    at = row.due_at if state == "open" else row.done_at
    return encode_cursor(at.isoformat() if at else None, str(row.id))
