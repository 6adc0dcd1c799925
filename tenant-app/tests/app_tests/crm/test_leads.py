"""Leads: the form of visitors, what colleagues write down, who gets them, and who is asked too often."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.identity.api import CLIENT_ROLE
from rooftree.modules.crm import domain

from ..conftest import FakeClock, parts_of
from ..identity.conftest import Brokerage, change, me, problem
from ..property.editing import create as draft
from ..property.editing import published
from .conftest import (
    VISITOR,
    assign,
    claim,
    create,
    done,
    events,
    inquire,
    lead_of,
    leads,
    people,
    pointers,
    read,
    timeline,
    user_id,
)

pytestmark = pytest.mark.integration


async def test_a_visitor_asks_about_a_listing_and_its_agent_gets_the_lead(brokerage: Brokerage) -> None:
    andy, visitor = await brokerage.agent(), await brokerage.browser()
    listing = await published(andy)
    utm = {"source": "newsletter", "campaign": "spring-2026"}
    lead = await lead_of(visitor, andy, property_id=listing["id"], message="May I see it?", phone="5152320100", utm=utm)
    person = lead.pop("person")
    assert lead | {"id": "", "received_at": ""} == {
        "id": "",
        "type": "Property Inquiry",
        "source": "Listing page",
        "name": "Vic Visitor",
        "email": "vic@client.test",
        "phone": "5152320100",
        "message": "May I see it?",
        "listing": {"id": listing["id"], "listing_key": listing["listing_key"], "address": "12 Canary Court, Ames"},
        "utm": utm,
        "consent": True,
        "captured_by": None,
        "received_at": "",
        "state": "assigned",
        "responded_at": None,
        "first_response_seconds": None,
        "assigned_to": {"id": await user_id(andy), "name": "Andy"},
        "can_claim": False,
        "can_open": True,
    }
    shown = await read(andy, person)
    assert (shown["name"], shown["emails"], shown["open_leads"]) == ("Vic Visitor", ["vic@client.test"], 1)
    assert shown["phones"] == [{"value": "5152320100", "e164": "+15152320100"}]
    assert [entry["kind"] for entry in await timeline(andy, person)] == ["assignment", "lead"]
    (received,), (assigned,) = events(brokerage, "lead-received"), events(brokerage, "lead-assigned")
    assert received | {"received_at": ""} == {
        "lead_id": lead["id"],
        "person_id": person["id"],
        "person_is_new": True,
        "assignee_id": await user_id(andy),
        "lead_type": "Property Inquiry",
        "source": "Listing page",
        "utm": utm,
        "property_id": listing["id"],
        "listing_key": listing["listing_key"],
        "consent": ["contact"],
        "received_at": "",
    }
    assert (assigned["lead_ids"], assigned["reason"]) == ([lead["id"]], "listing_agent")
    assert assigned["assignee_id"] == await user_id(andy)


async def test_without_a_listing_the_lead_waits_for_owners_and_managers(brokerage: Brokerage) -> None:
    visitor, andy, mona = await brokerage.browser(), await brokerage.agent(), await brokerage.manager()
    lead = await lead_of(visitor, brokerage.owner, consent=False)
    assert (lead["type"], lead["source"], lead["state"]) == ("General Inquiry", "Website", "new")
    assert (lead["assigned_to"], lead["consent"], lead["can_claim"]) == (None, False, True)
    assert [one["id"] for one in await leads(mona, owner="unassigned", state="new")] == [lead["id"]]
    assert await leads(andy) == []
    assert events(brokerage, "lead-received")[0]["consent"] == []
    assert events(brokerage, "lead-assigned") == []


async def test_the_lead_of_an_agent_who_left_waits_in_the_listings_office(brokerage: Brokerage) -> None:
    andy, anna, visitor = await brokerage.agent(), await brokerage.agent(name="Anna"), await brokerage.browser()
    listing = await published(andy)
    assert (await change(brokerage.owner, await me(andy), state="deactivated")).status_code == 200
    lead = await lead_of(visitor, anna, property_id=listing["id"])
    assert (lead["state"], lead["assigned_to"], lead["can_claim"]) == ("new", None, True)
    assert (await read(anna, lead["person"]))["office_id"] == brokerage.offices["Main"]
    assert await leads(await brokerage.agent("West", name="Wanda")) == []


async def test_a_stranger_changes_nothing_of_a_person_who_is_known(brokerage: Brokerage) -> None:
    andy, visitor = await brokerage.agent(), await brokerage.browser()
    known = await create(andy, name="Vic the Known", emails=["VIC@client.test"], phones=["515 232 0100"])
    anna = await brokerage.agent(name="Anna")
    listing = await published(anna)
    lead = await lead_of(visitor, andy, name="Mallory", phone="515 232 9999", property_id=listing["id"])
    assert lead["person"] == {"id": known["id"], "name": "Vic the Known"}
    assert (lead["name"], lead["phone"], lead["state"]) == ("Mallory", "515 232 9999", "assigned")
    # Who looks after the person goes on doing so, whoever lists the home.
    shown = await read(andy, known)
    assert {**shown, "open_leads": 0, "last_activity_at": ""} == {**known, "last_activity_at": ""}
    assert events(brokerage, "lead-assigned") == []
    by_phone = await lead_of(visitor, andy, email=None, phone="+1 (515) 232-0100")
    assert by_phone["person"]["id"] == known["id"]
    assert await people(brokerage.owner) == ["Vic the Known"]


async def test_a_known_person_whom_nobody_looks_after_gets_the_listings_agent(brokerage: Brokerage) -> None:
    andy, visitor = await brokerage.agent(), await brokerage.browser()
    first = await lead_of(visitor, brokerage.owner)
    listing = await published(andy)
    second = await lead_of(visitor, andy, property_id=listing["id"])
    assert second["person"] == first["person"]
    assert {lead["state"] for lead in await leads(andy)} == {"assigned"}
    (event,) = events(brokerage, "lead-assigned")
    assert event["lead_ids"] == [second["id"], first["id"]]
    assert (event["reason"], event["previous_id"]) == ("listing_agent", None)


async def test_the_answer_is_the_same_whether_we_know_somebody_or_not(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    await create(brokerage.owner, emails=["known@client.test"])
    answers = [await inquire(visitor, email=email) for email in ("known@client.test", "new@client.test")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b'{"received":true}')] * 2
    ignored = ("x-request-id", "ratelimit")
    first, second = ({k: v for k, v in answer.headers.items() if k not in ignored} for answer in answers)
    assert first == second
    assert first["cache-control"] == "no-store"


async def test_two_forms_at_once_make_one_person(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    await create(brokerage.owner)  # the stages are there already: nothing else makes them wait for each other
    for number in range(6):
        forms = [
            inquire(visitor, f"203.0.113.{address}", name=f"Vic {number}", email=f"vic{number}@client.test")
            for address in range(3)
        ]
        assert [answer.status_code for answer in await asyncio.gather(*forms)] == [202] * 3
    assert await people(brokerage.owner, q="Vic", sort="name") == [f"Vic {number}" for number in range(6)]
    assert len(await leads(brokerage.owner)) == 18


async def test_a_program_that_fills_the_trap_leaves_nothing(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    answer = await inquire(visitor, website="https://spam.test")
    assert (answer.status_code, answer.content) == (202, b'{"received":true}')
    assert await leads(brokerage.owner) == []
    assert await people(brokerage.owner) == []


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"email": None}, "/email"),
        ({"email": "x"}, "/email"),
        ({"email": None, "phone": "call me"}, "/phone"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 121}, "/name"),
        ({"message": "x" * 4001}, "/message"),
        ({"message": "a\0b"}, "/message"),
        ({"consent": None}, "/consent"),
        ({"consent": "yes"}, "/consent"),
        ({"type": "Viewed Property"}, "/type"),
        ({"utm": {"source": "vic@client.test"}}, "/utm/source"),
        ({"utm": {"odd": "x"}}, "/utm/odd/[key]"),
        ({"source": "x"}, "/source"),
        ({"person_id": str(UUID(int=1))}, "/person_id"),
        ({"property_id": str(UUID(int=1))}, "/property_id"),
    ],
)
async def test_what_a_visitor_may_not_say_is_pointed_at(
    brokerage: Brokerage, values: dict[str, Any], pointer: str
) -> None:
    assert pointers(await inquire(await brokerage.browser(), **values)) == [pointer]
    assert await leads(brokerage.owner) == []


async def test_a_listing_that_the_public_does_not_see_is_none(brokerage: Brokerage) -> None:
    andy, visitor = await brokerage.agent(), await brokerage.browser()
    hidden = await published(andy, internet_display=False)
    for listing in (await draft(andy, city="Ames"), hidden):
        assert pointers(await inquire(visitor, property_id=listing["id"])) == ["/property_id"]
    # Where only the address is not for the public, colleagues read it all the same.
    quiet = await published(andy, internet_address_display=False)
    assert (await lead_of(visitor, andy, property_id=quiet["id"]))["listing"]["address"] == "12 Canary Court, Ames"
    captured = await andy.post("/api/v1/leads", json={"name": "A", "email": "a@b.test", "property_id": hidden["id"]})
    assert done(captured, 201)["listing"]["id"] == hidden["id"]


async def test_another_sites_page_cannot_send_the_form(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    elsewhere = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    assert (await visitor.post("/api/v1/inquiries", json=VISITOR, headers=elsewhere)).status_code == 403


async def test_one_address_asks_so_often_and_no_more(brokerage: Brokerage, clock: FakeClock) -> None:
    visitor = await brokerage.browser()

    async def ask(number: int, address: str = "203.0.113.7") -> int:
        return (await inquire(visitor, address, email=f"vic{number}@client.test")).status_code

    assert [await ask(n) for n in range(domain.NETWORK_INQUIRIES)] == [202] * domain.NETWORK_INQUIRIES
    clock.advance(seconds=100)
    refused = await inquire(visitor, email="late@client.test")
    assert problem(refused) == (429, "too-many-requests")
    assert int(refused.headers["retry-after"]) == 15 * 60 - 100 + 1
    # What the client says of itself left of our edge's entry is not believed.
    assert await ask(98, "10.0.0.1, 203.0.113.7") == 429
    assert await ask(99, "203.0.113.8") == 202
    assert len(await people(brokerage.owner, limit=100)) == domain.NETWORK_INQUIRIES + 1
    clock.advance(minutes=15)
    assert await ask(100) == 202


async def test_nobody_is_flooded_from_many_addresses(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    most = domain.CONTACT_INQUIRIES
    codes = [(await inquire(visitor, f"203.0.113.{n}")).status_code for n in range(most + 1)]
    assert codes == [202] * most + [429]
    # In every spelling, and known or not.
    assert (await inquire(visitor, "198.51.100.1", email="VIC@client.test")).status_code == 429
    assert (await inquire(visitor, "198.51.100.1", email="other@client.test")).status_code == 202


async def test_a_flood_at_once_is_counted_like_one_after_the_other(brokerage: Brokerage) -> None:
    visitor = await brokerage.browser()
    await create(brokerage.owner)  # the stages are there already
    most = domain.NETWORK_INQUIRIES
    flood = [inquire(visitor, email=f"vic{number}@client.test") for number in range(most + 10)]
    codes = [answer.status_code for answer in await asyncio.gather(*flood)]
    assert (codes.count(202), codes.count(429)) == (most, 10)
    most = domain.CONTACT_INQUIRIES
    flood = [inquire(visitor, f"198.51.100.{number}", email="ann@client.test") for number in range(most + 10)]
    codes = [answer.status_code for answer in await asyncio.gather(*flood)]
    assert (codes.count(202), codes.count(429)) == (most, 10)


async def test_attempts_are_kept_as_hashes_and_forgotten(brokerage: Brokerage, clock: FakeClock) -> None:
    await inquire(await brokerage.browser(), phone="515 232 0100")
    rows = brokerage.database.rows("SELECT length(key), count(*) OVER () FROM crm.attempts")
    assert rows == [(32, 4)] * 4  # tenant, network, address, number
    (job,) = [job for job in parts_of(brokerage.app, "crm").queue.declared() if job.name == "crm.forget_attempts"]
    await job.run()
    assert len(brokerage.database.rows("SELECT 1 FROM crm.attempts")) == 4
    clock.advance(minutes=16)
    await job.run()
    assert brokerage.database.rows("SELECT 1 FROM crm.attempts") == []


async def test_a_colleague_writes_a_lead_down(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    body = {"name": "Wanda Walk-in", "phone": "515 232 0100", "type": "Seller Inquiry", "source": "Open house"}
    answer = await andy.post("/api/v1/leads", json=body)
    lead = done(answer, 201)
    assert answer.headers["location"] == f"/api/v1/leads/{lead['id']}"
    assert done(await andy.get(answer.headers["location"])) == lead
    assert (lead["type"], lead["source"], lead["state"]) == ("Seller Inquiry", "Open house", "assigned")
    assert lead["captured_by"] == lead["assigned_to"] == {"id": await user_id(andy), "name": "Andy"}
    again = done(await andy.post("/api/v1/leads", json={"person_id": lead["person"]["id"], "message": "again"}), 201)
    assert (again["person"], again["name"], again["type"]) == (lead["person"], "Wanda Walk-in", "General Inquiry")
    assert [event["reason"] for event in events(brokerage, "lead-assigned")] == ["captured"]
    mona = await brokerage.manager()
    waiting = done(await mona.post("/api/v1/leads", json={"name": "N", "email": "n@client.test"}), 201)
    assert (waiting["state"], waiting["assigned_to"]) == ("new", None)
    assert (await read(andy, waiting["person"]))["can_claim"] is True


async def test_a_lead_that_goes_to_somebody_elsewhere_says_who_got_it(brokerage: Brokerage) -> None:
    mona, wanda = await brokerage.manager(), await brokerage.agent("West", name="Wanda")
    listing = await published(wanda)
    body = {"name": "Vera", "email": "vera@client.test", "property_id": listing["id"]}
    answer = await mona.post("/api/v1/leads", json=body)
    lead = done(answer, 201)
    assert (lead["assigned_to"]["name"], lead["can_open"], lead["can_claim"]) == ("Wanda", False, False)
    assert "location" not in answer.headers
    assert problem(await mona.get(f"/api/v1/leads/{lead['id']}")) == (404, "lead-not-found")
    assert done(await wanda.get(f"/api/v1/leads/{lead['id']}"))["can_open"] is True


async def test_a_manager_of_no_office_writes_down_leads_of_people_whom_they_see(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    """Identity refuses to make one; should there be one all the same, nobody is lost to them."""
    mona = await brokerage.manager()
    brokerage.database.rows("UPDATE identity.users SET office_id = NULL WHERE role = 'office_manager' RETURNING id")
    clock.advance(seconds=2)  # who is signed in is asked for once a second
    body = {"name": "Vera", "email": "vera@client.test"}
    assert problem(await mona.post("/api/v1/leads", json=body)) == (403, "forbidden")
    person = await create(brokerage.owner)
    done(await assign(brokerage.owner, person, await user_id(mona)))
    assert done(await mona.post("/api/v1/leads", json={"person_id": person["id"]}), 201)["can_open"] is True


async def test_a_colleagues_lead_goes_to_whom_they_see(brokerage: Brokerage) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    ada = await create(andy)
    body = {"name": "Ada", "email": "ada@client.test"}
    assert done(await andy.post("/api/v1/leads", json=body), 201)["person"]["id"] == ada["id"]
    assert done(await anna.post("/api/v1/leads", json=body), 201)["person"]["id"] != ada["id"]
    assert problem(await anna.post("/api/v1/leads", json={"person_id": ada["id"]})) == (404, "person-not-found")
    assert pointers(await andy.post("/api/v1/leads", json={"message": "x"})) == ["/name", "/email"]
    assert pointers(await andy.post("/api/v1/leads", json={"name": "x", "phone": "y"})) == ["/phone"]


async def test_the_inbox_is_narrowed_and_paged(brokerage: Brokerage) -> None:
    andy, visitor, owner = await brokerage.agent(), await brokerage.browser(), brokerage.owner
    for number in range(4):
        await inquire(visitor, email=f"vic{number}@client.test", name=f"Vic {number}")
    newest = (await leads(owner))[0]
    shown = await read(owner, newest["person"])
    done(await assign(owner, shown, await user_id(andy)))
    assert [lead["name"] for lead in await leads(andy)] == ["Vic 3"]
    assert [lead["name"] for lead in await leads(andy, owner="mine", state="assigned")] == ["Vic 3"]
    assert await leads(andy, owner="unassigned") == []
    assert [lead["name"] for lead in await leads(owner, owner="unassigned")] == ["Vic 2", "Vic 1", "Vic 0"]
    assert await leads(owner, owner="mine") == []
    assert [lead["name"] for lead in await leads(owner, person_id=newest["person"]["id"])] == ["Vic 3"]
    first = done(await owner.get("/api/v1/leads", params={"limit": 3}))
    second = done(await owner.get("/api/v1/leads", params={"limit": 3, "cursor": first["next_cursor"]}))
    assert (first["total"], len(first["items"]), second["next_cursor"]) == (4, 3, None)
    assert [lead["name"] for lead in second["items"]] == ["Vic 0"]


async def test_foreign_leads_are_not_found(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    lead = done(await andy.post("/api/v1/leads", json={"name": "A", "email": "a@client.test"}), 201)
    strangers = [
        await brokerage.agent("West", name="Wanda"),
        await brokerage.manager("West"),
        await brokerage.coordinator(),
        await brokerage.join("Clara", CLIENT_ROLE),
    ]
    for browser in strangers:
        lead_unknown, person_unknown = ("lead-not-found", "person-not-found")
        if browser is strangers[-1]:
            lead_unknown = person_unknown = "not-found"
        assert problem(await browser.get(f"/api/v1/leads/{lead['id']}")) == (404, lead_unknown)
        assert problem(await browser.post(f"/api/v1/leads/{lead['id']}/claim")) == (404, lead_unknown)
        assert problem(await claim(browser, lead["person"])) == (404, person_unknown)
