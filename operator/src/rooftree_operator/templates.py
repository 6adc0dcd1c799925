"""The template database of each release: made once by a migration Job, sealed, cloned for every new tenant.

The database belongs to the operator's own role, the objects in it to `rooftree_template`; so a clone can give them
away without giving the template away.
"""

import base64
from dataclasses import dataclass

import structlog

from . import keys, names, pods, scram
from .adapters.kubernetes import CONFIG, JOB, SECRET, Kubernetes
from .adapters.postgres import Postgres
from .adapters.postgres_sessions import Login
from .drift import Object, pending, stamped
from .errors import Blocked, Unavailable
from .names import LABEL_MANAGED_BY, LABEL_RELEASE, MANAGER, TEMPLATE_MIGRATOR, TEMPLATE_OWNER
from .reconcile import Outcome
from .release import Release, Releases
from .tenant import Platform

log = structlog.get_logger(__name__)

SECRET_NAME = "template-migrator"  # noqa: S105 -- an object's name
COMMENT = f"{names.GROUP}/template"


@dataclass(frozen=True)
class Templates:
    """Makes and removes template databases."""

    kube: Kubernetes
    postgres: Postgres
    releases: Releases
    platform: Platform
    ca: str

    async def reconcile(self, version: str) -> Outcome:
        """Brings the template of `version` closer to being there, or to being gone if there is no such release."""
        name = names.template_database(version)
        try:
            found = await self.postgres.database(name, TEMPLATE_OWNER)
            if found is not None and not found.usable:
                # An interrupted DROP left it; only another one works on it.
                await self.postgres.drop_database(name)
                found = None
            try:
                release = await self.releases.find(version, "")
            except Blocked:
                if found is not None:
                    await self.postgres.drop_template(name)
                return Outcome()
            if found is not None and found.is_template:
                return Outcome()
            if found is None or COMMENT not in found.comment:
                await self._prepare(name)
            return await self._migrate(name, release)
        except Unavailable as outage:
            log.warning("template_delayed", version=version, reason=outage.reason, message=outage.message)
            return Outcome(failed=True)

    async def _prepare(self, name: str) -> None:
        """An empty database that only the migrator of templates can enter."""
        password = await self._password()
        roles = await self.postgres.roles([TEMPLATE_OWNER, TEMPLATE_MIGRATOR])
        for role, verifier in ((TEMPLATE_OWNER, None), (TEMPLATE_MIGRATOR, scram.verifier(password))):
            await self.postgres.ensure_role(
                role, verifier=verifier, connection_limit=-1, comment=COMMENT, exists=role in roles
            )
        await self.postgres.grant_role(TEMPLATE_OWNER, to=TEMPLATE_MIGRATOR)
        await self.postgres.create_database(name, owner=None, template="template0")
        await self.postgres.secure_database(name, connect=[TEMPLATE_MIGRATOR], create=[TEMPLATE_OWNER], comment=COMMENT)

    async def _password(self) -> str:
        if await self.kube.get(SECRET, SECRET_NAME, self.platform.namespace) is not None:
            return await self.kube.secret_value(SECRET_NAME, self.platform.namespace, "database_password")
        password = keys.password()
        data = {"database_password": base64.b64encode(password.encode()).decode()}
        await self.kube.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": self._metadata(SECRET_NAME), "data": data}
        )
        return password

    async def _migrate(self, name: str, release: Release) -> Outcome:
        job_name = names.template_job(release.version)
        job = await self.kube.get(JOB, job_name, self.platform.namespace)
        if job is None:
            await self._trust()
            await self.kube.apply(stamped(self._job(job_name, name, release)))
            return Outcome(again_in=10.0)
        if failure := pods.job_failure(job):
            log.error("template_failed", version=release.version, job=job_name, failure=failure)
            return Outcome(failed=True)
        if not job.get("status", {}).get("succeeded"):
            return Outcome(again_in=10.0)
        heads = await self.postgres.heads(name, Login(TEMPLATE_MIGRATOR, await self._password(), TEMPLATE_OWNER))
        if not release.heads <= heads:
            log.error("template_incomplete", version=release.version, wanted=sorted(release.heads), got=sorted(heads))
            return Outcome(failed=True)
        await self.postgres.seal_template(name)
        log.info("template_ready", version=release.version)
        return Outcome()

    async def _trust(self) -> None:
        seen = await self.kube.get(CONFIG, pods.CA_CONFIG, self.platform.namespace)
        for wanted in pending([pods.ca_config(self._metadata(pods.CA_CONFIG), self.ca)], [seen]):
            await self.kube.apply(wanted)

    def _job(self, job_name: str, database: str, release: Release) -> Object:
        values = {
            **pods.database_values(self.platform, database, TEMPLATE_MIGRATOR),
            "ROOFTREE_DATABASE_OWNER_ROLE": TEMPLATE_OWNER,
            "ROOFTREE_VERSION": release.version,
        }
        labels = {LABEL_MANAGED_BY: MANAGER, LABEL_RELEASE: release.version}
        return pods.migration_job(
            job_name,
            self.platform.namespace,
            labels,
            release=release,
            values=values,
            files=pods.Files(SECRET_NAME, None),
        )

    def _metadata(self, name: str) -> Object:
        return {"name": name, "namespace": self.platform.namespace, "labels": {LABEL_MANAGED_BY: MANAGER}}

    async def obsolete(self, versions: set[str]) -> list[str]:
        """Versions that have a template database but no release."""
        prefix = names.template_database("")
        present = {name.removeprefix(prefix) for name in await self.postgres.databases(prefix)}
        return sorted(present - versions)
