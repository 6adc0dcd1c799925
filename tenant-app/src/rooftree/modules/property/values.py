"""Values of a RESO record, read one by one with the reason why where one is wrong. Pure."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, TypeVar, cast, get_args
from urllib.parse import SplitResult, urlsplit

from rooftree.kernel.money import exponent

T = TypeVar("T")

StandardStatus = Literal[
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
]
PropertyType = Literal[
    "Business Opportunity",
    "Commercial Lease",
    "Commercial Real Estate",
    "Commercial Sale",
    "Farm",
    "Land",
    "Manufactured In Park",
    "Residential",
    "Residential Income",
    "Residential Lease",
]
STANDARD_STATUSES: tuple[str, ...] = get_args(StandardStatus)
MAX_TEXT = 20_000
MAX_MAJOR_UNITS = 10**12
MAX_AREA = 2_000_000_000  # square feet, some 46,000 acres; columns are 32 bits wide
MAX_NAME, MAX_ITEMS = 255, 200
MAX_PHOTOS = 200
MAX_DEPTH = 50
SQUARE_FEET_PER_ACRE = 43_560
SQUARE_FEET_PER_SQUARE_METER = 10.7639
FIRST_YEAR = 1900  # of times; what lies before is a typing error
CLOCK_SKEW = timedelta(days=1)


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


def clean(value: object, depth: int = 0) -> Any:
    """The same JSON value with nothing in it that Postgres refuses, and no deeper than anything here can follow."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | dict) and depth == MAX_DEPTH:
        return "(nested too deeply)"
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {clean(name): clean(item, depth + 1) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def origin_of(url: str) -> str:
    """Scheme, host and port of an http(s) address. Raises ValueError for anything else."""
    parts: SplitResult = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError("not an http(s) address of a host")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def instant(value: object) -> datetime | None:
    """A time with its offset, in UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)  # Postgres takes no offset of 16 h or more
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= FIRST_YEAR else None


class Reader:
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
        moment = instant(value)
        if moment is None:
            self.reject(name, f"{shown(value)} is not a time with its offset (2026-05-31T17:00:00Z)")
            return None
        if moment > self.now + CLOCK_SKEW:
            # Believed, it would hide every later change: incremental reading starts at the newest time.
            self.reject(name, f"{shown(value)} is in the future")
            return None
        return moment

    def moment(self, name: str) -> datetime | None:
        """A time that only helps: without it, or unreadable, the record is as good."""
        known = len(self.reasons)
        value = self.timestamp(name)
        del self.reasons[known:]
        return value

    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees. A place that cannot be is left out: the home is for sale with or without
        it. So is 0, 0, which feeds send for an unknown one and where there is only sea."""
        found = [self.record.get(name) for name in ("Latitude", "Longitude")]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in found):
            return None
        latitude, longitude = cast("tuple[float, float]", tuple(found))
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
            return None
        return float(latitude), float(longitude)

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
