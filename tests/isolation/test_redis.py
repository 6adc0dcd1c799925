"""Redis: every command that the server knows, given by each tenant with the others' keys and channels.

The commands are those of `COMMAND LIST`, so that a new version's are tried by themselves. What key patterns do not
limit (SCAN, KEYS, DBSIZE, …) must not be allowed at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from ..e2e.conftest import required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "redis"
Words = tuple[str, ...]
# The end of a server's life, and of all its keys: tried when everything else has been.
LAST = ("flushdb", "flushall", "swapdb", "failover", "replicaof", "slaveof", "debug", "shutdown")
# What a tenant may say without a key. Their answers are searched all the same.
HARMLESS = frozenset(
    [
        "auth",
        "client|getname",
        "client|id",
        "client|setinfo",
        "client|setname",
        "discard",
        "echo",
        "exec",
        "hello",
        "multi",
        "ping",
        "quit",
        "reset",
        "unsubscribe",
        "unwatch",
    ]
)
CHANGING = ("hello", "multi", "quit", "reset")  # a connection is another one after them
# How a key is given where it is not the first word after the command; KEY stands for it.
FORMS: dict[str, Words] = {
    "mset": ("KEY", "x"),
    "msetnx": ("KEY", "x"),
    "set": ("KEY", "x"),
    "setex": ("KEY", "60", "x"),
    "psetex": ("KEY", "60000", "x"),
    "publish": ("KEY", "x"),
    "spublish": ("KEY", "x"),
    "subscribe": ("KEY",),
    "ssubscribe": ("KEY",),
    "psubscribe": ("KEY",),
    "eval": ("return redis.call('GET', KEYS[1])", "1", "KEY"),
    "eval_ro": ("return redis.call('GET', KEYS[1])", "1", "KEY"),
    "evalsha": ("0" * 40, "1", "KEY"),
    "evalsha_ro": ("0" * 40, "1", "KEY"),
    "fcall": ("f", "1", "KEY"),
    "fcall_ro": ("f", "1", "KEY"),
    "migrate": ("127.0.0.1", "6379", "KEY", "0", "1000"),
    "xread": ("STREAMS", "KEY", "0"),
    "xreadgroup": ("GROUP", "g", "c", "STREAMS", "KEY", ">"),
    "bitop": ("NOT", "KEY", "KEY"),
    "object": ("ENCODING", "KEY"),
}


def connect(user: str, password: str) -> redis.Connection:
    connection = redis.SSLConnection(
        host=required("ROOFTREE_TEST_REDIS_HOST"),
        port=int(required("ROOFTREE_TEST_REDIS_PORT")),
        username=user,
        password=password,
        ssl_ca_certs=required("ROOFTREE_CA_FILE"),
        socket_timeout=20,
        protocol=2,  # where every answer is one
    )
    connection.connect()
    return connection


def ask(connection: redis.Connection, *words: str | bytes) -> Any:
    """The server's answer; a refusal is one."""
    connection.send_command(*words, check_health=False)
    try:
        return connection.read_response()
    except (redis.ResponseError, redis.AuthenticationError) as error:
        return error


@pytest.fixture(scope="module")
def admin() -> Iterator[redis.Connection]:
    connection = connect(required("ROOFTREE_TEST_REDIS_USER"), required("ROOFTREE_TEST_REDIS_PASSWORD"))
    yield connection
    connection.disconnect()


def as_member(member: Member) -> redis.Connection:
    return connect(member.user, member.passwords["redis"])


@pytest.fixture(scope="module")
def stored(family: Family) -> Iterator[Family]:
    """A key of each kind with the canary in it, for each tenant."""
    for member in family.members:
        plant(member)
    yield family
    for member in family.members:
        with talking(member) as own:
            ask(own, "DEL", *keys(member))


@contextmanager
def talking(member: Member) -> Iterator[redis.Connection]:
    connection = as_member(member)
    try:
        yield connection
    finally:
        connection.disconnect()


def keys(member: Member) -> list[str]:
    return [f"{member.id}.canary-{kind}" for kind in ("string", "hash", "set", "sorted", "list")]


def plant(member: Member) -> None:
    string, hashed, members, scored, listed = keys(member)
    with talking(member) as own:
        for words in (
            ("SET", string, member.canary),
            ("HSET", hashed, "f", member.canary),
            ("SADD", members, member.canary),
            ("ZADD", scored, "1", member.canary),
            ("RPUSH", listed, member.canary),
        ):
            assert not isinstance(answer := ask(own, *words), Exception), answer


def commands(admin: redis.Connection) -> dict[str, int]:
    """All that the server knows, subcommands as `acl|list`, with the number of words of each, the least if negative."""
    every = {name.decode() for name in ask(admin, "COMMAND", "LIST")}
    names = sorted(every - {name.partition("|")[0] for name in every if "|" in name})
    details = ask(admin, "COMMAND", "INFO", *names)
    found = {name: detail[1] for name, detail in zip(names, details, strict=True) if detail}
    assert len(found) > 300
    last = [name for name in found if name.partition("|")[0] in LAST]
    return {name: found[name] for name in [*(name for name in found if name not in last), *last]}


def words_of(command: str, arity: int, key: str) -> Words:
    """The command with the key wherever one fits."""
    name = tuple(command.split("|"))
    form = FORMS.get(command)
    if form is not None:
        return (*name, *(key if word == "KEY" else word for word in form))
    # A number below zero is the least; a fixed one must be met, or the answer would be about the number of words.
    least = 0 if command in HARMLESS else 1
    return (*name, *[key] * (arity - len(name) if arity > 0 else max(-arity - len(name), least)))


def sweep(matrix: Matrix, family: Family, attacker: Member, key: str, known: dict[str, int]) -> None:
    """Every command with this key."""
    connection = as_member(attacker)
    for command, arity in known.items():
        words = words_of(command, arity, key)
        answer = ask(connection, *words)
        if command in CHANGING:
            connection.disconnect()
            connection = as_member(attacker)
        # MODULE and DEBUG are switched off for everybody, which the server says before it asks for rights.
        refused = isinstance(answer, NoPermissionError) or "command not allowed" in str(answer)
        matrix.tried(
            AREA,
            f"{attacker.id}: {' '.join(words)}",
            accepted=not refused and command not in HARMLESS,
            answer=repr(answer),
            sent=" ".join(words),
            marks=family.marks(attacker),
        )
    connection.disconnect()


def snapshot(admin: redis.Connection, family: Family) -> list[Any]:
    """Every canary key as it is."""
    return [ask(admin, "DUMP", key) for member in family.members for key in keys(member)]


def test_no_command_reaches_anothers_keys(matrix: Matrix, stored: Family, admin: redis.Connection) -> None:
    known, before = commands(admin), snapshot(admin, stored)
    assert all(before)
    for attacker, victim in stored.pairs():
        sweep(matrix, stored, attacker, keys(victim)[0], known)
    assert matrix.red() == []
    assert snapshot(admin, stored) == before


def test_the_prefix_ends_at_its_delimiter(matrix: Matrix, stored: Family, admin: redis.Connection) -> None:
    """Names that begin as one's own and are not: without the dot, with another sign, with a wildcard."""
    writing = {name: arity for name, arity in commands(admin).items() if name in ("set", "get", "del", "publish")}
    for attacker in stored.members:
        for name in ("", attacker.id, f"{attacker.id}x", f"{attacker.id}-west.x", f"{attacker.id}:x", "*", "?"):
            sweep(matrix, stored, attacker, name, writing)
        with talking(attacker) as own:
            matrix.control(AREA, "set", ask(own, "SET", f"{attacker.id}.x", "1", "EX", "60") == b"OK")
            matrix.control(AREA, "publish", ask(own, "PUBLISH", f"{attacker.id}.x", "1") == 0)
    assert matrix.red() == []


def test_what_reaches_beyond_keys_is_refused_also_without_one(
    matrix: Matrix, stored: Family, admin: redis.Connection
) -> None:
    beyond = (
        ("SCAN", "0"), ("KEYS", "*"), ("RANDOMKEY",), ("DBSIZE",), ("SELECT", "1"), ("SELECT", "0"),
        ("ACL", "WHOAMI"), ("ACL", "LIST"), ("ACL", "USERS"), ("ACL", "GETUSER", "default"), ("ACL", "LOG"),
        ("CLIENT", "LIST"), ("CLIENT", "INFO"), ("CLIENT", "KILL", "TYPE", "normal"), ("CLIENT", "PAUSE", "1"),
        ("CLIENT", "TRACKING", "ON", "BCAST"), ("CONFIG", "GET", "*"), ("INFO",), ("MEMORY", "DOCTOR"),
        ("SLOWLOG", "GET"), ("LATENCY", "LATEST"), ("PUBSUB", "CHANNELS"), ("PUBSUB", "NUMPAT"), ("COMMAND", "LIST"),
        ("MODULE", "LIST"), ("SCRIPT", "LOAD", "return 1"), ("FUNCTION", "LIST"), ("CLUSTER", "NODES"), ("ROLE",),
        ("LOLWUT",), ("SAVE",), ("BGSAVE",), ("LASTSAVE",), ("WAIT", "0", "1"), ("TIME",), ("MONITOR",),
        ("PSUBSCRIBE", "*"), ("EVAL", "return redis.call('KEYS', '*')", "0"),
    )  # fmt: skip
    for attacker in stored.members:
        for words in beyond:
            with talking(attacker) as own:
                answer = ask(own, *words)
            refused = isinstance(answer, NoPermissionError)
            what = f"{attacker.id}: {' '.join(words)}"
            matrix.tried(AREA, what, accepted=not refused, answer=repr(answer), marks=stored.marks(attacker))
    assert matrix.red() == []


def test_no_login_with_anothers_name_or_the_old_way(matrix: Matrix, stored: Family) -> None:
    for attacker, victim in stored.pairs():
        password = attacker.passwords["redis"]
        for words in (("AUTH", victim.user, password), ("AUTH", password), ("AUTH", "default", "")):
            with talking(attacker) as own:
                answer = ask(own, *words)
                still = ask(own, "GET", keys(victim)[0])
            accepted = not isinstance(answer, Exception) or not isinstance(still, Exception)
            what = f"{attacker.id}: {words[0]} {' '.join(words[1:-1])}"
            matrix.tried(AREA, what, accepted=accepted, answer=repr((answer, still)), marks=stored.marks(attacker))
    assert matrix.red() == []


def test_messages_of_others_are_not_heard(matrix: Matrix, stored: Family) -> None:
    for attacker, victim in stored.pairs():
        with talking(attacker) as ear, talking(victim) as mouth:
            answers = [ask(ear, "SUBSCRIBE", f"{victim.id}.news"), ask(ear, "PSUBSCRIBE", "*")]
            heard = ask(mouth, "PUBLISH", f"{victim.id}.news", victim.canary)
            refused = all(isinstance(answer, NoPermissionError) for answer in answers)
            what = f"{attacker.id} listens to {victim.id}"
            matrix.tried(AREA, what, accepted=not refused or heard != 0, answer=repr(answers), sent=victim.id)
    assert matrix.red() == []
