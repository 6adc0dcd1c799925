"""A listing as search holds it, and as lists show it. Pure.

Both engines' answers go through `document` and `item`: an item from PostgreSQL and one from Elasticsearch are equal.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rooftree.modules.property.domain import LIST_DETAILS
from rooftree.modules.property.visibility import ADDRESS_WITHHELD, is_hidden, shows_place

# Named alike in the row, in the document and in the answer.
SHOWN = (
    "listing_key",
    "standard_status",
    "city",
    "state_or_province",
    "postal_code",
    "property_type",
    "property_sub_type",
    "bedrooms_total",
    "bathrooms_total",
    "living_area",
    "lot_size_area",
    "year_built",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Json = dict[str, Any]


def microseconds(moment: datetime) -> int:
    """Since 1970: keeps all that PostgreSQL keeps, which Elasticsearch's dates do not."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The reverse of `microseconds`. Raises OverflowError."""
    return _EPOCH + value * _MICROSECOND


def _text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def bucket(listing_id: UUID) -> str:
    """One of 256 shares of all listings, for comparing the two copies in few numbers."""
    return str(listing_id)[-2:]


def document(row: Any, photo: Any | None) -> Json:
    """What search knows of a row of `properties` and its first photo. Nothing of what nobody may see."""
    head = {"id": str(row.id), "bucket": bucket(row.id), "version": row.version, "hidden": is_hidden(row)}
    return head if head["hidden"] else head | content(row, photo)


def content(row: Any, photo: Any | None) -> Json:
    """What a document holds of a row that somebody may see; also what drafts show to those who edit them."""
    details = row.details
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in SHOWN},
        "internet_display": row.internet_display,
        "internet_address_display": row.internet_address_display,
        "unparsed_address": row.unparsed_address,
        "subdivision_name": details.get("subdivision_name"),
        "currency": row.currency,
        "list_price": row.list_price,
        "close_price": row.close_price,
        "modification_timestamp": _text(row.modification_timestamp),
        "modified": microseconds(row.modification_timestamp),
        "location": _location(row),
        "photo": _first(photo) if photo else None,
        "public_remarks": details.get("public_remarks"),
        "features": _features(row, details),
    }


def _first(photo: Any) -> Json:
    """Of a feed's photo its number, of an own one its id, too; the release before knows numbers only."""
    known = {"number": getattr(photo, "number", 1), "description": photo.description}
    own = getattr(photo, "id", None)
    return known | {"id": str(own)} if own else known


def _location(row: Any) -> Json | None:
    if row.latitude is None or row.longitude is None:
        return None
    return {"lat": row.latitude, "lon": row.longitude}


def _features(row: Any, details: Json) -> list[str]:
    """Words that are searched and not shown by lists."""
    found = [details.get("listing_id"), *(word for name in LIST_DETAILS for word in details.get(name) or ())]
    if row.bedrooms_total is not None:
        found.append(f"{row.bedrooms_total} bedrooms")
    if row.bathrooms_total is not None:
        found.append(f"{row.bathrooms_total} bathrooms")
    return [word for word in found if word]


def item(source: Json, *, everything: bool) -> Json:
    """The fields of `PropertySummary`; without address and coordinates where the reader may not know them."""
    placed = shows_place(source, everything=everything)
    address = source["unparsed_address"] if placed else ADDRESS_WITHHELD
    location = source.get("location") if placed else None
    currency = source["currency"]
    return {name: source.get(name) for name in SHOWN} | {
        "id": source["id"],
        "unparsed_address": address,
        "list_price": money(source["list_price"], currency),
        "close_price": money(source.get("close_price"), currency),
        "modification_timestamp": source["modification_timestamp"],
        "latitude": location["lat"] if location else None,
        "longitude": location["lon"] if location else None,
        "photo": _photo(source, address),
    }


def map_point(source: Json, *, everything: bool) -> Json:
    """The fields of `MapPoint`."""
    shown = item(source, everything=everything)
    names = ("id", "latitude", "longitude", "list_price", "unparsed_address", "standard_status", "bedrooms_total")
    return {name: shown[name] for name in (*names, "photo")}


def money(amount: int | None, currency: str) -> Json | None:
    return None if amount is None else {"amount": amount, "currency": currency}


def _photo(source: Json, address: str) -> Json | None:
    photo = source.get("photo")
    if not photo:
        return None
    number, own = photo["number"], photo.get("id")
    url = own_photo_url(own, "medium") if own else photo_url(source["id"], number)
    return {"url": url, "alt": photo["description"] or photo_alt(number, address)}


def photo_url(listing_id: object, number: int) -> str:
    return f"/api/v1/properties/{listing_id}/photos/{number}"


def own_photo_url(photo_id: object, size: str) -> str:
    return f"/api/v1/photos/{photo_id}?size={size}"


def photo_alt(number: int, address: str) -> str:
    """For photos that nobody described."""
    return f"Photo {number} of {address}" if address else f"Photo {number}"


def map_cluster(cell: Json, precision: int, currency: str) -> Json:
    """The fields of `MapCluster`, of a cell with its numbers."""
    return {
        "id": f"{precision}/{int(cell['x'])}/{int(cell['y'])}",
        "count": cell["count"],
        "latitude": cell["latitude"],
        "longitude": cell["longitude"],
        "bbox": [cell[side] for side in ("west", "south", "east", "north")],
        "min_price": {"amount": cell["min_price"], "currency": currency},
    }
