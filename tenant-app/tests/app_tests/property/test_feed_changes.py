"""A feed that lives: what changes, leaves and comes back there is here after the next run, and told exactly once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from rooftree.modules.property.feed_import import SyncFailed
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.settings import Settings as FeedSettings
from rooftree_mls_feed.store import Mls, Trouble, load_records

from ..conftest import FakeClock, Tenant, TestDatabase
from .conftest import CLIENT, Server, connected, sync

pytestmark = pytest.mark.integration
RECORDS = [record for record in load_records() if record.get("ListingKey", "").startswith("AMES-0")][:40]
KEY = RECORDS[0]["ListingKey"]


@dataclass
class Market:
    """A small MLS, and the tenant that copies it."""

    mls: Mls
    server: Server
    tenant: Tenant
    database: TestDatabase
    clock: FakeClock

    async def sync(self) -> CollectorRegistry:
        """A run a minute later, in another process."""
        self.clock.advance(minutes=1)
        return await sync(self.tenant, self.clock)

    def listing(self, key: str = KEY) -> dict[str, Any]:
        columns = ("id", "version", "list_price", "removed_at", "standard_status")
        (row,) = self.database.rows(f"SELECT {', '.join(columns)} FROM property.properties WHERE listing_key = '{key}'")
        return dict(zip(columns, row, strict=True))

    def events(self) -> list[tuple[Any, ...]]:
        """Key, change, version and groups of everything published since the last look, in order."""
        return self.database.rows(
            "WITH taken AS (DELETE FROM events.outbox WHERE type = 'dev.rooftree.property.listing-changed.v1'"
            " RETURNING position, data::jsonb AS d) SELECT d->>'listing_key', d->>'change', (d->>'version')::int,"
            " ARRAY(SELECT jsonb_array_elements_text(d->'changed')) FROM taken ORDER BY position"
        )

    def runs(self) -> list[tuple[Any, ...]]:
        return self.database.rows(
            "SELECT kind, state, seen, created, updated, removed, unchanged FROM property.feed_runs ORDER BY id"
        )

    def live(self) -> int:
        return self.database.rows("SELECT count(*) FROM property.properties WHERE removed_at IS NULL")[0][0]


@pytest.fixture
async def market(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server], clock: FakeClock
) -> Market:
    """Copied once; the events of that are taken."""
    mls = Mls(RECORDS, now=clock.now)
    server = serve(build_app(FeedSettings(*CLIENT), mls))
    made = Market(mls, server, connected(stored_tenant, ames=server.origin), database, clock)
    await made.sync()
    assert made.events() == [
        (r["ListingKey"], "created", 1, ["price", "status", "address", "facts", "details", "photos", "visibility"])
        for r in RECORDS
    ]
    return made


async def test_a_change_is_here_after_the_next_run_and_is_told_once(market: Market) -> None:
    before = market.listing()
    market.mls.change(KEY, {"ListPrice": 99_000, "StandardStatus": "Pending"})
    await market.sync()
    after = market.listing()
    assert (after["id"], after["version"], after["list_price"]) == (before["id"], 2, 9_900_000)
    assert market.events() == [(KEY, "updated", 2, ["price", "status"])]
    for _ in range(3):  # the overlap is read again and again
        await market.sync()
    assert (market.listing()["version"], market.events()) == (2, [])


async def test_each_change_of_a_listing_is_told_in_order(market: Market) -> None:
    for price in (1, 2, 3):
        market.mls.change(KEY, {"ListPrice": price})
        await market.sync()
    sequences = market.database.rows("SELECT sequence, data::jsonb->'list_price'->'amount' FROM events.outbox")
    assert sequences == [(2, 100), (3, 200), (4, 300)]
    assert market.events() == [(KEY, "updated", version, ["price"]) for version in (2, 3, 4)]


async def test_what_an_older_release_read_is_read_anew_once(market: Market) -> None:
    market.database.rows(
        "UPDATE property.properties SET latitude = NULL, longitude = NULL, fingerprint = '' RETURNING id"
    )
    market.database.rows("UPDATE property.feeds SET reading = NULL RETURNING name")
    without_place = "SELECT count(*) FROM property.properties WHERE latitude IS NULL"
    expected = sum(record.get("Latitude") is None for record in RECORDS)
    await market.sync()
    assert market.database.rows(without_place) == [(expected,)]
    assert ("full", "succeeded", len(RECORDS), 0, len(RECORDS), 0, 0) in market.runs()
    await market.sync()
    assert market.runs()[-1][0] == "incremental"


async def test_a_deleted_record_becomes_a_tombstone_that_nobody_sees(market: Market) -> None:
    before = market.listing()
    market.mls.delete(KEY)
    await market.sync()
    after = market.listing()
    assert after["removed_at"] is not None
    assert (after["id"], after["version"]) == (before["id"], 2)
    assert market.events() == [(KEY, "removed", 2, [])]
    assert [run[:2] + run[5:6] for run in market.runs()][-1] == ("purge", "succeeded", 1)
    await market.sync()
    assert market.events() == []


async def test_a_listing_that_returns_is_the_same_one(market: Market) -> None:
    before = market.listing()
    market.mls.delete(KEY)
    await market.sync()
    market.mls.restore(KEY)
    await market.sync()
    after = market.listing()
    assert (after["id"], after["version"], after["removed_at"]) == (before["id"], 3, None)
    assert [event[:3] for event in market.events()] == [(KEY, "removed", 2), (KEY, "created", 3)]
    photos = market.database.rows(f"SELECT count(*) FROM property.media WHERE property_id = '{after['id']}'")
    assert photos[0][0] == RECORDS[0]["PhotosCount"]


async def test_a_listing_that_returns_without_being_modified_is_found_by_its_key(market: Market) -> None:
    record = market.mls.get(KEY)
    assert record is not None
    market.mls.delete(KEY)
    await market.sync()
    market.mls.records = (*market.mls.records, record)  # its time is as old as before
    await market.sync()
    assert market.listing()["removed_at"] is None
    assert [event[:3] for event in market.events()] == [(KEY, "removed", 2), (KEY, "created", 3)]


async def test_one_that_leaves_while_another_comes_unseen_is_found_by_the_next_full_comparison(market: Market) -> None:
    market.mls.delete(KEY)
    unseen = {**RECORDS[1], "ListingKey": "OLD-1"}  # came late, with a time of long ago
    market.mls.records = (*market.mls.records, unseen)
    await market.sync()
    assert market.events() == []  # the count is what it was
    market.clock.advance(minutes=10)
    await market.sync()
    assert [event[:2] for event in market.events()] == [("OLD-1", "created"), (KEY, "removed")]


async def test_photos_change_with_their_timestamp_only(market: Market) -> None:
    stored = f"SELECT xmin::text FROM property.media WHERE property_id = '{market.listing()['id']}' ORDER BY number"
    before = market.database.rows(stored)
    market.mls.change(KEY, {"ListPrice": 1})
    await market.sync()
    assert market.database.rows(stored) == before
    market.mls.change(KEY, {"PhotosCount": 6})
    await market.sync()
    assert len(market.database.rows(stored)) == 6
    assert [event[3] for event in market.events()] == [["price"], ["photos"]]


async def test_a_feed_that_suddenly_lists_nothing_loses_nothing(market: Market) -> None:
    market.mls.trouble = Trouble("empty")
    with pytest.raises(SyncFailed):
        await market.sync()
    assert market.live() == len(RECORDS)
    assert market.events() == []
    (error,) = market.database.rows("SELECT error FROM property.feed_runs WHERE state = 'failed'")[0]
    assert error.startswith("the feed no longer lists 40 of 40 listings; their removal is withheld")
    told = "SELECT data::jsonb->>'reason' FROM events.outbox WHERE type = 'dev.rooftree.property.feed-failed.v1'"
    assert market.database.rows(told) == [(error,)]
    market.mls.trouble = None
    await market.sync()
    assert market.live() == len(RECORDS)
    assert market.database.rows("SELECT state, last_error, withheld_at FROM property.feeds") == [("idle", None, None)]


def lose_most(market: Market) -> None:
    for record in RECORDS[: len(RECORDS) // 2 + 1]:
        market.mls.delete(record["ListingKey"])


async def test_a_loss_of_most_listings_is_believed_after_an_hour_without_a_change(market: Market) -> None:
    lose_most(market)
    with pytest.raises(SyncFailed):
        await market.sync()
    market.clock.advance(minutes=50)
    with pytest.raises(SyncFailed):
        await market.sync()
    assert market.live() == len(RECORDS)
    market.clock.advance(minutes=10)
    await market.sync()
    assert market.live() == len(market.mls.records)
    assert {event[1] for event in market.events()} == {"removed"}


async def test_a_loss_that_goes_on_changing_is_not_believed(market: Market) -> None:
    lose_most(market)
    for record in RECORDS[-3:]:
        with pytest.raises(SyncFailed):
            await market.sync()
        market.clock.advance(minutes=59)
        market.mls.delete(record["ListingKey"])
    with pytest.raises(SyncFailed):
        await market.sync()
    assert market.live() == len(RECORDS)


async def test_half_of_the_listings_may_leave_at_once(market: Market) -> None:
    for record in RECORDS[: len(RECORDS) // 2]:
        market.mls.delete(record["ListingKey"])
    await market.sync()
    assert market.live() == len(RECORDS) // 2


async def test_nothing_is_removed_when_the_list_of_keys_cannot_be_read_to_its_end(market: Market) -> None:
    market.mls.delete(KEY)
    inner = market.server.app

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if b"select=ListingKey,Mod" in scope["query_string"]:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await inner(scope, receive, send)

    market.server.app = broken
    with pytest.raises(SyncFailed):
        await market.sync()
    assert market.live() == len(RECORDS)
    market.server.app = inner
    await market.sync()
    assert market.live() == len(RECORDS) - 1


async def test_a_key_that_a_shifting_list_skipped_is_not_removed(market: Market) -> None:
    """A list that is read by pages while a record leaves can skip one that is still there."""
    inner = market.server.app
    hidden = RECORDS[5]["ListingKey"]
    market.mls.delete(KEY)

    async def skipping(scope: Any, receive: Any, send: Any) -> None:
        if b"select=ListingKey,Mod" in scope["query_string"]:
            everything = market.mls.records
            market.mls.records = tuple(r for r in everything if r["ListingKey"] != hidden)
            try:
                await inner(scope, receive, send)
            finally:
                market.mls.records = everything
            return
        await inner(scope, receive, send)

    market.server.app = skipping
    await market.sync()
    assert market.listing(hidden)["removed_at"] is None
    assert [event[:2] for event in market.events()] == [(KEY, "removed")]


async def test_a_quiet_run_writes_no_listing_and_history_keeps_the_first_and_last(market: Market) -> None:
    rows = "SELECT xmin::text, ctid::text FROM property.properties ORDER BY id"
    before = market.database.rows(rows)
    for _ in range(5):
        await market.sync()
    assert market.database.rows(rows) == before
    assert market.events() == []
    kinds = [run[0] for run in market.runs()]
    assert kinds == ["full", "purge", "incremental", "incremental"]


async def test_a_feed_that_asks_for_patience_is_left_alone_that_long(market: Market) -> None:
    market.mls.trouble = Trouble("throttle", seconds=300)
    with pytest.raises(SyncFailed):
        await market.sync()
    asked, read = len(market.server.requests), (market.clock.now() - timedelta(minutes=1)).timestamp()
    for _ in range(4):
        told = await market.sync()
        # An alert goes by its age, also in a process that has never read it.
        name, labels = "rooftree_feed_last_success_timestamp_seconds", {"feed": "ames"}
        assert told.get_sample_value(name, labels) == read
        assert told.get_sample_value("rooftree_feed_run_failures_total", labels) == 0
    assert len(market.server.requests) == asked
    market.mls.trouble = None
    market.clock.advance(minutes=1)
    await market.sync()
    assert market.database.rows("SELECT state, last_error FROM property.feeds") == [("idle", None)]


async def test_rejections_heal_when_their_record_is_gone_also_without_a_key(market: Market) -> None:
    keyless = {name: value for name, value in RECORDS[0].items() if name != "ListingKey"}
    broken = {**RECORDS[1], "ListingKey": "BAD-1", "ModificationTimestamp": "last Tuesday"}
    stays = {**keyless, "ModificationTimestamp": "2010-07-30T00:00:00Z"}
    market.mls.records = (*market.mls.records, {**keyless, "ModificationTimestamp": "2010-07-29T00:00:00Z"}, stays)
    market.mls.records = (*market.mls.records, broken)
    rejected = "SELECT listing_key, record->>'ModificationTimestamp' FROM property.rejections ORDER BY 2"
    market.clock.advance(minutes=10)
    market.database.rows("UPDATE property.feeds SET complete_until = NULL RETURNING 1")
    await market.sync()
    times = ["2010-07-29T00:00:00Z", "2010-07-30T00:00:00Z"]
    assert market.database.rows(rejected) == [(None, times[0]), (None, times[1]), ("BAD-1", "last Tuesday")]
    market.mls.records = (*market.mls.records[:-3], stays, {**broken, "ModificationTimestamp": "2010-07-30T00:00:00Z"})
    await market.sync()
    assert market.database.rows(rejected) == [(None, times[1])]
    assert market.listing("BAD-1")["version"] == 1


async def test_an_outage_is_told_once_and_its_end_once(market: Market) -> None:
    outages = "SELECT type, data::jsonb->>'outage_id' FROM events.outbox WHERE type LIKE '%feed-%' ORDER BY position"
    market.server.app = Unwell(market.server.app)
    for number in range(1, 7):
        with pytest.raises(SyncFailed):
            await market.sync()
        assert len(market.database.rows(outages)) == (number >= 4)
    market.server.app = market.server.app.app
    for _ in range(2):
        await market.sync()
    told = market.database.rows(outages)
    assert [event[0] for event in told] == [
        "dev.rooftree.property.feed-failed.v1",
        "dev.rooftree.property.feed-recovered.v1",
    ]
    assert told[0][1] == told[1][1]
    assert [run[1] for run in market.runs()].count("failed") == 2  # the first and the last of six alike


async def test_a_short_outage_is_told_to_nobody(market: Market) -> None:
    well = market.server.app
    for _ in range(3):
        market.server.app = Unwell(well)
        for _ in range(3):
            with pytest.raises(SyncFailed):
                await market.sync()
        market.server.app = well
        await market.sync()
    assert market.database.rows("SELECT 1 FROM events.outbox WHERE type LIKE '%feed-%'") == []


@dataclass
class Unwell:
    """Refuses everything at once; a 5xx would be waited for."""

    app: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b""})


# -- over HTTP ---------------------------------------------------------------------------------------------------


async def test_a_person_starts_a_run_and_sees_it_end(
    market: Market, start: Callable[..., Any], clock: FakeClock
) -> None:
    browser = await start(market.tenant)
    await browser.accept_owner()
    await browser.sign_in()
    market.mls.change(KEY, {"ListPrice": 5})
    asked = await browser.post("/api/v1/feeds/ames/runs")
    assert asked.status_code == 202, asked.text
    assert (asked.json()["kind"], asked.json()["state"]) == ("incremental", "running")
    again = await browser.post("/api/v1/feeds/ames/runs")
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "feed-running")
    assert (await browser.get("/api/v1/feeds")).json()["items"][0]["progress"] == {"seen": 0, "total": None}
    waiting = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'property.sync_feeds'"
    assert market.database.rows(waiting) == [(1,)]
    await market.sync()
    runs = (await browser.get("/api/v1/feeds/ames/runs", params={"limit": 2})).json()
    assert [(run["kind"], run["state"]) for run in runs["items"]] == [
        ("purge", "succeeded"),
        ("incremental", "succeeded"),
    ]
    assert (runs["items"][1]["id"], runs["items"][1]["updated"]) == (asked.json()["id"], 1)
    rest = await browser.get("/api/v1/feeds/ames/runs", params={"cursor": runs["next_cursor"]})
    assert [run["kind"] for run in rest.json()["items"]] == ["purge", "full"]
    (feed,) = (await browser.get("/api/v1/feeds")).json()["items"]
    assert (feed["state"], feed["progress"], feed["lag_seconds"]) == ("idle", None, 0)
    assert feed["last_change_at"] is not None


async def test_a_run_by_hand_confirms_a_withheld_removal(market: Market, start: Callable[..., Any]) -> None:
    lose_most(market)
    with pytest.raises(SyncFailed):
        await market.sync()
    browser = await start(market.tenant)
    await browser.accept_owner()
    await browser.sign_in()
    assert (await browser.post("/api/v1/feeds/ames/runs")).status_code == 202
    await market.sync()
    assert market.live() == len(market.mls.records)


async def until(is_so: Callable[[], bool]) -> None:
    """What is promised: within a minute."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - a database cannot set an Event
            await asyncio.sleep(0.5)


async def test_changes_and_removals_come_by_themselves_within_a_minute(
    market: Market, start: Callable[..., Any]
) -> None:
    await start(market.tenant, run_jobs=True)
    market.mls.change(KEY, {"ListPrice": 7})
    other = RECORDS[1]["ListingKey"]
    market.mls.delete(other)
    await until(lambda: market.listing()["list_price"] == 700 and market.listing(other)["removed_at"] is not None)
    # Once more, so that it is the clock of the queue that did it and not the start of the app.
    market.mls.change(KEY, {"ListPrice": 8})
    await until(lambda: market.listing()["list_price"] == 800)


async def test_runs_of_a_feed_that_is_not_there_are_not_found(owner: httpx2.AsyncClient) -> None:
    assert (await owner.get("/api/v1/feeds/none/runs")).status_code == 404
    assert (await owner.post("/api/v1/feeds/none/runs")).status_code == 404


async def test_wrong_cursors_are_refused(market: Market, start: Callable[..., Any]) -> None:
    browser = await start(market.tenant)
    await browser.accept_owner()
    await browser.sign_in()
    for cursor in ("x", "WyJ4Il0", "WzFd"):
        assert (await browser.get("/api/v1/feeds/ames/runs", params={"cursor": cursor})).status_code == 422
