"""The cache gives back what was put in, keeps to its tenant, and costs little when it is gone."""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from redis.asyncio import Redis
from rooftree.kernel import cache as cache_module
from rooftree.kernel.cache import BUDGET_SECONDS, Cache

from .cache_world import RedisServer, connected, counted, opened, unhurried, until

_ = unhurried  # a fixture

# Asleep, loaded machines wake late; what is asserted is that nobody waits for seconds.
SLACK = 2.0


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """What was logged; it is not printed, which takes longer than what these tests measure."""
    with structlog.testing.capture_logs() as lines:
        yield lines


async def load() -> bytes:
    return b"loaded"


async def test_without_a_redis_everything_is_a_miss_and_nothing_loads() -> None:
    async with opened() as cache:
        await cache.set("a", b"1", 60)
        assert await cache.get("a") is None
        await cache.delete("a")
        assert await cache.get_or_load("a", 60, load) == b"loaded"
        assert cache._connecting is None


async def test_one_load_serves_all_who_ask_meanwhile() -> None:
    loads = 0
    go_on = asyncio.Event()

    async def slow() -> bytes:
        nonlocal loads
        loads += 1
        await go_on.wait()
        return b"value"

    async with opened() as cache:
        waiting = [asyncio.create_task(cache.get_or_load("k", 60, slow)) for _ in range(20)]
        other = asyncio.create_task(cache.get_or_load("other", 60, load))
        assert await other == b"loaded"
        waiting[0].cancel()
        go_on.set()
        assert set(await asyncio.gather(*waiting[1:])) == {b"value"}
        assert loads == 1
        await cache.get_or_load("k", 60, slow)
        assert loads == 2


async def test_a_failed_load_fails_for_all_and_is_tried_anew() -> None:
    async def broken() -> bytes:
        await asyncio.sleep(0)
        raise LookupError("no such thing")

    async with opened() as cache:
        results = await asyncio.gather(*(cache.get_or_load("k", 60, broken) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError] * 3
        assert await cache.get_or_load("k", 60, load) == b"loaded"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    running = RedisServer()
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
async def local(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Cache]:
    """A cache on a server of its own, connected, that comes back fast."""
    monkeypatch.setattr(cache_module, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(cache_module, "_LONGEST_PAUSE", 0.1)
    async with opened(redis_host="127.0.0.1", redis_port=server.port, password="") as cache:
        yield await connected(cache)


@pytest.mark.integration
@pytest.mark.usefixtures("unhurried")
async def test_values_come_back_until_their_time_is_over(local: Cache) -> None:
    value = bytes(range(256))
    await local.set("a", value, 60)
    await local.set("short", b"1", 0.05)
    assert await local.get("a") == value
    assert await local.get_or_load("a", 60, load) == value

    async def gone() -> bool:
        return await local.get("short") is None

    await until(gone, "the value outlived its time")
    await local.delete("a")
    assert await local.get_or_load("a", 60, load) == b"loaded"
    assert await local.get("a") == b"loaded"


@pytest.mark.integration
@pytest.mark.usefixtures("unhurried")
async def test_many_at_once_share_the_connection(local: Cache) -> None:
    await asyncio.gather(*(local.set(f"k{n}", str(n).encode(), 60) for n in range(20)))
    assert await asyncio.gather(*(local.get(f"k{n}") for n in range(20))) == [str(n).encode() for n in range(20)]


@pytest.mark.integration
async def test_a_killed_redis_is_a_miss_and_is_found_again(local: Cache, server: RedisServer) -> None:
    server.kill()
    began = time.monotonic()
    for _ in range(100):
        assert await local.get("probe") is None
        assert await local.get_or_load("probe", 60, load) == b"loaded"
    assert time.monotonic() - began < SLACK
    assert counted(local, "away") >= 100
    server.start()
    await connected(local)


@pytest.mark.integration
async def test_a_hung_redis_costs_the_budget_once(local: Cache, server: RedisServer, log: list[Any]) -> None:
    log.clear()
    server.child.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(100):
            assert await local.get("probe") is None
        assert BUDGET_SECONDS <= time.monotonic() - began < BUDGET_SECONDS + SLACK
    finally:
        server.child.send_signal(signal.SIGCONT)
    assert [line["event"] for line in log].count("cache_failed") == 1
    await connected(local)


@pytest.mark.integration
async def test_an_answer_that_came_too_late_is_never_given_to_another_question(
    local: Cache, server: RedisServer
) -> None:
    await local.set("a", b"of a", 60)
    await local.set("b", b"of b", 60)
    for _ in range(5):
        server.child.send_signal(signal.SIGSTOP)
        given = asyncio.gather(local.get("a"), local.get("b"))
        await asyncio.sleep(BUDGET_SECONDS / 2)
        server.child.send_signal(signal.SIGCONT)
        assert await given in ([b"of a", b"of b"], [None, None], [b"of a", None], [None, b"of b"])
        await connected(local)
        assert await local.get("b") in (b"of b", None)
        assert await local.get("a") in (b"of a", None)


# What the operator lets a tenant do, as far as this client needs it.
ACL = ("on", "resetkeys", "resetchannels", "-@all", "+get", "+set", "+incrby", "+unlink")


@pytest.mark.integration
@pytest.mark.usefixtures("unhurried")
async def test_it_lives_with_the_rights_of_a_tenant_over_tls() -> None:
    host, port = os.environ["ROOFTREE_TEST_REDIS_HOST"], int(os.environ["ROOFTREE_TEST_REDIS_PORT"])
    ca_file = Path(os.environ["ROOFTREE_CA_FILE"])
    admin = Redis(
        host=host,
        port=port,
        username=os.environ["ROOFTREE_TEST_REDIS_USER"],
        password=os.environ["ROOFTREE_TEST_REDIS_PASSWORD"],
        ssl=True,
        ssl_ca_certs=str(ca_file),
    )
    tenant_id = f"cachetest-{uuid4().hex[:8]}"
    user = f"{tenant_id}.app"
    words = (*ACL, ">secret", f"~{tenant_id}.*")
    try:
        await admin.execute_command("ACL", "SETUSER", user, *words)
        where = {"redis_host": host, "redis_port": port, "redis_user": user, "ca_file": ca_file}
        async with opened(tenant_id, "secret", **where) as cache:
            await connected(cache)
            assert await admin.get(f"{tenant_id}.probe") == b"1"
            assert [await cache.increase("count", by, 60) for by in (2, 3)] == [2, 5]
            assert 0 < await admin.ttl(f"{tenant_id}.count") <= 60
            await cache.delete("probe", "count")
            assert await admin.get(f"{tenant_id}.probe") is None
        entries: Any = await admin.execute_command("ACL", "LOG")
        assert [entry for entry in entries if tenant_id in str(entry)] == []
    finally:
        await admin.execute_command("ACL", "DELUSER", user)
        await admin.aclose()


@pytest.mark.integration
async def test_a_certificate_of_somebody_else_is_not_accepted(tmp_path: Path) -> None:
    import certifi

    host, port = os.environ["ROOFTREE_TEST_REDIS_HOST"], int(os.environ["ROOFTREE_TEST_REDIS_PORT"])
    async with opened(redis_host=host, redis_port=port, ca_file=Path(certifi.where())) as cache:
        with pytest.raises(ssl.SSLCertVerificationError):
            await cache._opened()
