"""The tenant's roles and database: cloned from the release's template, owned by the tenant, closed to everyone else."""

import asyncio
from dataclasses import dataclass

from .. import generations, names, pods, scram
from ..adapters.kubernetes import JOB, SECRET, Kubernetes
from ..adapters.postgres import DatabaseSeen, Postgres, RoleSeen
from ..adapters.postgres_sessions import Login
from ..database_actions import (
    Adopt,
    CloseRole,
    CreateDatabase,
    DropDatabase,
    EnsureRole,
    GrantRole,
    GrantSchemas,
    Probe,
    Secure,
    Step,
)
from ..database_roles import all_roles, connecting, login_roles, passes, plan_roles
from ..generations import Logins
from ..names import TEMPLATE_OWNER, Slot, TenantId
from ..proofs import Proofs
from ..provisioner import Plan, Verdict, blocked, done, waiting
from ..secret_objects import decoded
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    app: Logins
    migrator: Logins
    roles: dict[str, RoleSeen]
    database: DatabaseSeen | None
    template: DatabaseSeen | None
    ungranted: tuple[str, ...]
    template_failure: str | None = None  # why there will be no template unless somebody acts
    proven: bool = False  # the app got in with each of its passwords since anything was last changed


class Database:
    """Roles `<id>.owner|migrator|app` and the database `<id>`.

    Roles `<id>.migrator-b|app-b` log in with each second generation of credentials.
    """

    name = "database"
    needs = ("credentials",)
    condition = "DatabaseReady"

    def __init__(self, kube: Kubernetes, postgres: Postgres) -> None:
        self._kube = kube
        self._postgres = postgres
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        secrets = (self._kube.get(SECRET, name, tenant.namespace) for name in generations.LOGINS)
        values, migrators = map(decoded, await asyncio.gather(*secrets))
        app = generations.logins(values, "database_password")
        migrator = generations.logins(values, "database_password", secret=migrators)
        roles = await self._postgres.roles(all_roles(tenant.id))
        database = await self._postgres.database(names.database(tenant.id), TEMPLATE_OWNER)
        is_open = database is not None and database.usable and database.lets_in
        if not is_open or not passes(roles, tenant.id, app):
            template = await self._postgres.database(names.template_database(tenant.release.version), TEMPLATE_OWNER)
            failure = await self._template_failure(tenant, template)
            return Seen(app, migrator, roles, database, template, (), failure)
        ungranted = await self._missing_grants(tenant)
        proven = self._proofs.hold(tenant.id, app.passwords.values())
        return Seen(app, migrator, roles, database, None, tuple(ungranted), proven=proven)

    async def _template_failure(self, tenant: Tenant, template: DatabaseSeen | None) -> str | None:
        if template is not None and template.is_template:
            return None
        job = await self._kube.get(JOB, names.template_job(tenant.release.version), tenant.platform.namespace)
        return pods.job_failure(job) if job else None

    async def _missing_grants(self, tenant: Tenant) -> list[str]:
        owner, app = names.owner_role(tenant.id), names.app_role(tenant.id)
        schemas = tenant.release.schemas
        return await self._postgres.ungranted_schemas(names.database(tenant.id), schemas, owner=owner, app=app)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        actions: list[Step] = plan_roles(tenant, seen.roles, seen.app, seen.migrator)
        usable = seen.database is not None and seen.database.usable
        if not usable:
            if seen.template is None or not seen.template.is_template:
                return Plan(no_template(tenant, seen.template_failure), actions=tuple(actions))
            if seen.database is not None:
                actions.append(DropDatabase())
            actions.append(CreateDatabase(names.template_database(tenant.release.version)))
            actions += [Secure(connecting(tenant.id, seen.migrator)), Adopt(), GrantSchemas(None)]
        else:
            actions += plan_existing(tenant, seen)
            # What only the plan asks for comes last.
            actions.sort(key=lambda action: not action.upkeep)
        if actions or not seen.proven:
            actions += [Probe(names.user(tenant.id, slot), one) for slot, one in seen.app.passwords.items()]
        name = names.database(tenant.id)
        return Plan(
            done("Provisioned", f"Database {name} is the tenant's own."),
            actions=tuple(actions),
            status={"database": name},
        )

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        if plan.actions:
            self._proofs.drop(tenant.id)
        for action in plan.actions:
            await self._do(tenant, action)

    async def _do(self, tenant: Tenant, action: Step) -> None:
        postgres, database, owner = self._postgres, names.database(tenant.id), names.owner_role(tenant.id)
        match action:
            case EnsureRole(name, exists, limit, comment, password):
                verifier = scram.verifier(password) if password else None
                await postgres.ensure_role(
                    name, verifier=verifier, connection_limit=limit, comment=comment, exists=exists
                )
            case CloseRole(name, limit, comment):
                await postgres.revoke_logins([name])
                # The comment last: as long as it tells of a credential, sessions may be left.
                await postgres.ensure_role(name, verifier=None, connection_limit=limit, comment=comment, exists=True)
            case GrantRole(role, to, inherits):
                await (postgres.inherit_role if inherits else postgres.grant_role)(role, to=to)
            case DropDatabase():
                await postgres.drop_database(database)
            case CreateDatabase(template):
                await postgres.create_database(database, owner=owner, template=template)
            case Secure(connect):
                await postgres.secure_database(database, connect=connect, create=(), comment=names.mark(tenant.id))
            case Adopt():
                await postgres.reassign(database, old=TEMPLATE_OWNER, new=owner)
            case GrantSchemas(schemas):
                await self._grant(tenant, schemas)
            case Probe(user, password):
                await postgres.probe(database, Login(user, password))
                self._proofs.add(tenant.id, password)

    async def _grant(self, tenant: Tenant, schemas: tuple[str, ...] | None) -> None:
        database, owner, app = names.database(tenant.id), names.owner_role(tenant.id), names.app_role(tenant.id)
        if schemas is None:
            schemas = tuple(await self._missing_grants(tenant))
        if schemas:
            await self._postgres.grant_schemas(database, schemas, owner=owner, app=app)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        await self._postgres.revoke_logins([role for slot in Slot for role in login_roles(tenant, slot)])

    async def delete(self, tenant: TenantId) -> None:
        found = await self._postgres.database(names.database(tenant), TEMPLATE_OWNER)
        # Ours by its mark, or by its owner if we died before the mark was made.
        if found and (found.comment == names.mark(tenant) or found.owner == names.owner_role(tenant)):
            await self._postgres.drop_database(names.database(tenant))
        # What operations have put beside it.
        for other in await self._postgres.databases(names.prefix(tenant)):
            await self._postgres.drop_database(other)
        present = await self._postgres.roles(all_roles(tenant))
        if present:
            await self._postgres.drop_roles(sorted(present, reverse=True))


def no_template(tenant: Tenant, failure: str | None) -> Verdict:
    """Why the tenant cannot be cloned yet, and who must act."""
    version = tenant.release.version
    if failure:
        job = f"{tenant.platform.namespace}/{names.template_job(version)}"
        advice = f"a platform admin must read the logs of job {job} and delete it"
        return blocked("TemplateFailed", f"the template database of {version} could not be made ({failure}): {advice}")
    return waiting("TemplateNotReady", f"the template database of {version} is being made", retry_in=1.0)


def plan_existing(tenant: Tenant, seen: Seen) -> list[Step]:
    """What is wrong with a database that is there."""
    assert seen.database is not None
    actions: list[Step] = []
    connect, marked = connecting(tenant.id, seen.migrator), seen.database.comment == names.mark(tenant.id)
    is_closed = not seen.database.lets_in or not set(connect) <= seen.database.can_connect
    if seen.database.public_can_connect or not marked or is_closed:
        actions.append(Secure(connect))
    if seen.database.foreign_objects:
        actions += [Adopt(), GrantSchemas(None)]
    elif seen.ungranted:
        actions.append(GrantSchemas(seen.ungranted))
    return actions
