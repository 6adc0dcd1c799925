"""Use cases of readers: one listing, its photos; and the listing as other modules point at it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from rooftree.contracts.property.api import (
    Feed,
    FeedNotFound,
    FeedRun,
    ListingReference,
    PhotoNotFound,
    PhotoUnavailable,
    PropertyNotFound,
)
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.domain import address_line
from rooftree.modules.property.feed_service import FeedService
from rooftree.modules.property.photos import Photos
from rooftree.modules.property.repository import PropertyRepository
from rooftree.modules.property.reso import FeedConfig, FeedError
from rooftree.modules.property.shown import Shown, show

# The kinds of picture that browsers show and that are nothing else, by how their files begin.
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str


class PropertyService:
    """`configured` reads the mounted configuration of feeds, which can change while we run."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        configured: Callable[[], tuple[FeedConfig, ...]],
        *,
        photos: Photos,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._configured = configured
        self._photos = photos

    async def show(self, principal: Principal, property_id: UUID) -> Shown:
        async with self._unit_of_work() as session:
            row = await PropertyRepository(session, principal).property(property_id)
            if row is None:
                raise PropertyNotFound
            return await show(session, principal, row, now=self._clock.now())

    async def reference(self, property_id: UUID, *, reader: Principal | None) -> ListingReference:
        """Raises `PropertyNotFound`."""
        async with self._unit_of_work() as session:
            row = await PropertyRepository(session, reader).property(property_id)
        if row is None:
            raise PropertyNotFound
        return ListingReference(
            id=row.id,
            listing_key=row.listing_key,
            address=address_line(row.unparsed_address, row.city),
            list_agent_id=row.list_agent_id,
            list_office_id=row.list_office_id,
        )

    async def picture(self, principal: Principal, property_id: UUID, number: int) -> Picture:
        async with self._unit_of_work() as session:
            place = await PropertyRepository(session, principal).photo(property_id, number)
        if place is None:
            raise PhotoNotFound
        feed, url = place
        config = self._config(feed)
        try:
            content = await self._photos.get(config, url)
        except FeedError as error:
            raise PhotoUnavailable(str(error)) from error
        return Picture(content, media_type(content))

    def _config(self, name: str) -> FeedConfig:
        for config in self._configured():
            if config.name == name:
                return config
        raise FeedNotFound


class PropertyPort:
    """Fulfils `PropertyApi`."""

    def __init__(self, feeds: FeedService, listings: PropertyService) -> None:
        self._feeds = feeds
        self._listings = listings

    async def feeds(self) -> tuple[Feed, ...]:
        return await self._feeds.feeds()

    async def feed_runs(self, feed: str, *, limit: int) -> tuple[FeedRun, ...]:
        return await self._feeds.feed_runs(feed, limit=limit)

    async def listing(self, property_id: UUID, *, reader: Principal | None) -> ListingReference:
        return await self._listings.reference(property_id, reader=reader)


def media_type(content: bytes) -> str:
    """What kind of picture this is by its own first bytes. Raises PhotoUnavailable for anything else."""
    for beginning, kind in PICTURES.items():
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise PhotoUnavailable("The feed's answer is not a JPEG, PNG or WebP picture.")
