"""What property promises the other modules."""

from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.property.api import FeedNotFound, PropertyApi, PropertyNotFound
from rooftree.kernel.ids import new_id

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage, me
from ..property.conftest import Server, connected, sync
from .conftest import Ports, reader

pytestmark = pytest.mark.integration


@pytest.fixture
async def imported(start: Any, stored_tenant: Tenant, mls: Server) -> Browser:
    tenant = connected(stored_tenant, ames=mls.origin)
    await sync(tenant)
    browser: Browser = await start(tenant)
    await browser.accept_owner()
    await browser.sign_in()
    return browser


def local_of(browser: Browser) -> PropertyApi:
    return browser.app.state.parts.runtime.port(PropertyApi)


async def test_feeds_and_their_runs_are_told_whole(imported: Browser, ports: Ports, database: TestDatabase) -> None:
    port = await ports.property(imported)
    (feed,) = await port.feeds()
    assert (feed.name, feed.state, feed.rejected) == ("ames", "idle", 20)
    assert feed.imported > 2_000
    assert feed.last_finished_at is not None
    assert feed.last_finished_at.utcoffset() is not None
    runs = await port.feed_runs("ames", limit=5)
    assert [(run.kind, run.state, run.created) for run in reversed(runs)] == [
        ("full", "succeeded", feed.imported),
        ("purge", "succeeded", 0),
    ]
    assert await port.feed_runs("ames", limit=1) == runs[:1]
    assert await port.feed_runs("ames", limit=0) == ()
    assert runs == await local_of(imported).feed_runs("ames", limit=5)
    with pytest.raises(FeedNotFound):
        await port.feed_runs("nowhere", limit=5)
    is_full = "WHERE kind = 'full' RETURNING 1"
    database.rows(f"UPDATE property.feed_runs SET state = 'running', finished_at = NULL, total = NULL {is_full}")
    database.rows("UPDATE property.feeds SET state = 'importing', last_error = 'why', checkpoint = 'next' RETURNING 1")
    told, known = await port.feeds(), await local_of(imported).feeds()
    assert [
        {one.name: getattr(feed, one.name) for one in fields(feed) if one.name != "lag_seconds"} for feed in told
    ] == [{one.name: getattr(feed, one.name) for one in fields(feed) if one.name != "lag_seconds"} for feed in known]
    assert (told[0].state, told[0].last_error, told[0].checkpoint) == ("importing", "why", "next")
    assert told[0].progress is not None
    assert told[0].progress.total is None


async def test_a_listing_is_told_to_who_may_see_it(brokerage: Brokerage, ports: Ports) -> None:
    port = await ports.property(brokerage.owner)
    agent = await brokerage.agent()
    answer = await agent.post("/api/v1/properties", json={"unparsed_address": "1 Canary Way", "city": "Ames"})
    assert answer.status_code == 201, answer.text
    property_id = UUID(answer.json()["id"])
    listing = await port.listing(property_id, reader=await reader(ports, agent))
    assert (listing.id, listing.address) == (property_id, "1 Canary Way, Ames")
    andy = await me(agent)
    assert (listing.list_agent_id, listing.list_office_id) == (UUID(andy["id"]), UUID(andy["office_id"]))
    for missing in (property_id, new_id()):
        with pytest.raises(PropertyNotFound):
            await port.listing(missing, reader=None)
    with pytest.raises(PropertyNotFound):
        await port.listing(new_id(), reader=await reader(ports, agent))


async def test_a_feeds_listing_has_nobody_of_the_brokerage(imported: Browser, ports: Ports) -> None:
    found = (await imported.get("/api/v1/properties", params={"q": "AMES-00001"})).json()["items"][0]
    listing = await (await ports.property(imported)).listing(UUID(found["id"]), reader=None)
    assert (listing.listing_key, listing.list_agent_id, listing.list_office_id) == ("AMES-00001", None, None)
