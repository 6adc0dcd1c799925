"""HTTP of property: listing and photos; with the routes of search and of feeds."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.property import bulk_routes, editor_routes, feed_routes, photo_routes, search_routes
from rooftree.modules.property.detail import answer
from rooftree.modules.property.schemas import PropertyDetail
from rooftree.modules.property.service import PropertyService

router = APIRouter(prefix="/api/v1", tags=["property"], route_class=ApiRoute)
Service = Annotated[PropertyService, Depends(provided(PropertyService))]
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture",
        "content": {kind: {} for kind in ("image/jpeg", "image/png", "image/webp")},
    }
}
# Photos are for signed-in people only, so only their own browser may keep them.
_KEEP_A_DAY = {"Cache-Control": "private, max-age=86400"}


# Before the route that takes whatever follows `/properties/` for an id.
router.include_router(search_routes.router)


@router.get(
    "/properties/{property_id}",
    dependencies=[*needs("listing", "read"), SPARSE],
    responses=responses(401, 404, 422),
)
async def get_property(
    property_id: UUID, principal: CurrentPrincipal, service: Service, response: Response
) -> PropertyDetail:
    return answer(await service.show(principal, property_id), response)


@router.get(
    "/properties/{property_id}/photos/{number}",
    dependencies=needs("listing", "read"),
    response_class=Response,
    responses={**_PICTURE, **responses(401, 404, 422, 502)},
)
async def get_property_photo(
    property_id: UUID,
    number: Annotated[int, Path(ge=1, le=10_000)],
    principal: CurrentPrincipal,
    service: Service,
) -> Response:
    picture = await service.picture(principal, property_id, number)
    return Response(picture.content, media_type=picture.media_type, headers=_KEEP_A_DAY)


router.include_router(editor_routes.router)
router.include_router(bulk_routes.router)
router.include_router(photo_routes.router)
router.include_router(feed_routes.router)
