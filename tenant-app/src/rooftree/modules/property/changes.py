"""What differs between a stored listing and what its feed says now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from rooftree.contracts.property.events import Change, ChangedGroup, ListingChanged
from rooftree.kernel.money import Money
from rooftree.modules.property.domain import Listing
from rooftree.modules.property.values import Photo

ALL_GROUPS: tuple[ChangedGroup, ...] = get_args(ChangedGroup)
GROUPS: dict[ChangedGroup, tuple[str, ...]] = {
    "price": ("list_price", "close_price"),
    "status": ("standard_status",),
    "address": ("unparsed_address", "city", "state_or_province", "postal_code", "latitude", "longitude"),
    "facts": (
        "property_type",
        "property_sub_type",
        "bedrooms_total",
        "bathrooms_total",
        "living_area",
        "lot_size_area",
        "year_built",
    ),
    "details": ("details",),
    "visibility": ("internet_display", "internet_address_display"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChange:
    """One listing that a run wrote. Price in minor units."""

    property_id: UUID
    version: int
    change: Change
    changed: tuple[ChangedGroup, ...]
    listing_key: str
    standard_status: str
    list_price: int
    currency: str
    modification_timestamp: datetime

    def event(self, feed: str) -> ListingChanged:
        return ListingChanged(
            property_id=self.property_id,
            version=self.version,
            listing_key=self.listing_key,
            feed=feed,
            change=self.change,
            standard_status=self.standard_status,
            list_price=Money(self.list_price, self.currency),
            modification_timestamp=self.modification_timestamp,
            changed=self.changed,
        )


def changed_groups(before: Any | None, photos: Sequence[Photo], now: Listing) -> tuple[ChangedGroup, ...]:
    """The groups of fields that differ from `before`, a row with the listing's columns; all if there is none.

    Photos differ when their list does, or when the feed says that they changed: the pictures behind the same
    addresses may be others then.
    """
    if before is None or before.removed_at is not None:
        return ALL_GROUPS
    found = {
        group for group, names in GROUPS.items() if any(getattr(before, name) != getattr(now, name) for name in names)
    }
    if before.photos_change_timestamp != now.photos_change_timestamp or tuple(photos) != now.photos:
        found.add("photos")
    return tuple(group for group in ALL_GROUPS if group in found)
