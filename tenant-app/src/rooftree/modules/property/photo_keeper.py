"""What is done with own photos in the background: renditions are made, and files that nobody needs are removed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from rooftree.kernel.clock import Clock
from rooftree.kernel.jobs import Job, Jobs
from rooftree.kernel.objects import ObjectNotFound, Objects
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.receiving import UPLOAD_ENDS
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.photo_service import RENDER_JOB, RESTORABLE, original_name, rendition_name
from rooftree.modules.property.renditions import SIZES, RenditionMaker, Renditions, Unusable

TIDY_JOB = "property.tidy_photos"
EVERY_TEN_MINUTES = "*/10 * * * *"
# Longer than all attempts of a job take: 5 + 25 + 125 + 625 s.
RENDER_ENDS = timedelta(minutes=15)
AT_ONCE = 100
_log = structlog.get_logger(__name__)


class PhotoKeeper:
    def __init__(  # noqa: PLR0917 - the parts of a module, each of its own type
        self,
        unit_of_work: UnitOfWork,
        clock: Clock,
        outbox: Outbox,
        jobs: Jobs,
        objects: Objects,
        maker: RenditionMaker,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._jobs = jobs
        self._objects = objects
        self._maker = maker

    def jobs(self) -> tuple[Job, ...]:
        return (
            Job(name=RENDER_JOB, run=self.render, attempts=5),
            Job(name=TIDY_JOB, run=self.tidy, cron=EVERY_TEN_MINUTES, single=True),
        )

    async def render(self, photo_id: str) -> None:
        """Make a photo's renditions. Raises StorageUnavailable, after which the job is tried again."""
        one = UUID(photo_id)
        async with self._unit_of_work() as session:
            photo = await OwnPhotos(session).locked(one)
            if photo is None or photo.state != "processing":
                return
        try:
            made = await self._maker.make(await self._objects.get(original_name(one)))
        except (Unusable, ObjectNotFound) as error:
            _log.warning(
                "photo_unusable", photo_id=photo_id, reason=str(error) if isinstance(error, Unusable) else "gone"
            )
            await self._finish(one, None)
            return
        for size in SIZES:
            await self._objects.put(rendition_name(one, size), made.files[size], media_type="image/jpeg")
        await self._finish(one, made)

    async def _finish(self, photo_id: UUID, made: Renditions | None) -> None:
        now = self._clock.now()
        values = {"state": "ready", "width": made.width, "height": made.height} if made else {"state": "failed"}
        async with self._unit_of_work() as session:
            photos = OwnPhotos(session)
            property_id = await photos.listing_of(photo_id)
            listing = await OwnListings(session).by_id(property_id) if property_id else None
            if listing is None:
                return  # purged meanwhile
            saver = ListingSaver(session, self._outbox, listing, now=now)
            await photos.change(photo_id, **values)
            if made:
                await saver.touch("photos")

    async def tidy(self) -> None:
        """Remove files and rows of photos that cannot come back; have renditions made that were forgotten."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            photos = OwnPhotos(session)
            due = await photos.due(removed_before=now - RESTORABLE, begun_before=now - UPLOAD_ENDS, limit=AT_ONCE)
            for photo_id in await photos.waiting(since=now - RENDER_ENDS):
                await self._jobs.defer(RENDER_JOB, session=session, photo_id=str(photo_id))
        await self._purge(due)

    async def _purge(self, due: Sequence[UUID]) -> None:
        """The files first: a file without its row would stay for ever."""
        for photo_id in due:
            names = [original_name(photo_id), *(rendition_name(photo_id, size) for size in SIZES)]
            await self._objects.delete(names)
            async with self._unit_of_work() as session:
                await OwnPhotos(session).forget([photo_id])
        if due:
            _log.info("photos_purged", photos=len(due))
