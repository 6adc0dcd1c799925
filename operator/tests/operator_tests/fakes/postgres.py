"""A PostgreSQL that keeps roles, databases and grants; it refuses what the real one refuses."""

import base64
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rooftree_operator import scram
from rooftree_operator.adapters.postgres import DatabaseSeen, Postgres, RoleSeen
from rooftree_operator.adapters.postgres_sessions import Login
from rooftree_operator.errors import Unavailable, Waiting
from rooftree_operator.gate import Gate
from rooftree_operator.names import TEMPLATE_OWNER

from .faults import Faults


@functools.cache
def _fits(stored: str, password: str) -> bool:
    """Whether a verifier is that of the password."""
    return bool(stored) and stored == scram.verifier(password, base64.b64decode(stored.split("$")[1].split(":")[1]))


@dataclass
class Content:
    """What is inside one database."""

    heads: frozenset[str] = frozenset()
    owner_inside: str = ""
    granted: set[str] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)
    sent_again: bool = False


class FakePostgres(Postgres):
    """One server. `down` makes it unreachable. `writes` lists every statement that changes something."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.known_roles: dict[str, RoleSeen] = {}
        self.verifiers: dict[str, str] = {}
        self.sessions: set[str] = set()  # roles as whom somebody is logged in
        self.known: dict[str, DatabaseSeen] = {}
        self.content: dict[str, Content] = {}
        self.writes: list[str] = []
        self.faults = faults or Faults()
        self.down = False
        self.busy: set[str] = set()
        """Databases that somebody comes back into at once."""

    def _read(self) -> None:
        self.gate.check()
        if self.down:
            raise Unavailable("PostgresUnreachable", "PostgreSQL does not answer")
        self.faults.before()

    def _write_call(self, what: str) -> None:
        self._read()
        self.writes.append(what)

    def _enter(self, database: str) -> None:
        if not self.known[database].lets_in:
            raise Unavailable("PostgresRefused", f"database {database} is not currently accepting connections")

    async def ping(self) -> None:
        self._read()

    async def end_sessions(self, holder: str, epoch: int) -> None:
        self._write_call(f"end sessions of {holder} before {epoch}")
        self.faults.done()

    async def roles(self, names: Sequence[str]) -> dict[str, RoleSeen]:
        self._read()
        return {name: self.known_roles[name] for name in names if name in self.known_roles}

    async def database(self, name: str, template_owner: str) -> DatabaseSeen | None:
        self._read()
        found = self.known.get(name)
        if found is None:
            return None
        return replace(found, foreign_objects=self.content[name].owner_inside == template_owner)

    async def databases(self, prefix: str) -> list[str]:
        self._read()
        return sorted(name for name in self.known if name.startswith(prefix))

    async def ensure_role(
        self, name: str, *, verifier: str | None, connection_limit: int, comment: str, exists: bool
    ) -> None:
        self._write_call(f"role {name}")
        assert exists == (name in self.known_roles), f"{name}: CREATE or ALTER would fail"
        old = self.known_roles[name] if exists else RoleSeen(False, -1, "", frozenset())
        self.known_roles[name] = replace(
            old, can_login=verifier is not None, connection_limit=connection_limit, comment=comment
        )
        # As the real one: a role that may not log in any more keeps the verifier that it had.
        self.verifiers[name] = verifier or self.verifiers.get(name, "")
        self.faults.done()

    async def inherit_role(self, role: str, *, to: str) -> None:
        self._write_call(f"grant rights of {role} to {to}")
        assert to in self.known_roles
        self.known_roles[role] = replace(self.known_roles[role], heirs=self.known_roles[role].heirs | {to})
        self.faults.done()

    def lets_in(self, name: str, password: str) -> bool:
        """Whether a role logs in with this password."""
        role, stored = self.known_roles.get(name), self.verifiers.get(name, "")
        return role is not None and role.can_login and _fits(stored, password)

    def has_rights(self, name: str, role: str) -> bool:
        """Whether a role is, or has the rights of, another one."""
        found = self.known_roles.get(role)
        return name == role or (found is not None and name in found.heirs)

    async def grant_role(self, role: str, *, to: str) -> None:
        self._write_call(f"grant {role} to {to}")
        self.known_roles[role] = replace(self.known_roles[role], members=self.known_roles[role].members | {to})
        self.faults.done()

    async def create_database(self, name: str, *, owner: str | None, template: str) -> None:
        self._write_call(f"create database {name}")
        if name not in self.known:
            source = self.content.get(template, Content())
            self.known[name] = DatabaseSeen(
                owner or "operator", "", True, False, True, frozenset(), False, lets_in=False
            )
            self.content[name] = Content(source.heads, source.owner_inside)
        self.faults.done()

    async def secure_database(self, name: str, *, connect: Iterable[str], create: Iterable[str], comment: str) -> None:
        self._write_call(f"secure {name}")
        connecting = frozenset(connect)
        assert connecting | set(create) <= self.known_roles.keys()
        found = self.known[name]
        self.known[name] = replace(
            found, public_can_connect=False, can_connect=connecting, comment=comment, lets_in=True
        )
        self.faults.done()

    async def reassign(self, database: str, *, old: str, new: str) -> None:
        self._write_call(f"reassign {database}")
        self._enter(database)
        if self.content[database].owner_inside == old:
            self.content[database].owner_inside = new
        self.faults.done()

    async def seal_template(self, name: str) -> None:
        self._write_call(f"seal {name}")
        self.known[name] = replace(self.known[name], is_template=True, lets_in=False)
        self.faults.done()

    async def ungranted_schemas(self, database: str, schemas: Sequence[str], *, owner: str, app: str) -> list[str]:
        self._read()
        self._enter(database)
        return sorted(set(schemas) - self.content[database].granted)

    async def grant_schemas(self, database: str, schemas: Sequence[str], *, owner: str, app: str) -> None:
        self._write_call(f"grant schemas of {database}")
        self._enter(database)
        assert self.content[database].owner_inside == owner, "only the owner's objects can be granted"
        self.content[database].granted |= set(schemas)
        self.faults.done()

    async def heads(self, database: str, login: Login) -> frozenset[str]:
        self._read()
        self._enter(database)
        owner = self.known_roles.get(login.owner)
        if not self.lets_in(login.user, login.password) or owner is None or login.user not in owner.members:
            raise Unavailable("PostgresRefused", f"PostgreSQL refuses {login.user}")
        return self.content[database].heads

    async def probe(self, database: str, login: Login) -> None:
        self._read()
        self._enter(database)
        if not self.lets_in(login.user, login.password):
            raise Unavailable("PostgresRefused", f"PostgreSQL refuses {login.user}")
        assert any(self.has_rights(login.user, role) for role in self.known[database].can_connect)

    async def revoke_logins(self, roles: Sequence[str]) -> None:
        self._read()
        for name in roles:
            if name in self.known_roles and self.known_roles[name].can_login:
                self.writes.append(f"nologin {name}")
                self.known_roles[name] = replace(self.known_roles[name], can_login=False)
                self.faults.done()
        self._read()
        self.sessions -= set(roles)

    async def drop_database(self, name: str) -> None:
        self._write_call(f"drop database {name}")
        self.known.pop(name, None)
        self.content.pop(name, None)
        self.faults.done()

    async def drop_template(self, name: str) -> None:
        assert self.known[name].usable, "ALTER DATABASE would fail"
        await self.drop_database(name)

    async def drop_roles(self, names: Sequence[str]) -> None:
        self._write_call(f"drop roles {', '.join(names)}")
        for name in names:
            owns = [database for database, seen in self.known.items() if seen.owner == name]
            assert not owns, f"{name} still owns {owns}"
            self.known_roles.pop(name, None)
        self.faults.done()

    async def swap(self, current: str, new: str, aside: str) -> None:
        """What `Swaps` does; refused while somebody is connected."""
        self._write_call(f"swap {current} and {new}")
        if current in self.busy:
            raise Waiting("DatabaseInUse", f"somebody is connected to {current}", retry_in=1.0)
        assert aside not in self.known, "the second rename would fail"
        for old, name in ((current, aside), (new, current)):
            self.known[name], self.content[name] = self.known.pop(old), self.content.pop(old)
        self.faults.done()

    async def send_again(self, database: str, login: Login) -> None:
        self._write_call(f"send again of {database}")
        self._enter(database)
        assert login.user in self.known[database].can_connect
        self.content[database].sent_again = True
        self.faults.done()

    def migrated(self, database: str, heads: frozenset[str], *, owner: str = TEMPLATE_OWNER) -> None:
        """What a migration job does."""
        content = self.content[database]
        content.heads = heads
        content.owner_inside = content.owner_inside or owner
