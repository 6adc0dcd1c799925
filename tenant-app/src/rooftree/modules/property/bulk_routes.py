"""HTTP of imports and exports of own listings; what people's have likewise is in `bulk.routes`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from rooftree.bulk.routes import begun_export, bulk_router
from rooftree.bulk.schemas import BulkExport
from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.spreadsheets import Format
from rooftree.modules.property.import_subject import ListingBulk, ListingExports, ListingImports
from rooftree.modules.property.search_schemas import Statuses


class ListingExportQuery(BaseModel):
    """The filter of the list of own listings."""

    model_config = ConfigDict(extra="forbid")

    status: Statuses = []
    format: Format = Field(description="What the file is to be.")


router = APIRouter(route_class=ApiRoute)
router.include_router(bulk_router(ListingBulk.names, ListingImports, ListingExports))


@router.post(
    "/property-exports",
    dependencies=[*needs("listing", "update"), REPEATABLE],
    status_code=202,
    responses=responses(401, 403, 422, 503),
)
async def export_properties(
    query: Annotated[ListingExportQuery, Query()],
    principal: CurrentPrincipal,
    exports: Annotated[ListingExports, Depends(provided(ListingExports))],
    response: Response,
) -> BulkExport:
    """Own listings that the caller may edit, as a file. `Location` is the job; its `result` is the file."""
    return begun_export(await exports.begin(principal, query.format, {"status": query.status}), response)
