"""HTTP of what is done for a person: notes, tasks, activities, timeline."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.crm.tasks import ShownTask, Tasks
from rooftree.modules.crm.timeline_repository import Entry
from rooftree.modules.crm.work import Work, Written
from rooftree.modules.crm.work_schemas import (
    Activity,
    ActivityInput,
    Note,
    NoteInput,
    Task,
    TaskInput,
    TaskPage,
    TaskPatch,
    TaskPerson,
    TaskQuery,
    TimelineEntry,
    TimelinePage,
    TimelineQuery,
)

router = APIRouter(route_class=ApiRoute)
WorkDep = Annotated[Work, Depends(provided(Work))]
TasksDep = Annotated[Tasks, Depends(provided(Tasks))]
_CHANGED = responses(400, 401, 403, 404, 412, 422, 428)


@router.get(
    "/people/{person_id}/timeline",
    dependencies=[*needs("person", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def list_person_timeline(
    person_id: UUID, query: Annotated[TimelineQuery, Query()], principal: CurrentPrincipal, work: WorkDep
) -> TimelinePage:
    """Newest first. Who may only claim the person sees leads and assignments."""
    page = await work.timeline(principal, person_id, query.kind, limit=query.limit, cursor=query.cursor)
    return TimelinePage(items=[_entry(one, page.names) for one in page.items], next_cursor=page.next_cursor)


@router.post(
    "/people/{person_id}/notes",
    dependencies=[*needs("person", "update"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 404, 422),
)
async def create_note(
    person_id: UUID, body: NoteInput, principal: CurrentPrincipal, work: WorkDep, response: Response
) -> Note:
    return _note(await work.write_note(principal, person_id, body.text), response)


@router.patch("/notes/{note_id}", dependencies=needs("note", "update"), responses=_CHANGED)
async def edit_note(
    *,
    note_id: UUID,
    body: NoteInput,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    work: WorkDep,
    response: Response,
) -> Note:
    """By its author."""
    return _note(await work.edit_note(principal, note_id, body.text, revision=version), response)


@router.delete("/notes/{note_id}", dependencies=needs("note", "delete"), status_code=204, responses=_CHANGED)
async def delete_note(note_id: UUID, version: ExpectedVersion, principal: CurrentPrincipal, work: WorkDep) -> None:
    """By its author, a manager or an owner."""
    await work.delete_note(principal, note_id, revision=version)


@router.post(
    "/people/{person_id}/activities",
    dependencies=[*needs("person", "update"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 404, 422),
)
async def create_activity(person_id: UUID, body: ActivityInput, principal: CurrentPrincipal, work: WorkDep) -> Activity:
    written = await work.log_activity(principal, person_id, body.model_dump())
    row = written.row
    return Activity(
        id=row.id,
        person_id=row.person_id,
        kind=row.kind,
        direction=row.direction,
        at=row.at,
        outcome=row.outcome,
        created_by=Colleague(id=row.created_by, name=written.author_name),
        created_at=row.created_at,
    )


@router.get("/tasks", dependencies=[*needs("person", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_tasks(query: Annotated[TaskQuery, Query()], principal: CurrentPrincipal, tasks: TasksDep) -> TaskPage:
    """Open ones by when they are due; done ones latest first."""
    page = await tasks.find(principal, **query.model_dump())
    return TaskPage(items=[_task(one) for one in page.items], total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/people/{person_id}/tasks",
    dependencies=[*needs("person", "update"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 404, 422),
)
async def create_task(
    person_id: UUID, body: TaskInput, principal: CurrentPrincipal, tasks: TasksDep, response: Response
) -> Task:
    shown = await tasks.create(principal, person_id, body.model_dump())
    response.headers.update(etag(shown.row.revision))
    return _task(shown)


@router.patch("/tasks/{task_id}", dependencies=needs("person", "update"), responses=_CHANGED)
async def edit_task(
    *,
    task_id: UUID,
    body: TaskPatch,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    tasks: TasksDep,
    response: Response,
) -> Task:
    """`is_done` true ends the task, false opens it again."""
    shown = await tasks.change(principal, task_id, body.given(), revision=version)
    response.headers.update(etag(shown.row.revision))
    return _task(shown)


def _note(written: Written, response: Response) -> Note:
    row = written.row
    response.headers.update(etag(row.revision))
    return Note(
        id=row.id,
        person_id=row.person_id,
        author=Colleague(id=row.author_id, name=written.author_name),
        text=row.text,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.revision,
    )


def _task(shown: ShownTask) -> Task:
    row = shown.row
    return Task(
        id=row.id,
        person=TaskPerson(id=row.person_id, name=shown.person_name),
        title=row.title,
        due_at=row.due_at,
        time_zone=row.time_zone,
        assigned_to=Colleague(id=row.assigned_to, name=shown.assigned_name) if row.assigned_to else None,
        created_at=row.created_at,
        done_at=row.done_at,
        version=row.revision,
    )


# What the columns of a timeline's tables are in the API.
_NAMES = {
    "text": "text",
    "title": "text",
    "message": "text",
    "outcome": "text",
    "note": "text",
    "revision": "version",
    "kind": "activity",
    "state": "lead_state",
    "name": "given_name",
    "email": "given_email",
    "phone": "given_phone",
    "from_name": "from_stage",
    "to_name": "to_stage",
}


def _entry(entry: Entry, names: Mapping[UUID, str]) -> TimelineEntry:
    details = dict(entry.details)
    values: dict[str, Any] = {
        side: _colleague(details.pop(f"{side}_id", None), names) for side in ("from_user", "to_user")
    }
    values |= {_NAMES.get(name, name): value for name, value in details.items()}
    actor = _colleague(entry.actor_id, names)
    return TimelineEntry(**values, id=entry.id, kind=entry.kind, at=entry.at, actor=actor)


def _colleague(user_id: UUID | str | None, names: Mapping[UUID, str]) -> Colleague | None:
    if user_id is None:
        return None
    known = UUID(str(user_id))
    return Colleague(id=known, name=names.get(known))
