"""A Redis that keeps ACL users, in memory and in its file, and keys."""

from rooftree_operator.adapters.redis import COMMANDS, Redis, UserSeen, digest, patterns
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.gate import Gate

from .faults import Faults


class FakeRedis(Redis):
    """One server. `down` makes it unreachable. `writes` lists every request that changes something.

    `logins` lists those who got in and changed nothing.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.users: dict[str, UserSeen] = {}
        self.file: dict[str, UserSeen] = {}
        self.keys: set[str] = set()
        self.writes: list[str] = []
        self.logins: list[str] = []
        self.faults = faults or Faults()
        self.down = False

    def restart(self, *, without_file: bool = False) -> None:
        self.users = {} if without_file else dict(self.file)

    def _read(self) -> None:
        self.gate.check()
        if self.down:
            raise Unavailable("RedisUnreachable", "Redis does not answer")
        self.faults.before()

    def _write(self, what: str) -> None:
        self._read()
        self.writes.append(what)

    def _save(self) -> None:
        self.file = dict(self.users)
        self.faults.done()

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("RedisUnreachable", "Redis does not answer")

    async def commands(self) -> frozenset[str]:
        self._read()
        return COMMANDS - {"client|setinfo"}  # Redis 7.0

    async def user(self, name: str) -> UserSeen | None:
        self._read()
        return self.users.get(name)

    async def set_user(self, name: str, password: str, *, commands: frozenset[str], prefix: str) -> None:
        self._write(f"user {name}")
        assert "client|setinfo" not in commands, "an unknown command is refused"
        self.users[name] = UserSeen(True, frozenset({digest(password)}), commands, patterns(prefix))
        self._save()

    async def disable_user(self, name: str) -> None:
        self._read()
        found = self.users.get(name)
        if found is not None and found.enabled:
            self.writes.append(f"disable {name}")
            self.users[name] = UserSeen(False, found.passwords, found.commands, found.patterns)
            self._save()

    async def delete_user(self, name: str) -> None:
        self._write(f"delete user {name}")
        self.users.pop(name, None)
        self._save()

    async def delete_keys(self, prefix: str) -> None:
        self._write(f"unlink {prefix}*")
        self.keys = {key for key in self.keys if not key.startswith(prefix)}
        self.faults.done()

    def lets_in(self, user: str, password: str) -> bool:
        """Whether the user logs in with this password."""
        found = self.users.get(user)
        return found is not None and found.enabled and digest(password) in found.passwords

    async def probe(self, user: str, password: str, key: str) -> None:
        self._write(f"probe {key}")
        self._enter(user, password, key, {"set", "get", "del"})

    async def log_in(self, user: str, password: str, key: str) -> None:
        self._read()
        self._enter(user, password, key, {"get"})
        self.logins.append(user)

    def _enter(self, user: str, password: str, key: str, commands: set[str]) -> None:
        if not self.lets_in(user, password):
            raise LoginRefused
        found = self.users[user]
        if not commands <= found.commands or not any(
            key.startswith(pattern[1:-1]) for pattern in found.patterns if pattern[0] == "~"
        ):
            raise Unavailable("RedisRefused", f"{user} may not use {key}")
        self.faults.done()
