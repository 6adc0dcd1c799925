"""Stages are the brokerage's own: made, renamed, put in order, and removed without losing anybody."""

import asyncio

import pytest
from rooftree.contracts.identity.api import CLIENT_ROLE
from rooftree.modules.crm import domain, stages

from ..identity.conftest import Brokerage, problem
from .conftest import create, done, edit, events, move, pointers, read, stage, stage_ids, timeline, version

pytestmark = pytest.mark.integration
PATH = "/api/v1/stages"


async def test_the_first_look_makes_the_stages_once(brokerage: Brokerage) -> None:
    answers = await asyncio.gather(*(brokerage.owner.get(PATH) for _ in range(4)))
    assert len({answer.text for answer in answers}) == 1
    stages = done(answers[0])["items"]
    assert [item["name"] for item in stages] == list(domain.FIRST_STAGES)
    assert {(item["people"], item["version"]) for item in stages} == {(0, 1)}


async def test_a_stage_is_made_renamed_and_put_in_order(brokerage: Brokerage) -> None:
    mona = await brokerage.manager()
    before = await stage_ids(mona)
    made = await mona.post(PATH, json={"name": " Warm  Lead "})
    warm = done(made, 201)
    assert (warm["name"], warm["position"], made.headers["etag"]) == ("Warm Lead", 9, '"1"')
    renamed = done(await mona.patch(f"{PATH}/{warm['id']}", json={"name": "Warm"}, headers=version(warm)))
    assert (renamed["name"], renamed["version"]) == ("Warm", 2)
    late = await brokerage.owner.patch(f"{PATH}/{warm['id']}", json={"name": "Hot"}, headers=version(warm))
    assert problem(late) == (412, "version-conflict")
    wanted = [warm["id"], *reversed(before.values())]
    shown = await mona.get(PATH)
    assert shown.headers["etag"] == f'"{shown.json()["version"]}"'
    ordered = done(await mona.put(f"{PATH}/order", json={"stage_ids": wanted}, headers=version(shown.json())))
    assert [item["id"] for item in ordered["items"]] == wanted
    late = await brokerage.owner.put(f"{PATH}/order", json={"stage_ids": wanted}, headers=version(shown.json()))
    assert problem(late) == (412, "version-conflict")
    assert problem(await mona.put(f"{PATH}/order", json={"stage_ids": wanted})) == (428, "precondition-required")
    # A new name is no new order.
    done(await mona.patch(f"{PATH}/{warm['id']}", json={"name": "Warmer"}, headers=version(ordered["items"][0])))
    ordered = done(await mona.put(f"{PATH}/order", json={"stage_ids": wanted}, headers=version(ordered)))
    assert done(await brokerage.owner.get(PATH)) == ordered
    # New people come into the first one.
    assert (await create(brokerage.owner))["stage_name"] == "Warmer"


@pytest.mark.parametrize("name", ["LEAD", "lead", "\uff2cead"])
async def test_names_are_taken_once(brokerage: Brokerage, name: str) -> None:
    trash = await stage(brokerage.owner, "Trash")
    assert problem(await brokerage.owner.post(PATH, json={"name": name})) == (409, "stage-name-taken")
    answer = await brokerage.owner.patch(f"{PATH}/{trash['id']}", json={"name": name}, headers=version(trash))
    assert problem(answer) == (409, "stage-name-taken")


async def test_an_order_names_each_stage_once(brokerage: Brokerage) -> None:
    ids = list((await stage_ids(brokerage.owner)).values())
    now = version((await brokerage.owner.get(PATH)).json())
    for wrong in (ids[1:], [*ids, ids[0]], [*ids[1:], "01890a5d-ac96-774b-bcce-b302099a8057"]):
        assert pointers(await brokerage.owner.put(f"{PATH}/order", json={"stage_ids": wrong}, headers=now)) == [
            "/stage_ids"
        ]


async def test_a_stage_in_use_goes_when_it_is_said_where_its_people_go(brokerage: Brokerage) -> None:
    owner, andy = brokerage.owner, await brokerage.agent()
    names = await stage_ids(owner)
    person, other = await create(andy), await create(owner, emails=[], phones=[])
    person = done(await move(andy, person, names["Nurture"]))
    done(await move(owner, other, names["Nurture"]))
    nurture = await stage(owner, "Nurture")
    assert nurture["people"] == 2
    path = f"{PATH}/{nurture['id']}"
    refused = await owner.delete(path, headers=version(nurture))
    assert problem(refused) == (409, "stage-in-use")
    assert refused.json()["people"] == 2
    for wrong in (nurture["id"], "01890a5d-ac96-774b-bcce-b302099a8057"):
        answer = await owner.delete(path, params={"move_to": wrong}, headers=version(nurture))
        assert pointers(answer) == ["?move_to"]
    told = len(events(brokerage, "stage-changed"))
    gone = await owner.delete(path, params={"move_to": names["Sphere"]}, headers=version(nurture))
    assert gone.status_code == 204
    shown = await read(andy, person)
    assert (shown["stage_name"], shown["version"]) == ("Sphere", 3)
    assert len(events(brokerage, "stage-changed")) == told + 2
    # What was stays readable in the words of then.
    changes = [(entry["from_stage"], entry["to_stage"]) for entry in await timeline(andy, person, "stage_change")]
    assert changes == [("Nurture", "Sphere"), ("Lead", "Nurture")]
    audit = done(await andy.get(f"/api/v1/people/{person['id']}/history"))["items"]
    assert [(line["fields"], line["actor"]["name"]) for line in audit] == [
        (["stage_id"], "Olivia Owner"),
        (["stage_id"], "Andy"),
        ([], "Andy"),
    ]
    assert problem(await edit(andy, person, name="X")) == (412, "version-conflict")
    assert problem(await owner.delete(path, headers=version(nurture))) == (404, "stage-not-found")


async def test_a_stage_with_more_people_than_can_be_moved_at_once_says_what_to_do(
    brokerage: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "MOST_MOVED", 1)
    owner, names = brokerage.owner, await stage_ids(brokerage.owner)
    people = [await create(owner, emails=[], phones=[], stage_id=names["Nurture"]) for _ in range(2)]
    nurture = await stage(owner, "Nurture")
    path, params = f"{PATH}/{nurture['id']}", {"move_to": names["Sphere"]}
    refused = await owner.delete(path, params=params, headers=version(nurture))
    assert problem(refused) == (409, "stage-too-full")
    assert "until 1 are left" in refused.json()["detail"]
    done(await move(owner, people[0], names["Sphere"]))
    assert (await owner.delete(path, params=params, headers=version(nurture))).status_code == 204


async def test_the_last_stage_stays(brokerage: Brokerage) -> None:
    owner = brokerage.owner
    *others, last = done(await owner.get(PATH))["items"]
    for one in others:
        assert (await owner.delete(f"{PATH}/{one['id']}", headers=version(one))).status_code == 204
    assert problem(await owner.delete(f"{PATH}/{last['id']}", headers=version(last))) == (409, "last-stage")


async def test_there_are_as_many_stages_as_there_may_be(brokerage: Brokerage) -> None:
    for number in range(domain.MAX_STAGES - 9):
        done(await brokerage.owner.post(PATH, json={"name": f"Stage {number}"}), 201)
    assert problem(await brokerage.owner.post(PATH, json={"name": "One more"})) == (409, "too-many-stages")


async def test_somebody_who_moves_into_a_stage_keeps_it_or_is_told_that_it_is_gone(brokerage: Brokerage) -> None:
    owner = brokerage.owner
    for number in range(5):
        person = await create(owner, emails=[], phones=[])
        made = done(await owner.post(PATH, json={"name": f"Brief {number}"}), 201)
        moved, removed = await asyncio.gather(
            move(owner, person, made["id"]), owner.delete(f"{PATH}/{made['id']}", headers=version(made))
        )
        assert (moved.status_code, removed.status_code) in {(200, 409), (422, 204)}


async def test_agents_read_stages_and_clients_do_not(brokerage: Brokerage) -> None:
    andy, clara = await brokerage.agent(), await brokerage.join("Clara", CLIENT_ROLE)
    trash = await stage(andy, "Trash")
    path, body = f"{PATH}/{trash['id']}", {"name": "Bin"}
    for browser, single in ((andy, (403, "forbidden")), (clara, (404, "not-found"))):
        assert problem(await browser.post(PATH, json=body)) == (403, "forbidden")
        assert problem(await browser.put(f"{PATH}/order", json={"stage_ids": []})) == (403, "forbidden")
        assert problem(await browser.patch(path, json=body, headers=version(trash))) == single
        assert problem(await browser.delete(path, headers=version(trash))) == single
    assert problem(await clara.get(PATH)) == (403, "forbidden")


async def test_everybody_is_told_of_the_people_whom_they_see(brokerage: Brokerage) -> None:
    owner, andy, wes = brokerage.owner, await brokerage.agent(), await brokerage.manager("West", name="Wes")
    await create(andy)
    # Nobody's, for the other office.
    await create(wes, emails=[], phones=[])
    for browser, expected in ((owner, 2), (andy, 1), (wes, 1)):
        assert (await stage(browser, "Lead"))["people"] == expected


async def test_a_manager_removes_no_stage_because_people_of_other_offices_are_in_it(brokerage: Brokerage) -> None:
    mona, trash = await brokerage.manager(), await stage(brokerage.owner, "Trash")
    answer = await mona.delete(f"{PATH}/{trash['id']}", headers=version(trash))
    assert problem(answer) == (403, "forbidden")
    assert await stage(brokerage.owner, "Trash") == trash
