"""A RESO record becomes a listing or a list of reasons. Pure; knows no HTTP and no SQL.

Whatever a feed sends, `parse_record` answers: it never raises. Every reason names the field and what is wrong with
it, and all faults of a record are told at once. Texts are made storable first (`clean`): Postgres takes neither NUL nor
half of a surrogate pair.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from rooftree.modules.property.values import MAX_AREA, MAX_NAME, MAX_TEXT, Photo, Reader, Reason, clean

# What nobody sees: the feed took it back, or it is not yet a listing.
HIDDEN_STATUSES = ("Delete", "Incomplete")

# Raise it when the same record is read into other values: all feeds are read anew and every row is written again.
READING = 2
MAX_KIND_TEXT = 50_000  # characters; a Postgres tsvector holds less than 1 MiB
YEARS_AHEAD = 3  # homes are listed before they are built
TEXT_DETAILS = {
    "listing_id": "ListingId",
    "public_remarks": "PublicRemarks",
    "subdivision_name": "SubdivisionName",
    "county_or_parish": "CountyOrParish",
    "zoning": "Zoning",
    "zoning_description": "ZoningDescription",
    "year_built_details": "YearBuiltDetails",
    "list_agent_full_name": "ListAgentFullName",
    "list_office_name": "ListOfficeName",
    "originating_system_name": "OriginatingSystemName",
}
LIST_DETAILS = {
    "architectural_style": "ArchitecturalStyle",
    "levels": "Levels",
    "heating": "Heating",
    "cooling": "Cooling",
    "basement": "Basement",
    "exterior_features": "ExteriorFeatures",
    "patio_and_porch_features": "PatioAndPorchFeatures",
    "parking_features": "ParkingFeatures",
    "lot_features": "LotFeatures",
    "fencing": "Fencing",
    "construction_materials": "ConstructionMaterials",
    "roof": "Roof",
    "foundation_details": "FoundationDetails",
}
MONEY_DETAILS = {"tax_annual_amount": "TaxAnnualAmount", "association_fee": "AssociationFee"}
DATE_DETAILS = {"close_date": "CloseDate", "listing_contract_date": "ListingContractDate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A valid record. Prices in minor units, areas in square feet."""

    listing_key: str
    standard_status: str
    property_type: str
    property_sub_type: str | None
    list_price: int
    close_price: int | None
    unparsed_address: str
    city: str | None
    state_or_province: str | None
    postal_code: str | None
    bedrooms_total: int | None
    bathrooms_total: int | None
    living_area: int | None
    lot_size_area: int | None
    year_built: int | None
    latitude: float | None
    longitude: float | None
    internet_display: bool
    internet_address_display: bool
    modification_timestamp: datetime
    photos_change_timestamp: datetime | None
    details: dict[str, Any] = field(hash=False)
    photos: tuple[Photo, ...]
    fingerprint: bytes

    @property
    def search_text(self) -> str:
        return search_text(self.unparsed_address, self.details, self.listing_key)

    @property
    def kind_text(self) -> str:
        return kind_text(self.property_type, self.property_sub_type, self.city, self.details)


def address_line(address: str, city: str | None) -> str:
    """The address with its city, once: RESO's UnparsedAddress may name it already."""
    parts = [part.strip() for part in address.split(",") if part.strip()]
    if city and city.casefold() not in (part.casefold() for part in parts):
        parts.append(city)
    return ", ".join(parts)


def search_text(address: str, details: Mapping[str, Any], listing_key: str) -> str:
    """What is looked through for words that are spelled nearly right: short and telling."""
    parts = (address, details.get("subdivision_name"), listing_key)
    return " ".join(part for part in parts if part)


def kind_text(kind: str, sub_type: str | None, city: str | None, details: Mapping[str, Any]) -> str:
    """Type, style and features, for full-text search."""
    words = [kind, sub_type, city, details.get("listing_id")]
    for name in LIST_DETAILS:
        words += details[name]
    return " ".join(word for word in words if word)[:MAX_KIND_TEXT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that is no listing, as it came, with every reason."""

    identity: str
    listing_key: str | None
    reasons: tuple[Reason, ...]
    record: dict[str, Any] = field(hash=False)


def parse_record(raw: object, *, currency: str, now: datetime) -> Listing | Rejected:
    """The listing that a record of the Property resource describes, or what is wrong with it."""
    cleaned = clean(raw)
    if not isinstance(cleaned, dict):
        reason = Reason("", "the record is not an object")
        return Rejected(identity=_identity({"": cleaned}), listing_key=None, reasons=(reason,), record={"": cleaned})
    record: dict[str, Any] = cleaned
    reader = Reader(record, currency=currency, now=now)
    listing = _read_listing(reader)
    if listing is not None and not reader.reasons:
        return listing
    return Rejected(
        identity=_identity(record), listing_key=key_of(record), reasons=tuple(reader.reasons), record=record
    )


def parse_page(
    records: Sequence[object], *, currency: str, now: datetime
) -> tuple[dict[str, Listing], dict[str, Rejected]]:
    """One page: listings by key, rejections by identity. Of two with the same key the newer one counts."""
    listings: dict[str, Listing] = {}
    rejected: dict[str, Rejected] = {}
    for raw in records:
        parsed = parse_record(raw, currency=currency, now=now)
        if isinstance(parsed, Rejected):
            rejected[parsed.identity] = parsed
            continue
        earlier = listings.get(parsed.listing_key)
        if earlier is None or earlier.modification_timestamp <= parsed.modification_timestamp:
            listings[parsed.listing_key] = parsed
    return listings, rejected


def key_of(record: Mapping[str, Any]) -> str | None:
    """The record's key, if it is one that could be stored."""
    key = record.get("ListingKey")
    return key.strip() or None if isinstance(key, str) and len(key) <= MAX_NAME else None


def _identity(record: Mapping[str, Any]) -> str:
    key = key_of(record)
    return f"key:{key}" if key else f"hash:{_fingerprint(record).hex()}"


def _fingerprint(record: Mapping[str, Any]) -> bytes:
    return sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).digest()


def _read_listing(reader: "Reader") -> Listing | None:
    """None if something that a listing cannot do without is missing; the reader then has the reasons."""
    key = reader.need("ListingKey", reader.text)
    status = reader.need("StandardStatus", reader.status)
    price = reader.need("ListPrice", reader.money)
    modified = reader.need("ModificationTimestamp", reader.timestamp)
    optional: dict[str, Any] = {
        "property_type": reader.text("PropertyType") or "Residential",
        "property_sub_type": reader.text("PropertySubType"),
        "close_price": reader.money("ClosePrice"),
        "city": reader.text("City"),
        "state_or_province": reader.text("StateOrProvince"),
        "postal_code": reader.text("PostalCode"),
        "bedrooms_total": reader.whole("BedroomsTotal", 0, 1000),
        "bathrooms_total": _bathrooms(reader),
        "living_area": reader.area("LivingArea", "LivingAreaUnits"),
        "lot_size_area": _lot(reader),
        "year_built": reader.whole("YearBuilt", 1600, reader.now.year + YEARS_AHEAD),
        "internet_display": reader.flag("InternetEntireListingDisplayYN", default=True),
        "internet_address_display": reader.flag("InternetAddressDisplayYN", default=True),
        "photos_change_timestamp": reader.moment("PhotosChangeTimestamp"),
        "details": _details(reader),
        "photos": reader.photos(),
    }
    if key is None or status is None or price is None or modified is None:
        return None
    latitude, longitude = reader.place() or (None, None)
    return Listing(
        listing_key=key,
        standard_status=status,
        list_price=price,
        modification_timestamp=modified,
        unparsed_address=reader.text("UnparsedAddress") or "Address withheld",
        latitude=latitude,
        longitude=longitude,
        fingerprint=_fingerprint({"currency": reader.currency, "reading": READING, "record": reader.record}),
        **optional,
    )


def _bathrooms(reader: "Reader") -> int | None:
    total = reader.whole("BathroomsTotalInteger", 0, 1000)
    full, half = reader.whole("BathroomsFull", 0, 1000), reader.whole("BathroomsHalf", 0, 1000)
    if total is not None or (full is None and half is None):
        return total
    return (full or 0) + (half or 0)


def _lot(reader: "Reader") -> int | None:
    square_feet = reader.area("LotSizeSquareFeet")
    return square_feet if square_feet is not None else reader.area("LotSizeArea", "LotSizeUnits")


def _details(reader: "Reader") -> dict[str, Any]:
    return {
        **{name: reader.text(source, MAX_TEXT) for name, source in TEXT_DETAILS.items()},
        **{name: reader.texts(source) for name, source in LIST_DETAILS.items()},
        **{name: reader.money(source) for name, source in MONEY_DETAILS.items()},
        **{name: reader.day(source) for name, source in DATE_DETAILS.items()},
        "lot_size_acres": reader.number("LotSizeAcres", 0, MAX_AREA),
        "garage_spaces": reader.number("GarageSpaces", 0, 10_000),
        "fireplaces_total": reader.whole("FireplacesTotal", 0, 1000),
        "days_on_market": reader.whole("DaysOnMarket", 0, 100_000),
    }
