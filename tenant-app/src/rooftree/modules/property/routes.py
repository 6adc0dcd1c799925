"""HTTP of property: listing and photos; with the routes of search and of feeds."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.versions import WITH_ETAG
from rooftree.modules.property import editor_routes, feed_routes, photo_routes, search_routes
from rooftree.modules.property.domain import MONEY_DETAILS
from rooftree.modules.property.schemas import FullPhotoOutput, PropertyDetail, SourceOutput
from rooftree.modules.property.search_document import document, item, money, photo_alt, photo_url
from rooftree.modules.property.service import PropertyService, Shown

router = APIRouter(prefix="/api/v1", tags=["property"])
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


@router.get("/properties/{property_id}", responses={200: WITH_ETAG, **responses(401, 404, 422)})
async def get_property(property_id: UUID, principal: CurrentPrincipal, service: Service) -> PropertyDetail:
    return _detail(await service.show(principal, property_id))


@router.get(
    "/properties/{property_id}/photos/{number}",
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


def _detail(shown: Shown) -> PropertyDetail:
    row, details = shown.row, shown.row.details
    summary = item(document(row, shown.photos[0] if shown.photos else None), everything=shown.everything)
    photos = [
        FullPhotoOutput(
            url=photo_url(row.id, photo.number),
            alt=photo.description or photo_alt(photo.number, summary["unparsed_address"]),
            width=photo.width,
            height=photo.height,
        )
        for photo in shown.photos
    ]
    source = SourceOutput(
        feed=row.feed,
        originating_system_name=details["originating_system_name"],
        refreshed_at=shown.refreshed_at,
    )
    values = {
        **{name: value for name, value in details.items() if name != "originating_system_name"},
        **{name: money(details[name], row.currency) for name in MONEY_DETAILS},
        "roof": ", ".join(details["roof"]) or None,
        "source": source,
        "photos": photos,
    }
    return PropertyDetail(**(values | summary))


router.include_router(editor_routes.router)
router.include_router(photo_routes.router)
router.include_router(feed_routes.router)
