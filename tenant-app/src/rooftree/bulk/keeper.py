"""Files are forgotten: those of an import a week after its last step, those of an export after a day."""

from rooftree.bulk.exports import EXPORT_KEPT, export_name
from rooftree.bulk.exports_repository import ExportsRepository
from rooftree.bulk.imports import KEPT, file_name
from rooftree.bulk.imports_repository import ImportsRepository
from rooftree.bulk.subject import Names
from rooftree.bulk.tables import Tables
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime
from rooftree.kernel.receiving import UPLOAD_ENDS

AT_ONCE = 20


class Keeper:
    def __init__(self, runtime: Runtime, names: Names, tables: Tables) -> None:
        self._unit_of_work = runtime.unit_of_work
        self._clock = runtime.clock
        self._objects = runtime.objects
        self._names, self._tables = names, tables

    def job(self) -> Job:
        return Job(name=self._names.job("forget_files"), run=self.forget, cron="17 * * * *", single=True)

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
            imports = ImportsRepository(session, self._tables)
            due = await imports.due(changed_before=now - KEPT, begun_before=now - UPLOAD_ENDS, limit=AT_ONCE)
        await self._objects.delete([file_name(one) for one in due])
        async with self._unit_of_work() as session:
            await ImportsRepository(session, self._tables).forget(due)
        return len(due)

    async def _forget_exports(self) -> int:
        before = self._clock.now() - EXPORT_KEPT
        async with self._unit_of_work() as session:
            due = await ExportsRepository(session, self._tables).due(before=before, limit=AT_ONCE)
        await self._objects.delete([export_name(one) for one in due])
        async with self._unit_of_work() as session:
            await ExportsRepository(session, self._tables).forget(due)
        return len(due)
