"""Colleagues who leave or change: their people wait for somebody else, or go along."""

import asyncio
import contextvars
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE
from rooftree.contracts.identity.events import OfficeDeleted, UserChanged
from rooftree.kernel.ids import new_id
from rooftree.modules.crm.records_repository import Records

from ..conftest import Browser, FakeClock
from ..events.conftest import until
from ..identity.conftest import Brokerage, change, me, problem
from ..property.editing import published
from .conftest import ADA, assign, claim, create, done, events, hear, lead_of, people, read, tasks, timeline

pytestmark = pytest.mark.integration


async def told(brokerage: Brokerage, user: dict[str, Any], sequence: int, **changes: Any) -> None:
    """The event of a change, and then that crm has heard it."""
    shown = (await change(brokerage.owner, user, **changes)).json()
    await heard(brokerage, shown, sequence, "deactivated" if shown["state"] == "deactivated" else "updated")


async def heard(brokerage: Brokerage, user: dict[str, Any], sequence: int, kind: Any, **more: Any) -> None:
    event = UserChanged(
        user_id=UUID(user["id"]),
        change=kind,
        role=user["role"],
        office_id=UUID(user["office_id"]) if user["office_id"] else None,
        team_ids=tuple(UUID(team) for team in user["team_ids"]),
    )
    await hear(brokerage, event, sequence, **more)


async def lead(browser: Browser) -> dict[str, Any]:
    return done(await browser.post("/api/v1/leads", json={"name": "A", "email": "a@client.test"}), 201)


async def test_people_of_who_leaves_wait_in_the_office_for_a_claim(brokerage: Brokerage) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    asked = await lead(andy)
    person = asked["person"]
    task = await andy.post(f"/api/v1/people/{person['id']}/tasks", json={"title": "Call"})
    await told(brokerage, await me(andy), 2, state="deactivated")
    shown = await read(anna, person)
    assert (shown["assigned_to"], shown["office_id"]) == (None, brokerage.offices["Main"])
    assert shown["can_claim"] is True
    assert done(await anna.get(f"/api/v1/leads/{asked['id']}"))["state"] == "new"
    assert events(brokerage, "lead-assigned")[-1] | {"assigned_at": ""} == {
        "person_id": person["id"],
        "lead_ids": [asked["id"]],
        "assignee_id": None,
        "previous_id": done(task, 201)["assigned_to"]["id"],
        "reason": "departed",
        "assigned_at": "",
    }
    done(await claim(anna, person))
    (claimed, departed, captured) = await timeline(anna, person, "assignment")
    assert [claimed["reason"], departed["reason"], captured["reason"]] == ["claimed", "departed", "captured"]
    assert (departed["actor"], departed["from_user"]["name"]) == (None, "Andy")
    open_tasks = done(await anna.get("/api/v1/tasks", params={"owner": "all"}))["items"]
    assert [(item["title"], item["assigned_to"]["name"]) for item in open_tasks] == [("Call", "Anna")]


async def test_tasks_of_who_leaves_about_others_people_are_nobodys(brokerage: Brokerage) -> None:
    mona, andy = await brokerage.manager(), await brokerage.agent()
    person = await create(andy)
    task = await mona.post(f"/api/v1/people/{person['id']}/tasks", json={"title": "Check"})
    assert done(task, 201)["assigned_to"]["name"] == "Mona"
    await told(brokerage, await me(mona), 2, state="deactivated")
    assert (await read(andy, person))["version"] == 1
    open_tasks = done(await andy.get("/api/v1/tasks", params={"owner": "all"}))["items"]
    assert [(item["title"], item["assigned_to"], item["version"]) for item in open_tasks] == [("Check", None, 2)]


@pytest.mark.parametrize(("kind", "role"), [("deactivated", AGENT_ROLE), ("updated", COORDINATOR_ROLE)])
async def test_who_no_longer_looks_after_people_gets_none_by_a_request_that_was_under_way(
    brokerage: Brokerage, kind: str, role: str
) -> None:
    andy, mona = await brokerage.agent(), await brokerage.manager()
    waiting = done(await mona.post("/api/v1/leads", json={"name": "W", "email": "w@client.test"}), 201)
    user = await me(andy)
    await heard(brokerage, user | {"role": role}, 2, kind)
    assert problem(await claim(andy, waiting["person"])) == (403, "forbidden")
    assert problem(await andy.post(f"/api/v1/leads/{waiting['id']}/claim")) == (403, "forbidden")
    assert problem(await andy.post("/api/v1/people", json=ADA)) == (403, "forbidden")
    person = await read(mona, waiting["person"])
    assert person["assigned_to"] is None
    refused = await assign(mona, person, user["id"])
    assert refused.status_code == 422
    body = {"name": "N", "email": "n@client.test"}
    assert done(await andy.post("/api/v1/leads", json=body), 201)["assigned_to"] is None


async def test_an_assistant_who_changes_keeps_the_tasks_that_were_delegated(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    assistant, person = await me(cora), await create(andy)
    await heard(brokerage, assistant, 1, "joined")
    body = {"assistant_id": assistant["id"], "resources": ["person"]}
    later = (clock.now() + timedelta(hours=1)).isoformat()
    done(await andy.post("/api/v1/delegations", json=body | {"expires_at": later}), 201)
    task = {"title": "Call", "assigned_to": assistant["id"]}
    done(await andy.post(f"/api/v1/people/{person['id']}/tasks", json=task), 201)
    await told(brokerage, assistant, 2, name="Coralie")
    assert await tasks(cora) == ["Call"]
    await told(brokerage, await me(cora), 3, state="deactivated")
    open_tasks = done(await andy.get("/api/v1/tasks", params={"owner": "all"}))["items"]
    assert [(item["title"], item["assigned_to"]) for item in open_tasks] == [("Call", None)]


async def test_who_finishes_a_task_while_its_person_is_taken_waits(brokerage: Brokerage) -> None:
    """Everybody locks people before their tasks: nobody is the victim of a deadlock."""
    andy = await brokerage.agent()
    person, user = await create(andy), UUID((await me(andy))["id"])
    task = done(await andy.post(f"/api/v1/people/{person['id']}/tasks", json={"title": "Call"}), 201)
    finish = andy.patch(f"/api/v1/tasks/{task['id']}", json={"is_done": True}, headers={"If-Match": '"1"'})
    async with brokerage.app.state.parts.runtime.unit_of_work() as session:
        records = Records(session)
        await records.people_around(user)
        finishing = asyncio.get_running_loop().create_task(finish, context=contextvars.Context())
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await until(lambda: brokerage.database.rows(waits) != [])
        assert [one.title for one in await records.leave_tasks(user)] == ["Call"]
    assert problem(await finishing) == (412, "version-conflict")


async def test_people_of_an_office_that_is_gone_wait_for_owners_and_managers(brokerage: Brokerage) -> None:
    owner, mona = brokerage.owner, await brokerage.manager()
    andy = await brokerage.agent("West")
    listing, person = await published(andy), await create(andy)
    await told(brokerage, await me(andy), 2, state="deactivated")
    west = brokerage.offices["West"]
    assert problem(await mona.get(f"/api/v1/people/{person['id']}")) == (404, "person-not-found")
    gone = await owner.delete(f"/api/v1/offices/{west}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    query = "SELECT data::json FROM events.outbox WHERE type = 'dev.rooftree.identity.office-deleted.v1'"
    assert brokerage.database.rows(query) == [({"office_id": west},)]
    await hear(brokerage, OfficeDeleted(office_id=UUID(west)))
    shown = await read(mona, person)
    # Nobody edited the person.
    assert (shown["office_id"], shown["can_claim"], shown["version"]) == (None, True, 2)
    # A listing of that office leads nobody there any more.
    lead = await lead_of(await brokerage.browser(), mona, property_id=listing["id"])
    assert (await read(mona, lead["person"]))["office_id"] is None


async def test_an_owner_who_is_told_of_without_an_office_leaves_people_where_they_are(brokerage: Brokerage) -> None:
    mona, owner = await brokerage.manager(), brokerage.owner
    waiting = done(await mona.post("/api/v1/leads", json={"name": "W", "email": "w@client.test"}), 201)
    done(await claim(owner, waiting["person"]))
    await heard(brokerage, await me(owner), 2, "updated")
    assert (await read(mona, waiting["person"]))["office_id"] == brokerage.offices["Main"]
    await heard(brokerage, await me(owner), 3, "deactivated")
    shown = await read(mona, waiting["person"])
    assert (shown["assigned_to"], shown["office_id"]) == (None, brokerage.offices["Main"])


async def test_the_same_event_twice_has_one_effect(brokerage: Brokerage) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    person, user, event_id = await create(andy), await me(andy), new_id()
    for _ in range(2):
        await heard(brokerage, user, 5, "deactivated", event_id=event_id)
    assert (await read(anna, person))["version"] == 2


async def test_an_older_event_that_comes_late_changes_nothing(brokerage: Brokerage) -> None:
    """A dead letter that is replayed after the colleague came back."""
    person, user = await create(await brokerage.agent()), await me(brokerage.owner)
    (andy,) = [one for one in await colleagues(brokerage) if one["id"] != user["id"]]
    await heard(brokerage, andy, 5, "reactivated")
    await heard(brokerage, andy, 4, "deactivated")
    shown = await read(brokerage.owner, person)
    assert (shown["assigned_to"]["id"], shown["version"]) == (andy["id"], 1)
    rows = brokerage.database.rows("SELECT is_active, sequence FROM crm.agents")
    assert rows == [(True, 5)]


async def colleagues(brokerage: Brokerage) -> list[dict[str, Any]]:
    return done(await brokerage.owner.get("/api/v1/users"))["items"]


async def test_people_go_along_to_another_office(brokerage: Brokerage) -> None:
    andy, mona = await brokerage.agent(), await brokerage.manager()
    west = await brokerage.manager("West", name="Wes")
    person = await create(andy)
    assert (await people(mona), await people(west)) == (["Ada Canary"], [])
    await told(brokerage, await me(andy), 2, office_id=brokerage.offices["West"])
    assert (await people(mona), await people(west)) == ([], ["Ada Canary"])
    shown = await read(west, person)
    assert (shown["assigned_to"]["name"], shown["office_id"]) == ("Andy", brokerage.offices["West"])
    # It is no edit of the person.
    assert shown["version"] == 1


async def test_a_new_team_sees_the_people_and_the_old_one_no_longer(brokerage: Brokerage) -> None:
    team = await brokerage.team("Lake", "Main")
    andy, mate = await brokerage.agent(), await brokerage.join("Mia", AGENT_ROLE, "Main", team_ids=[team])
    await create(andy)
    assert await people(mate) == []
    await told(brokerage, await me(andy), 2, team_ids=[team])
    assert await people(mate) == ["Ada Canary"]
    await told(brokerage, await me(andy), 3, team_ids=[])
    assert await people(mate) == []


async def test_who_becomes_a_coordinator_looks_after_nobody(brokerage: Brokerage) -> None:
    andy, mona = await brokerage.agent(), await brokerage.manager()
    person = await create(andy)
    await told(brokerage, await me(andy), 2, role=COORDINATOR_ROLE)
    assert (await read(mona, person))["assigned_to"] is None
    assert problem(await andy.get(f"/api/v1/people/{person['id']}")) == (404, "person-not-found")
    assert await people(andy) == []


async def test_an_event_that_came_first_wins_over_what_identity_said_before(brokerage: Brokerage) -> None:
    """Somebody left between the look at identity and the transaction that gives people to them."""
    andy, person = await me(await brokerage.agent()), await create(brokerage.owner)
    await heard(brokerage, andy, 2, "deactivated")
    refused = await assign(brokerage.owner, person, andy["id"])
    assert refused.status_code == 422
    assert (await read(brokerage.owner, person))["assigned_to"] is None
    await heard(brokerage, andy, 3, "reactivated")
    assert done(await assign(brokerage.owner, person, andy["id"]))["assigned_to"]["id"] == andy["id"]
