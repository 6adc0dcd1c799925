"""Brings the tenant's database to the release's heads by a Job of the new version; a fresh clone is there already.

A database that a newer release has brought further stays as it is: migrations of a release only add what the release
before it can do without (expand), so that one goes on with it. What is not needed any more goes a release later.
"""

from dataclasses import dataclass

from .. import names, pods
from ..adapters.kubernetes import JOB, Kubernetes
from ..adapters.postgres import Login, Postgres
from ..drift import Object, stamped
from ..names import TenantId
from ..provisioner import Plan, blocked, done, waiting
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    heads: frozenset[str]
    job: Object | None


class Migrations:
    """Job `migrate-<hash of the version>` in the tenant's namespace, only when it is needed."""

    name = "migrations"
    needs = ("database", "policies")
    condition = "MigrationsApplied"

    def __init__(self, kube: Kubernetes, postgres: Postgres) -> None:
        self._kube = kube
        self._postgres = postgres

    async def observe(self, tenant: Tenant) -> Seen:
        password = await self._kube.secret_value(pods.MIGRATOR_SECRET, tenant.namespace, "database_password")
        login = Login(names.migrator_role(tenant.id), password, names.owner_role(tenant.id))
        heads = await self._postgres.heads(names.database(tenant.id), login)
        if tenant.release.heads <= heads:
            return Seen(heads, None)
        job = job_name(tenant)
        return Seen(heads, await self._kube.get(JOB, job, tenant.namespace))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        version = tenant.release.version
        if tenant.release.heads <= seen.heads:
            return Plan(done("Current", f"The database has all migrations of {version}."))
        if tenant.release.is_behind(seen.heads):
            return Plan(done("Ahead", f"The database has all migrations of {version}, and those of a newer version."))
        if seen.job is None:
            verdict = waiting("Migrating", f"the migrations of {version} are starting")
            return Plan(verdict, objects=(stamped(build_job(tenant)),))
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


def build_job(tenant: Tenant) -> Object:
    login = pods.Login(names.database(tenant.id), names.migrator_role(tenant.id), pods.MIGRATOR_SECRET)
    values = {
        **pods.database_values(tenant.platform, login),
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
        secret=login.secret,
    )
