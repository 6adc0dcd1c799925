"""Restore: brings a brokerage back to what a backup holds. Clone: the same of any brokerage's backup, into a new one.

The backup is loaded into a database beside the one in use and proven there, row by row, while people go on working.
Only then visitors see a page, the pods end, and both databases change their names in one transaction. The one that was
replaced stays until the operation is deleted; if the app does not answer on the restored one, it takes its place again.
"""

import json
from dataclasses import dataclass
from typing import Any

from .. import keys, names
from ..adapters.postgres_swaps import Swaps
from ..backends import Backends
from ..deletion import Holding
from ..drift import Object
from ..errors import Waiting
from ..names import TenantId
from ..tenant import Tenant
from .loading import Loading
from .progress import OperationFailed, Order, Progress
from .work import SOON, Bench, Run

PREPARE, LOAD, CLOSE, SWAP, OPEN, CLEAN_UP = "Prepare", "Load", "Close", "Swap", "Open", "CleanUp"
CLOSED_WITHIN, OPEN_WITHIN = 600.0, 600.0  # seconds
DEAD_LETTER = "dead-letter"


@dataclass(frozen=True)
class Restore:
    """The operation `Restore`."""

    loading: Loading
    backends: Backends
    swaps: Swaps
    lease: Holding
    is_clone: bool = False
    steps: tuple[str, ...] = (PREPARE, LOAD, CLOSE, SWAP, OPEN, CLEAN_UP)

    async def do(self, step: str, run: Run) -> None:
        match step:
            case "Prepare":
                await self._prepare(run)
            case "Load":
                extra = clone_values(run) if self.is_clone else None
                await self.loading.load(run, _backup(run.order), code="RestoreFailed", extra=extra)
            case "Close":
                await self._close(run)
            case "Swap":
                await self._swap(run)
            case "Open":
                await self._open(run)
            case _:
                await self._end(run)

    @property
    def _bench(self) -> Bench:
        return self.loading.bench

    async def _prepare(self, run: Run) -> None:
        if not self.is_clone:
            await self.loading.prepare(run, _backup(run.order))
            return
        # Nobody shall work with what goes again when the clone is there.
        run.progress.closed = True
        clone_values(run)
        await self.loading.prepare(run, _backup(run.order), foreign=True, values={"salt": keys.password()})

    async def _close(self, run: Run) -> None:
        """Visitors see the page, and no pod of the app runs any more."""
        await self._shut(run.tenant, run.brokerage, run.progress, CLOSE)

    async def _shut(self, tenant: Tenant, brokerage: Object, progress: Progress, step: str) -> None:
        progress.closed = True
        if _told(brokerage, "Suspended") == "True":
            return
        if step == CLOSE and progress.elapsed(step) > CLOSED_WITHIN:
            raise OperationFailed("RestoreFailed", f"the pods of {tenant.slug} do not end: nothing was changed")
        self._bench.wake(tenant.slug)
        raise Waiting("Suspending", "waits until visitors see the page and the pods have ended", retry_in=SOON)

    async def _swap(self, run: Run) -> None:
        tenant, uid = run.tenant, run.order.uid
        current, restored = names.database(tenant.id), names.restored_database(tenant.id, uid)
        replaced = names.replaced_database(tenant.id, uid)
        if await self.loading.exists(restored):
            await self._grant(tenant, restored)
            await self._begin_anew(tenant, restored)
            await self._confirm()
            await self.swaps.swap(current, restored, replaced)
        elif not await self.loading.exists(replaced):
            raise OperationFailed("RestoreFailed", f"database {restored} was taken away: nothing was changed")

    async def _confirm(self) -> None:
        """Right before what changes everything: it is still ours to do."""
        if not await self.lease.is_held():
            raise Waiting("OperationRunning", "another operator acts now", retry_in=SOON)

    async def _grant(self, tenant: Tenant, database: str) -> None:
        """The rights of the app are no part of a backup."""
        postgres, owner, app = self.backends.postgres, names.owner_role(tenant.id), names.app_role(tenant.id)
        missing = await postgres.ungranted_schemas(database, tenant.release.schemas, owner=owner, app=app)
        if missing:
            await postgres.grant_schemas(database, missing, owner=owner, app=app)

    async def _begin_anew(self, tenant: Tenant, database: str) -> None:
        """What is outside the database tells of a time that never was: it will be made again from `database`.

        Events that it has not forgotten yet are sent again; its inbox knows those that had their effect. All of this
        comes before the swap, which is one step: after a crash it is done once more, as long as nobody works with it.
        """
        prefix, backends = names.prefix(tenant.id), self.backends
        await self.swaps.send_again(database, await self._bench.migrator(tenant))
        topics = [name for name in await backends.kafka.topics(prefix) if name != names.topic(tenant.id, DEAD_LETTER)]
        if topics:
            await backends.kafka.delete_topics(topics)
        if indices := await backends.elasticsearch.indices(prefix):
            await backends.elasticsearch.delete_indices(indices)
        await backends.redis.delete_keys(prefix)

    async def _open(self, run: Run) -> None:
        progress, slug = run.progress, run.tenant.slug
        if progress.closed:
            progress.closed = False
            raise Waiting("Resuming", "waits until the brokerage answers again", retry_in=SOON)
        if _rests(run.brokerage):
            run.progress.result |= _closed_seconds(run.progress)
            return
        if progress.elapsed(OPEN) > OPEN_WITHIN:
            message = _message(run.brokerage)
            raise OperationFailed(
                "RestoreFailed",
                f"{slug} did not become ready on the restored database, so the former is back: {message}",
            )
        # A crash may have come between the word that it opens and whoever should have heard it.
        self._bench.wake(slug)
        raise Waiting("Resuming", f"waits until the brokerage answers again: {_message(run.brokerage)}", retry_in=SOON)

    async def _end(self, run: Run) -> None:
        tenant, uid, progress = run.tenant, run.order.uid, run.progress
        if progress.has_failed:
            current, replaced = names.database(tenant.id), names.replaced_database(tenant.id, uid)
            if await self.loading.exists(replaced):
                await self._shut(tenant, run.brokerage, progress, CLEAN_UP)
                await self._begin_anew(tenant, replaced)
                await self._confirm()
                await self.swaps.swap(current, replaced, names.restored_database(tenant.id, uid))
            if progress.closed:
                progress.closed = False
                self._bench.wake(tenant.slug)
        await self.clean_up(tenant.id, run.order, progress)
        if self.is_clone:
            # What it takes the place of never held anything.
            await self.loading.drop(names.replaced_database(tenant.id, uid))

    async def clean_up(self, tenant: TenantId, order: Order, progress: Progress | None) -> None:
        await self._bench.clear(tenant, order)
        await self.loading.drop(names.restored_database(tenant, order.uid))
        if progress is None:
            await self.loading.drop(names.replaced_database(tenant, order.uid))


def clone_values(run: Run) -> dict[str, str]:
    """What the Job is told of a clone. Raises `OperationFailed` for a release that knows nothing of clones."""
    release = run.tenant.release
    if not release.clones:
        message = f"release {release.version} does not say what must not go along: set a newer spec.version"
        raise OperationFailed("CloneUnsupported", message)
    return {"ROOFTREE_CLONE_RULES": json.dumps(release.clones), "ROOFTREE_MASK": "yes" if run.order.spec.mask else ""}


def _backup(order: Order) -> str:
    assert order.spec.backup is not None, "a rule of the definition sees to it"
    return order.spec.backup


def _told(brokerage: Object, kind: str) -> str:
    found: list[dict[str, Any]] = brokerage.get("status", {}).get("conditions", [])
    return next((entry["status"] for entry in found if entry["type"] == kind), "absent")


def _rests(brokerage: Object) -> bool:
    """Whether it answers again, or is suspended by somebody else's will."""
    if brokerage["spec"].get("suspend"):
        return _told(brokerage, "Suspended") == "True"
    return _told(brokerage, "Ready") == "True" and _told(brokerage, "Suspended") == "absent"


def _message(brokerage: Object) -> str:
    return brokerage.get("status", {}).get("message", "")


def _closed_seconds(progress: Progress) -> dict[str, float]:
    return {"closedSeconds": round(progress.elapsed(CLOSE), 3)}
