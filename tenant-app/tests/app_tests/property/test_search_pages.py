"""First pages come from the cache until a listing changes, whatever happens to the cache meanwhile."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import structlog
from rooftree.kernel import cache as cache_module
from rooftree.kernel.cache import Cache
from rooftree.modules.property import search_pages
from rooftree.modules.property.search import Search
from rooftree.modules.property.search_engine import EngineAway, IndexMissing
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_pages import SearchPages, SearchRefresh

from ..cache_world import RedisServer, connected, counted, opened, until
from ..conftest import Tenant, TestDatabase
from .elasticsearch import Cluster
from .search_world import OWNER, STRANGER, expected
from .test_search_copy import Copied

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


class Listings:
    """One value that is written, and findable once the index is refreshed; a keeper and an index to the code."""

    def __init__(self) -> None:
        self.written = self.findable = 0
        self.reads = self.refreshes = 0
        self.changed = asyncio.Event()
        self.failures: list[Exception] = []
        self.index = self

    def write(self) -> None:
        self.written += 1
        self.changed.set()

    async def refresh(self, _copy: str) -> None:
        self.refreshes += 1
        if self.failures:
            raise self.failures.pop()
        self.findable = self.written

    async def read(self) -> bytes:
        self.reads += 1
        found = self.findable
        await asyncio.sleep(0)
        return str(found).encode()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    running = RedisServer()
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(cache_module, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(cache_module, "BUDGET_SECONDS", 10.0)
    for name in ("PAUSE_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(search_pages, name, 0.05)


@asynccontextmanager
async def kept(redis: RedisServer | None) -> AsyncGenerator[tuple[Cache, Listings, Callable[[], Any]]]:
    """The cache, what it keeps, and a way to ask for it."""
    where = {"redis_host": "127.0.0.1", "redis_port": redis.port, "password": ""} if redis else {}
    async with opened(**where) as cache:
        if redis:
            await connected(cache)
        pages, listings = SearchPages(cache), Listings()
        refresh = SearchRefresh(cast("SearchKeeper", listings), pages)
        refresh.start()

        async def ask() -> int:
            return int(await pages.get_or_load("all", listings.read))

        yield cache, listings, ask
        await refresh.stop()


async def test_a_page_is_read_once_until_something_changes(redis: RedisServer) -> None:
    async with kept(redis) as (_, listings, ask):
        assert [await ask() for _ in range(20)] == [0] * 20
        assert listings.reads == 1
        listings.write()

        async def new() -> bool:
            return await ask() == 1

        await until(new, "the change was not shown")
        reads = listings.reads
        assert [await ask() for _ in range(20)] == [1] * 20
        assert listings.reads <= reads + 1


async def test_a_page_read_before_a_change_is_not_kept_for_after_it(redis: RedisServer) -> None:
    async with kept(redis) as (cache, listings, ask):
        assert await SearchPages(cache).renew()
        generation = await cache.get("pages.generation")
        pages_read, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> bytes:
            found = listings.findable
            pages_read.set()
            await go_on.wait()
            return str(found).encode()

        fast, listings.read = listings.read, slow  # type: ignore[method-assign]
        early = asyncio.create_task(ask())
        await pages_read.wait()
        listings.read = fast  # type: ignore[method-assign]
        listings.write()

        async def forgotten() -> bool:
            return await cache.get("pages.generation") != generation

        await until(forgotten, "the pages were not forgotten")
        go_on.set()
        assert await early == 0  # the answer to a question from before
        assert await ask() == 1


@pytest.mark.parametrize("fault", ["killed", "never there"])
async def test_without_a_cache_one_read_serves_all_who_ask_at_once(redis: RedisServer, fault: str) -> None:
    async with kept(redis if fault == "killed" else None) as (_, listings, ask):
        if fault == "killed":
            redis.kill()
            await ask()
        before = listings.reads
        assert await asyncio.gather(*(ask() for _ in range(50))) == [0] * 50
        assert listings.reads == before + 1
        listings.write()

        async def new() -> bool:
            return await ask() == 1

        await until(new, "the change was not shown")


async def test_a_change_while_the_cache_hangs_is_shown_when_it_is_back(redis: RedisServer) -> None:
    async with kept(redis) as (cache, listings, ask):
        assert await ask() == 0  # kept
        redis.child.send_signal(signal.SIGSTOP)
        listings.write()

        async def refreshed() -> bool:
            return listings.findable == 1

        await until(refreshed, "the index was not refreshed")
        assert await ask() == 1
        redis.child.send_signal(signal.SIGCONT)
        await connected(cache)

        async def new() -> bool:
            return await ask() == 1

        began = time.monotonic()
        await until(new, "the old page stayed")
        # Not merely because it expired.
        assert time.monotonic() - began < search_pages.PAGE_SECONDS / 2


async def test_an_index_that_fails_is_refreshed_later(redis: RedisServer, log: list[Any]) -> None:
    async with kept(redis) as (_, listings, ask):
        assert await ask() == 0
        listings.failures = [EngineAway("busy"), ValueError("odd")]
        listings.write()

        async def new() -> bool:
            return await ask() == 1

        await until(new, "the change was not shown")
        assert [line["event"] for line in log].count("search_not_refreshed") == 2


async def test_a_missing_index_is_left_to_the_rebuild(redis: RedisServer) -> None:
    async with kept(redis) as (_, listings, ask):
        listings.failures = [IndexMissing("gone")]
        listings.write()

        async def tried() -> bool:
            return listings.refreshes == 1 and not listings.changed.is_set()

        await until(tried, "the index was not refreshed")
        listings.changed.set()  # the rebuild came to its end

        async def new() -> bool:
            return await ask() == 1

        await until(new, "the rebuilt index was not asked")


@pytest.fixture
def world(
    indexed_tenant: Tenant, database: TestDatabase, elasticsearch: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Copied]:
    for name in ("HOST", "PORT", "USER"):
        monkeypatch.setenv(f"ROOFTREE_REDIS_{name}", os.environ[f"ROOFTREE_TEST_REDIS_{name}"])
    password = os.environ["ROOFTREE_TEST_REDIS_PASSWORD"]
    with asyncio.Runner() as runner:
        tenant = indexed_tenant.but(secret_files={**indexed_tenant.secret_files, "redis_password": password})
        opened_world = Copied(tenant, runner, database, elasticsearch)
        runner.run(connected(opened_world.parts.runtime.cache))
        yield opened_world
        opened_world.close()


def test_the_first_page_shows_a_change_at_once_and_each_audience_its_own(world: Copied) -> None:
    cache = world.parts.runtime.cache

    async def ask(who: Any = OWNER) -> dict[str, Any]:
        content = await world.service.page(who, Search(), sort="-list_price", limit=100, cursor=None, facets=True)
        return json.loads(content)

    async def watched() -> None:
        refresh = SearchRefresh(world.keep, SearchPages(cache))
        refresh.start()
        generation = await cache.get("pages.generation")

        async def forgotten() -> bool:
            return await cache.get("pages.generation") not in (None, generation)

        await until(forgotten, "the rebuild was no change")
        first = await ask()
        hits = counted(cache, "hit")
        assert await ask() == first
        assert counted(cache, "hit") == hits + 2  # generation and page
        assert (await ask(STRANGER))["total"] == len(expected(Search(), everything=False)) < first["total"]
        dearest = first["items"][0]
        await world.tell(await world.change(dearest["listing_key"], 99_000_000))

        async def shown() -> bool:
            return (await ask())["items"][0]["list_price"]["amount"] == 99_000_000

        began = time.monotonic()
        await until(shown, "the new price was not shown")
        assert time.monotonic() - began < search_pages.PAGE_SECONDS / 2
        await refresh.stop()

    world.run(watched())
