"""The copy in Elasticsearch equals the database whatever happens to it: by id and version, document by document."""

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from rooftree.contracts.property.events import ListingChanged
from rooftree.kernel.consumers import Projection, Received
from rooftree.kernel.errors import Problem
from rooftree.kernel.money import Money
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree.modules.property.search import Search
from rooftree.modules.property.search_engine import SEARCH_SECONDS, EngineAway, IndexMissing
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_metrics import SearchMetrics
from rooftree.modules.property.search_repository import SearchRepository
from rooftree.modules.property.search_watch import REBUILD_JOB, SearchWatch

from ..conftest import Tenant, TestDatabase
from .elasticsearch import Cluster
from .search_world import BY_KEY, LISTINGS, NOW, OWNER, World, expected

pytestmark = pytest.mark.integration


class Copied(World):
    """With a look behind the app on both sides."""

    def __init__(self, tenant: Tenant, runner: asyncio.Runner, database: TestDatabase, cluster: Cluster) -> None:
        super().__init__(tenant, runner)
        assert self.keeper is not None
        self.keep: SearchKeeper = self.keeper
        self.tenant_id = str(tenant.values["tenant_id"])
        self.alias = f"{self.tenant_id}.properties"
        self.database = database
        self.cluster = cluster

    def rows(self) -> dict[str, int]:
        return {str(row[0]): row[1] for row in self.database.rows("SELECT id, version FROM property.properties")}

    def is_equal(self) -> bool:
        return self.cluster.versions(self.alias) == self.rows()

    def ids(self, *keys: str) -> list[UUID]:
        found = dict(self.database.rows("SELECT listing_key, id FROM property.properties"))
        return [found[key] for key in keys]

    async def change(self, key: str, price: int) -> UUID:
        """A new price, and that it was told as the stream of events would."""
        changed = replace(BY_KEY[key], list_price=price, fingerprint=f"{key} at {price}".encode())
        async with self.parts.runtime.unit_of_work() as session:
            (change,) = await ListingWriter(session, "feed").save([changed], currency="USD", now=NOW)
        return change.property_id

    async def tell(self, *ids: UUID) -> None:
        (projection,) = [item for built in self.parts.built for item in built.consumers if isinstance(item, Projection)]
        await projection.apply([told(listing_id) for listing_id in ids])


def told(listing_id: UUID) -> Received:
    """An event that knows nothing but the id: what it says besides must not matter."""
    event = ListingChanged(
        property_id=listing_id,
        version=0,
        listing_key="-",
        feed="-",
        change="updated",
        standard_status="-",
        list_price=Money(0, "USD"),
        modification_timestamp=datetime.now(UTC),
        changed=(),
    )
    return Received(
        id=uuid4(), event=event, aggregate_id=listing_id, sequence=1, time=datetime.now(UTC), actor_id="system"
    )


@pytest.fixture
def world(indexed_tenant: Tenant, database: TestDatabase, elasticsearch: Cluster) -> Iterator[Copied]:
    with asyncio.Runner() as runner:
        opened = Copied(indexed_tenant, runner, database, elasticsearch)
        yield opened
        opened.close()


# -- changes ----------------------------------------------------------------------------------------------------------


def test_a_change_is_found_and_what_left_is_not(world: Copied) -> None:
    assert world.is_equal()
    key = next(key for key in sorted(expected(Search())))
    listing_id = world.run(world.change(key, 77))
    assert world.all(Search(list_price=(77, 77))) == []
    world.run(world.tell(listing_id))
    world.run(world.keep.index.refresh("live"))
    assert world.all(Search(list_price=(77, 77))) == [key]

    async def remove() -> None:
        async with world.parts.runtime.unit_of_work() as session:
            await ListingWriter(session, "feed").remove([key], now=NOW)

    world.run(remove())
    world.run(world.tell(listing_id, listing_id))
    world.run(world.keep.index.refresh("live"))
    assert key not in world.all(Search())
    assert world.is_equal()
    # Nothing of what is gone stays behind.
    assert sorted(world.cluster.source(world.alias, str(listing_id))) == ["bucket", "hidden", "id", "version"]


def test_a_late_write_does_not_bring_back_what_was_taken_away(world: Copied) -> None:
    key = sorted(expected(Search()))[0]
    (listing_id,) = world.ids(key)

    async def read() -> Any:
        async with world.parts.runtime.unit_of_work() as session:
            return await SearchRepository(session).documents([listing_id])

    early = world.run(read())
    world.database.rows(
        "UPDATE property.properties SET removed_at = now(), version = version + 1"
        f" WHERE id = '{listing_id}' RETURNING 1"
    )
    world.run(world.tell(listing_id))
    assert world.run(world.keep.index.write("live", early)) == 0
    world.run(world.keep.index.refresh("live"))
    assert key not in world.all(Search())
    assert world.is_equal()


def test_a_listing_that_cannot_be_indexed_does_not_keep_the_others_from_it(world: Copied) -> None:
    good = {"id": str(uuid4()), "bucket": "aa", "version": 1, "hidden": True}
    poison = good | {"id": str(uuid4()), "list_price": "much"}
    unknown = good | {"id": str(uuid4()), "colour": "red"}
    assert world.run(world.keep.index.write("live", [poison, good, unknown])) == 2
    assert good["id"] in world.cluster.versions(world.alias)


# -- building anew ----------------------------------------------------------------------------------------------------


def test_a_rebuild_amid_changes_and_searches_loses_neither(world: Copied) -> None:
    """Writers change listings all the time; some changes are told only after the rebuild has read or swapped."""
    dice, keys, late = random.Random(3), sorted(BY_KEY), list[UUID]()
    done = asyncio.Event()

    async def write() -> int:
        count = 0
        while not done.is_set():
            count += 1
            listing_id = await world.change(dice.choice(keys), 1000 + count)
            if dice.random() < 0.5:
                await world.tell(listing_id)
            else:
                late.append(listing_id)
        return count

    async def search() -> list[int]:
        totals: list[int] = []
        while not done.is_set():
            page = await world.service.find(OWNER, Search(), sort="-modified", limit=3, cursor=None)
            assert page.source == "search"
            totals.append(page.total)
        return totals

    async def rebuild() -> None:
        try:
            for _ in range(3):
                await world.keep.rebuild()
        finally:
            done.set()

    async def everything() -> tuple[int, list[int], None]:
        return await asyncio.gather(write(), search(), rebuild())

    changes, totals, _ = world.run(everything())
    assert changes > 20
    assert set(totals) == {len(expected(Search()))}
    world.run(world.tell(*late))
    assert world.is_equal()
    assert world.cluster.aliases(world.tenant_id) == {f"{world.alias}-4": [world.alias]}


def test_an_index_lost_in_the_middle_of_a_rebuild_leaves_the_old_one_and_no_remains(world: Copied) -> None:
    index = world.keep.index
    real = index.write

    async def lose(copy: Any, documents: Any, gone: Any = ()) -> int:
        index.write = real  # type: ignore[method-assign]
        await asyncio.to_thread(world.cluster.send, "DELETE", f"/{world.alias}-2")
        return await real(copy, documents, gone)

    index.write = lose  # type: ignore[method-assign]
    with pytest.raises(IndexMissing):
        world.run(world.keep.rebuild())
    assert world.cluster.aliases(world.tenant_id) == {f"{world.alias}-1": [world.alias]}
    assert len(world.all(Search())) == len(expected(Search()))
    world.run(world.keep.rebuild())
    assert world.is_equal()


def test_what_fails_after_the_swap_does_not_take_away_the_copy_that_readers_use(world: Copied) -> None:
    async def fail() -> None:
        raise EngineAway("busy")

    world.keep.index.tidy = fail  # type: ignore[method-assign]
    with pytest.raises(EngineAway):
        world.run(world.keep.rebuild())
    assert world.is_equal()


def test_what_a_killed_rebuild_left_is_taken_away_by_the_next(world: Copied) -> None:
    world.run(world.keep.index.create())
    world.run(world.change("K0000", 5))
    assert len(world.cluster.indices(world.tenant_id)) == 2
    world.run(world.keep.rebuild())
    assert world.cluster.aliases(world.tenant_id) == {f"{world.alias}-3": [world.alias]}
    assert world.is_equal()


def test_two_rebuilds_at_once_end_with_one_whole_index(world: Copied) -> None:
    async def both() -> Sequence[BaseException | None]:
        return await asyncio.gather(world.keep.rebuild(), world.keep.rebuild(), return_exceptions=True)

    outcomes = world.run(both())
    assert all(outcome is None or isinstance(outcome, Exception) for outcome in outcomes)
    world.run(world.keep.rebuild())
    assert len(world.all(Search())) == len(expected(Search()))
    world.run(world.keep.rebuild())
    assert len(world.cluster.indices(world.tenant_id)) == 1
    assert world.is_equal()


# -- healing ----------------------------------------------------------------------------------------------------------


def test_a_comparison_repairs_whatever_differs(world: Copied) -> None:
    for lost, version in sorted(world.rows().items())[:7]:
        # By its version, as if it had never come: a plain deletion counts as newer for up to 200 ms.
        world.cluster.send("DELETE", f"/{world.alias}/_doc/{lost}?version={version}&version_type=external_gte")
    world.run(world.change("K0010", 3))  # told to nobody
    stranger = {"id": str(uuid4()), "bucket": "00", "version": 9, "hidden": True}
    world.run(world.keep.index.write("live", [stranger]))
    assert not world.is_equal()
    world.run(world.keep.reconcile())
    assert world.is_equal()
    world.run(world.keep.index.refresh("live"))
    assert len(world.all(Search())) == len(expected(Search()))


def test_a_comparison_leaves_a_listing_that_came_meanwhile(world: Copied) -> None:
    world.run(world.change("K0010", 3))  # told to nobody, so that there is something to compare
    index, new = world.keep.index, list[UUID]()
    real = index.versions

    async def late(copy: Any, bucket: str) -> dict[str, int]:
        if not new:
            await world.save(replace(BY_KEY["K0000"], listing_key="LATE", photos=()))
            moved = f"UPDATE property.properties SET id = (left(id::text, 34) || '{bucket}')::uuid"
            new.extend(*world.database.rows(f"{moved} WHERE listing_key = 'LATE' RETURNING id"))
            await world.tell(*new)
            await index.refresh(copy)
        return await real(copy, bucket)

    index.versions = late  # type: ignore[method-assign]
    world.run(world.keep.reconcile())
    assert new
    assert world.is_equal()


class QueuedJobs:
    """Remembers what was queued."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.came = asyncio.Event()

    async def defer(self, name: str, **_: Any) -> bool:
        self.names.append(name)
        self.came.set()
        return True

    async def ask(self, name: str, **options: Any) -> UUID:
        await self.defer(name, **options)
        return uuid4()

    async def wait(self) -> list[str]:
        async with asyncio.timeout(20):
            await self.came.wait()
        return self.names


@contextmanager
def watching(world: Copied) -> Iterator[QueuedJobs]:
    queued = QueuedJobs()
    watch = SearchWatch(world.keep, queued, SearchMetrics(CollectorRegistry()))

    async def start() -> None:
        watch.start()

    world.run(start())
    yield queued
    world.run(watch.stop())


@pytest.mark.parametrize("loss", ["index", "alias"])
def test_a_lost_index_is_noticed_with_the_next_search_or_change_and_made_anew(world: Copied, loss: str) -> None:
    with watching(world) as queued:
        name = f"{world.alias}-1"
        world.cluster.send("DELETE", f"/{name}" if loss == "index" else f"/{name}/_alias/{world.alias}")
        page = world.run(world.service.find(OWNER, Search(), sort="-modified", limit=3, cursor=None))
        assert (page.source, page.total) == ("database", len(expected(Search())))
        assert set(world.run(queued.wait())) == {REBUILD_JOB}
        world.run(world.tell(world.run(world.change("K0001", 4))))  # goes by; the rebuild will read it
        world.run(world.keep.rebuild())
        assert world.is_equal()
        assert len(world.cluster.indices(world.tenant_id)) == 1


def test_a_comparison_leaves_a_rebuild_alone_and_begins_one_anew_that_was_given_up(world: Copied) -> None:
    queued = QueuedJobs()
    watch = SearchWatch(world.keep, queued, SearchMetrics(CollectorRegistry()))
    world.cluster.send("DELETE", f"/{world.alias}-1")
    world.run(watch.reconcile())
    left = world.run(world.keep.index.create())
    world.run(watch.reconcile())
    assert (queued.names, list(world.cluster.indices(world.tenant_id))) == ([], [left])
    world.run(watch.reconcile())
    assert queued.names == [REBUILD_JOB]
    world.run(world.keep.rebuild())
    world.run(world.change("K0010", 3))  # told to nobody
    world.run(watch.reconcile())
    assert world.is_equal()
    assert queued.names == [REBUILD_JOB]


def test_an_index_of_another_definition_is_rebuilt_at_the_next_start(world: Copied) -> None:
    with watching(world) as queued:
        world.run(world.keep.index.refresh("live"))
        assert queued.names == []
    meta = {"_meta": {"definition": "older"}}
    world.cluster.send("PUT", f"/{world.alias}/_mapping", meta)
    with watching(world) as queued:
        assert world.run(queued.wait()) == [REBUILD_JOB]


# -- away -------------------------------------------------------------------------------------------------------------


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for connection in held:
        connection.close()


@pytest.mark.parametrize("fault", ["refuses", pytest.param("hangs", marks=pytest.mark.thorough)])
def test_without_elasticsearch_the_database_answers_and_nobody_waits_for_long(
    stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    with silent_server() as port, asyncio.Runner() as runner:
        monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_URL", f"http://127.0.0.1:{port if fault == 'hangs' else 1}")
        tenant = stored_tenant.but(secret_files={"elasticsearch_password": "x"})

        monkeypatch.setattr(SearchKeeper, "rebuild", _nothing)
        world = World(tenant, runner)

        async def ask() -> tuple[float, Any]:
            began = time.monotonic()
            page = await world.service.find(OWNER, Search(), sort="-modified", limit=5, cursor=None, facets=True)
            return time.monotonic() - began, page

        first, page = runner.run(ask())
        assert (page.source, page.facets, page.total) == ("database", None, len(expected(Search())))
        assert first < 2.5

        async def many() -> list[tuple[float, Any]]:
            return [await ask() for _ in range(5)]

        assert max(seconds for seconds, _ in runner.run(many())) < SEARCH_SECONDS
        began = time.monotonic()
        status = runner.run(world.service.status())
        assert time.monotonic() - began < 2.5
        assert (status.state, status.index, status.rows) == ("unavailable", None, len(LISTINGS))
        with pytest.raises(Problem):
            runner.run(world.keeper.sync(world_ids(world)))  # type: ignore[union-attr]
        world.close()


async def _nothing(_: SearchKeeper) -> None:
    """There is nothing to rebuild in."""


def world_ids(world: World) -> list[UUID]:
    page = world.run(world.service.find(OWNER, Search(), sort="-modified", limit=1, cursor=None))
    return [UUID(page.items[0]["id"])]
