"""The Redis adapter against a real server, and what a tenant cannot do there."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio as client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, ResponseError
from rooftree_operator import keys, names
from rooftree_operator.adapters.redis import COMMANDS, PING_DEADLINE, Redis, Server, allowed, digest, patterns
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.names import TenantId

from .sent import effects

EVERY = frozenset({"get", "set", "keys", "scan", "client", "client|id", "client|list", "eval"})
BACKEND = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("-@all", set()),
        ("+@all", EVERY),
        ("-@all +get +client|id", {"get", "client|id"}),
        ("-@all +@read -scan", {"get", "keys"}),
        ("+@all -@read", {"set", "client", "client|id", "client|list", "eval"}),
        ("-@all +client -client|list", {"client", "client|id"}),
    ],
)
def test_rules_are_read_from_left_to_right(rules: str, expected: set[str]) -> None:
    assert allowed(rules, EVERY, {"read": frozenset({"get", "keys", "scan"})}) == expected


def test_nothing_on_the_allow_list_reaches_beyond_keys() -> None:
    beyond = {"scan", "keys", "randomkey", "dbsize", "flushall", "flushdb", "swapdb", "select", "eval", "evalsha"}
    beyond |= {"fcall", "monitor", "wait", "copy", "move", "migrate", "object", "client|list", "client|kill", "info"}
    assert not COMMANDS & beyond
    assert not {command for command in COMMANDS if command.startswith(("acl", "config", "pubsub", "script", "debug"))}


def server(**changes: Any) -> Server:
    host = os.environ.get("ROOFTREE_TEST_REDIS_HOST")
    if not host:
        pytest.fail("ROOFTREE_TEST_REDIS_HOST is not set: run `make test-integration`")
    user, password = os.environ["ROOFTREE_TEST_REDIS_USER"], os.environ["ROOFTREE_TEST_REDIS_PASSWORD"]
    port, ca_file = int(os.environ["ROOFTREE_TEST_REDIS_PORT"]), os.environ.get("ROOFTREE_CA_FILE") or None
    return replace(Server(host, port, user, password, ca_file), **changes)


class Home:
    """A tenant's place in Redis."""

    def __init__(self, redis: Redis, tenant: TenantId) -> None:
        self.redis, self.tenant = redis, tenant
        self.user, self.password, self.prefix = names.user(tenant), keys.password(), names.prefix(tenant)
        given = redis.server
        self.app: Any = client.Redis(
            host=given.host,
            port=given.port,
            username=self.user,
            password=self.password,
            ssl=given.ca_file is not None,
            ssl_ca_certs=given.ca_file,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )

    async def make(self) -> None:
        commands = await self.redis.commands()
        await self.redis.set_user(self.user, self.password, commands=commands, prefix=self.prefix)

    async def remove(self) -> None:
        await self.app.aclose()
        await self.redis.delete_keys(self.prefix)
        await self.redis.delete_user(self.user)


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    adapter = Redis(server())
    yield adapter
    await adapter.close()


@pytest.fixture
async def home(redis: Redis) -> AsyncIterator[Home]:
    """A tenant."""
    place = Home(redis, names.mint(f"r{secrets.token_hex(3)}", secrets.token_bytes(4)))
    await place.make()
    yield place
    await place.remove()


@pytest.fixture
async def neighbour(redis: Redis, home: Home) -> AsyncIterator[Home]:
    """A tenant whose id begins with the first one's, and ends otherwise."""
    place = Home(redis, names.mint(f"{home.tenant}-b", secrets.token_bytes(4)))
    await place.make()
    yield place
    await place.remove()


class TestOnAServer:
    pytestmark = BACKEND

    async def test_a_user_is_seen_exactly_as_it_was_made(self, redis: Redis, home: Home) -> None:
        seen = await redis.user(home.user)
        assert seen is not None
        assert (seen.enabled, seen.passwords) == (True, {digest(home.password)})
        assert (seen.commands, seen.patterns) == (await redis.commands(), patterns(home.prefix))
        await redis.probe(home.user, home.password, names.key(home.tenant, "probe"))

    @pytest.mark.parametrize("change", ["+keys", "-get", "~*", "&*", "nopass", "off", ">another", "(+get ~*)"])
    async def test_drift_of_each_kind_is_seen(self, redis: Redis, home: Home, change: str) -> None:
        before = await redis.user(home.user)
        if change in ("~*", "&*"):
            await redis._ask("ACL SETUSER", home.user, "resetkeys" if change == "~*" else "resetchannels")
        await redis._ask("ACL SETUSER", home.user, change)
        assert await redis.user(home.user) != before
        await home.make()
        assert await redis.user(home.user) == before

    async def test_a_refusal_does_not_repeat_the_digest_of_the_password(self, redis: Redis, home: Home) -> None:
        with pytest.raises(Unavailable, match="refuses") as refused:
            # A short name: of a long command the client repeats the beginning only.
            await redis.set_user("x-1", home.password, commands=frozenset({"no-such-command"}), prefix="x-1.")
        assert digest(home.password)[:8] not in str(refused.value)

    async def test_a_change_is_in_the_servers_file(self, redis: Redis, home: Home) -> None:
        await redis._ask("ACL LOAD")
        assert await redis.user(home.user) is not None
        await redis.delete_user(home.user)
        await redis._ask("ACL LOAD")
        assert await redis.user(home.user) is None

    async def test_a_disabled_user_is_thrown_out_and_stays_out(self, redis: Redis, home: Home) -> None:
        await home.app.set(names.key(home.tenant, "a"), "1")
        sessions = f"user={home.user} "
        assert sessions in str(await redis._ask("CLIENT", "LIST"))
        await redis.disable_user(home.user)
        assert sessions not in str(await redis._ask("CLIENT", "LIST"))
        with pytest.raises(LoginRefused):
            await redis.probe(home.user, home.password, names.key(home.tenant, "probe"))

    async def test_all_keys_of_a_tenant_go_and_none_of_its_neighbours(
        self, redis: Redis, home: Home, neighbour: Home
    ) -> None:
        await home.app.mset({names.key(home.tenant, f"n{number}"): "1" for number in range(2500)})
        await neighbour.app.set(names.key(neighbour.tenant, "n"), "1")
        await redis.delete_keys(home.prefix)
        assert await home.app.exists(*(names.key(home.tenant, f"n{number}") for number in range(2500))) == 0
        assert await neighbour.app.get(names.key(neighbour.tenant, "n")) == "1"

    async def test_of_all_commands_a_tenant_has_those_of_the_list_and_none_on_foreign_keys(
        self, redis: Redis, home: Home, neighbour: Home
    ) -> None:
        foreign = names.key(neighbour.tenant, "listing")
        described = await redis._ask("COMMAND", "INFO", *await redis._all_commands())
        # Of a command with subcommands only these can be given.
        commands = sorted(name for name, about in described.items() if not about["subcommands"])
        verdicts: dict[str, str] = {}
        for name in commands:
            # The server judges without doing it. As many words as the command needs, each a foreign name.
            words = name.split("|")
            words += [foreign] * (abs(described[name]["arity"]) - len(words))
            verdicts[name] = str(await redis._ask("ACL DRYRUN", home.user, *words))
        keyed = {name for name in commands if described[name]["key_specifications"]} | {"publish", "subscribe"}
        unreached = {name for name, verdict in verdicts.items() if "permissions" in verdict}
        assert set(commands) - COMMANDS <= unreached
        assert COMMANDS & keyed <= unreached
        assert (await redis.commands()) - keyed <= {name for name, verdict in verdicts.items() if verdict == "OK"}

    @pytest.mark.parametrize(
        "words",
        [
            ("SCAN", "0"), ("KEYS", "*"), ("RANDOMKEY",), ("DBSIZE",), ("FLUSHALL",), ("FLUSHDB",), ("SELECT", "1"),
            ("SWAPDB", "0", "1"), ("EVAL", "return 1", "0"), ("SCRIPT", "LOAD", "return 1"), ("MONITOR",), ("INFO",),
            ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "TYPE", "normal"), ("PUBSUB", "CHANNELS"),
            ("ACL", "LIST"), ("COMMAND", "LIST"), ("PSUBSCRIBE", "*"),
        ],
        ids=lambda words: " ".join(words[:2]).lower(),
    )  # fmt: skip
    async def test_what_reaches_beyond_keys_is_refused(self, home: Home, words: tuple[str, ...]) -> None:
        with pytest.raises(NoPermissionError):
            await home.app.execute_command(*words)

    async def test_foreign_keys_and_channels_are_refused(self, home: Home, neighbour: Home) -> None:
        own, foreign = names.key(home.tenant, "listing"), names.key(neighbour.tenant, "listing")
        for words in (
            ("GET", foreign), ("SET", foreign, "1"), ("DEL", foreign), ("MGET", own, foreign),
            ("MSET", own, "1", foreign, "1"), ("UNLINK", foreign), ("EXISTS", foreign), ("TTL", foreign),
            ("HGETALL", foreign), ("ZADD", foreign, "1", "a"),
            ("PUBLISH", foreign, "x"), ("SUBSCRIBE", foreign), ("GET", "listing"),
        ):  # fmt: skip
            with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission"):
                await home.app.execute_command(*words)

    async def test_a_wrong_password_is_refused(self, redis: Redis, home: Home) -> None:
        for try_ in (redis.probe, redis.log_in):
            with pytest.raises(LoginRefused):
                await try_(home.user, "wrong", names.key(home.tenant, "probe"))

    async def test_a_login_that_is_only_tried_changes_nothing(self, redis: Redis, home: Home) -> None:
        key, before = names.key(home.tenant, "probe"), effects("redis")
        await redis.log_in(home.user, home.password, key)
        assert effects("redis") == before
        await home.app.set(key, "what an interrupted probe left")
        await redis.log_in(home.user, home.password, key)
        assert await home.app.get(key) == "what an interrupted probe left"

    async def test_a_server_that_hangs_is_told_within_the_deadline(self) -> None:
        taken: list[asyncio.StreamWriter] = []
        listener = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
        hanging = Redis(server(host="127.0.0.1", port=listener.sockets[0].getsockname()[1]))
        async with asyncio.timeout(PING_DEADLINE + 1.0):
            with pytest.raises(Unavailable) as caught:
                await hanging.ping()
        assert caught.value.reason == "RedisUnreachable"
        await hanging.close()
        listener.close()
        taken[0].close()

    async def test_a_server_that_is_away_is_told_within_the_deadline(self) -> None:
        away = Redis(server(port=1))
        with pytest.raises(Unavailable) as caught:
            await away.ping()
        assert caught.value.reason == "RedisUnreachable"
        await away.close()
