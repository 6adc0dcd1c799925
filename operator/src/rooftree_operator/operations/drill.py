"""Drill: loads a backup into a database that nobody uses, proves all of it, and throws that database away."""

from dataclasses import dataclass

from .. import names
from ..names import TenantId
from .artifacts import Artifacts
from .loading import Loading
from .progress import OperationFailed, Order, Progress
from .work import Run

OF_THE_BACKUP = ("DrillFailed", "BackupUnusable", "BackupKeyMissing")  # and not of the brokerage or the installation
PREPARE, LOAD, JUDGE, CLEAN_UP = "Prepare", "Load", "Judge", "CleanUp"


@dataclass(frozen=True)
class Drill:
    """The operation `Drill`."""

    loading: Loading
    steps: tuple[str, ...] = (PREPARE, LOAD, JUDGE, CLEAN_UP)

    @property
    def _artifacts(self) -> Artifacts:
        return self.loading.artifacts

    async def do(self, step: str, run: Run) -> None:
        match step:
            case "Prepare":
                run.progress.result["backup"] = backup = await self._chosen(run)
                await self.loading.prepare(run, backup)
            case "Load":
                backup = run.progress.result["backup"]
                await self.loading.load(run, backup, code="DrillFailed", extra={"ROOFTREE_S3_BUCKET": ""})
            case "Judge":
                await self._judge(run)
            case _:
                await self.clean_up(run.tenant.id, run.order, run.progress)

    async def _chosen(self, run: Run) -> str:
        """The backup that is named, or the newest one that is whole."""
        if run.order.spec.backup is not None:
            return run.order.spec.backup
        newest = await self._artifacts.newest(run.tenant.id)
        if newest is None:
            raise OperationFailed("BackupUnknown", f"{run.tenant.slug} has no complete backup")
        return newest

    async def _judge(self, run: Run) -> None:
        """The Job has proven what is in it; whether the app can work with it shows in its migrations."""
        backup, release = run.progress.result["backup"], run.tenant.release
        made = await self._artifacts.usable(backup, run.tenant.id)
        heads = frozenset(made.heads)
        if not heads or release.is_behind(heads):
            message = (
                f"backup {backup} is at migrations {', '.join(made.heads) or 'none'}, which {release.version} lacks"
            )
            raise OperationFailed("DrillFailed", message)
        await self._artifacts.prove(backup, run.progress.now, run.progress.elapsed(PREPARE))

    async def clean_up(self, tenant: TenantId, order: Order, progress: Progress | None) -> None:
        await self.loading.bench.clear(tenant, order)
        await self.loading.drop(names.restored_database(tenant, order.uid))
        if progress is not None and progress.has_failed and progress.status["error"]["code"] in OF_THE_BACKUP:
            message = progress.status["error"]["message"]
            await self._artifacts.disprove(progress.result["backup"], progress.now, message)
