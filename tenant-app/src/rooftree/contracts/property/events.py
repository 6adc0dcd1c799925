"""What property tells the others: listings that changed, feeds that fail and come back."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from rooftree.kernel.events import IntegrationEvent
from rooftree.kernel.money import Money

Change = Literal["created", "updated", "removed"]
ChangedGroup = Literal["price", "status", "address", "facts", "details", "photos", "visibility"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanged(IntegrationEvent):
    """A listing came in (also one that had left and returned), changed, or left its feed. One for each change."""

    type: ClassVar[str] = "dev.rooftree.property.listing-changed.v1"

    property_id: UUID
    version: int
    """The listing's version after this change; it grows by one with each."""
    listing_key: str
    feed: str
    change: Change
    standard_status: str
    list_price: Money
    modification_timestamp: datetime
    changed: tuple[ChangedGroup, ...]
    """What differs from the version before; all groups for a listing that came in, none for one that left."""

    @property
    def aggregate_id(self) -> UUID:
        return self.property_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFailed(IntegrationEvent):
    """A feed has failed for so long that a person should look; told once for each outage."""

    type: ClassVar[str] = "dev.rooftree.property.feed-failed.v1"

    feed: str
    outage_id: UUID
    """The same in the event that ends the outage."""
    run_id: UUID
    reason: str
    """For the broker's eyes: no secret, no personal value."""
    failed_at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.outage_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecovered(IntegrationEvent):
    """A feed of which FeedFailed was told works again."""

    type: ClassVar[str] = "dev.rooftree.property.feed-recovered.v1"

    feed: str
    outage_id: UUID
    run_id: UUID
    failed_at: datetime
    """When the outage was told."""
    recovered_at: datetime

    @property
    def aggregate_id(self) -> UUID:
        return self.outage_id
