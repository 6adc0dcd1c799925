"""What other modules and the command line may ask of property: a listing by its id, how its feeds are doing."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import BadGateway, Conflict, NotFound, Unprocessable, UnsupportedMediaType

FeedState = Literal["idle", "importing", "failed"]
RunKind = Literal["full", "incremental", "purge"]
RunState = Literal["running", "succeeded", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of a run is done, in records; `total` is what the feed said there is, None if it did not say."""

    seen: int
    total: int | None


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
    last_change_at: datetime | None = None
    """When a run last changed a listing here."""
    lag_seconds: int | None = None
    """For how long the copy may lack changes: since everything was last read and compared. None: not yet."""
    progress: Progress | None = None
    """Of the run that is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRun:
    """One run over a feed. `purge` compares keys: it removes what left and reads what the others missed."""

    id: UUID
    kind: RunKind
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    seen: int
    created: int
    updated: int
    removed: int
    unchanged: int
    rejected: int
    total: int | None
    """How many records the feed said there are to read."""
    error: str | None
    checkpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingReference:
    """As much of a listing as others need to point at it."""

    id: UUID
    listing_key: str
    address: str
    """With the city; also where only people of the brokerage may know it. Empty for a draft that has none yet."""
    list_agent_id: UUID | None
    """Who of the brokerage lists it; None for listings of feeds."""
    list_office_id: UUID | None


class PropertyNotFound(NotFound):
    code: ClassVar[str] = "property-not-found"
    title: ClassVar[str] = "There is no such property"


class PhotoNotFound(NotFound):
    code: ClassVar[str] = "photo-not-found"
    title: ClassVar[str] = "There is no such photo"


class StatusMoveNotAllowed(Conflict):
    """`detail` names the moves that are allowed."""

    code: ClassVar[str] = "status-move-not-allowed"
    title: ClassVar[str] = "The listing's status cannot become this one"


class NotAPicture(UnsupportedMediaType):
    code: ClassVar[str] = "not-a-picture"
    title: ClassVar[str] = "The body is not a JPEG, PNG or WebP picture"


class PictureRefused(Unprocessable):
    code: ClassVar[str] = "picture-refused"
    title: ClassVar[str] = "The picture cannot be used"


class TooManyPhotos(Conflict):
    code: ClassVar[str] = "too-many-photos"
    title: ClassVar[str] = "The listing has as many photos as it may have"


class PhotoGone(Conflict):
    code: ClassVar[str] = "photo-gone"
    title: ClassVar[str] = "The photo can no longer be restored"


class FeedNotFound(NotFound):
    code: ClassVar[str] = "feed-not-found"
    title: ClassVar[str] = "There is no such feed"


class FeedRunning(Conflict):
    code: ClassVar[str] = "feed-running"
    title: ClassVar[str] = "A run over this feed is going on"


class PhotoUnavailable(BadGateway):
    code: ClassVar[str] = "photo-unavailable"
    title: ClassVar[str] = "The feed did not give the photo"


class PropertyApi(Protocol):
    """Read-only; safe to repeat."""

    async def feeds(self) -> tuple[Feed, ...]:
        """Every configured feed, in the order of the configuration."""
        ...

    async def feed_runs(self, feed: str, *, limit: int) -> tuple[FeedRun, ...]:
        """The newest runs over a feed, newest first. Raises `FeedNotFound`."""
        ...

    async def listing(self, property_id: UUID, *, reader: Principal | None) -> ListingReference:
        """A listing that this person may see, or with None the public. Raises `PropertyNotFound`."""
        ...
