"""What provisioner `database` does in PostgreSQL, and how each of it is told to people."""

from dataclasses import dataclass, field

from . import names
from .names import TenantId
from .provisioner import Action

LIMIT = "connection limit"


@dataclass(frozen=True)
class EnsureRole(Action):
    """`differing`: what of the role is not as wanted, if it is there."""

    name: str
    exists: bool
    connection_limit: int
    comment: str
    password: str | None = field(default=None, repr=False)
    differing: tuple[str, ...] = field(default=(), repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Role {self.name}: {', '.join(self.differing) or 'missing'}"


@dataclass(frozen=True)
class LimitRole(EnsureRole):
    """Nothing but the number of connections differs, which is the plan's."""

    upkeep = False


@dataclass(frozen=True)
class CloseRole(Action):
    """Nobody logs in with the former credentials any more, and whoever is in is thrown out."""

    name: str
    connection_limit: int
    comment: str
    upkeep = True
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"Role {self.name}: is to log in no more"


@dataclass(frozen=True)
class GrantRole(Action):
    """`to` may become `role`; or, where it `inherits`, has all its rights as they are at any time."""

    role: str
    to: str
    inherits: bool = False
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Role {self.role}: not granted to {self.to}"


@dataclass(frozen=True)
class CreateDatabase(Action):
    template: str

    def words(self, tenant: TenantId) -> str:
        return f"Database {names.database(tenant)}: missing with its data, made anew from {self.template}"


@dataclass(frozen=True)
class DropDatabase(Action):
    """An interrupted DROP left a database that only another DROP can handle."""

    def words(self, tenant: TenantId) -> str:
        return f"Database {names.database(tenant)}: half dropped"


@dataclass(frozen=True)
class Secure(Action):
    """Mark the database, close it to PUBLIC, let the tenant's roles connect."""

    connect: tuple[str, ...]
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Database {names.database(tenant)}: who may connect, or its mark"


@dataclass(frozen=True)
class Adopt(Action):
    """Give the template's objects in the clone to the tenant's owner."""

    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Database {names.database(tenant)}: whose its objects are"


@dataclass(frozen=True)
class GrantSchemas(Action):
    schemas: tuple[str, ...] | None  # None: whatever turns out to be missing in a new clone
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        which = f" in {', '.join(self.schemas)}" if self.schemas else ""
        return f"Database {names.database(tenant)}: rights of {names.app_role(tenant)}{which}"


@dataclass(frozen=True)
class Probe(Action):
    """Connect as the tenant's app."""

    user: str
    password: str = field(repr=False)
    proof = True


Step = EnsureRole | CloseRole | GrantRole | CreateDatabase | DropDatabase | Secure | Adopt | GrantSchemas | Probe
