"""Use cases of readers: search, one listing, its photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rooftree.contracts.identity.api import STAFF_ROLES
from rooftree.contracts.property.api import FeedNotFound, PhotoNotFound, PhotoUnavailable, PropertyNotFound
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import FieldError, Unprocessable
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.photos import Photos
from rooftree.modules.property.repository import Found, PropertyRepository
from rooftree.modules.property.reso import FeedConfig, FeedError
from rooftree.modules.property.search import Position, Search, Sort
from rooftree.modules.property.tables import MediaRow, PropertyRow

# The kinds of picture that browsers show and that are nothing else, by how their files begin.
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class SearchPage:
    items: Sequence[Found]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page of one listing shows."""

    row: PropertyRow
    photos: Sequence[MediaRow]
    refreshed_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str


class PropertyService:
    """`configured` reads the mounted configuration of feeds, which can change while we run."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        configured: Callable[[], tuple[FeedConfig, ...]],
        *,
        photos: Photos,
        currency: str,
    ) -> None:
        self.currency = currency
        self._unit_of_work = unit_of_work
        self._configured = configured
        self._photos = photos

    async def search(
        self, principal: Principal, wanted: Search, *, sort: Sort, limit: int, cursor: str | None
    ) -> SearchPage:
        after = _position(cursor, sort) if cursor else None
        async with self._unit_of_work() as session:
            repository = PropertyRepository(session, everything=_is_staff(principal))
            found = await repository.search(wanted, sort=sort, limit=limit + 1, after=after)
            total = await repository.count(wanted)
        items = found[:limit]
        following = _cursor(items[-1], sort) if len(found) > limit else None
        return SearchPage(items, total, following)

    async def show(self, principal: Principal, property_id: UUID) -> Shown:
        async with self._unit_of_work() as session:
            repository = PropertyRepository(session, everything=_is_staff(principal))
            row = await repository.property(property_id)
            if row is None:
                raise PropertyNotFound
            photos = await repository.photos(property_id)
            feed = await repository.feed(row.feed)
        finished = feed.last_finished_at if feed else None
        return Shown(row, photos, max(row.updated_at, finished) if finished else row.updated_at)

    async def picture(self, principal: Principal, property_id: UUID, number: int) -> Picture:
        async with self._unit_of_work() as session:
            repository = PropertyRepository(session, everything=_is_staff(principal))
            place = await repository.photo(property_id, number)
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


def media_type(content: bytes) -> str:
    """What kind of picture this is by its own first bytes. Raises PhotoUnavailable for anything else."""
    for beginning, kind in PICTURES.items():
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise PhotoUnavailable("The feed's answer is not a JPEG, PNG or WebP picture.")


def _is_staff(principal: Principal) -> bool:
    """People of the brokerage see all listings of its feeds; everybody else what may be shown on the internet."""
    return principal.role in STAFF_ROLES


def _cursor(last: Found, sort: Sort) -> str:
    position = last.position(sort)
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    return encode_cursor(sort, value, str(position.id))


def _position(cursor: str, sort: Sort) -> Position:
    """Where the page after a cursor starts. Raises Unprocessable for a cursor of another order."""
    is_time = sort.lstrip("-") == "modified"
    made_for, value, property_id = decode_cursor(cursor, str, str if is_time else int, str)
    if made_for != sort:
        raise _wrong_cursor()
    try:
        parsed = datetime.fromisoformat(str(value)) if is_time else int(str(value))
        if isinstance(parsed, datetime) and parsed.tzinfo is None:
            raise ValueError
        if isinstance(parsed, int) and abs(parsed) >= 2**63:
            raise ValueError
        return Position(parsed, UUID(str(property_id)))
    except ValueError:
        raise _wrong_cursor() from None


def _wrong_cursor() -> Unprocessable:
    error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
    return Unprocessable("The cursor is not valid.", errors=[error])
