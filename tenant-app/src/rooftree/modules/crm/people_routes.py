"""HTTP of people: lists, board, one person, stages of theirs, who looks after them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal, Principal
from rooftree.kernel.hot_reads import json_answer
from rooftree.kernel.hot_routes import hot_route
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.pagination import PageQuery
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.rate_limits import SEARCHES
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.crm import domain
from rooftree.modules.crm.assignments import Assignments
from rooftree.modules.crm.people import People
from rooftree.modules.crm.people_schemas import (
    AssignmentInput,
    Board,
    BoardQuery,
    PeopleFilter,
    PeopleQuery,
    PersonDetail,
    PersonInput,
    PersonList,
    PersonPage,
    PersonPatch,
    PhoneOutput,
    RecordChange,
    RecordChangePage,
    StageChangeInput,
)
from rooftree.modules.crm.schemas import Email, Phone
from rooftree.modules.crm.shown import Shown
from rooftree.modules.crm.summaries_repository import Filter, Summary

router = APIRouter(route_class=ApiRoute)
PeopleDep = Annotated[People, Depends(provided(People))]
AssignmentsDep = Annotated[Assignments, Depends(provided(Assignments))]
_CHANGED = responses(400, 401, 403, 404, 412, 422, 428)


@router.get(
    "/people",
    dependencies=[*needs("person", "read"), SPARSE],
    responses=responses(401, 403, 422),
    response_model=PersonPage,
)
@hot_route
async def list_people(
    query: Annotated[PeopleQuery, Query()], principal: CurrentPrincipal, people: PeopleDep
) -> Response:
    page = await people.find(
        principal,
        people_filter(query, principal, query.stage_id),
        sort=query.sort,
        limit=query.limit,
        cursor=query.cursor,
    )
    items = summaries(page.items, page.names)
    return json_answer({"items": items, "total": page.total, "next_cursor": page.next_cursor})


@router.post(
    "/people",
    dependencies=[*needs("person", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 409, 422),
)
async def create_person(
    body: PersonInput, principal: CurrentPrincipal, people: PeopleDep, response: Response
) -> PersonDetail:
    """`person_id` of a 409 names who has the address or number already."""
    given = body.model_dump(exclude={"even_if_known"})
    shown = await people.create(principal, given, even_if_known=body.even_if_known)
    response.headers["Location"] = f"/api/v1/people/{shown.row.id}"
    return _answer(shown, response)


@router.get(
    "/people/board",
    dependencies=needs("person", "read"),
    openapi_extra=SEARCHES,
    responses=responses(401, 403, 422),
    response_model=Board,
)
@hot_route
async def get_people_board(
    query: Annotated[BoardQuery, Query()], principal: CurrentPrincipal, people: PeopleDep
) -> Response:
    """Every stage in its order, with the first people of each, last activity first."""
    board = await people.board(principal, people_filter(query, principal, None), limit=query.limit)
    columns = [
        {
            "stage_id": column.stage.id,
            "stage_name": column.stage.name,
            "total": column.total,
            "items": summaries(column.items, board.names),
        }
        for column in board.columns
    ]
    return json_answer({"columns": columns})


@router.get(
    "/people/duplicates",
    dependencies=[*needs("person", "read"), SPARSE],
    openapi_extra=SEARCHES,
    responses=responses(401, 403, 422),
    response_model=PersonList,
)
@hot_route
async def list_person_duplicates(
    principal: CurrentPrincipal, people: PeopleDep, email: Email | None = None, phone: Phone | None = None
) -> Response:
    """People with this address or number whom the caller sees, who came first first."""
    found = await people.duplicates(principal, email=email, phone=phone)
    return json_answer({"items": summaries(found.items, found.names)})


@router.get(
    "/people/{person_id}",
    dependencies=[*needs("person", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def get_person(
    person_id: UUID, principal: CurrentPrincipal, people: PeopleDep, response: Response
) -> PersonDetail:
    return _answer(await people.show(principal, person_id), response)


@router.patch("/people/{person_id}", dependencies=needs("person", "update"), responses=_CHANGED)
async def edit_person(
    *,
    person_id: UUID,
    body: PersonPatch,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    people: PeopleDep,
    response: Response,
) -> PersonDetail:
    return _answer(await people.edit(principal, person_id, body.given(), revision=version), response)


@router.post("/people/{person_id}/stage-changes", dependencies=needs("person", "update"), responses=_CHANGED)
async def change_person_stage(
    *,
    person_id: UUID,
    body: StageChangeInput,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    people: PeopleDep,
    response: Response,
) -> PersonDetail:
    return _answer(await people.move(principal, person_id, body.stage_id, revision=version), response)


@router.post("/people/{person_id}/assignments", dependencies=needs("person", "assign"), responses=_CHANGED)
async def assign_person(
    *,
    person_id: UUID,
    body: AssignmentInput,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    assignments: AssignmentsDep,
    response: Response,
) -> PersonDetail:
    """By owners and, within their office, managers."""
    shown = await assignments.assign(principal, person_id, body.assigned_to, note=body.note, revision=version)
    return _answer(shown, response)


@router.post(
    "/people/{person_id}/claim", dependencies=needs("person", "claim"), responses=responses(401, 403, 404, 409, 422)
)
async def claim_person(
    person_id: UUID, principal: CurrentPrincipal, assignments: AssignmentsDep, response: Response
) -> PersonDetail:
    """Of several who claim at once one gets the person; the others a 409."""
    return _answer(await assignments.claim(principal, person_id), response)


@router.get(
    "/people/{person_id}/history",
    dependencies=[*needs("person", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def list_person_history(
    person_id: UUID, query: Annotated[PageQuery, Query()], principal: CurrentPrincipal, people: PeopleDep
) -> RecordChangePage:
    """Every write about the person, newest first."""
    page = await people.history(principal, person_id, limit=query.limit, cursor=query.cursor)
    items = [
        RecordChange(
            id=row.id,
            at=row.at,
            actor=Colleague(id=row.actor_id, name=page.names.get(row.actor_id)) if row.actor_id else None,
            subject=row.subject,  # pyright: ignore[reportArgumentType] - the table's own check
            subject_id=row.subject_id,
            action=row.action,  # pyright: ignore[reportArgumentType] - likewise
            fields=row.fields,
        )
        for row in page.items
    ]
    return RecordChangePage(items=items, total=page.total, next_cursor=page.next_cursor)


def summaries(found: Sequence[Summary], names: Mapping[UUID, str]) -> list[dict[str, Any]]:
    """As `PersonSummary` says; `names` of who looks after them."""
    return [
        {
            "id": one["id"],
            "name": one["name"],
            "emails": one["emails"] or [],
            "phones": [{"value": typed, "e164": e164} for typed, e164 in one["phones"] or ()],
            "stage_id": one["stage_id"],
            "stage_name": one["stage_name"],
            "source": one["source"],
            "tags": one["tags"],
            "assigned_to": {"id": whose, "name": names.get(whose)} if (whose := one["assigned_to"]) else None,
            "office_id": one["office_id"],
            "open_leads": one["open_leads"],
            "last_activity_at": one["last_activity_at"],
            "created_at": one["created_at"],
            "version": one["version"],
            "can_edit": one["can_edit"],
            "can_assign": one["can_assign"],
            "can_claim": one["can_claim"],
        }
        for one in found
    ]


def _answer(shown: Shown, response: Response) -> PersonDetail:
    response.headers.update(etag(shown.row.revision))
    response.headers["Cache-Control"] = "no-store"
    return PersonDetail.model_validate(_values(shown) | {"updated_at": shown.row.updated_at})


def _values(shown: Shown) -> dict[str, object]:
    row = shown.row
    assigned = Colleague(id=row.assigned_to, name=shown.assigned_name) if row.assigned_to else None
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "emails": [contact.typed for contact in shown.contacts if contact.kind == "email"],
        "phones": [
            PhoneOutput(value=contact.typed, e164=contact.e164) for contact in shown.contacts if contact.kind == "phone"
        ],
        "stage_name": shown.stage_name,
        "assigned_to": assigned,
        "open_leads": shown.open_leads,
        "version": row.revision,
        "can_edit": shown.can_edit,
        "can_assign": shown.can_assign,
        "can_claim": shown.can_claim,
    }


_AS_STORED = ("id", "name", "stage_id", "source", "tags", "office_id", "last_activity_at", "created_at")


def people_filter(query: PeopleFilter, principal: Principal, stage_id: UUID | None) -> Filter:
    wanted = query.assigned_to
    return Filter(
        words=domain.asked_words(query.q or ""),
        stage_id=stage_id,
        assigned_to=principal.user_id if wanted == "me" else wanted if isinstance(wanted, UUID) else None,
        is_assigned={"nobody": False, "somebody": True}.get(wanted) if isinstance(wanted, str) else None,
        source=query.source,
        tag=query.tag,
    )
