"""Who looks after a person: said by owners and managers, claimed by agents, of whom exactly one wins."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from rooftree.contracts.identity.api import CLIENT_ROLE, COORDINATOR_ROLE
from rooftree.modules.crm.domain import CLAIM_MEMORY

from ..conftest import Browser, FakeClock
from ..identity.conftest import Brokerage, change, me, problem
from ..property.editing import published
from .conftest import (
    assign,
    claim,
    create,
    done,
    edit,
    events,
    inquire,
    lead_of,
    leads,
    people,
    pointers,
    read,
    tasks,
    timeline,
    user_id,
)

pytestmark = pytest.mark.integration


async def waiting(manager: Browser, **values: str) -> dict[str, Any]:
    """A person with a lead who waits in the manager's office."""
    body = {"name": "Wanted", "email": "wanted@client.test"} | values
    return done(await manager.post("/api/v1/leads", json=body), 201)


async def test_of_two_who_claim_at_once_one_gets_the_lead(brokerage: Brokerage) -> None:
    mona = await brokerage.manager()
    agents = [await brokerage.agent(), await brokerage.agent(name="Anna")]
    for number in range(5):
        lead = await waiting(mona, email=f"wanted{number}@client.test")
        answers = await asyncio.gather(*(agent.post(f"/api/v1/leads/{lead['id']}/claim") for agent in agents))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        winner = [answer.status_code for answer in answers].index(200)
        assert problem(answers[1 - winner]) == (409, "lead-taken")
        won = answers[winner].json()
        assert (won["state"], won["assigned_to"]["id"]) == ("assigned", await user_id(agents[winner]))
        kept = done(await mona.get(f"/api/v1/leads/{lead['id']}"))
        assert kept["assigned_to"] == won["assigned_to"]
        assert len(await timeline(mona, kept["person"], "assignment")) == 1
    assert [event["reason"] for event in events(brokerage, "lead-assigned")] == ["claimed"] * 5


async def test_five_who_claim_a_person_at_once_leave_one_row(brokerage: Brokerage) -> None:
    mona = await brokerage.manager()
    agents = [await brokerage.agent(name=f"Agent{number}") for number in range(5)]
    person = (await waiting(mona))["person"]
    answers = await asyncio.gather(*(claim(agent, person) for agent in agents))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    rows = brokerage.database.rows("SELECT reason, to_user_id IS NOT NULL FROM crm.assignments")
    assert rows == [("claimed", True)]


async def test_before_the_claim_an_agent_reads_and_does_not_write(brokerage: Brokerage) -> None:
    mona, andy = await brokerage.manager(), await brokerage.agent()
    lead = await waiting(mona)
    person = await read(mona, lead["person"])
    done(await mona.post(f"/api/v1/people/{person['id']}/notes", json={"text": "A secret"}), 201)
    shown = await read(andy, person)
    assert (shown["can_edit"], shown["can_claim"], shown["can_assign"]) == (False, True, False)
    assert problem(await edit(andy, shown, name="X")) == (403, "forbidden")
    note = await andy.post(f"/api/v1/people/{person['id']}/notes", json={"text": "x"})
    assert problem(note) == (403, "forbidden")
    assert [entry["kind"] for entry in await timeline(andy, person)] == ["lead"]
    assert await timeline(andy, person, "note") == []
    path = f"/api/v1/people/{person['id']}/history"
    audit = done(await andy.get(path))
    assert [item["subject"] for item in audit["items"]] == ["lead", "person"]
    assert audit["total"] == 2
    claimed = done(await claim(andy, person))
    assert (claimed["can_edit"], claimed["can_claim"], claimed["version"]) == (True, False, 2)
    assert [entry["kind"] for entry in await timeline(andy, person)] == ["assignment", "note", "lead"]
    assert [item["subject"] for item in done(await andy.get(path))["items"]] == ["person", "note", "lead", "person"]
    # Twice is once.
    assert done(await claim(andy, person))["version"] == 2
    assert done(await andy.post(f"/api/v1/leads/{lead['id']}/claim"))["state"] == "assigned"


async def test_whom_an_agent_may_not_see_they_may_not_claim(brokerage: Brokerage) -> None:
    mona, wanda = await brokerage.manager(), await brokerage.agent("West", name="Wanda")
    placeless = await brokerage.agent(None, name="Pia")
    person = (await waiting(mona))["person"]
    for browser in (wanda, placeless):
        assert problem(await claim(browser, person)) == (404, "person-not-found")
    # Nobody's in no office: owners and managers see to it.
    await inquire(await brokerage.browser(), name="Stray")
    (stray,) = [lead for lead in await leads(brokerage.owner) if lead["name"] == "Stray"]
    assert problem(await claim(wanda, stray["person"])) == (404, "person-not-found")
    assert done(await claim(mona, stray["person"]))["assigned_to"]["name"] == "Mona"


async def test_whom_somebody_looked_after_all_along_nobody_else_may_know_of(brokerage: Brokerage) -> None:
    andy, anna, visitor = await brokerage.agent(), await brokerage.agent(name="Anna"), await brokerage.browser()
    listing = await published(andy)
    lead = await lead_of(visitor, andy, property_id=listing["id"])
    for person in (await create(andy), lead["person"]):
        assert problem(await claim(anna, person)) == (404, "person-not-found")
    assert problem(await anna.post(f"/api/v1/leads/{lead['id']}/claim")) == (404, "lead-not-found")


@pytest.mark.parametrize("by", ["claim", "assignment"])
async def test_who_comes_late_is_told_so_for_some_minutes(brokerage: Brokerage, clock: FakeClock, by: str) -> None:
    mona, andy, anna = await brokerage.manager(), await brokerage.agent(), await brokerage.agent(name="Anna")
    lead = await waiting(mona)
    person = await read(mona, lead["person"])
    done(await (claim(andy, person) if by == "claim" else assign(mona, person, await user_id(andy))))
    clock.advance(seconds=(CLAIM_MEMORY - timedelta(seconds=1)).total_seconds())
    assert problem(await claim(anna, person)) == (409, "lead-taken")
    assert problem(await anna.post(f"/api/v1/leads/{lead['id']}/claim")) == (409, "lead-taken")
    clock.advance(seconds=1)
    assert problem(await claim(anna, person)) == (404, "person-not-found")
    assert problem(await anna.post(f"/api/v1/leads/{lead['id']}/claim")) == (404, "lead-not-found")
    # Who sees the person needs no memory.
    assert problem(await claim(mona, person)) == (409, "lead-taken")


async def test_open_tasks_go_along_with_the_person(brokerage: Brokerage) -> None:
    mona, andy, anna = await brokerage.manager(), await brokerage.agent(), await brokerage.agent(name="Anna")
    person = await create(andy)
    path = f"/api/v1/people/{person['id']}/tasks"
    for browser, body in ((andy, {"title": "Call"}), (mona, {"title": "Check"}), (andy, {"title": "Done"})):
        task = done(await browser.post(path, json=body), 201)
    finished = await andy.patch(f"/api/v1/tasks/{task['id']}", json={"is_done": True}, headers={"If-Match": '"1"'})
    done(finished)
    person = done(await assign(mona, person, await user_id(anna)))
    assert (await tasks(anna), await tasks(andy, owner="all"), await tasks(mona)) == (["Call"], [], ["Check"])
    # What was done stays done by who did it.
    assert await tasks(anna, state="done") == []
    person = done(await assign(mona, person, None))
    open_tasks = done(await mona.get("/api/v1/tasks", params={"owner": "all"}))["items"]
    assert {item["title"]: item["assigned_to"] for item in open_tasks} == {
        "Call": None,
        "Check": {"id": await user_id(mona), "name": "Mona"},
    }
    done(await claim(andy, person))
    assert await tasks(andy) == ["Call"]
    page = done(await andy.get(f"/api/v1/people/{person['id']}/history", params={"limit": 100}))
    moved = [item for item in page["items"] if item["subject"] == "task" and item["fields"] == ["assigned_to"]]
    assert [item["actor"]["name"] for item in moved] == ["Andy", "Mona", "Mona"]
    (call,) = done(await andy.get("/api/v1/tasks"))["items"]
    assert call["version"] == 4


async def test_an_owner_without_an_office_leaves_people_where_they_are(brokerage: Brokerage) -> None:
    mona, owner = await brokerage.manager(), brokerage.owner
    claimed = done(await claim(owner, (await waiting(mona))["person"]))
    person = await read(mona, (await waiting(mona, email="other@client.test"))["person"])
    given = done(await assign(owner, person, await user_id(owner)))
    assert [one["office_id"] for one in (claimed, given)] == [brokerage.offices["Main"]] * 2
    back = done(await assign(mona, given, None))
    assert (back["assigned_to"], back["office_id"]) == (None, brokerage.offices["Main"])


async def test_a_manager_gives_people_to_the_own_office(brokerage: Brokerage) -> None:
    mona, andy = await brokerage.manager(), await brokerage.agent()
    anna, wanda = await brokerage.agent(name="Anna"), await brokerage.agent("West", name="Wanda")
    person = await create(andy)
    given = done(await assign(mona, person, await user_id(anna), note="Speaks French"))
    assert (given["assigned_to"]["name"], given["version"]) == ("Anna", 2)
    assert await people(andy) == []
    (entry, _) = await timeline(anna, person, "assignment")
    assert (entry["actor"]["name"], entry["from_user"]["name"], entry["to_user"]["name"]) == ("Mona", "Andy", "Anna")
    assert (entry["reason"], entry["text"]) == ("assigned", "Speaks French")
    (event,) = events(brokerage, "lead-assigned")
    assert (event["previous_id"], event["lead_ids"]) == (await user_id(andy), [])
    assert pointers(await assign(mona, given, await user_id(wanda))) == ["/assigned_to"]
    assert problem(await assign(mona, person, await user_id(andy))) == (412, "version-conflict")
    assert problem(await assign(andy, person, await user_id(andy))) == (404, "person-not-found")
    assert problem(await assign(anna, given, await user_id(andy))) == (403, "forbidden")
    west = await create(wanda, emails=["w@client.test"], phones=[])
    assert problem(await assign(mona, west, await user_id(anna))) == (404, "person-not-found")
    moved = done(await assign(brokerage.owner, given, await user_id(wanda)))
    assert moved["office_id"] == brokerage.offices["West"]
    assert problem(await mona.get(f"/api/v1/people/{person['id']}")) == (404, "person-not-found")
    # Nothing differs: nothing is told.
    assert done(await assign(brokerage.owner, moved, await user_id(wanda)))["version"] == moved["version"]


async def test_a_person_who_is_given_back_waits_in_the_office(brokerage: Brokerage) -> None:
    mona, andy, anna = await brokerage.manager(), await brokerage.agent(), await brokerage.agent(name="Anna")
    lead = done(await andy.post("/api/v1/leads", json={"name": "A", "email": "a@client.test"}), 201)
    person = await read(mona, lead["person"])
    back = done(await assign(mona, person, None))
    assert (back["assigned_to"], back["office_id"]) == (None, brokerage.offices["Main"])
    assert done(await anna.get(f"/api/v1/leads/{lead['id']}"))["state"] == "new"
    assert events(brokerage, "lead-assigned")[-1]["reason"] == "returned"
    assert done(await claim(anna, person))["assigned_to"]["name"] == "Anna"


@pytest.mark.parametrize("role", [COORDINATOR_ROLE, CLIENT_ROLE])
async def test_people_are_given_to_those_alone_who_look_after_people(brokerage: Brokerage, role: str) -> None:
    other = await brokerage.join("Otto", role, "Main")
    person = await create(brokerage.owner)
    assert pointers(await assign(brokerage.owner, person, await user_id(other))) == ["/assigned_to"]
    nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert pointers(await assign(brokerage.owner, person, nobody)) == ["/assigned_to"]


async def test_nobody_gets_people_after_leaving(brokerage: Brokerage) -> None:
    andy = await me(await brokerage.agent())
    person = await create(brokerage.owner)
    await change(brokerage.owner, andy, state="deactivated")
    assert pointers(await assign(brokerage.owner, person, andy["id"])) == ["/assigned_to"]
