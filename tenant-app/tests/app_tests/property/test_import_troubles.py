"""Imports from feeds that fail, forget, lie or send what no database takes."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from rooftree import assembly
from rooftree.modules.property.domain import LIST_DETAILS
from rooftree.modules.property.feed_import import SyncFailed
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..conftest import FakeClock, Tenant, TestDatabase
from .conftest import Server, connected, sync, sync_job

pytestmark = pytest.mark.integration


def record(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "ListingKey": key,
        "StandardStatus": "Active",
        "ListPrice": 100_000,
        "ModificationTimestamp": "2026-05-01T00:00:00Z",
    } | changes


class ScriptedFeed:
    """A feed of pages that tests change; the page `n` has the skip token `n`. `broken` pages answer with a status.

    Filters by time are ignored, those by keys are not; a list of keys is one page.
    """

    def __init__(self, *pages: list[Any]) -> None:
        self.pages = list(pages)
        self.broken: dict[int, int] = {}
        self.app = Starlette(
            routes=[Route("/oauth/token", self.token, methods=["POST"]), Route("/odata/Property", self.page)]
        )

    async def token(self, _request: Request) -> Response:
        return JSONResponse({"access_token": "t"})

    async def page(self, request: Request) -> Response:
        everything = [item for page in self.pages for item in page]
        if "$select" in request.query_params:
            return self._json({"value": everything, "@odata.count": len(everything)})
        if wanted := re.findall(r"ListingKey eq '((?:[^']|'')*)'", request.query_params.get("$filter", "")):
            keys = {key.replace("''", "'") for key in wanted}
            return self._json({"value": [r for r in everything if isinstance(r, dict) and r.get("ListingKey") in keys]})
        number = int(request.query_params.get("$skiptoken", "0"))
        if number in self.broken:
            return Response(status_code=self.broken[number])
        body: dict[str, Any] = {"value": self.pages[number]}
        if number + 1 < len(self.pages):
            body["@odata.nextLink"] = f"{request.base_url}odata/Property?$skiptoken={number + 1}"
        return self._json(body)

    def _json(self, body: dict[str, Any]) -> Response:
        return Response(json.dumps(body), media_type="application/json")  # escapes what is no Unicode


def keys(database: TestDatabase) -> list[str]:
    """Of the listings that are here."""
    query = "SELECT listing_key FROM property.properties WHERE removed_at IS NULL ORDER BY 1"
    return [row[0] for row in database.rows(query)]


def state(database: TestDatabase, feed: str = "a") -> tuple[Any, ...]:
    (row,) = database.rows(f"SELECT state, last_error, checkpoint FROM property.feeds WHERE name = '{feed}'")
    return row


def alter(database: TestDatabase, change: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE property.properties {change}".encode())


async def test_a_run_that_failed_on_the_way_is_told_and_goes_on_there(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    feed = ScriptedFeed([record("1")], [record("2")], [record("3")])
    server = serve(feed.app)
    tenant = connected(stored_tenant, a=server.origin)
    feed.broken[1] = 403
    with pytest.raises(SyncFailed, match="a"):
        await sync(tenant)
    link = f"{server.origin}/odata/Property?$skiptoken=1"
    assert state(database) == ("failed", f"the feed answered 403 to {link}", link)
    assert keys(database) == ["1"]
    feed.broken.clear()
    asked = len(server.pages())
    await sync(tenant)
    assert server.pages()[asked:] == ["/odata/Property?$skiptoken=1", "/odata/Property?$skiptoken=2"]
    assert keys(database) == ["1", "2", "3"]
    assert state(database) == ("idle", None, None)


async def test_begins_again_when_the_server_forgot_the_checkpoint(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    feed = ScriptedFeed([record("1")], [record("2")])
    tenant = connected(stored_tenant, a=serve(feed.app).origin)
    feed.broken[1] = 403
    with pytest.raises(SyncFailed):
        await sync(tenant)
    feed.broken[1] = 410  # the link is stale; reading all of it again leads to a new one
    feed.pages = [[record("1"), record("2")]]
    await sync(tenant)
    assert keys(database) == ["1", "2"]
    assert state(database) == ("idle", None, None)


async def test_one_feed_that_fails_does_not_keep_others_from_coming_in(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    bad, good = ScriptedFeed([]), ScriptedFeed([record("1")])
    bad.broken[0] = 403
    tenant = connected(stored_tenant, bad=serve(bad.app).origin, good=serve(good.app).origin)
    with pytest.raises(SyncFailed, match="bad"):
        await sync(tenant)
    assert keys(database) == ["1"]
    assert [state(database, name)[0] for name in ("bad", "good")] == ["failed", "idle"]


async def test_a_feed_that_breaks_the_import_itself_does_not_keep_others_from_coming_in(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    bad, good = ScriptedFeed([record("refuse me")]), ScriptedFeed([record("1")])
    tenant = connected(stored_tenant, bad=serve(bad.app).origin, good=serve(good.app).origin)
    # What no test can foresee: a value that is valid here and that the database refuses.
    alter(database, "ADD CONSTRAINT planted CHECK (listing_key <> 'refuse me')")
    try:
        with pytest.raises(SyncFailed, match="bad"):
            await sync(tenant)
    finally:
        alter(database, "DROP CONSTRAINT planted")
    assert keys(database) == ["1"]
    assert state(database, "bad")[:2] == ("failed", "internal error: IntegrityError")
    assert state(database, "good")[0] == "idle"


async def test_a_feed_of_another_address_is_read_from_its_beginning(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    await sync(connected(stored_tenant, a=serve(ScriptedFeed([record("1")]).app).origin))
    other = serve(ScriptedFeed([record("2")]).app)
    await sync(connected(stored_tenant, a=other.origin))
    assert other.pages()[0] == "/odata/Property?$expand=Media&$count=true"
    assert keys(database) == ["2"]


async def test_changes_bring_new_values_and_heal_rejections(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    feed = ScriptedFeed([record("1"), record("2", ListPrice=-1), record("3")])
    tenant = connected(stored_tenant, a=serve(feed.app).origin)
    await sync(tenant)
    first = database.rows("SELECT id FROM property.properties WHERE listing_key = '1'")
    feed.pages = [[record("1", ListPrice=5), record("2"), record("3", ListPrice=-1)]]
    await sync(tenant)
    prices = database.rows("SELECT listing_key, list_price FROM property.properties ORDER BY 1")
    assert prices == [("1", 500), ("2", 10_000_000), ("3", 10_000_000)]
    assert database.rows("SELECT id FROM property.properties WHERE listing_key = '1'") == first
    assert database.rows("SELECT listing_key FROM property.rejections") == [("3",)]


async def test_incremental_runs_start_before_the_run_that_was_last_complete(
    stored_tenant: Tenant, serve: Callable[[Any], Server], clock: FakeClock
) -> None:
    now = clock.now()
    feed = ScriptedFeed([record("1", ModificationTimestamp=now.isoformat())])
    server = serve(feed.app)
    tenant = connected(stored_tenant, a=server.origin)
    clock.advance(hours=-2)  # the run began two hours before the newest change that it met
    await sync(tenant, clock)
    clock.advance(hours=3)
    await sync(tenant, clock)
    began = now - timedelta(hours=2, minutes=20)
    assert f"ModificationTimestamp%20gt%20{began:%Y-%m-%dT%H:%M:%S}" in server.pages()[-1]


def words(seed: str) -> list[str]:
    """As many and as long different words as a list may have, more than one full-text index entry holds in all."""
    return [f"{seed}{number}".ljust(255, "\u754c") for number in range(200)]


NASTY: list[Any] = [
    None,
    [],
    "text",
    {},
    record("a\u0000b", PublicRemarks="nul \u0000"),
    record("surrogate \ud800", City="\udfff"),
    record("price", ListPrice=10**30),
    record("year", YearBuilt=10**400),
    record("long", City="x" * 10_000),
    record("k" * 3000),
    record("' OR 1=1; DROP TABLE property.properties; --", PublicRemarks="{}', $1 :name %s"),
    record("deep", Heating=[[[[[["x"]]]]]]),
    record("deeper", Heating=json.loads("[" * 600 + "]" * 600)),
    record("many", Heating=["x" * 1000] * 5000),
    record("photos", Media=[{"MediaURL": f"http://h.test/{n}"} for n in range(5000)]),
    record("twice"),
    record("twice"),
    record("offset", ModificationTimestamp="2024-01-01T00:00:00+18:00"),
    record("wordy", **{name: words(name) for name in LIST_DETAILS.values()}),
    record("old", ModificationTimestamp="0001-01-01T00:00:00+23:59"),
]


async def test_nothing_that_a_feed_sends_stops_a_run(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    await sync(connected(stored_tenant, a=serve(ScriptedFeed(NASTY, [record("last")]).app).origin))
    stored = keys(database)
    assert "last" in stored
    assert "' OR 1=1; DROP TABLE property.properties; --" in stored
    assert "a\ufffdb" in stored
    assert {"offset", "wordy"} <= set(stored)
    rejected = database.rows("SELECT count(*) FROM property.rejections")[0][0]
    assert len(stored) + rejected == len(NASTY)  # two have one key, one more is on the second page
    assert state(database) == ("idle", None, None)


async def test_of_two_runs_at_once_one_gives_way(
    stored_tenant: Tenant, database: TestDatabase, serve: Callable[[Any], Server]
) -> None:
    feed = ScriptedFeed([record("1")], [record("2")])
    tenant = connected(stored_tenant, a=serve(feed.app).origin)
    parts = assembly.build(assembly.find(), tenant.settings(), tenant.secrets())
    second = assembly.build(assembly.find(), tenant.settings(), tenant.secrets())
    store = feed.page

    async def page(request: Request) -> Response:
        if "$skiptoken" not in request.query_params and not entered:
            entered.append(True)
            await sync_job(second).run()  # the other run reads all of it while this one waits for its first page
        return await store(request)

    entered: list[bool] = []
    feed.app.router.routes[1] = Route("/odata/Property", page)
    try:
        await sync_job(parts).run()
    finally:
        await parts.close()
        await second.close()
    assert keys(database) == ["1", "2"]
    assert state(database) == ("idle", None, None)
