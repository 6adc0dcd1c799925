"""HTTP of property: search, listing, photos; with the routes of feeds."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.module import provided
from rooftree.kernel.money import Money
from rooftree.kernel.problems import responses
from rooftree.modules.property import feed_routes
from rooftree.modules.property.domain import MONEY_DETAILS
from rooftree.modules.property.schemas import (
    FullPhotoOutput,
    MoneyOutput,
    PhotoOutput,
    PropertyDetail,
    PropertyPage,
    PropertyQuery,
    PropertySummary,
    SourceOutput,
)
from rooftree.modules.property.search import Search
from rooftree.modules.property.service import PropertyService, Shown
from rooftree.modules.property.tables import MediaRow, PropertyRow

router = APIRouter(prefix="/api/v1", tags=["property"])
Service = Annotated[PropertyService, Depends(provided(PropertyService))]
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture",
        "content": {kind: {} for kind in ("image/jpeg", "image/png", "image/webp")},
    }
}
_COPIED = tuple(PropertySummary.model_fields.keys() - {"list_price", "close_price", "photo"})
# Photos are for signed-in people only, so only their own browser may keep them.
_KEEP_A_DAY = {"Cache-Control": "private, max-age=86400"}


@router.get("/properties", responses=responses(401, 422))
async def search_properties(
    query: Annotated[PropertyQuery, Query()], principal: CurrentPrincipal, service: Service
) -> PropertyPage:
    wanted = _search(query, service.currency)
    page = await service.search(principal, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    items = [PropertySummary(**_summary(found.row, found.photo)) for found in page.items]
    return PropertyPage(items=items, total=page.total, next_cursor=page.next_cursor)


@router.get("/properties/{property_id}", responses=responses(401, 404, 422))
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


def _search(query: PropertyQuery, currency: str) -> Search:
    def minor(units: int | None) -> int | None:
        return None if units is None else Money.of_major(units, currency).amount

    return Search(
        text=query.q or None,
        list_price=(minor(query.min_price), minor(query.max_price)),
        living_area=(query.min_area, query.max_area),
        min_bedrooms=query.min_beds,
        min_bathrooms=query.min_baths,
        sub_types=tuple(query.type),
        statuses=tuple(query.status),
    )


def _summary(row: PropertyRow, photo: MediaRow | None) -> dict[str, Any]:
    """The fields of PropertySummary."""
    return {name: getattr(row, name) for name in _COPIED} | {
        "list_price": _money(row.list_price, row),
        "close_price": _money(row.close_price, row),
        "photo": PhotoOutput(url=_photo_url(photo), alt=_alt(photo, row)) if photo else None,
    }


def _detail(shown: Shown) -> PropertyDetail:
    row, details = shown.row, shown.row.details
    photos = [
        FullPhotoOutput(url=_photo_url(photo), alt=_alt(photo, row), width=photo.width, height=photo.height)
        for photo in shown.photos
    ]
    source = SourceOutput(
        feed=row.feed,
        originating_system_name=details["originating_system_name"],
        refreshed_at=shown.refreshed_at,
    )
    values = {
        **{name: value for name, value in details.items() if name != "originating_system_name"},
        **{name: _money(details[name], row) for name in MONEY_DETAILS},
        "roof": ", ".join(details["roof"]) or None,
        "source": source,
        "photos": photos,
    }
    return PropertyDetail(**_summary(row, shown.photos[0] if shown.photos else None), **values)


def _money(amount: int | None, row: PropertyRow) -> MoneyOutput | None:
    return None if amount is None else MoneyOutput(amount=amount, currency=row.currency)


def _photo_url(photo: MediaRow) -> str:
    return f"/api/v1/properties/{photo.property_id}/photos/{photo.number}"


def _alt(photo: MediaRow, row: PropertyRow) -> str:
    return photo.description or f"Photo {photo.number} of {row.unparsed_address}"


router.include_router(feed_routes.router)
