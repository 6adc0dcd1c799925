"""A RESO record becomes a listing or a list of reasons. Pure; knows no HTTP and no SQL.

Whatever a feed sends, `parse_record` answers: it never raises. Every reason names the field and what is wrong with
it, and all faults of a record are told at once. Texts are made storable first (`clean`): Postgres takes neither NUL nor
half of a surrogate pair.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from rooftree.kernel.money import exponent

T = TypeVar("T")

STANDARD_STATUSES = (
    "Active",
    "Active Under Contract",
    "Canceled",
    "Closed",
    "Coming Soon",
    "Delete",
    "Expired",
    "Hold",
    "Incomplete",
    "Pending",
    "Withdrawn",
)
# What nobody sees: the feed took it back, or it is not yet a listing.
HIDDEN_STATUSES = ("Delete", "Incomplete")
# People of the brokerage see all listings of its feeds; everybody else what may be shown on the internet.
STAFF_ROLES = frozenset({"owner", "broker", "manager", "agent", "coordinator"})

MAX_TEXT = 20_000
MAX_MAJOR_UNITS = 10**12
MAX_AREA = 2_000_000_000  # square feet, some 46,000 acres; columns are 32 bits wide
MAX_NAME, MAX_ITEMS = 255, 200
MAX_PHOTOS = 200
SQUARE_FEET_PER_ACRE = 43_560
SQUARE_FEET_PER_SQUARE_METER = 10.7639
YEARS_AHEAD = 3  # homes are listed before they are built
FIRST_YEAR = 1900  # of times; what lies before is a typing error
CLOCK_SKEW = timedelta(days=1)

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


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record was refused."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    url: str
    description: str | None
    width: int | None
    height: int | None


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
    internet_display: bool
    modification_timestamp: datetime
    details: dict[str, Any] = field(hash=False)
    photos: tuple[Photo, ...]
    fingerprint: bytes

    @property
    def search_text(self) -> str:
        """What is looked through for words that are spelled nearly right: short and telling."""
        parts = (self.unparsed_address, self.details.get("subdivision_name"), self.listing_key)
        return " ".join(part for part in parts if part)

    @property
    def kind_text(self) -> str:
        """Type, style and features, for full-text search."""
        details = self.details
        words = [self.property_type, self.property_sub_type, self.city, details.get("listing_id")]
        for name in LIST_DETAILS:
            words += details[name]
        return " ".join(word for word in words if word)


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
    reader = _Reader(record, currency=currency, now=now)
    listing = _read_listing(reader)
    if listing is not None and not reader.reasons:
        return listing
    return Rejected(identity=_identity(record), listing_key=_key(record), reasons=tuple(reader.reasons), record=record)


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


def clean(value: object) -> Any:
    """The same JSON value with nothing in it that Postgres refuses."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [clean(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def origin_of(url: str) -> str:
    """Scheme, host and port of an http(s) address. Raises ValueError for anything else."""
    parts: SplitResult = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError("not an http(s) address of a host")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _key(record: Mapping[str, Any]) -> str | None:
    """The record's key, if it is one that could be stored."""
    key = record.get("ListingKey")
    return key.strip() or None if isinstance(key, str) and len(key) <= MAX_NAME else None


def _identity(record: Mapping[str, Any]) -> str:
    key = _key(record)
    return f"key:{key}" if key else f"hash:{_fingerprint(record).hex()}"


def _fingerprint(record: Mapping[str, Any]) -> bytes:
    return sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).digest()


def _read_listing(reader: "_Reader") -> Listing | None:
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
        "details": _details(reader),
        "photos": reader.photos(),
    }
    if key is None or status is None or price is None or modified is None:
        return None
    return Listing(
        listing_key=key,
        standard_status=status,
        list_price=price,
        modification_timestamp=modified,
        unparsed_address=reader.text("UnparsedAddress") or "Address withheld",
        fingerprint=_fingerprint({"currency": reader.currency, "record": reader.record}),
        **optional,
    )


def _bathrooms(reader: "_Reader") -> int | None:
    total = reader.whole("BathroomsTotalInteger", 0, 1000)
    full, half = reader.whole("BathroomsFull", 0, 1000), reader.whole("BathroomsHalf", 0, 1000)
    if total is not None or (full is None and half is None):
        return total
    return (full or 0) + (half or 0)


def _lot(reader: "_Reader") -> int | None:
    square_feet = reader.area("LotSizeSquareFeet")
    return square_feet if square_feet is not None else reader.area("LotSizeArea", "LotSizeUnits")


def _details(reader: "_Reader") -> dict[str, Any]:
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


class _Reader:
    """Reads typed values out of one record and collects what is wrong. A field that is absent or null is None."""

    def __init__(self, record: Mapping[str, Any], *, currency: str, now: datetime) -> None:
        self.record = record
        self.currency = currency
        self.now = now
        self.reasons: list[Reason] = []

    def need(self, name: str, read: Callable[[str], T | None]) -> T | None:
        known = len(self.reasons)
        value = read(name)
        if value is None and len(self.reasons) == known:
            self.reject(name, "is missing")
        return value

    def reject(self, name: str, message: str) -> None:
        self.reasons.append(Reason(name, message))

    def text(self, name: str, limit: int = MAX_NAME) -> str | None:
        value = self.record.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.reject(name, f"must be text, not {shown(value)}")
            return None
        if len(value) > limit:
            self.reject(name, f"is longer than {limit:,} characters")
            return None
        return value.strip() or None

    def texts(self, name: str) -> list[str]:
        """A multi-value lookup: a list, or one text with commas as older servers send it."""
        value = self.record.get(name)
        if value is None:
            return []
        items: list[Any] = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.reject(name, f"must be a list of texts, not {shown(value)}")
            return []
        return [item.strip()[:MAX_NAME] for item in items if item.strip()][:MAX_ITEMS]

    def status(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in STANDARD_STATUSES:
            self.reject(name, f"{shown(value)} is not a status of the Data Dictionary")
            return None
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.record.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.reject(name, f"must be true or false, not {shown(value)}")
            return default
        return value

    def number(self, name: str, low: int, high: int) -> int | float | None:
        value = self.record.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.reject(name, f"must be a number, not {shown(value)}")
            return None
        if not low <= value <= high:
            self.reject(name, f"{shown(value)} is not between {low:,} and {high:,}")
            return None
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        value = self.number(name, low, high)
        if value is not None and value != int(value):
            self.reject(name, f"must be a whole number, not {shown(value)}")
            return None
        return None if value is None else int(value)

    def area(self, name: str, units: str | None = None) -> int | None:
        """Square feet, rounded; `units` names the field that may say otherwise."""
        value = self.number(name, 0, MAX_AREA)
        unit = self.text(units) if units else None
        factors = {"Acres": SQUARE_FEET_PER_ACRE, "Square Meters": SQUARE_FEET_PER_SQUARE_METER}
        if unit not in {None, "Square Feet", *factors}:
            self.reject(str(units), f"{shown(unit)} is not a unit that we can convert")
            return None
        if value is None:
            return None
        feet = round(value * factors.get(unit or "", 1))
        if feet > MAX_AREA:
            self.reject(name, f"{shown(value)} {unit} is too large")
            return None
        return feet

    def money(self, name: str) -> int | None:
        """Minor units of the tenant's currency, half cents upwards."""
        value = self.number(name, 0, MAX_MAJOR_UNITS)
        if value is None:
            return None
        minor = Decimal(str(value)).scaleb(exponent(self.currency))
        return int(minor.quantize(Decimal(1), ROUND_HALF_UP))

    def timestamp(self, name: str) -> datetime | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None or moment.year < FIRST_YEAR:
                raise ValueError
            is_future = moment > self.now + CLOCK_SKEW
        except (ValueError, OverflowError):
            self.reject(name, f"{shown(value)} is not a time with its offset (2026-05-31T17:00:00Z)")
            return None
        if is_future:
            # Believed, it would hide every later change: incremental reading starts at the newest time.
            self.reject(name, f"{shown(value)} is in the future")
            return None
        return moment

    def day(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            self.reject(name, f"{shown(value)} is not a date (2026-05-31)")
            return None

    def photos(self) -> tuple[Photo, ...]:
        """The photos of `Media` in their order. A medium without a usable address is left out: the home is for sale
        with or without it."""
        media = self.record.get("Media")
        if media is None:
            return ()
        if not isinstance(media, list):
            self.reject("Media", f"must be a list, not {shown(media)}")
            return ()
        found = [item for item in media if isinstance(item, dict) and _is_photo(item)]
        found.sort(key=_photo_order)
        return tuple(_photo(item) for item in found[:MAX_PHOTOS])


def _is_photo(item: Mapping[str, Any]) -> bool:
    url = item.get("MediaURL")
    if item.get("MediaCategory") not in {None, "Photo"} or not isinstance(url, str) or len(url) > 2000:
        return False
    try:
        origin_of(url)
    except ValueError:
        return False
    return True


def _photo_order(item: Mapping[str, Any]) -> float:
    order = item.get("Order")
    return order if isinstance(order, int | float) else math.inf


def _photo(item: Mapping[str, Any]) -> Photo:
    description = item.get("ShortDescription")
    sizes = [item.get(name) for name in ("ImageWidth", "ImageHeight")]
    width, height = (size if isinstance(size, int) and 0 < size < 100_000 else None for size in sizes)
    text = description.strip()[:500] if isinstance(description, str) else ""
    return Photo(url=item["MediaURL"], description=text or None, width=width, height=height)


def shown(value: object) -> str:
    """A value as a message may quote it: short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
