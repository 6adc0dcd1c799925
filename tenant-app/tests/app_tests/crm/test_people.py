"""People: written down, changed, found, moved through the stages, and nobody overwrites what they have not seen."""

from typing import Any

import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE
from rooftree.kernel.pagination import encode_cursor

from ..conftest import FakeClock
from ..identity.conftest import Brokerage, me, problem
from .conftest import ADA, create, done, edit, events, move, people, pointers, read, stage_ids, user_id, version

pytestmark = pytest.mark.integration


async def test_a_person_is_written_down_and_read(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    shown = await create(andy, name=" Ada  Canary ", tags=["VIP", "vip", "Investor"], source="Open house")
    names = await stage_ids(andy)
    assert shown | {"id": "", "created_at": "", "updated_at": "", "last_activity_at": ""} == {
        "id": "",
        "name": "Ada Canary",
        "emails": ["ada@client.test"],
        "phones": [{"value": "(515) 232-0199", "e164": "+15152320199"}],
        "stage_id": names["Lead"],
        "stage_name": "Lead",
        "source": "Open house",
        "tags": ["VIP", "Investor"],
        "assigned_to": {"id": await user_id(andy), "name": "Andy"},
        "office_id": brokerage.offices["Main"],
        "open_leads": 0,
        "last_activity_at": "",
        "created_at": "",
        "updated_at": "",
        "version": 1,
        "can_edit": True,
        "can_assign": False,
        "can_claim": False,
    }
    assert await read(andy, shown) == shown
    assert (await read(brokerage.owner, shown))["can_assign"] is True


async def test_a_new_brokerage_has_its_stages(brokerage: Brokerage) -> None:
    assert list(await stage_ids(brokerage.owner)) == [
        "Lead",
        "Hot Prospect",
        "Nurture",
        "Active Client",
        "Pending",
        "Closed",
        "Past Client",
        "Sphere",
        "Trash",
    ]


async def test_a_change_makes_a_version_where_something_differs(brokerage: Brokerage) -> None:
    shown = await create(brokerage.owner)
    same = done(await edit(brokerage.owner, shown, name="Ada Canary", emails=["ada@client.test"]))
    assert same["version"] == 1
    changed = done(await edit(brokerage.owner, shown, emails=[], phones=["+44 20 7946 0958", "12345"], tags=["VIP"]))
    assert changed["version"] == 2
    assert (changed["emails"], changed["tags"]) == ([], ["VIP"])
    assert changed["phones"] == [
        {"value": "+44 20 7946 0958", "e164": "+442079460958"},
        {"value": "12345", "e164": None},
    ]
    assert changed["source"] == shown["source"]


async def test_who_comes_too_late_is_told_what_changed(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    shown = await create(andy)
    done(await edit(brokerage.owner, shown, name="Ada Lovelace", tags=["VIP"]))
    late = await edit(andy, shown, name="Ada C.")
    assert problem(late) == (412, "version-conflict")
    told = late.json()
    assert (told["current_version"], told["changed_by"]) == (2, "Olivia Owner")
    assert told["changed_fields"] == ["name", "tags"]
    stage = (await stage_ids(andy))["Nurture"]
    assert problem(await move(andy, shown, stage)) == (412, "version-conflict")
    path = f"/api/v1/people/{shown['id']}"
    assert problem(await andy.patch(path, json={"name": "X"})) == (428, "precondition-required")


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "x" * 121}, "/name"),
        ({"name": None}, "/name"),
        ({"emails": ["ada"]}, "/emails/0"),
        ({"emails": ["a@b.test"] * 11}, "/emails"),
        ({"phones": ["515 232 0199", "call me"]}, "/phones/1"),
        ({"source": "ada@client.test"}, "/source"),
        ({"tags": ["x" * 61]}, "/tags/0"),
        ({"odd": 1}, "/odd"),
        ({"stage_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/stage_id"),
    ],
)
async def test_what_is_wrong_is_pointed_at(brokerage: Brokerage, values: dict[str, Any], pointer: str) -> None:
    assert pointers(await brokerage.owner.post("/api/v1/people", json=ADA | values)) == [pointer]
    if "stage_id" not in values:
        shown = await create(brokerage.owner)
        assert pointers(await edit(brokerage.owner, shown, **values)) == [pointer]


async def test_a_known_address_or_number_is_told_to_those_who_see_the_person(brokerage: Brokerage) -> None:
    andy, anna = await brokerage.agent(), await brokerage.agent(name="Anna")
    shown = await create(andy)
    for same in ({"emails": ["ADA@client.test"], "phones": []}, {"emails": [], "phones": ["515.232.0199"]}):
        refused = await andy.post("/api/v1/people", json=ADA | same)
        assert problem(refused) == (409, "person-known")
        assert refused.json()["person_id"] == shown["id"]
    found = done(await andy.get("/api/v1/people/duplicates", params={"phone": "+1 515 232 0199"}))
    assert [(item["id"], item["can_edit"]) for item in found["items"]] == [(shown["id"], True)]
    assert done(await andy.get("/api/v1/people/duplicates")) == {"items": []}
    # Anna does not see Andy's people, and is told nothing of them.
    assert done(await anna.get("/api/v1/people/duplicates", params={"email": "ada@client.test"})) == {"items": []}
    assert (await create(anna))["id"] != shown["id"]
    assert (await create(andy, even_if_known=True))["id"] != shown["id"]


@pytest.mark.parametrize("path", ["people", "people/board"])
@pytest.mark.parametrize("name", ["q", "source", "tag"])
async def test_what_no_text_holds_is_not_searched_for(brokerage: Brokerage, path: str, name: str) -> None:
    assert pointers(await brokerage.owner.get(f"/api/v1/{path}", params={name: "a\0b"})) == [f"?{name}"]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
async def test_a_crafted_cursor_is_none(brokerage: Brokerage, name: str) -> None:
    cursor = encode_cursor("name", name, "01890a5d-ac96-774b-bcce-b302099a8057")
    answer = await brokerage.owner.get("/api/v1/people", params={"sort": "name", "cursor": cursor})
    assert pointers(answer) == ["?cursor"]


async def test_people_are_found_by_words_and_filters(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    names = await stage_ids(andy)
    await create(andy, name="Adèle Müller", emails=["adele@x.test"], phones=[], tags=["VIP"], source="Zillow")
    await create(andy, name="Bob 100%", emails=[], phones=["515 232 0100"], stage_id=names["Nurture"])
    await create(brokerage.owner, name="Cleo_Nobody", emails=[], phones=[])
    owner = brokerage.owner
    assert await people(owner, q="adele") == ["Adèle Müller"]
    assert await people(owner, q="MULLER x.test") == ["Adèle Müller"]
    assert await people(owner, q="(515) 232-0100") == ["Bob 100%"]
    assert await people(owner, q="100%") == ["Bob 100%"]
    assert await people(owner, q="o_n") == ["Cleo_Nobody"]
    assert await people(owner, q="%") == ["Bob 100%"]
    assert await people(owner, q="nowhere") == []
    assert await people(owner, stage_id=names["Nurture"]) == ["Bob 100%"]
    assert await people(owner, tag="VIP") == ["Adèle Müller"]
    assert await people(owner, source="Zillow") == ["Adèle Müller"]
    assert await people(owner, assigned_to="nobody") == ["Cleo_Nobody"]
    assert sorted(await people(owner, assigned_to="somebody")) == ["Adèle Müller", "Bob 100%"]
    assert sorted(await people(owner, assigned_to=await user_id(andy))) == ["Adèle Müller", "Bob 100%"]
    assert await people(owner, assigned_to="me") == []
    assert len(await people(andy, assigned_to="me")) == 2
    assert pointers(await owner.get("/api/v1/people", params={"odd": "1"})) == ["?odd"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["ann", "Bob", "Cleo", "dora", "Eve"]),
        ("-name", ["Eve", "dora", "Cleo", "Bob", "ann"]),
        ("created_at", ["Bob", "Eve", "ann", "dora", "Cleo"]),
        ("-created_at", ["Cleo", "dora", "ann", "Eve", "Bob"]),
        ("-last_activity_at", ["Eve", "Cleo", "dora", "ann", "Bob"]),
        ("last_activity_at", ["Bob", "ann", "dora", "Cleo", "Eve"]),
    ],
)
async def test_pages_hold_everybody_once_in_order(
    brokerage: Brokerage, clock: FakeClock, sort: str, expected: list[str]
) -> None:
    owner = brokerage.owner
    ids = dict[str, str]()
    for name in ("Bob", "Eve", "ann", "dora", "Cleo"):
        ids[name] = (await create(owner, name=name, emails=[], phones=[]))["id"]
        if name != "dora":  # two have the same time
            clock.advance(seconds=1)
    await owner.post(f"/api/v1/people/{ids['Eve']}/activities", json={"kind": "call", "direction": "incoming"})
    found, cursor = list[str](), None
    while True:
        params = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = done(await owner.get("/api/v1/people", params=params))
        assert page["total"] == 5
        found += [item["name"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        other = "name" if sort != "name" else "-name"
        wrong = await owner.get("/api/v1/people", params={"sort": other, "cursor": cursor})
        assert pointers(wrong) == ["?cursor"]
    assert found == expected
    assert pointers(await owner.get("/api/v1/people", params={"cursor": "x"})) == ["?cursor"]


async def test_the_board_shows_every_stage_with_its_first_people(brokerage: Brokerage, clock: FakeClock) -> None:
    owner, andy = brokerage.owner, await brokerage.agent()
    names = await stage_ids(owner)
    for number in range(3):
        await create(andy, name=f"Lead {number}", emails=[], phones=[])
        clock.advance(seconds=1)
    await create(owner, name="Nurtured", emails=[], phones=[], stage_id=names["Nurture"])
    board = done(await owner.get("/api/v1/people/board", params={"limit": 2}))["columns"]
    assert [column["stage_name"] for column in board] == list(names)
    assert {column["stage_name"]: column["total"] for column in board if column["total"]} == {"Lead": 3, "Nurture": 1}
    assert [item["name"] for item in board[0]["items"]] == ["Lead 2", "Lead 1"]
    assert board[0]["items"][0]["assigned_to"]["name"] == "Andy"
    mine = done(await andy.get("/api/v1/people/board", params={"assigned_to": "me", "q": "lead"}))["columns"]
    assert [column["total"] for column in mine] == [3, *[0] * 8]


async def test_a_move_is_told_and_kept(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    names, shown = await stage_ids(andy), await create(andy)
    moved = done(await move(andy, shown, names["Hot Prospect"]))
    assert (moved["stage_name"], moved["version"]) == ("Hot Prospect", 2)
    assert done(await move(andy, moved, names["Hot Prospect"]))["version"] == 2
    assert pointers(await move(andy, moved, await user_id(andy))) == ["/stage_id"]
    (event,) = events(brokerage, "stage-changed")
    assert event | {"changed_at": ""} == {
        "person_id": shown["id"],
        "from_stage_id": names["Lead"],
        "to_stage_id": names["Hot Prospect"],
        "changed_at": "",
    }


async def test_every_write_is_in_the_history(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    names, shown = await stage_ids(andy), await create(andy)
    shown = done(await edit(brokerage.owner, shown, name="Ada L."))
    shown = done(await move(andy, shown, names["Closed"]))
    note = done(await andy.post(f"/api/v1/people/{shown['id']}/notes", json={"text": "Likes oak"}), 201)
    await andy.delete(f"/api/v1/notes/{note['id']}", headers=version(note))
    path = f"/api/v1/people/{shown['id']}/history"
    page = done(await andy.get(path, params={"limit": 3}))
    rest = done(await andy.get(path, params={"limit": 3, "cursor": page["next_cursor"]}))
    assert page["total"] == 5
    assert [
        (item["subject"], item["action"], item["fields"], item["actor"]["name"])
        for item in (*page["items"], *rest["items"])
    ] == [
        ("note", "deleted", [], "Andy"),
        ("note", "created", [], "Andy"),
        ("person", "changed", ["stage_id"], "Andy"),
        ("person", "changed", ["name"], "Olivia Owner"),
        ("person", "created", [], "Andy"),
    ]
    assert rest["next_cursor"] is None


async def test_who_does_not_look_after_people_sees_none(brokerage: Brokerage) -> None:
    shown = await create(await brokerage.agent())
    elsewhere = await brokerage.agent("West", name="Wanda")
    coordinator = await brokerage.coordinator()
    client = await brokerage.join("Clara", CLIENT_ROLE)
    for browser in (elsewhere, coordinator, client, await brokerage.manager("West")):
        unknown = (404, "not-found" if browser is client else "person-not-found")
        for path in ("", "/timeline", "/history"):
            assert problem(await browser.get(f"/api/v1/people/{shown['id']}{path}")) == unknown
        for change in (await edit(browser, shown, name="X"), await move(browser, shown, shown["stage_id"])):
            assert problem(change) == unknown
        for kind, body in (
            ("notes", {"text": "x"}),
            ("tasks", {"title": "x"}),
            ("activities", {"kind": "meeting"}),
        ):
            answer = await browser.post(f"/api/v1/people/{shown['id']}/{kind}", json=body)
            assert problem(answer) == unknown
    for path in ("people", "leads", "tasks"):
        assert problem(await client.get(f"/api/v1/{path}")) == (403, "forbidden")
        assert done(await coordinator.get(f"/api/v1/{path}"))["total"] == 0
    for path in ("people/board", "people/duplicates"):
        assert problem(await client.get(f"/api/v1/{path}")) == (403, "forbidden")
        assert shown["id"] not in (await coordinator.get(f"/api/v1/{path}")).text
    for browser in (coordinator, client):
        for path, body in (("people", ADA), ("leads", {"name": "A", "email": "a@b.test"})):
            assert problem(await browser.post(f"/api/v1/{path}", json=body)) == (403, "forbidden")
    assert await people(elsewhere) == []
    nobody = await brokerage.browser()
    assert problem(await nobody.get("/api/v1/people")) == (401, "unauthenticated")


async def test_a_team_shares_its_people(brokerage: Brokerage) -> None:
    team = await brokerage.team("Lake", "Main")
    andy = await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team])
    mate = await brokerage.join("Mia", AGENT_ROLE, "Main", team_ids=[team])
    shown = await create(andy)
    assert (await read(mate, shown))["can_edit"] is True
    assert done(await edit(mate, shown, name="Ada of us"))["version"] == 2
    assert (await me(mate))["team_ids"] == [team]
    assert await people(await brokerage.agent(name="Anna")) == []
