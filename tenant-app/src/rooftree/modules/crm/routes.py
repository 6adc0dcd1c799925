"""HTTP of crm: stages; with the routes of people, leads and what is done for them."""

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
from rooftree.modules.crm import bulk_routes, lead_routes, people_routes, work_routes
from rooftree.modules.crm.people_schemas import Stage, StageInput, StageList, StageOrderInput, StagePatch
from rooftree.modules.crm.stages import CountedStage, CountedStages
from rooftree.modules.crm.stages import StageList as Stages

router = APIRouter(prefix="/api/v1", tags=["crm"], route_class=ApiRoute)
StagesDep = Annotated[Stages, Depends(provided(Stages))]
_CHANGED = responses(400, 401, 403, 404, 409, 412, 422, 428)

router.include_router(bulk_routes.router)
router.include_router(people_routes.router)
router.include_router(lead_routes.router)
router.include_router(work_routes.router)


@router.get("/stages", dependencies=[*needs("stage", "read"), SPARSE], responses=responses(401, 403))
async def list_stages(principal: CurrentPrincipal, stages: StagesDep, response: Response) -> StageList:
    """In their order, which the ETag is of."""
    return _list(await stages.all(principal), response)


@router.post(
    "/stages",
    dependencies=[*needs("stage", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 409, 422),
)
async def create_stage(body: StageInput, principal: CurrentPrincipal, stages: StagesDep, response: Response) -> Stage:
    """At the end."""
    return _answer(await stages.create(principal, body.name), response)


@router.put("/stages/order", dependencies=needs("stage", "update"), responses=responses(400, 401, 403, 412, 422, 428))
async def order_stages(
    *,
    body: StageOrderInput,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    stages: StagesDep,
    response: Response,
) -> StageList:
    return _list(await stages.order(principal, body.stage_ids, version=version), response)


@router.patch("/stages/{stage_id}", dependencies=needs("stage", "update"), responses=_CHANGED)
async def rename_stage(
    *,
    stage_id: UUID,
    body: StagePatch,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    stages: StagesDep,
    response: Response,
) -> Stage:
    return _answer(await stages.rename(principal, stage_id, body.name, version=version), response)


@router.delete("/stages/{stage_id}", dependencies=needs("stage", "delete"), status_code=204, responses=_CHANGED)
async def delete_stage(
    *,
    stage_id: UUID,
    version: ExpectedVersion,
    principal: CurrentPrincipal,
    stages: StagesDep,
    move_to: Annotated[UUID | None, Query(description="The stage to which its people go.")] = None,
) -> None:
    """`people` of a 409 tells how many are in it."""
    await stages.remove(principal, stage_id, move_to=move_to, version=version)


def _list(stages: CountedStages, response: Response) -> StageList:
    response.headers.update(etag(stages.version))
    return StageList(items=[_stage(one) for one in stages.items], version=stages.version)


def _answer(counted: CountedStage, response: Response) -> Stage:
    response.headers.update(etag(counted.row.version))
    return _stage(counted)


def _stage(counted: CountedStage) -> Stage:
    row = counted.row
    return Stage(id=row.id, name=row.name, position=row.position, people=counted.people, version=row.version)
