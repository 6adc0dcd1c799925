"""Files are forgotten: those of an import a week after its last step, those of an export after a day."""

from rooftree.kernel.clock import Clock
from rooftree.kernel.jobs import Job
from rooftree.kernel.objects import Objects
from rooftree.kernel.receiving import UPLOAD_ENDS
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.exports import EXPORT_KEPT, export_name
from rooftree.modules.crm.exports_repository import ExportsRepository
from rooftree.modules.crm.imports import KEPT, file_name
from rooftree.modules.crm.imports_repository import ImportsRepository

FORGET_JOB = "crm.forget_files"
AT_ONCE = 20


class BulkKeeper:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, objects: Objects) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._objects = objects

    def job(self) -> Job:
        return Job(name=FORGET_JOB, run=self.forget, cron="17 * * * *", single=True)

    async def forget(self) -> None:
        """Raises StorageUnavailable; then the next run does it."""
        while await self._forget_imports() == AT_ONCE:
            pass
        while await self._forget_exports() == AT_ONCE:
            pass

    async def _forget_imports(self) -> int:
        """Files first: a file without its row would stay for ever."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            imports = ImportsRepository(session)
            due = await imports.due(changed_before=now - KEPT, begun_before=now - UPLOAD_ENDS, limit=AT_ONCE)
        await self._objects.delete([file_name(one) for one in due])
        async with self._unit_of_work() as session:
            await ImportsRepository(session).forget(due)
        return len(due)

    async def _forget_exports(self) -> int:
        before = self._clock.now() - EXPORT_KEPT
        async with self._unit_of_work() as session:
            due = await ExportsRepository(session).due(before=before, limit=AT_ONCE)
        await self._objects.delete([export_name(one) for one in due])
        async with self._unit_of_work() as session:
            await ExportsRepository(session).forget(due)
        return len(due)
