"""Redis as the operator needs it: ACL users, saved after every change, and the keys of a tenant that goes.

A user has no more than an allow-list of commands on keys and channels of its own prefix. What reaches beyond keys
(SCAN, KEYS, DBSIZE, FLUSH*, SELECT, scripts, MONITOR, …) is not on it: key patterns do not limit such commands.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis.asyncio as client
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .. import effects
from ..errors import LoginRefused, Unavailable
from ..gate import Gate

T = TypeVar("T")
Step = tuple[Any, ...]  # the words of a command

CONNECT_TIMEOUT = 2.0  # seconds
DEADLINE = 5.0  # seconds, of one call
PING_DEADLINE = 2.5  # seconds
BATCH = 1000  # keys that one step of a deletion looks at
_DIGEST = re.compile(r"#[0-9a-f]{4,64}")  # whole or cut short

KEYS = "del exists expire expireat expiretime persist pexpire pexpireat pexpiretime pttl touch ttl type unlink"
STRINGS = "append get getdel getex mget mset msetnx psetex set setex setnx strlen"
COUNTERS = "decr decrby incr incrby incrbyfloat"
HASHES = "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hscan hset hsetnx hvals"
SETS = "sadd scard sismember smembers smismember spop srem sscan"
SORTED_SETS = (
    "zadd zcard zcount zincrby zmscore zpopmin zrange zrangebyscore zrank zrem zremrangebyrank zremrangebyscore zscore"
)
LISTS = "llen lpop lpush lrange ltrim rpop rpush"
CHANNELS = "publish subscribe unsubscribe"
TRANSACTIONS = "discard exec multi unwatch watch"
CONNECTION = "auth client|getname client|id client|setinfo client|setname echo hello ping quit reset"
COMMANDS = frozenset(
    " ".join((KEYS, STRINGS, COUNTERS, HASHES, SETS, SORTED_SETS, LISTS, CHANNELS, TRANSACTIONS, CONNECTION)).split()
)


@dataclass(frozen=True)
class Server:
    """How to reach Redis. `ca_file` switches TLS with full verification on."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca_file: str | None


@dataclass(frozen=True)
class UserSeen:
    """An ACL user as it is now."""

    enabled: bool
    passwords: frozenset[str] = field(repr=False)  # SHA-256, in hex
    commands: frozenset[str]
    patterns: frozenset[str]  # of keys (`~…`) and channels (`&…`), and whatever else it may


class Redis:
    """One server."""

    name = "redis"

    def __init__(self, server: Server, most: int = 8) -> None:
        self.server = server
        self.gate = Gate(self.name, most)
        self._trust = ssl.create_default_context(cafile=server.ca_file) if server.ca_file else None
        self._client: Any = _connected(server, server.user, server.password, self._trust)
        # What the server's version has; a newer one may have more, which shows when the operator starts again.
        self._every: frozenset[str] | None = None
        self._categories: dict[str, frozenset[str]] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, *words: Any) -> Any:
        async with self.gate.call(str(words[0])):
            return await self._within(self._client.execute_command(*words))

    async def _within(self, answer: Awaitable[T], seconds: float = DEADLINE) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except (exceptions.RedisError, TimeoutError, OSError) as error:
            raise _unavailable(self.server, error) from error

    async def _change(self, verb: str, kind: str, *steps: Step) -> None:
        """ACL changes and their saving in one transaction: never one without the other."""
        await self._transaction(verb, kind, *steps, ("ACL SAVE",))

    async def _transaction(self, verb: str, kind: str, *steps: Step) -> None:
        self.gate.check()
        pipeline = self._client.pipeline(transaction=True)
        for step in steps:
            pipeline.execute_command(*step)
        async with self.gate.call(f"{verb} {kind}"):
            with effects.sending("redis", verb, kind):
                await self._within(pipeline.execute())

    async def ping(self) -> None:
        """Asks the server itself, whatever the gate says. Raises `Unavailable` if it does not answer."""
        await self._within(self._client.execute_command("PING"), PING_DEADLINE)

    async def _all_commands(self) -> frozenset[str]:
        if self._every is None:
            self._every = frozenset(await self._ask("COMMAND LIST"))
        return self._every

    async def commands(self) -> frozenset[str]:
        """Those of the allow-list that this version of Redis has; it refuses a rule about any other."""
        self.gate.check()
        return COMMANDS & await self._all_commands()

    async def user(self, name: str) -> UserSeen | None:
        """The ACL user, or None."""
        # In two words: the client takes an answer to the one-word form apart and loses the order of the rules.
        found: dict[str, Any] | None = await self._ask("ACL", "GETUSER", name)
        if found is None:
            return None
        more = [*map(str, found["selectors"]), *(flag for flag in found["flags"] if flag == "nopass")]
        patterns = [*found["keys"].split(), *found["channels"].split(), *more]
        commands = await self._spelled_out(found["commands"])
        return UserSeen("on" in found["flags"], frozenset(found["passwords"]), commands, frozenset(patterns))

    async def _spelled_out(self, rules: str) -> frozenset[str]:
        every = await self._all_commands()
        for category in {word[2:] for word in rules.split() if word[1] == "@"} - self._categories.keys() - {"all"}:
            self._categories[category] = frozenset(await self._ask("ACL CAT", category))
        return allowed(rules, every, self._categories)

    async def set_user(self, name: str, password: str, *, commands: frozenset[str], prefix: str) -> None:
        """Makes the user exactly so: these commands on keys and channels that begin with `prefix`, nothing else."""
        words = [f"#{digest(password)}", *sorted(patterns(prefix)), *(f"+{command}" for command in sorted(commands))]
        await self._change("set", "user", ("ACL SETUSER", name, "reset", "on", *words))

    async def disable_user(self, name: str) -> None:
        """Nobody logs in as `name` any more, and whoever is in is thrown out; one that is gone is fine."""
        found = await self.user(name)
        if found is not None and found.enabled:
            await self._change("disable", "user", ("ACL SETUSER", name, "off"), ("CLIENT KILL", "USER", name))

    async def delete_user(self, name: str) -> None:
        """Deletes the user; one that is gone is fine. Saved in any case: it may have been gone from memory only."""
        await self._change("delete", "user", ("ACL DELUSER", name))

    async def delete_keys(self, prefix: str) -> None:
        """Deletes all keys that begin with `prefix`, which has no character that means more in a pattern."""
        cursor = 0
        while True:
            # Only a look at all keys finds a tenant's; in steps, so that none of them holds the server up.
            async with self.gate.call("SCAN"):
                cursor, keys = await self._within(self._client.scan(cursor, match=f"{prefix}*", count=BATCH))
                if keys:
                    with effects.sending("redis", "unlink", "key"):
                        await self._within(self._client.unlink(*keys))
            if not cursor:
                return

    async def probe(self, user: str, password: str, key: str) -> None:
        """As `user`: sets `key`, reads it back, deletes it. Raises `LoginRefused` if it does not get in."""
        async with self._as_tenant(user, password) as tenant, self.gate.call("probe"):
            with effects.sending("redis", "set", "probe"):
                value = await self._within(_round_trip(tenant, key))
        if value != PROBE_VALUE:
            raise Unavailable("RedisRefused", f"{_where(self.server)} gives back something else than was set")

    async def log_in(self, user: str, password: str, key: str) -> None:
        """As `user`: reads `key`, and changes nothing. Raises `LoginRefused` if it does not get in."""
        async with self._as_tenant(user, password) as tenant, self.gate.call("log in"):
            await self._within(tenant.get(key))

    @asynccontextmanager
    async def _as_tenant(self, user: str, password: str) -> AsyncGenerator[Any]:
        """A connection of `user`. Raises `LoginRefused` if it does not get in."""
        self.gate.check()
        tenant = _connected(self.server, user, password, self._trust)
        try:
            yield tenant
        except Unavailable as error:
            if isinstance(error.__cause__, exceptions.AuthenticationError):
                raise LoginRefused from error
            raise
        finally:
            await tenant.aclose()


PROBE_VALUE = "rooftree"


async def _round_trip(tenant: Any, key: str) -> Any:
    await tenant.set(key, PROBE_VALUE, ex=60)
    value = await tenant.get(key)
    await tenant.delete(key)
    return value


def digest(password: str) -> str:
    """What Redis keeps of a password, and all that it is told of one."""
    return hashlib.sha256(password.encode()).hexdigest()


def patterns(prefix: str) -> frozenset[str]:
    """Of keys and channels that begin with `prefix`."""
    return frozenset({f"~{prefix}*", f"&{prefix}*"})


def allowed(rules: str, every: frozenset[str], categories: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The commands that a user with these rules may give. Redis 7.0 spells rules in its own way, by categories."""
    result: frozenset[str] = frozenset()
    for word in rules.split():
        sign, name = word[0], word[1:]
        if name == "@all":
            meant = every
        elif name[0] == "@":
            meant = categories[name[1:]]
        else:
            meant = frozenset(command for command in every if command == name or command.startswith(f"{name}|"))
        result = result | meant if sign == "+" else result - meant
    return result


class _Trusting(client.SSLConnection):
    """Trusts one authority. Its parent reads those of the whole system besides, again for each connection."""

    def __init__(self, *, trust: ssl.SSLContext, **rest: Any) -> None:
        super().__init__(**rest)  # pyright: ignore[reportUnknownMemberType] -- half typed
        self.ssl_context.context = trust


def _connected(server: Server, user: str, password: str, trust: ssl.SSLContext | None) -> Any:
    kind: dict[str, Any] = {"connection_class": _Trusting, "trust": trust} if trust else {}
    pool = client.ConnectionPool(
        host=server.host,
        port=server.port,
        username=user,
        password=password,
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=DEADLINE,
        # Once more after a connection that the server had closed meanwhile; everything here may be done twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,)),
        protocol=3,  # answers have names
        client_name="rooftree-operator",
        **kind,
    )
    return client.Redis.from_pool(pool)


def _where(server: Server) -> str:
    return f"Redis at {server.host}:{server.port}"


def _unavailable(server: Server, error: Exception) -> Unavailable:
    """Tells a server that is away from one that answers and refuses."""
    # The client repeats the refused command, which has the digest of the tenant's password.
    words = _DIGEST.sub("#…", " ".join(str(error).split()))[:500] or "no answer in time"
    refused = isinstance(error, exceptions.ResponseError | exceptions.AuthenticationError)
    if refused:
        return Unavailable("RedisRefused", f"{_where(server)} refuses: {words}")
    return Unavailable("RedisUnreachable", f"{_where(server)} does not answer: {words}")
