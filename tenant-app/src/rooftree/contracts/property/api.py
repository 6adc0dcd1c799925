"""What other modules and the command line may ask of property: how its feeds are doing."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from rooftree.kernel.errors import BadGateway, NotFound

FeedState = Literal["idle", "importing", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One MLS feed of the tenant. `imported` and `rejected` count what is stored now, not what one run did."""

    name: str
    url: str
    state: FeedState
    imported: int
    rejected: int
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_error: str | None = None
    checkpoint: str | None = None
    """Where an unfinished import goes on: the address of the next page."""


class PropertyNotFound(NotFound):
    code: ClassVar[str] = "property-not-found"
    title: ClassVar[str] = "There is no such property"


class PhotoNotFound(NotFound):
    code: ClassVar[str] = "photo-not-found"
    title: ClassVar[str] = "There is no such photo"


class FeedNotFound(NotFound):
    code: ClassVar[str] = "feed-not-found"
    title: ClassVar[str] = "There is no such feed"


class PhotoUnavailable(BadGateway):
    code: ClassVar[str] = "photo-unavailable"
    title: ClassVar[str] = "The feed did not give the photo"


class PropertyApi(Protocol):
    """Read-only; safe to repeat."""

    async def feeds(self) -> tuple[Feed, ...]:
        """Every configured feed, in the order of the configuration."""
        ...
