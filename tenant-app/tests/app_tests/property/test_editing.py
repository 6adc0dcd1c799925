"""Editing own listings over HTTP: drafts, statuses, history, and who may do what, with real people and a database."""

from typing import Any
from uuid import uuid4

import pytest

from ..conftest import Browser, FakeClock, Tenant, TestDatabase
from ..identity.conftest import Brokerage, brokerage, sign_in
from .conftest import Server, connected, sync
from .editing import (
    CLOSING,
    HOME,
    code,
    create,
    edit,
    edited,
    history,
    mine,
    move,
    moved,
    pointers,
    published,
    read,
    usd,
    user_id,
)

pytestmark = pytest.mark.integration
_ = brokerage  # a fixture


async def agent_of(brokerage: Brokerage, name: str = "Andy", office: str | None = "Main") -> Browser:
    return await brokerage.agent(office, name)


async def days_pass(agent: Browser, clock: FakeClock, days: int) -> None:
    """Longer than a session lives."""
    clock.advance(days=days)
    await sign_in(agent, "andy@acme.test")


# -- drafts -----------------------------------------------------------------------------------------------------------


async def test_an_empty_draft_is_the_agents_own(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    draft = await create(agent)
    assert (draft["standard_status"], draft["origin"], draft["version"]) == ("Incomplete", "own", 1)
    assert draft["list_agent_id"] == await user_id(agent)
    assert draft["list_office_id"] == brokerage.offices["Main"]
    assert (draft["list_agent_full_name"], draft["list_office_name"]) == ("Andy", "Acme Realty")
    assert draft["listing_key"] == draft["listing_id"]
    assert draft["can_edit"]
    assert draft["status_moves"] == ["Coming Soon", "Active", "Delete"]
    assert (draft["list_price"], draft["unparsed_address"], draft["property_type"]) == (usd(0), "", "")
    assert (draft["days_on_market"], draft["photos"]) == (None, [])
    assert draft == await read(agent, draft)
    other = await create(agent)
    assert other["listing_key"] > draft["listing_key"]


async def test_a_draft_is_seen_by_those_who_may_edit_it_only(brokerage: Brokerage, database: TestDatabase) -> None:
    agent, colleague = await agent_of(brokerage), await agent_of(brokerage, "Bert")
    manager, elsewhere = await brokerage.manager("Main"), await brokerage.manager("Lake", "Lara")
    coordinator = await brokerage.coordinator()
    draft = await create(agent, **HOME)
    for browser in (agent, manager, brokerage.owner):
        assert (await read(browser, draft))["can_edit"]
        assert await mine(browser) == [draft["listing_key"]]
    for browser in (colleague, elsewhere, coordinator):
        for path in ("", "/history"):
            answer = await browser.get(f"/api/v1/properties/{draft['id']}{path}")
            assert code(answer) == (404, "property-not-found")
        assert code(await edit(browser, draft, city="Boone")) == (404, "property-not-found")
        assert await mine(browser) == []
    for browser in (agent, brokerage.owner, colleague):
        assert (await browser.get("/api/v1/properties", params={"q": "Canary"})).json()["items"] == []
    assert database.rows("SELECT 1 FROM events.outbox WHERE type LIKE '%listing-changed%'") == []
    assert await history(agent, draft) == []


async def test_a_draft_is_filled_in_steps_and_kept_word_for_word(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await create(agent)
    listing = await edited(agent, listing, **HOME, private_remarks="Key under the pot.")
    listing = await edited(
        agent,
        listing,
        latitude=42.03,
        longitude=-93.6,
        lot_size_area=9000,
        year_built=1960,
        roof="Metal, Shingle",
        tax_annual_amount=usd(4000),
        listing_contract_date="2026-01-02",
        showing_instructions="Ring first.",
        subdivision_name="Old Town",
        internet_address_display=False,
    )
    assert listing["version"] == 3
    assert listing == listing | HOME
    assert (listing["roof"], listing["tax_annual_amount"]) == ("Metal, Shingle", usd(4000))
    assert (listing["private_remarks"], listing["showing_instructions"]) == ("Key under the pot.", "Ring first.")
    assert (listing["latitude"], listing["internet_address_display"]) == (42.03, False)
    cleared = await edited(agent, listing, city=None, heating=None, list_price=None, latitude=None, longitude=None)
    assert (cleared["city"], cleared["heating"], cleared["list_price"]) == (None, [], usd(0))


async def test_an_edit_that_changes_nothing_makes_no_version(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await create(agent, **HOME)
    again = await edited(agent, listing, **HOME)
    assert again == listing


async def test_a_deleted_draft_is_gone(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    draft = await create(agent)
    deleted = await moved(agent, draft, "Delete")
    assert (deleted["standard_status"], deleted["status_moves"]) == ("Delete", [])
    assert (await agent.get(f"/api/v1/properties/{draft['id']}")).status_code == 404
    assert await mine(agent) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"listing_key": "X"}, "/listing_key"),
        ({"standard_status": "Active"}, "/standard_status"),
        ({"close_price": usd(1)}, "/close_price"),
        ({"bedrooms_total": "3"}, "/bedrooms_total"),
        ({"bedrooms_total": True}, "/bedrooms_total"),
        ({"bedrooms_total": -1}, "/bedrooms_total"),
        ({"year_built": 1}, "/year_built"),
        ({"city": "a\0b"}, "/city"),
        ({"city": "x" * 256}, "/city"),
        ({"property_type": "Castle"}, "/property_type"),
        ({"list_price": 5}, "/list_price"),
        ({"list_price": {"amount": 1.5, "currency": "USD"}}, "/list_price/amount"),
        ({"list_price": {"amount": -1, "currency": "USD"}}, "/list_price/amount"),
        ({"list_price": {"amount": 1, "currency": "EUR"}}, "/list_price/currency"),
        ({"latitude": 91.0, "longitude": 0}, "/latitude"),
        ({"latitude": 42.0}, "/longitude"),
        ({"heating": ["a"] * 201}, "/heating"),
        ({"heating": [""]}, "/heating/0"),
        ({"list_agent_id": "me"}, "/list_agent_id"),
        ({"list_agent_id": str(uuid4())}, "/list_agent_id"),
        ({"public_remarks": "x" * 4001}, "/public_remarks"),
    ],
)
async def test_values_that_are_wrong_are_pointed_at(owner: Browser, body: dict[str, Any], pointer: str) -> None:
    assert pointers(await owner.post("/api/v1/properties", json=body)) == [pointer]
    draft = await create(owner)
    assert pointers(await edit(owner, draft, **body)) == [pointer]
    assert await read(owner, draft) == draft


async def test_a_lone_surrogate_is_no_text(owner: Browser) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await owner.post("/api/v1/properties", content=b'{"city": "\\ud800"}', headers=headers)
    assert pointers(answer) == ["/city"]


# -- statuses and history ---------------------------------------------------------------------------------------------


async def test_what_a_listing_lacks_is_named_before_it_is_published(owner: Browser) -> None:
    draft = await create(owner)
    for status in ("Coming Soon", "Active"):
        answer = await move(owner, draft, status)
        assert pointers(answer) == ["/unparsed_address", "/city", "/list_price", "/property_type", "/list_agent_id"]
    assert await read(owner, draft) == draft


async def test_what_is_published_stays_publishable(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await published(agent)
    assert pointers(await edit(agent, listing, city=None, list_price=None)) == ["/city", "/list_price"]
    assert await read(agent, listing) == listing


async def test_a_listing_lives_from_draft_to_sale(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await agent_of(brokerage)
    listing = await moved(agent, await create(agent, **HOME), "Coming Soon")
    await days_pass(agent, clock, 5)
    assert (await read(agent, listing))["days_on_market"] == 0
    listing = await moved(agent, listing, "Active")
    await days_pass(agent, clock, 3)
    listing = await edited(agent, listing, list_price=usd(340_000))
    listing = await moved(agent, listing, "Active Under Contract", "Pending")
    await days_pass(agent, clock, 7)
    listing = await moved(agent, listing, "Active")
    await days_pass(agent, clock, 2)
    listing = await moved(agent, listing, "Active Under Contract", "Pending", "Closed", **CLOSING)
    assert (listing["close_price"], listing["close_date"]) == (CLOSING["close_price"], CLOSING["close_date"])
    assert (listing["can_edit"], listing["status_moves"]) == (False, [])
    assert (listing["days_on_market"], listing["cumulative_days_on_market"]) == (5, 5)
    assert await history(agent, listing) == [
        ("Closed", "close_price", None, 34_000_000, "Andy"),
        ("Closed", "standard_status", "Pending", "Closed", "Andy"),
        ("Pending", "standard_status", "Active Under Contract", "Pending", "Andy"),
        ("Active Under Contract", "standard_status", "Active", "Active Under Contract", "Andy"),
        ("Back On Market", "standard_status", "Pending", "Active", "Andy"),
        ("Pending", "standard_status", "Active Under Contract", "Pending", "Andy"),
        ("Active Under Contract", "standard_status", "Active", "Active Under Contract", "Andy"),
        ("Price Change", "list_price", 35_000_000, 34_000_000, "Andy"),
        ("New Listing", "standard_status", "Coming Soon", "Active", "Andy"),
        ("Coming Soon", "list_price", None, 35_000_000, "Andy"),
        ("Coming Soon", "standard_status", "Incomplete", "Coming Soon", "Andy"),
    ]


async def test_a_home_that_comes_back_counts_its_earlier_days(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await agent_of(brokerage)
    first = await published(agent)
    await days_pass(agent, clock, 30)
    await moved(agent, first, "Withdrawn")
    await days_pass(agent, clock, 10)
    second = await published(agent, unparsed_address=HOME["unparsed_address"].upper())
    await days_pass(agent, clock, 4)
    second = await read(agent, second)
    assert (second["days_on_market"], second["cumulative_days_on_market"]) == (4, 34)


async def test_moves_that_are_not_allowed_name_those_that_are(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await published(agent)
    answer = await move(agent, listing, "Closed", **CLOSING)
    assert code(answer) == (409, "status-move-not-allowed")
    assert answer.json()["detail"] == ("Active can become Active Under Contract, Hold, Expired, Withdrawn, Canceled.")
    listing = await moved(agent, listing, "Expired")
    answer = await move(agent, listing, "Active")
    assert answer.json()["detail"] == "Expired is final."


async def test_a_closing_needs_its_price_and_day(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await moved(agent, await published(agent), "Active Under Contract", "Pending")
    assert pointers(await move(agent, listing, "Closed")) == ["/close_price", "/close_date"]
    tomorrow = {"close_date": "2999-01-01"}
    assert pointers(await move(agent, listing, "Closed", **(CLOSING | tomorrow))) == ["/close_date"]
    euros = {"close_price": {"amount": 1, "currency": "EUR"}}
    assert pointers(await move(agent, listing, "Closed", **(CLOSING | euros))) == ["/close_price/currency"]
    assert pointers(await move(agent, listing, "Active", **CLOSING)) == ["/close_price", "/close_date"]


async def test_a_closed_listing_is_corrected_with_a_reason_that_is_kept(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await moved(agent, await published(agent), "Active Under Contract", "Pending", "Closed", **CLOSING)
    assert code(await edit(agent, listing, city="Boone")) == (403, "forbidden")
    assert code(await move(agent, listing, "Active", reason="A mistake")) == (403, "forbidden")
    owner = brokerage.owner
    assert (await read(owner, listing))["status_moves"] == ["Active", "Pending", "Closed"]
    assert pointers(await move(owner, listing, "Pending")) == ["/reason"]
    right = CLOSING | {"close_price": usd(339_000), "reason": "The contract says so"}
    corrected = await moved(owner, listing, "Closed", **right)
    assert corrected["close_price"] == usd(339_000)
    answer = await move(owner, corrected, "Pending", reason="It fell through")
    assert (answer.json()["close_price"], answer.json()["close_date"]) == (None, None)
    items = (await owner.get(f"/api/v1/properties/{listing['id']}/history")).json()["items"]
    assert [(item["field"], item["reason"]) for item in items[:3]] == [
        ("close_price", "It fell through"),
        ("standard_status", "It fell through"),
        ("close_price", "The contract says so"),
    ]
    colleague = await agent_of(brokerage, "Bert")
    seen = (await colleague.get(f"/api/v1/properties/{listing['id']}/history")).json()["items"]
    assert {item["reason"] for item in seen} == {None}
    assert len(seen) == len(items)


async def test_history_is_paged_newest_first(brokerage: Brokerage) -> None:
    agent = await agent_of(brokerage)
    listing = await published(agent)
    for price in range(1, 8):
        listing = await edited(agent, listing, list_price=usd(price))
    seen, cursor = [], None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await agent.get(f"/api/v1/properties/{listing['id']}/history", params=params)).json()
        assert page["total"] == 9
        seen += [item["to_value"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [*(usd(price) for price in range(7, 0, -1)), HOME["list_price"], "Active"]
    answer = await agent.get(f"/api/v1/properties/{listing['id']}/history", params={"cursor": "x"})
    assert pointers(answer) == ["?cursor"]


async def test_a_feeds_listing_has_a_history_of_what_its_runs_changed(
    start: Any, stored_tenant: Tenant, mls: Server, database: TestDatabase
) -> None:
    tenant = connected(stored_tenant, ames=mls.origin)
    await sync(tenant)
    ((listing_id, price),) = database.rows(
        "UPDATE property.properties SET list_price = 5, standard_status = 'Active', close_price = NULL,"
        " fingerprint = '' WHERE listing_key = 'AMES-00001' RETURNING id, (SELECT list_price FROM property.properties"
        " WHERE listing_key = 'AMES-00001')"
    )
    database.rows("DELETE FROM property.feeds RETURNING 1")
    await sync(tenant)
    browser: Browser = await start(tenant)
    await browser.accept_owner()
    await browser.sign_in()
    listing = await read(browser, {"id": listing_id})
    assert (listing["origin"], listing["can_edit"], listing["status_moves"]) == ("feed", False, [])
    assert await history(browser, listing) == [
        ("Closed", "close_price", None, listing["close_price"]["amount"], None),
        ("Price Change", "list_price", 5, price, None),
        ("Closed", "standard_status", "Active", "Closed", None),
    ]
    assert code(await edit(browser, listing, city="Boone")) == (403, "forbidden")
    assert code(await move(browser, listing, "Active")) == (403, "forbidden")


# -- who may ----------------------------------------------------------------------------------------------------------


async def test_a_published_listing_is_read_by_all_and_edited_by_few(brokerage: Brokerage) -> None:
    agent, colleague = await agent_of(brokerage), await agent_of(brokerage, "Bert")
    manager, elsewhere = await brokerage.manager("Main"), await brokerage.manager("Lake", "Lara")
    coordinator = await brokerage.coordinator()
    listing = await published(agent, private_remarks="Key under the pot.", showing_instructions="Ring first.")
    for browser, edits, knows in (
        (agent, True, True),
        (manager, True, True),
        (brokerage.owner, True, True),
        (elsewhere, False, True),
        (colleague, False, False),
        (coordinator, False, False),
    ):
        seen = await read(browser, listing)
        assert seen["can_edit"] is edits
        assert bool(seen["status_moves"]) is edits
        assert (seen["private_remarks"], seen["showing_instructions"]) == (
            ("Key under the pot.", "Ring first.") if knows else (None, None)
        )
        if edits:
            listing = await edited(browser, seen, bedrooms_total=seen["bedrooms_total"] + 1)
        else:
            assert code(await edit(browser, seen, city="Boone")) == (403, "forbidden")
            assert code(await move(browser, seen, "Hold")) == (403, "forbidden")


async def test_listings_are_made_by_those_who_list(brokerage: Brokerage) -> None:
    coordinator, manager = await brokerage.coordinator(), await brokerage.manager("Main")
    agent, elsewhere = await agent_of(brokerage), await agent_of(brokerage, "Bert", "Lake")
    assert code(await coordinator.post("/api/v1/properties", json={})) == (403, "forbidden")
    draft = await create(manager)
    assert (draft["list_agent_id"], draft["list_office_id"]) == (None, brokerage.offices["Main"])
    draft = await edited(manager, draft, list_agent_id=await user_id(agent))
    assert draft["list_agent_full_name"] == "Andy"
    assert await mine(agent) == [draft["listing_key"]]
    for who in (elsewhere, coordinator):
        assert pointers(await edit(manager, draft, list_agent_id=await user_id(who))) == ["/list_agent_id"]
    assert code(await edit(agent, draft, list_agent_id=await user_id(elsewhere))) == (403, "forbidden")
    assert code(await edit(agent, draft, list_agent_id=None)) == (403, "forbidden")
    given = await edited(brokerage.owner, draft, list_agent_id=await user_id(elsewhere))
    assert given["list_office_id"] == brokerage.offices["Lake"]
    assert await mine(manager) == []
    assert await mine(elsewhere) == [draft["listing_key"]]


async def test_a_persons_own_listings_are_listed_newest_change_first(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await agent_of(brokerage)
    listings = []
    for number in range(5):
        clock.advance(minutes=1)
        listings.append(await create(agent, **HOME, subdivision_name=f"Block {number}"))
    clock.advance(minutes=1)
    await edited(agent, listings[1], city="Boone")
    keys = [listings[number]["listing_key"] for number in (1, 4, 3, 2, 0)]
    assert await mine(agent) == keys
    seen, cursor = [], None
    while True:
        params = {"mine": "true", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await agent.get("/api/v1/properties", params=params)).json()
        assert (page["total"], page["source"], page["facets"]) == (5, "database", None)
        seen += [item["listing_key"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == keys
    await moved(agent, listings[3], "Active")
    assert await mine(agent, status="Active") == [listings[3]["listing_key"]]
    answer = await agent.get("/api/v1/properties", params={"mine": "true", "q": "x", "facets": "true"})
    assert pointers(answer) == ["?facets", "?q"]
    assert pointers(await agent.get("/api/v1/properties", params={"mine": "true", "cursor": "x"})) == ["?cursor"]


async def test_strangers_are_told_nothing(browser: Browser) -> None:
    some = uuid4()
    for method, path in (
        ("POST", "/api/v1/properties"),
        ("PATCH", f"/api/v1/properties/{some}"),
        ("POST", f"/api/v1/properties/{some}/status-changes"),
        ("GET", f"/api/v1/properties/{some}/history"),
        ("POST", f"/api/v1/properties/{some}/photos"),
        ("PUT", f"/api/v1/properties/{some}/photos/order"),
        ("GET", f"/api/v1/photos/{some}"),
        ("PATCH", f"/api/v1/photos/{some}"),
        ("DELETE", f"/api/v1/photos/{some}"),
        ("POST", f"/api/v1/photos/{some}/restoration"),
        ("GET", "/api/v1/properties?mine=true"),
    ):
        assert (await browser.request(method, path)).status_code == 401, (method, path)
