"""A listing's page and its photos as HTTP answers. Pure."""

from typing import Any

from fastapi import Response

from rooftree.kernel.preconditions import etag
from rooftree.modules.property.domain import MONEY_DETAILS
from rooftree.modules.property.rights import is_own
from rooftree.modules.property.schemas import FullPhotoOutput, PhotoSizes, PropertyDetail, SourceOutput
from rooftree.modules.property.search_document import content, item, money, own_photo_url, photo_alt, photo_url
from rooftree.modules.property.shown import Shown
from rooftree.modules.property.tables import MediaRow, PhotoRow

_AS_STORED = (
    "list_agent_id",
    "list_office_id",
    "internet_display",
    "internet_address_display",
    "updated_at",
)
_SIZES = tuple(PhotoSizes.model_fields)


def answer(shown: Shown, response: Response) -> PropertyDetail:
    """The listing, with its version in the response's ETag."""
    response.headers.update(etag(shown.version))
    response.headers["Cache-Control"] = "no-store"
    return detail(shown)


def detail(shown: Shown) -> PropertyDetail:
    row, details = shown.row, shown.row.details
    first = next((photo for photo in shown.own_photos if photo.state == "ready"), None)
    summary = item(content(row, shown.photos[0] if shown.photos else first), everything=shown.everything)
    photos = [_feed_photo(row.id, photo, summary["unparsed_address"]) for photo in shown.photos]
    photos += [
        photo_output(photo, number, summary["unparsed_address"])
        for number, photo in enumerate(shown.own_photos, start=1)
    ]
    values: dict[str, Any] = {
        **{name: value for name, value in details.items() if name != "originating_system_name"},
        **{name: money(details[name], row.currency) for name in MONEY_DETAILS},
        **{name: getattr(row, name) for name in _AS_STORED},
        "roof": ", ".join(details["roof"]) or None,
        "version": shown.version,
        "origin": "own" if is_own(row) else "feed",
        "can_edit": shown.can_edit,
        "status_moves": shown.status_moves,
        "private_remarks": row.private_remarks if shown.private else None,
        "showing_instructions": row.showing_instructions if shown.private else None,
        "days_on_market": shown.days_on_market,
        "cumulative_days_on_market": shown.cumulative_days,
        "source": _source(shown),
        "photos": photos,
    }
    return PropertyDetail(**(values | summary))


def _source(shown: Shown) -> SourceOutput:
    name = shown.row.details["originating_system_name"]
    return SourceOutput(feed=shown.row.feed, originating_system_name=name, refreshed_at=shown.refreshed_at)


def _feed_photo(property_id: object, photo: MediaRow, address: str) -> FullPhotoOutput:
    return FullPhotoOutput(
        id=None,
        url=photo_url(property_id, photo.number),
        alt=photo.description or photo_alt(photo.number, address),
        description=photo.description,
        width=photo.width,
        height=photo.height,
        state="ready",
        sizes=None,
    )


def photo_output(photo: PhotoRow, number: int, address: str) -> FullPhotoOutput:
    """`number` counts from 1 among the listing's photos."""
    urls = {size: own_photo_url(photo.id, size) for size in _SIZES}
    return FullPhotoOutput(
        id=photo.id,
        url=urls["large"],
        alt=photo.description or photo_alt(number, address),
        description=photo.description,
        width=photo.width,
        height=photo.height,
        state=photo.state,  # pyright: ignore[reportArgumentType] - never `uploading` here
        sizes=PhotoSizes(**urls) if photo.state == "ready" else None,
    )
