"""Removes kept tenants for good: when their time is over, or when a person says so on their Secret.

The registry decides: once a tenant is being purged nobody can claim it, and once it was claimed nobody can purge it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from . import kept, names
from .adapters.kubernetes import BROKERAGE, SECRET
from .deletion import Deletion, Overtaken
from .errors import Waiting
from .names import TenantId
from .reconcile import Outcome
from .registry import Kept

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Purge:
    """One level-triggered, idempotent pass over one kept tenant."""

    deletion: Deletion
    now: Callable[[], datetime]

    async def pending(self) -> list[TenantId]:
        """The tenants to look at."""
        return [row.id for row in await self.deletion.registry.kept()]

    async def reconcile(self, name: str) -> Outcome:
        """Purges the kept tenant with the id `name`, if it is to be purged now."""
        try:
            for row in await self.deletion.registry.kept(TenantId(name)):
                if await self._is_condemned(row):
                    await self._remove(row.id)
        except Overtaken as change:
            log.warning("purge_stopped", tenant=name, reason=str(change))
            return Outcome(failed=True)
        except Waiting as wait:
            return Outcome(again_in=wait.retry_in)
        return Outcome()

    async def _is_condemned(self, row: Kept) -> bool:
        if row.purging:
            return True
        if not await self._is_due(row) or await self._is_leaving(row):
            return False
        await self.deletion.confirm_holder()
        condemned = await self.deletion.registry.condemn(row)
        if condemned:
            log.info("purge_begins", tenant=row.id.value)
        return condemned

    async def _is_due(self, row: Kept) -> bool:
        if row.purge_after <= self.now():
            return True
        secret = await self.deletion.kube.get(SECRET, names.kept_secret(row.id), self.deletion.namespace)
        return kept.is_ordered(secret, row.id)

    async def _is_leaving(self, row: Kept) -> bool:
        """Whether the Brokerage that was deleted is still there: its last pass reads what we would remove."""
        brokerage = await self.deletion.kube.get(BROKERAGE, row.id.slug)
        return brokerage is not None and brokerage["metadata"]["uid"] == row.owner_uid

    async def _remove(self, tenant: TenantId) -> None:
        """As for a Brokerage that is deleted with its data; the Secret and the tombstone last."""
        await self.deletion.erase(tenant)
        await self.deletion.forget(tenant)
        await self.deletion.registry.bury(tenant)
        log.info("tenant_purged", tenant=tenant.value)
