"""HTTP of offices and teams."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.preconditions import ExpectedVersion, etag
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.identity.offices import CountedOffice, CountedTeam, Offices, Teams
from rooftree.modules.identity.people_schemas import (
    Office,
    OfficeInput,
    OfficePage,
    OfficePatch,
    OfficeQuery,
    Team,
    TeamInput,
    TeamPage,
    TeamPatch,
    TeamQuery,
)

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
OfficesDep = Annotated[Offices, Depends(provided(Offices))]
TeamsDep = Annotated[Teams, Depends(provided(Teams))]
_CHANGE = responses(400, 401, 403, 404, 409, 412, 422, 428)


@router.get("/offices", dependencies=[*needs("office", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_offices(query: Annotated[OfficeQuery, Query()], offices: OfficesDep) -> OfficePage:
    page = await offices.find(**query.model_dump())
    return OfficePage(items=[_office(item) for item in page.items], total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/offices",
    dependencies=[*needs("office", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 409, 422),
)
async def create_office(
    body: OfficeInput, principal: CurrentPrincipal, offices: OfficesDep, response: Response
) -> Office:
    made = await offices.create(principal, body.model_dump())
    response.headers.update(etag(made.row.version) | {"Location": f"/api/v1/offices/{made.row.id}"})
    return _office(made)


@router.get(
    "/offices/{office_id}",
    dependencies=[*needs("office", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def get_office(office_id: UUID, principal: CurrentPrincipal, offices: OfficesDep, response: Response) -> Office:
    found = await offices.show(principal, office_id)
    response.headers.update(etag(found.row.version))
    return _office(found)


@router.patch("/offices/{office_id}", dependencies=needs("office", "update"), responses=_CHANGE)
async def update_office(
    office_id: UUID,
    *,
    body: OfficePatch,
    expected: ExpectedVersion,
    principal: CurrentPrincipal,
    offices: OfficesDep,
    response: Response,
) -> Office:
    changed = await offices.change(principal, office_id, body.given(), expected=expected)
    response.headers.update(etag(changed.row.version))
    return _office(changed)


@router.delete("/offices/{office_id}", dependencies=needs("office", "delete"), status_code=204, responses=_CHANGE)
async def delete_office(
    office_id: UUID, expected: ExpectedVersion, principal: CurrentPrincipal, offices: OfficesDep
) -> None:
    await offices.delete(principal, office_id, expected=expected)


@router.get("/teams", dependencies=[*needs("team", "read"), SPARSE], responses=responses(401, 403, 422))
async def list_teams(query: Annotated[TeamQuery, Query()], teams: TeamsDep) -> TeamPage:
    page = await teams.find(**query.model_dump())
    return TeamPage(items=[_team(item) for item in page.items], total=page.total, next_cursor=page.next_cursor)


@router.post(
    "/teams",
    dependencies=[*needs("team", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 409, 422),
)
async def create_team(body: TeamInput, principal: CurrentPrincipal, teams: TeamsDep, response: Response) -> Team:
    made = await teams.create(principal, body.model_dump())
    response.headers.update(etag(made.row.version) | {"Location": f"/api/v1/teams/{made.row.id}"})
    return _team(made)


@router.get("/teams/{team_id}", dependencies=[*needs("team", "read"), SPARSE], responses=responses(401, 403, 404, 422))
async def get_team(team_id: UUID, principal: CurrentPrincipal, teams: TeamsDep, response: Response) -> Team:
    found = await teams.show(principal, team_id)
    response.headers.update(etag(found.row.version))
    return _team(found)


@router.patch("/teams/{team_id}", dependencies=needs("team", "update"), responses=_CHANGE)
async def update_team(
    team_id: UUID,
    *,
    body: TeamPatch,
    expected: ExpectedVersion,
    principal: CurrentPrincipal,
    teams: TeamsDep,
    response: Response,
) -> Team:
    changed = await teams.change(principal, team_id, body.given(), expected=expected)
    response.headers.update(etag(changed.row.version))
    return _team(changed)


@router.delete("/teams/{team_id}", dependencies=needs("team", "delete"), status_code=204, responses=_CHANGE)
async def delete_team(team_id: UUID, expected: ExpectedVersion, principal: CurrentPrincipal, teams: TeamsDep) -> None:
    """Its members stay in the office."""
    await teams.delete(principal, team_id, expected=expected)


def _office(office: CountedOffice) -> Office:
    row = office.row
    return Office(
        id=row.id,
        name=row.name,
        phone=row.phone,
        address=row.address,
        user_count=office.user_count,
        version=row.version,
    )


def _team(team: CountedTeam) -> Team:
    row = team.row
    return Team(id=row.id, name=row.name, office_id=row.office_id, member_count=team.member_count, version=row.version)
