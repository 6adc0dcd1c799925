"""Brings the tenant's database to the release's heads by a Job of the new version; a fresh clone is there already.

A database that a newer release has brought further stays as it is: migrations of a release only add what the release
before it can do without (expand), so that one goes on with it. What is not needed any more goes a release later.
"""

import asyncio
from dataclasses import dataclass

from .. import generations, names, pods
from ..adapters.kubernetes import JOB, SECRET, Kubernetes
from ..adapters.postgres import Postgres
from ..adapters.postgres_sessions import Login
from ..drift import Object, stamped
from ..names import Slot, TenantId
from ..provisioner import Plan, blocked, done, waiting
from ..secret_objects import decoded
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    heads: frozenset[str]
    job: Object | None
    slot: Slot = Slot.A  # of the login that a Job which starts now has


class Migrations:
    """Job `migrate-<hash of the version>` in the tenant's namespace, only when it is needed."""

    name = "migrations"
    needs = ("database", "policies")
    condition = "MigrationsApplied"

    def __init__(self, kube: Kubernetes, postgres: Postgres) -> None:
        self._kube = kube
        self._postgres = postgres

    async def observe(self, tenant: Tenant) -> Seen:
        app, migrator = await asyncio.gather(
            self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace),
            self._kube.get(SECRET, pods.MIGRATOR_SECRET, tenant.namespace),
        )
        logins = generations.logins(decoded(app), "database_password", secret=decoded(migrator))
        slot = logins.in_use
        login = Login(names.migrator_role(tenant.id, slot), logins.passwords[slot], names.owner_role(tenant.id))
        heads = await self._postgres.heads(names.database(tenant.id), login)
        if tenant.release.heads <= heads:
            return Seen(heads, None, slot)
        job = job_name(tenant)
        return Seen(heads, await self._kube.get(JOB, job, tenant.namespace), slot)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        version = tenant.release.version
        if tenant.release.heads <= seen.heads:
            return Plan(done("Current", f"The database has all migrations of {version}."))
        if tenant.release.is_behind(seen.heads):
            return Plan(done("Ahead", f"The database has all migrations of {version}, and those of a newer version."))
        if seen.job is None:
            verdict = waiting("Migrating", f"the migrations of {version} are starting")
            return Plan(verdict, objects=(stamped(build_job(tenant, seen.slot)),))
        if failure := pods.job_failure(seen.job):
            job = f"{tenant.namespace}/{job_name(tenant)}"
            advice = f"a platform admin must read the logs of job {job} and delete it"
            return Plan(blocked("MigrationFailed", f"the migrations of {version} failed ({failure}): {advice}"))
        return Plan(waiting("Migrating", f"the migrations of {version} are running"))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Its login is the database's."""

    async def delete(self, tenant: TenantId) -> None:
        """Jobs go with the namespace."""


def job_name(tenant: Tenant) -> str:
    return names.migration_job(tenant.release.version, tenant.retry)


def build_job(tenant: Tenant, slot: Slot) -> Object:
    user = names.migrator_role(tenant.id, slot)
    values = {
        **pods.database_values(tenant.platform, names.database(tenant.id), user),
        "ROOFTREE_DATABASE_OWNER_ROLE": names.owner_role(tenant.id),
        "ROOFTREE_VERSION": tenant.release.version,
    }
    labels = names.labels(tenant.id)
    return pods.migration_job(
        job_name(tenant),
        tenant.namespace,
        labels,
        release=tenant.release,
        values=values,
        files=pods.Files(pods.MIGRATOR_SECRET, generations.files(pods.MIGRATOR_SECRET, slot)),
    )
