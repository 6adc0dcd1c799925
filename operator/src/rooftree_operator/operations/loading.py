"""What restores and drills share: a backup is opened, and loaded into an empty database beside the one in use."""

from collections.abc import Mapping
from dataclasses import dataclass

from .. import names
from ..adapters.postgres import Postgres
from ..archive.envelope import Damaged
from ..archive.manifest import Manifest
from ..names import TEMPLATE_OWNER, Slot, TenantId
from . import jobs
from .artifacts import Artifacts
from .keyring import Keyring
from .places import Way
from .progress import OperationFailed
from .work import Bench, Run, require_database


@dataclass(frozen=True)
class Loading:
    """Everything that it takes."""

    bench: Bench
    artifacts: Artifacts
    keyring: Keyring
    postgres: Postgres

    async def prepare(
        self, run: Run, backup: str, *, foreign: bool = False, values: Mapping[str, str] | None = None
    ) -> Manifest:
        """The Job may read this backup, and has a database to load it into. Raises `OperationFailed`.

        `foreign`: it may be another tenant's. `values` are given to the Job as secrets, too.
        """
        tenant = run.tenant.id
        self.bench.store()
        require_database(run.tenant, run.brokerage)
        made = await self.artifacts.usable(backup, None if foreign else tenant)
        pair = await self.keyring.find(made.key_id)
        try:
            key = pair.unseal(made.sealed, made.about)
        except Damaged as damage:
            raise OperationFailed("BackupUnusable", str(damage)) from damage
        given = {**(values or {}), "data_key": key.hex()}
        await self.bench.furnish(_way(run, made), given)
        await self._empty_database(tenant, names.restored_database(tenant, run.order.uid))
        run.progress.result |= {"backup": backup, "takenAt": made.taken_at, "size": made.size}
        run.progress.result |= {"rows": made.rows, "objects": made.objects}
        return made

    async def load(self, run: Run, backup: str, *, code: str, extra: Mapping[str, str] | None = None) -> None:
        """The Job loads it, proves all of it, and puts the files back unless `extra` leaves the bucket out."""
        made = await self.artifacts.usable(backup, None)
        database = names.restored_database(run.tenant.id, run.order.uid)
        slot = await self.bench.slot(run.tenant)
        values = {**jobs.values(run.tenant, slot, backup, database), **(extra or {})}
        doing = f"loading backup {backup} beside the database in use"
        await self.bench.job(_way(run, made), "read", slot, values, code=code, doing=doing)

    async def _empty_database(self, tenant: TenantId, name: str) -> None:
        """As the tenant's own is: of the same owner, and closed to everybody else."""
        found = await self.postgres.database(name, TEMPLATE_OWNER)
        if found is not None and not found.usable:
            await self.postgres.drop_database(name)
            found = None
        if found is None:
            await self.postgres.create_database(name, owner=names.owner_role(tenant), template="template0")
        # Both generations of logins: while credentials are rotated the one in use may change before it is loaded.
        entering = (names.app_role(tenant), *(names.migrator_role(tenant, slot) for slot in Slot))
        connect = sorted(await self.postgres.roles(entering))
        await self.postgres.secure_database(name, connect=connect, create=(), comment=names.mark(tenant))

    async def exists(self, database: str) -> bool:
        return await self.postgres.database(database, TEMPLATE_OWNER) is not None

    async def drop(self, database: str) -> None:
        """One that is gone is fine."""
        if await self.exists(database):
            await self.postgres.drop_database(database)


def _way(run: Run, made: Manifest) -> Way:
    return Way(run.tenant, run.order, TenantId(made.tenant), made.backup, writes=False)
