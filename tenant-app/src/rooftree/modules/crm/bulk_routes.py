"""HTTP of imports and exports of people; what listings' have likewise is in `bulk.routes`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field

from rooftree.bulk.routes import begun_export, bulk_router
from rooftree.bulk.schemas import BulkExport
from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.spreadsheets import Format
from rooftree.modules.crm.export_people import stored_filter
from rooftree.modules.crm.people_bulk import PeopleBulk, PeopleExports, PeopleImports
from rooftree.modules.crm.people_routes import people_filter
from rooftree.modules.crm.people_schemas import PeopleFilter

router = APIRouter(route_class=ApiRoute)
router.include_router(bulk_router(PeopleBulk.names, PeopleImports, PeopleExports))


class ExportQuery(PeopleFilter):
    """The filters of the list of people."""

    model_config = ConfigDict(extra="forbid")

    format: Format = Field(description="What the file is to be.")
    stage_id: UUID | None = None


@router.post(
    "/people-exports",
    dependencies=[*needs("person", "read"), REPEATABLE],
    status_code=202,
    responses=responses(401, 403, 422, 503),
)
async def export_people(
    query: Annotated[ExportQuery, Query()],
    principal: CurrentPrincipal,
    exports: Annotated[PeopleExports, Depends(provided(PeopleExports))],
    response: Response,
) -> BulkExport:
    """The people that the list has for these filters, as a file. `Location` is the job; its `result` is the file."""
    wanted = stored_filter(people_filter(query, principal, query.stage_id))
    return begun_export(await exports.begin(principal, query.format, wanted), response)
