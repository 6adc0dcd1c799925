"""The tenant's roles and database: cloned from the release's template, owned by the tenant, closed to everyone else."""

from dataclasses import dataclass, field

from .. import names, pods, scram
from ..adapters.kubernetes import JOB, Kubernetes
from ..adapters.postgres import DatabaseSeen, Login, Postgres, RoleSeen
from ..database_actions import (
    LIMIT,
    Adopt,
    CreateDatabase,
    DropDatabase,
    EnsureRole,
    GrantRole,
    GrantSchemas,
    LimitRole,
    Probe,
    Secure,
    Step,
)
from ..names import TEMPLATE_OWNER, TenantId
from ..proofs import Proofs
from ..provisioner import Plan, Verdict, blocked, done, waiting
from ..tenant import Tenant

MIGRATOR_CONNECTIONS = 4


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    passwords: dict[str, str] = field(repr=False)  # role to password
    roles: dict[str, RoleSeen]
    database: DatabaseSeen | None
    template: DatabaseSeen | None
    ungranted: tuple[str, ...]
    template_failure: str | None = None  # why there will be no template unless somebody acts
    proven: bool = False  # the app got in with its password since anything was last changed


class Database:
    """Roles `<id>.owner|migrator|app` and the database `<id>`."""

    name = "database"
    needs = ("credentials",)
    condition = "DatabaseReady"

    def __init__(self, kube: Kubernetes, postgres: Postgres) -> None:
        self._kube = kube
        self._postgres = postgres
        self._proofs = Proofs()

    async def observe(self, tenant: Tenant) -> Seen:
        passwords = {
            names.app_role(tenant.id): await self._password(tenant, pods.APP_SECRET),
            names.migrator_role(tenant.id): await self._password(tenant, pods.MIGRATOR_SECRET),
        }
        roles = await self._postgres.roles(all_roles(tenant.id))
        database = await self._postgres.database(names.database(tenant.id), TEMPLATE_OWNER)
        if database is None or not database.usable or not passes(roles, tenant.id):
            template = await self._postgres.database(names.template_database(tenant.release.version), TEMPLATE_OWNER)
            return Seen(passwords, roles, database, template, (), await self._template_failure(tenant, template))
        ungranted = await self._missing_grants(tenant)
        proven = self._proofs.hold(tenant.id, passwords[names.app_role(tenant.id)])
        return Seen(passwords, roles, database, None, tuple(ungranted), proven=proven)

    async def _template_failure(self, tenant: Tenant, template: DatabaseSeen | None) -> str | None:
        if template is not None and template.is_template:
            return None
        job = await self._kube.get(JOB, names.template_job(tenant.release.version), tenant.platform.namespace)
        return pods.job_failure(job) if job else None

    async def _missing_grants(self, tenant: Tenant) -> list[str]:
        owner, app = names.owner_role(tenant.id), names.app_role(tenant.id)
        schemas = tenant.release.schemas
        return await self._postgres.ungranted_schemas(names.database(tenant.id), schemas, owner=owner, app=app)

    async def _password(self, tenant: Tenant, secret: str) -> str:
        return await self._kube.secret_value(secret, tenant.namespace, "database_password")

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        actions: list[Step] = plan_roles(tenant, seen)
        usable = seen.database is not None and seen.database.usable
        if not usable:
            if seen.template is None or not seen.template.is_template:
                return Plan(no_template(tenant, seen.template_failure), actions=tuple(actions))
            if seen.database is not None:
                actions.append(DropDatabase())
            actions.append(CreateDatabase(names.template_database(tenant.release.version)))
            actions += [Secure(), Adopt(), GrantSchemas(None)]
        else:
            actions += plan_existing(tenant, seen)
            # What only the plan asks for comes last.
            actions.sort(key=lambda action: not action.upkeep)
        if actions or not seen.proven:
            actions.append(Probe(seen.passwords[names.app_role(tenant.id)]))
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
            case GrantRole(role, to):
                await postgres.grant_role(role, to=to)
            case DropDatabase():
                await postgres.drop_database(database)
            case CreateDatabase(template):
                await postgres.create_database(database, owner=owner, template=template)
            case Secure():
                connect = [names.app_role(tenant.id), names.migrator_role(tenant.id)]
                await postgres.secure_database(database, connect=connect, create=(), comment=names.mark(tenant.id))
            case Adopt():
                await postgres.reassign(database, old=TEMPLATE_OWNER, new=owner)
            case GrantSchemas(schemas):
                await self._grant(tenant, schemas)
            case Probe(password):
                await postgres.probe(database, Login(names.app_role(tenant.id), password))
                self._proofs.add(tenant.id, password)

    async def _grant(self, tenant: Tenant, schemas: tuple[str, ...] | None) -> None:
        database, owner, app = names.database(tenant.id), names.owner_role(tenant.id), names.app_role(tenant.id)
        if schemas is None:
            schemas = tuple(await self._missing_grants(tenant))
        if schemas:
            await self._postgres.grant_schemas(database, schemas, owner=owner, app=app)

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        await self._postgres.revoke_logins([names.app_role(tenant), names.migrator_role(tenant)])

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


def all_roles(tenant: TenantId) -> list[str]:
    return [names.owner_role(tenant), names.migrator_role(tenant), names.app_role(tenant)]


def passes(roles: dict[str, RoleSeen], tenant: TenantId) -> bool:
    """Whether all roles are there, so that questions about their rights can be asked."""
    return all(name in roles for name in all_roles(tenant))


def no_template(tenant: Tenant, failure: str | None) -> Verdict:
    """Why the tenant cannot be cloned yet, and who must act."""
    version = tenant.release.version
    if failure:
        job = f"{tenant.platform.namespace}/{names.template_job(version)}"
        advice = f"a platform admin must read the logs of job {job} and delete it"
        return blocked("TemplateFailed", f"the template database of {version} could not be made ({failure}): {advice}")
    return waiting("TemplateNotReady", f"the template database of {version} is being made", retry_in=1.0)


def plan_roles(tenant: Tenant, seen: Seen) -> list[Step]:
    """Roles to make or to change."""
    owner, migrator, app = all_roles(tenant.id)
    limits = {owner: -1, migrator: MIGRATOR_CONNECTIONS, app: tenant.plan.database.connections}
    actions: list[Step] = []
    for name, limit in limits.items():
        password = seen.passwords.get(name)
        # The fingerprint tells whether the role still has this password; PostgreSQL does not let us read that.
        comment = names.mark(tenant.id) + (f" credential={scram.fingerprint(password)}" if password else "")
        have = seen.roles.get(name)
        differing = have and _differing(have, login=password is not None, limit=limit, comment=comment)
        if have is None or differing:
            kind = LimitRole if differing == (LIMIT,) else EnsureRole
            actions.append(kind(name, have is not None, limit, comment, password, differing or ()))
    if owner not in seen.roles or migrator not in seen.roles[owner].members:
        actions.append(GrantRole(owner, migrator))
    return actions


def _differing(have: RoleSeen, *, login: bool, limit: int, comment: str) -> tuple[str, ...]:
    same = {
        "login": have.can_login == login,
        LIMIT: have.connection_limit == limit,
        "mark or credential": have.comment == comment,
    }
    return tuple(name for name, is_same in same.items() if not is_same)


def plan_existing(tenant: Tenant, seen: Seen) -> list[Step]:
    """What is wrong with a database that is there."""
    assert seen.database is not None
    actions: list[Step] = []
    connect = {names.app_role(tenant.id), names.migrator_role(tenant.id)}
    marked = seen.database.comment == names.mark(tenant.id)
    if seen.database.public_can_connect or not marked or not connect <= seen.database.can_connect:
        actions.append(Secure())
    if seen.database.foreign_objects:
        actions += [Adopt(), GrantSchemas(None)]
    elif seen.ungranted:
        actions.append(GrantSchemas(seen.ungranted))
    return actions
