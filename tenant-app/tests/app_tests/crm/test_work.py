"""What is done for a person: notes, tasks, activities with the first response, and one timeline of all of it."""

from datetime import timedelta
from typing import Any

import pytest

from ..conftest import Browser, FakeClock
from ..identity.conftest import Brokerage, problem
from .conftest import (
    assign,
    create,
    done,
    inquire,
    lead_of,
    move,
    pointers,
    read,
    stage_ids,
    tasks,
    timeline,
    user_id,
    version,
)

pytestmark = pytest.mark.integration


async def note(browser: Browser, person: dict[str, Any], text: str = "Likes oak") -> dict[str, Any]:
    return done(await browser.post(f"/api/v1/people/{person['id']}/notes", json={"text": text}), 201)


async def task(browser: Browser, person: dict[str, Any], **values: Any) -> dict[str, Any]:
    body = {"title": "Call back"} | values
    return done(await browser.post(f"/api/v1/people/{person['id']}/tasks", json=body), 201)


async def change(browser: Browser, shown: dict[str, Any], **values: Any) -> Any:
    return await browser.patch(f"/api/v1/tasks/{shown['id']}", json=values, headers=version(shown))


async def act(browser: Browser, person: dict[str, Any], **values: Any) -> Any:
    body = {"kind": "call", "direction": "outgoing"} | values
    return await browser.post(f"/api/v1/people/{person['id']}/activities", json=body)


async def test_a_note_is_its_authors_to_change(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    person = await create(andy)
    written = await note(andy, person, " First line\nSecond ")
    assert written | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "person_id": person["id"],
        "author": {"id": await user_id(andy), "name": "Andy"},
        "text": "First line\nSecond",
        "created_at": "",
        "updated_at": "",
        "version": 1,
    }
    path = f"/api/v1/notes/{written['id']}"
    refused = await brokerage.owner.patch(path, json={"text": "x"}, headers=version(written))
    assert problem(refused) == (403, "forbidden")
    changed = done(await andy.patch(path, json={"text": "Third"}, headers=version(written)))
    assert (changed["text"], changed["version"]) == ("Third", 2)
    assert problem(await andy.patch(path, json={"text": "x"}, headers=version(written))) == (412, "version-conflict")
    (entry,) = await timeline(andy, person, "note")
    assert (entry["kind"], entry["text"], entry["version"]) == ("note", "Third", 2)
    assert pointers(await andy.post(f"/api/v1/people/{person['id']}/notes", json={"text": " "})) == ["/text"]


async def test_a_deleted_note_is_gone_with_its_words(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    person = await create(andy)
    written = await note(andy, person)
    path = f"/api/v1/notes/{written['id']}"
    stranger = await brokerage.agent("West", name="Wanda")
    assert problem(await stranger.delete(path, headers=version(written))) == (404, "note-not-found")
    assert (await brokerage.owner.delete(path, headers=version(written))).status_code == 204
    assert await timeline(andy, person, "note") == []
    assert problem(await andy.delete(path, headers={"If-Match": '"2"'})) == (404, "note-not-found")
    assert brokerage.database.rows("SELECT text FROM crm.notes") == [("",)]


async def test_a_task_is_due_at_an_instant_in_a_time_zone(brokerage: Brokerage, clock: FakeClock) -> None:
    andy = await brokerage.agent()
    person = await create(andy)
    due = "2026-12-24T17:00:00-05:00"
    made = await task(andy, person, due_at=due, time_zone="America/New_York")
    assert made | {"id": "", "created_at": ""} == {
        "id": "",
        "person": {"id": person["id"], "name": "Ada Canary"},
        "title": "Call back",
        "due_at": "2026-12-24T22:00:00Z",
        "time_zone": "America/New_York",
        "assigned_to": {"id": await user_id(andy), "name": "Andy"},
        "created_at": "",
        "done_at": None,
        "version": 1,
    }
    assert (await task(andy, person))["time_zone"] == "America/Chicago"
    for wrong, pointer in (
        ({"due_at": "2026-12-24T17:00:00"}, "/due_at"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "../etc/passwd"}, "/time_zone"),
        ({"time_zone": "America"}, "/time_zone"),
        ({"time_zone": "Factory"}, "/time_zone"),
        ({"time_zone": "localtime"}, "/time_zone"),
        ({"time_zone": "posix/America/Chicago"}, "/time_zone"),
        ({"time_zone": "right/America/Chicago"}, "/time_zone"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "/due_at"),
        ({"due_at": "9999-12-31T23:59:59-14:00"}, "/due_at"),
        ({"title": "x" * 201}, "/title"),
        ({"assigned_to": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/assigned_to"),
    ):
        answer = await andy.post(f"/api/v1/people/{person['id']}/tasks", json={"title": "x"} | wrong)
        assert pointers(answer) == [pointer]
    for zone in ("UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"):
        assert (await task(andy, person, time_zone=zone))["time_zone"] == zone
    assert pointers(await change(andy, made, due_at="0001-01-01T00:00:00+14:00")) == ["/due_at"]


async def test_a_task_is_done_opened_again_and_listed(brokerage: Brokerage, clock: FakeClock) -> None:
    andy = await brokerage.agent()
    person = await create(andy)
    soon, late, undated = (
        await task(andy, person, title="Soon", due_at="2026-12-01T10:00:00Z"),
        await task(andy, person, title="Late", due_at="2026-12-02T10:00:00Z"),
        await task(andy, person, title="Some day"),
    )
    assert await tasks(andy) == ["Soon", "Late", "Some day"]
    assert await tasks(brokerage.owner) == []
    assert await tasks(brokerage.owner, owner="all", person_id=person["id"]) == ["Soon", "Late", "Some day"]
    for limit in (1, 2):
        found, cursor = list[str](), None
        while True:
            params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = done(await andy.get("/api/v1/tasks", params=params))
            assert page["total"] == 3
            found += [item["title"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert found == ["Soon", "Late", "Some day"]
    finished = done(await change(andy, soon, is_done=True))
    assert (finished["version"], finished["done_at"] is None) == (2, False)
    clock.advance(seconds=1)
    done(await change(andy, undated, is_done=True))
    assert await tasks(andy, state="done") == ["Some day", "Soon"]
    assert await tasks(andy) == ["Late"]
    assert [entry["text"] for entry in await timeline(andy, person, "task_done")] == ["Some day", "Soon"]
    again = done(await change(andy, finished, is_done=False, due_at=None, title="Sooner"))
    assert (again["done_at"], again["due_at"], again["title"]) == (None, None, "Sooner")
    assert problem(await change(andy, soon, is_done=True)) == (412, "version-conflict")
    assert done(await change(andy, late, title="Late"))["version"] == 1


async def test_a_task_is_for_somebody_who_can_open_the_person(brokerage: Brokerage) -> None:
    mona, andy, anna = await brokerage.manager(), await brokerage.agent(), await brokerage.agent(name="Anna")
    person = await create(andy)
    made = await task(mona, person, assigned_to=await user_id(andy))
    assert await tasks(andy) == ["Call back"]
    for change_to in (await user_id(anna), await user_id(await brokerage.coordinator())):
        assert pointers(await change(mona, made, assigned_to=change_to)) == ["/assigned_to"]
    assert problem(await change(anna, made, is_done=True)) == (404, "task-not-found")
    nobody = done(await change(andy, made, assigned_to=None))
    assert nobody["assigned_to"] is None
    assert done(await change(andy, nobody, assigned_to=await user_id(mona)))["assigned_to"]["name"] == "Mona"


async def test_the_first_outgoing_activity_is_the_first_response(brokerage: Brokerage, clock: FakeClock) -> None:
    visitor, mona = await brokerage.browser(), await brokerage.manager()
    lead = await lead_of(visitor, mona)
    person = await read(mona, lead["person"])
    clock.advance(seconds=90)
    done(await act(mona, person, direction="incoming", kind="email"), 201)
    done(await act(mona, person, direction=None, kind="meeting"), 201)
    earlier = (clock.now() - timedelta(hours=1)).isoformat()
    done(await act(mona, person, at=earlier), 201)  # before the lead came
    path = f"/api/v1/leads/{lead['id']}"
    assert done(await mona.get(path))["state"] == "new"
    clock.advance(seconds=35)
    made = done(await act(mona, person, kind="text", outcome="Will come on Sunday"), 201)
    assert (made["kind"], made["created_by"]["name"]) == ("text", "Mona")
    answered = done(await mona.get(path))
    assert (answered["state"], answered["first_response_seconds"]) == ("responded", 125)
    clock.advance(hours=1)
    done(await act(mona, person), 201)
    assert done(await mona.get(path))["first_response_seconds"] == 125
    # A claim later on does not make it new again; the next lead begins anew.
    assert done(await mona.post(f"{path}/claim"))["state"] == "responded"
    assert (await lead_of(visitor, mona))["state"] == "assigned"
    shown = await read(mona, person)
    assert shown["open_leads"] == 1
    assert shown["last_activity_at"] > person["last_activity_at"]


async def test_what_makes_no_sense_is_no_activity(brokerage: Brokerage, clock: FakeClock) -> None:
    person = await create(brokerage.owner)
    later = (clock.now() + timedelta(minutes=6)).isoformat()
    for wrong, pointer in (
        ({"at": later}, "/at"),
        ({"at": "2026-01-01T10:00:00"}, "/at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "/at"),
        ({"direction": None}, "/direction"),
        ({"direction": "sideways"}, "/direction"),
        ({"kind": "fax"}, "/kind"),
        ({"outcome": ""}, "/outcome"),
    ):
        assert pointers(await act(brokerage.owner, person, **wrong)) == [pointer]


async def test_the_timeline_tells_everything_newest_first(brokerage: Brokerage, clock: FakeClock) -> None:
    visitor, owner, andy = await brokerage.browser(), brokerage.owner, await brokerage.agent()

    def tick() -> None:
        clock.advance(seconds=1)

    lead = await lead_of(visitor, owner, message="Hello?")
    person = await read(owner, lead["person"])
    tick()
    person = done(await assign(owner, person, await user_id(andy)))
    tick()
    await note(andy, person)
    tick()
    done(await change(andy, await task(andy, person), is_done=True))
    tick()
    done(await act(andy, person, outcome="Left a message"), 201)
    tick()
    done(await move(andy, person, (await stage_ids(andy))["Hot Prospect"]))
    entries = await timeline(andy, person)
    assert [(entry["kind"], (entry["actor"] or {}).get("name"), entry["text"]) for entry in entries] == [
        ("stage_change", "Andy", None),
        ("activity", "Andy", "Left a message"),
        ("task_done", "Andy", "Call back"),
        ("note", "Andy", "Likes oak"),
        ("assignment", "Olivia Owner", None),
        ("lead", None, "Hello?"),
    ]
    assert (entries[0]["from_stage"], entries[0]["to_stage"]) == ("Lead", "Hot Prospect")
    assert (entries[1]["activity"], entries[1]["direction"]) == ("call", "outgoing")
    assert (entries[4]["to_user"]["name"], entries[4]["reason"]) == ("Andy", "assigned")
    assert (entries[5]["lead_type"], entries[5]["given_email"]) == ("General Inquiry", "vic@client.test")
    assert entries[5]["lead_state"] == "responded"
    path, found, cursor = f"/api/v1/people/{person['id']}/timeline", list[Any](), None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = done(await andy.get(path, params=params))
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == entries
    assert [entry["kind"] for entry in await timeline(andy, person, "note", "lead")] == ["note", "lead"]
    assert pointers(await andy.get(path, params={"kind": "odd"})) == ["?kind.0"]
    assert pointers(await andy.get(path, params={"cursor": "odd"})) == ["?cursor"]


async def test_entries_of_one_instant_are_paged_without_a_gap(brokerage: Brokerage) -> None:
    visitor, owner = await brokerage.browser(), brokerage.owner
    for _ in range(3):
        await inquire(visitor)
    lead = await lead_of(visitor, owner)
    for text in ("a", "b", "c"):
        await note(owner, lead["person"], text)
    path, found, cursor = f"/api/v1/people/{lead['person']['id']}/timeline", list[str](), None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = done(await owner.get(path, params=params))
        found += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(found) == len(set(found)) == 7
