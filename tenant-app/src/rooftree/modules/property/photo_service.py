"""Use cases of own photos: upload, describe, delete, restore, look.

Files go to object storage and rows to the database, and no transaction is open while a file travels: a row of an
upload exists before its file, so that a file which nobody knows of cannot come to be.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from rooftree.contracts.property.api import PhotoGone, PhotoNotFound, PropertyNotFound, TooManyPhotos
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.ids import new_id
from rooftree.kernel.jobs import Jobs
from rooftree.kernel.objects import ObjectNotFound, Objects, StorageUnavailable
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.receiving import Receiving, announced
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property import pictures
from rooftree.modules.property.edit_guard import editable
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.tables import PhotoRow
from rooftree.modules.property.values import MAX_PHOTOS

RENDER_JOB = "property.render_photo"
RESTORABLE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PhotoShown:
    """A photo with its place among the listing's, from 1, and the listing's address."""

    row: PhotoRow
    number: int
    address: str


class PhotoService:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, jobs: Jobs, objects: Objects) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._jobs = jobs
        self._objects = objects
        self._receiving = Receiving("photo", most=pictures.MAX_BYTES)

    async def upload(
        self,
        principal: Principal,
        property_id: UUID,
        body: AsyncIterator[bytes],
        *,
        content_type: str,
        length: str | None,
        description: str | None,
        again: Callable[[], Awaitable[Principal]],
    ) -> PhotoShown:
        """Take a picture. `again` tells who the caller is when it has arrived, which may take two minutes.

        Raises what `pictures` raises, StorageUnavailable, TooManyPhotos.
        """
        kind = pictures.require_kind(content_type)
        size = announced(length)
        self._objects.require()
        async with self._unit_of_work() as session:
            await editable(session, principal, property_id)
        async with self._receiving.turn():
            content = await self._receiving.whole(body, size)
            pictures.inspect(content, kind)
            photo_id = await self._announce(await again(), property_id, description)
            try:
                await self._objects.put(original_name(photo_id), content, media_type=kind)
            except StorageUnavailable:
                # It may arrive yet, so that only its hour removes it; until then it takes nobody's place.
                async with self._unit_of_work() as session:
                    await OwnPhotos(session).change(photo_id, removed_at=self._clock.now())
                raise
        return await self._arrived(photo_id, property_id)

    async def _announce(self, principal: Principal, property_id: UUID, description: str | None) -> UUID:
        photo_id = new_id()
        async with self._unit_of_work() as session:
            await editable(session, principal, property_id)
            count = await OwnPhotos(session).add(photo_id, property_id, description=description, now=self._clock.now())
            if count > MAX_PHOTOS:
                raise TooManyPhotos(f"{MAX_PHOTOS} are the most; delete one first.")
        return photo_id

    async def _arrived(self, photo_id: UUID, property_id: UUID) -> PhotoShown:
        async with self._unit_of_work.effect() as session:
            listing = await OwnListings(session).by_id(property_id)
            assert listing is not None  # what has a photo stays
            await OwnPhotos(session).change(photo_id, state="processing")
            await self._jobs.defer(RENDER_JOB, session=session, photo_id=str(photo_id))
            return await self._shown(OwnPhotos(session), photo_id, property_id, listing.unparsed_address)

    # -- changes ------------------------------------------------------------------------------------------------------

    async def describe(self, principal: Principal, photo_id: UUID, given: Mapping[str, Any]) -> PhotoShown:
        return await self._change(principal, photo_id, given)

    async def delete(self, principal: Principal, photo_id: UUID) -> None:
        await self._change(principal, photo_id, {"removed_at": self._clock.now()})

    async def restore(self, principal: Principal, photo_id: UUID) -> PhotoShown:
        """Raises PhotoGone after 24 hours. A photo that was not deleted stays as it is."""
        return await self._change(principal, photo_id, {"removed_at": None}, removed=True)

    async def _change(
        self, principal: Principal, photo_id: UUID, values: Mapping[str, Any], *, removed: bool = False
    ) -> PhotoShown:
        """`removed`: also one that was deleted."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            photos = OwnPhotos(session)
            found = await photos.readable(principal, photo_id)
            if found is None:
                raise PhotoNotFound
            try:
                listing = await editable(session, principal, found[0].property_id)
            except PropertyNotFound:
                raise PhotoNotFound from None
            photo = await photos.locked(photo_id)
            if photo is None or (photo.removed_at is not None and not removed):
                raise PhotoNotFound
            if photo.removed_at is not None and photo.removed_at <= now - RESTORABLE:
                raise PhotoGone
            if any(getattr(photo, name) != value for name, value in values.items()):
                saver = ListingSaver(session, self._outbox, listing, now=now)
                await photos.change(photo_id, **values)
                await saver.touch("photos")
            return await self._shown(photos, photo_id, listing.id, listing.unparsed_address)

    async def _shown(self, photos: OwnPhotos, photo_id: UUID, property_id: UUID, address: str) -> PhotoShown:
        row = await photos.locked(photo_id)
        assert row is not None
        ids = [photo.id for photo in await photos.of(property_id)]
        return PhotoShown(row, ids.index(photo_id) + 1 if photo_id in ids else 0, address)

    # -- looking ------------------------------------------------------------------------------------------------------

    async def require_visible(self, principal: Principal, photo_id: UUID) -> None:
        """Raises PhotoNotFound for what has no renditions yet, was deleted, or is of a listing for others."""
        async with self._unit_of_work() as session:
            found = await OwnPhotos(session).readable(principal, photo_id)
        if found is None or found[0].state != "ready" or found[0].removed_at is not None:
            raise PhotoNotFound

    async def rendition(self, photo_id: UUID, size: str) -> bytes:
        """The JPEG file of a photo that was found visible. Raises StorageUnavailable."""
        try:
            return await self._objects.get(rendition_name(photo_id, size))
        except ObjectNotFound:
            raise PhotoNotFound from None


def original_name(photo_id: UUID) -> str:
    return f"photos/{photo_id}/original"


def rendition_name(photo_id: UUID, size: str) -> str:
    return f"photos/{photo_id}/{size}.jpg"
