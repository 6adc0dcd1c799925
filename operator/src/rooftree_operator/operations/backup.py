"""Backup: writes a BrokerageBackup of the operation's name."""

from dataclasses import dataclass

from .. import names
from ..errors import Waiting
from ..names import TenantId
from . import jobs
from .artifacts import Artifacts
from .keyring import Keyring
from .places import Way
from .progress import OperationFailed, Order, Progress
from .work import SOON, Bench, Run, require_database

PREPARE, WRITE, RECORD, CLEAN_UP = "Prepare", "Write", "Record", "CleanUp"
MIB = 2**20
SEEN_WITHIN = 90.0  # seconds; a client of NFS remembers folders and sizes for one minute at most


@dataclass(frozen=True)
class Backup:
    """The operation `Backup`."""

    bench: Bench
    artifacts: Artifacts
    keyring: Keyring
    steps: tuple[str, ...] = (PREPARE, WRITE, RECORD, CLEAN_UP)

    async def do(self, step: str, run: Run) -> None:
        match step:
            case "Prepare":
                await self._prepare(run)
            case "Write":
                await self._write(run)
            case "Record":
                await self._record(run)
            case _:
                await self.clean_up(run.tenant.id, run.order, run.progress)

    async def _prepare(self, run: Run) -> None:
        self.bench.store()
        require_database(run.tenant, run.brokerage)
        await self.keyring.current()
        await self.artifacts.begin(run.order, run.tenant.id)
        await self.bench.furnish(_way(run))
        run.progress.result["backup"] = run.order.name

    async def _write(self, run: Run) -> None:
        name, tenant = run.order.name, run.tenant
        await self.artifacts.require_here(name)
        # The manifest is the last thing that is written.
        if await self.artifacts.manifest(name, tenant.id) is not None:
            return
        public_key = (await self.keyring.current()).public.hex()
        slot = await self.bench.slot(tenant)
        values = jobs.values(tenant, slot, name, names.database(tenant.id))
        values["ROOFTREE_BACKUP_PUBLIC_KEY"] = public_key
        size = sum((await self.artifacts.stored(name, tenant.id)).values())
        doing = f"writing the backup, {size / MIB:.0f} MiB so far"
        await self.bench.job(_way(run), "write", slot, values, code="BackupFailed", doing=doing)
        raise Waiting("OperationRunning", "the backup is written and not seen in the store yet", retry_in=1.0)

    async def _record(self, run: Run) -> None:
        """Only what lies in the store as the manifest says is a backup."""
        name, tenant = run.order.name, run.tenant.id
        await self.artifacts.require_here(name)
        made = await self.artifacts.manifest(name, tenant)
        stored = await self.artifacts.stored(name, tenant)
        sizes = [size for key, size in stored.items() if key.startswith(f"{name}/{made.attempt}/")] if made else []
        if made is None or (len(sizes), sum(sizes)) != (made.segments, made.size):
            if run.progress.elapsed(RECORD) < SEEN_WITHIN:
                raise Waiting("OperationRunning", "not all that was written is seen yet", retry_in=SOON)
            raise OperationFailed("BackupFailed", f"what lies in the store is not what the Job wrote of {name}")
        await self.artifacts.complete(name, made, tenant)
        told = {"takenAt": made.taken_at, "size": made.size, "rows": made.rows, "objects": made.objects}
        run.progress.result |= told

    async def clean_up(self, tenant: TenantId, order: Order, progress: Progress | None) -> None:
        await self.bench.clear(tenant, order)
        if progress is None or progress.has_failed:
            why = "it was given up" if progress is None else progress.status["error"]["message"]
            await self.artifacts.fail(order, why)


def _way(run: Run) -> Way:
    return Way(run.tenant, run.order, run.tenant.id, run.order.name, writes=True)
