"""HTTP of editing own listings: make, change, move, and what happened to them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.pagination import PageQuery
from rooftree.kernel.preconditions import ExpectedVersion
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.property.detail import answer
from rooftree.modules.property.editor_schemas import (
    HistoryEntry,
    HistoryPage,
    PhotoOrderInput,
    PropertyInput,
    StatusChangeInput,
)
from rooftree.modules.property.editor_service import EditorService
from rooftree.modules.property.schemas import PropertyDetail

router = APIRouter(route_class=ApiRoute)
Service = Annotated[EditorService, Depends(provided(EditorService))]
_CHANGED = responses(400, 401, 403, 404, 409, 412, 422, 428)


def merge_patch(schema: str) -> dict[str, Any]:
    """A body that is taken as `application/merge-patch+json`, too."""
    content = {"application/merge-patch+json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"content": content}}


@router.post(
    "/properties",
    dependencies=[*needs("listing", "create"), REPEATABLE],
    status_code=201,
    responses=responses(401, 403, 422),
)
async def create_property(
    body: PropertyInput, principal: CurrentPrincipal, service: Service, response: Response
) -> PropertyDetail:
    """A draft (Incomplete): nobody but those who may edit it sees it before it is published."""
    shown = await service.create(principal, body.model_dump(exclude_unset=True))
    response.headers["Location"] = f"/api/v1/properties/{shown.row.id}"
    return answer(shown, response)


@router.patch(
    "/properties/{property_id}",
    dependencies=needs("listing", "update"),
    responses=_CHANGED,
    openapi_extra=merge_patch("PropertyInput"),
)
async def edit_property(
    *,
    property_id: UUID,
    principal: CurrentPrincipal,
    version: ExpectedVersion,
    body: PropertyInput,
    service: Service,
    response: Response,
) -> PropertyDetail:
    """What is published must stay publishable. Nothing changes, and no version is made, where nothing differs."""
    shown = await service.edit(principal, property_id, body.model_dump(exclude_unset=True), version=version)
    return answer(shown, response)


@router.post("/properties/{property_id}/status-changes", dependencies=needs("listing", "update"), responses=_CHANGED)
async def change_property_status(
    *,
    property_id: UUID,
    principal: CurrentPrincipal,
    version: ExpectedVersion,
    body: StatusChangeInput,
    service: Service,
    response: Response,
) -> PropertyDetail:
    """`detail` of a 409 names the moves that are allowed; `errors` of a 422 what the listing lacks for this one."""
    shown = await service.move(
        principal,
        property_id,
        body.standard_status,
        version=version,
        close_price=body.close_price.model_dump() if body.close_price else None,
        close_date=body.close_date,
        reason=body.reason,
    )
    return answer(shown, response)


@router.put("/properties/{property_id}/photos/order", dependencies=needs("listing", "update"), responses=_CHANGED)
async def order_property_photos(
    *,
    property_id: UUID,
    principal: CurrentPrincipal,
    version: ExpectedVersion,
    body: PhotoOrderInput,
    service: Service,
    response: Response,
) -> PropertyDetail:
    return answer(await service.order_photos(principal, property_id, body.photo_ids, version=version), response)


@router.get(
    "/properties/{property_id}/history",
    dependencies=[*needs("listing", "read"), SPARSE],
    responses=responses(401, 404, 422),
)
async def list_property_history(
    property_id: UUID, query: Annotated[PageQuery, Query()], principal: CurrentPrincipal, service: Service
) -> HistoryPage:
    """Newest first."""
    page = await service.history(principal, property_id, limit=query.limit, cursor=query.cursor)
    return HistoryPage(
        items=[HistoryEntry(**entry) for entry in page.items], total=page.total, next_cursor=page.next_cursor
    )
