"""The tenant's roles in PostgreSQL: which there are, who logs in, and whose rights each has. Pure.

`<id>.owner` owns everything and logs in never. `<id>.migrator` may become it. `<id>.app` has the app's rights at all
times, also while it does not log in: `<id>.app-b`, its second slot, inherits them, so that no right is granted twice.
"""

from collections.abc import Mapping
from itertools import chain

from . import names, scram
from .adapters.postgres import RoleSeen
from .database_actions import LIMIT, CloseRole, EnsureRole, GrantRole, LimitRole, Step
from .generations import Logins
from .names import Slot, TenantId
from .tenant import Tenant

MIGRATOR_CONNECTIONS = 4
CREDENTIAL = "credential="  # in a role's comment, before the fingerprint of its password


def all_roles(tenant: TenantId) -> list[str]:
    """In the order of their making; those of the second slot are there only once there was such a generation."""
    return [names.owner_role(tenant), *(role for slot in Slot for role in login_roles(tenant, slot))]


def login_roles(tenant: TenantId, slot: Slot) -> tuple[str, str]:
    """As whom migrations and the app log in."""
    return names.migrator_role(tenant, slot), names.user(tenant, slot)


def passes(roles: Mapping[str, RoleSeen], tenant: TenantId, app: Logins) -> bool:
    """Whether all roles are there, so that questions about their rights can be asked."""
    needed = chain([names.owner_role(tenant), names.app_role(tenant)], *(login_roles(tenant, s) for s in app.passwords))
    return all(name in roles for name in needed)


def connecting(tenant: TenantId, migrator: Logins) -> tuple[str, ...]:
    """Roles that are let into the database; whoever inherits from one of them is, too."""
    return (names.app_role(tenant), *(names.migrator_role(tenant, slot) for slot in migrator.passwords))


def plan_roles(tenant: Tenant, seen: Mapping[str, RoleSeen], app: Logins, migrator: Logins) -> list[Step]:
    """Roles to make, to change or to close, and which of them is in which."""
    id_, limit = tenant.id, tenant.plan.database.connections
    owner, rights = names.owner_role(id_), names.app_role(id_)
    migrators = {names.migrator_role(id_, slot): one for slot, one in migrator.passwords.items()}
    apps = {names.user(id_, slot): one for slot, one in app.passwords.items()}
    wanted: list[tuple[str, int, str | None]] = [
        (owner, -1, None),
        *((name, MIGRATOR_CONNECTIONS, password) for name, password in migrators.items()),
        *((name, limit, password) for name, password in ({rights: None} | apps).items()),
    ]
    actions: list[Step] = [step for one in wanted for step in _plan_role(tenant, seen.get(one[0]), *one)]
    for role, to, inherits in (
        *((owner, name, False) for name in migrators),
        *((rights, name, True) for name in apps if name != rights),
    ):
        have = seen.get(role)
        if have is None or to not in (have.heirs if inherits else have.members):
            actions.append(GrantRole(role, to, inherits))
    return actions + _plan_closing(tenant, seen, {rights, *migrators, *apps})


def _plan_role(tenant: Tenant, have: RoleSeen | None, name: str, limit: int, password: str | None) -> list[Step]:
    # The fingerprint tells whether the role still has this password; PostgreSQL does not let us read that.
    comment = names.mark(tenant.id) + (f" {CREDENTIAL}{scram.fingerprint(password)}" if password else "")
    differing = have and _differing(have, login=password is not None, limit=limit, comment=comment)
    if have is not None and not differing:
        return []
    if have is not None and password is None and CREDENTIAL in have.comment:
        return [CloseRole(name, limit, comment)]
    kind = LimitRole if differing == (LIMIT,) else EnsureRole
    return [kind(name, have is not None, limit, comment, password, differing or ())]


def _plan_closing(tenant: Tenant, seen: Mapping[str, RoleSeen], wanted: set[str]) -> list[Step]:
    """Roles of the other generation that can log in, or are not known to have no session any more."""
    return [
        CloseRole(name, role.connection_limit, names.mark(tenant.id))
        for name, role in sorted(seen.items())
        if name not in wanted | {names.owner_role(tenant.id)} and (role.can_login or CREDENTIAL in role.comment)
    ]


def _differing(have: RoleSeen, *, login: bool, limit: int, comment: str) -> tuple[str, ...]:
    same = {
        "login": have.can_login == login,
        LIMIT: have.connection_limit == limit,
        "mark or credential": have.comment == comment,
    }
    return tuple(name for name, is_same in same.items() if not is_same)
