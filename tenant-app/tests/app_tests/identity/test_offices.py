"""Offices and teams: who makes, changes and removes them, and what keeps them."""

from typing import Any

import httpx2
import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE
from rooftree.kernel.ids import new_id

from ..conftest import Browser, FakeClock
from .conftest import Brokerage, change, me, problem

pytestmark = pytest.mark.integration


async def patch(browser: Browser, path: str, shown: dict[str, Any], **changes: Any) -> httpx2.Response:
    headers = {"If-Match": f'"{shown["version"]}"'}
    return await browser.patch(f"{path}/{shown['id']}", json=changes, headers=headers)


async def delete(browser: Browser, path: str, shown: dict[str, Any]) -> httpx2.Response:
    return await browser.delete(f"{path}/{shown['id']}", headers={"If-Match": f'"{shown["version"]}"'})


async def test_an_office_is_made_changed_and_removed(brokerage: Brokerage) -> None:
    body = {"name": " Main  Street ", "phone": "+1 515 555 0100", "address": "1 Main St"}
    made = await brokerage.owner.post("/api/v1/offices", json=body)
    office = made.json()
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.headers["location"] == f"/api/v1/offices/{office['id']}"
    assert office | {"id": ""} == body | {"id": "", "name": "Main Street", "user_count": 0, "version": 1}
    assert (await brokerage.owner.get(made.headers["location"])).json() == office
    changed = await patch(brokerage.owner, "/api/v1/offices", office, phone=None, address=" ")
    assert changed.json() == office | {"phone": None, "address": None, "version": 2}
    assert problem(await patch(brokerage.owner, "/api/v1/offices", office, name="X")) == (412, "version-conflict")
    assert (await patch(brokerage.owner, "/api/v1/offices", changed.json(), phone=None)).json()["version"] == 2
    assert problem(await delete(brokerage.owner, "/api/v1/offices", office)) == (412, "version-conflict")
    assert (await delete(brokerage.owner, "/api/v1/offices", changed.json())).status_code == 204
    assert problem(await brokerage.owner.get(made.headers["location"])) == (404, "office-not-found")


async def test_names_are_taken_once(brokerage: Brokerage) -> None:
    west = await brokerage.office("West")
    assert problem(await brokerage.owner.post("/api/v1/offices", json={"name": "WEST"})) == (409, "name-taken")
    main = (await brokerage.owner.post("/api/v1/offices", json={"name": "Main"})).json()
    assert problem(await patch(brokerage.owner, "/api/v1/offices", main, name="west")) == (409, "name-taken")
    assert (await patch(brokerage.owner, "/api/v1/offices", main, name="MAIN")).json()["name"] == "MAIN"
    await brokerage.team("Lake", "West")
    again = await brokerage.owner.post("/api/v1/teams", json={"name": "lake", "office_id": west})
    assert problem(again) == (409, "name-taken")
    assert (
        await brokerage.owner.post("/api/v1/teams", json={"name": "Lake", "office_id": main["id"]})
    ).status_code == 201


async def test_an_office_with_people_teams_or_open_invitations_stays(brokerage: Brokerage, clock: FakeClock) -> None:
    async def refused() -> bool:
        shown = (await brokerage.owner.get(f"/api/v1/offices/{brokerage.offices['Main']}")).json()
        answer = await delete(brokerage.owner, "/api/v1/offices", shown)
        return answer.status_code == 409 and problem(answer)[1] == "office-in-use"

    andy = await me(await brokerage.agent())
    assert (await brokerage.owner.get("/api/v1/offices")).json()["items"][0]["user_count"] == 1
    assert await refused()
    await change(brokerage.owner, andy, state="deactivated")
    team = await brokerage.team("Lake", "Main")
    assert await refused()
    await delete(brokerage.owner, "/api/v1/teams", {"id": team, "version": 1})
    await brokerage.invite("Anna", AGENT_ROLE, "Main")
    assert await refused()
    clock.advance(days=7)
    await brokerage.owner.sign_in()
    assert not await refused()
    left = (await brokerage.owner.get(f"/api/v1/users/{andy['id']}")).json()
    assert (left["state"], left["office_id"]) == ("deactivated", None)


async def test_a_team_is_of_an_office_and_counts_who_is_there(brokerage: Brokerage) -> None:
    team_id = await brokerage.team("Lake", "Main")
    andy = await me(await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team_id]))
    anna = await me(await brokerage.join("Anna", AGENT_ROLE, "Main", team_ids=[team_id]))
    await change(brokerage.owner, anna, state="deactivated")
    team = (await brokerage.owner.get(f"/api/v1/teams/{team_id}")).json()
    assert team == {
        "id": team_id,
        "name": "Lake",
        "office_id": brokerage.offices["Main"],
        "member_count": 1,
        "version": 1,
    }
    west = await brokerage.office("West")
    assert problem(await patch(brokerage.owner, "/api/v1/teams", team, office_id=west)) == (409, "team-in-use")
    await change(brokerage.owner, andy, team_ids=[])
    left = (await brokerage.owner.get(f"/api/v1/users/{anna['id']}")).json()
    await change(brokerage.owner, left, team_ids=[])
    moved = await patch(brokerage.owner, "/api/v1/teams", team, office_id=west, name="Hill")
    assert moved.json() == team | {"office_id": west, "name": "Hill", "member_count": 0, "version": 2}


async def test_a_team_that_is_removed_lets_its_members_go(brokerage: Brokerage) -> None:
    team_id = await brokerage.team("Lake", "Main")
    andy = await me(await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team_id]))
    team = (await brokerage.owner.get(f"/api/v1/teams/{team_id}")).json()
    assert (await delete(brokerage.owner, "/api/v1/teams", team)).status_code == 204
    shown = (await brokerage.owner.get(f"/api/v1/users/{andy['id']}")).json()
    assert shown == andy | {"team_ids": [], "version": andy["version"] + 1}
    told = brokerage.database.rows(
        f"SELECT data::json->>'change' FROM events.outbox WHERE aggregate_id = '{andy['id']}' ORDER BY sequence"
    )
    assert told == [("created",), ("updated",)]


async def test_each_role_does_with_offices_and_teams_what_it_may(brokerage: Brokerage) -> None:
    lake, hill = await brokerage.team("Lake", "Main"), await brokerage.team("Hill", "West")
    manager, agent = await brokerage.manager(), await brokerage.agent()
    client = await brokerage.join("Carl", CLIENT_ROLE, "Main")
    main = (await brokerage.owner.get(f"/api/v1/offices/{brokerage.offices['Main']}")).json()
    here, there = ({"id": team, "version": 1} for team in (lake, hill))
    for browser in (manager, agent):
        assert (await browser.get("/api/v1/offices")).json()["total"] == 2
        assert (await browser.get("/api/v1/teams")).json()["total"] == 2
        assert problem(await browser.post("/api/v1/offices", json={"name": "X"})) == (403, "forbidden")
        assert problem(await delete(browser, "/api/v1/offices", main)) == (403, "forbidden")
        assert problem(await patch(browser, "/api/v1/teams", there, name="X")) == (403, "forbidden")
        assert problem(await delete(browser, "/api/v1/teams", there)) == (403, "forbidden")
    west = {"id": brokerage.offices["West"], "version": 1}
    for browser, office in ((agent, main), (agent, west), (manager, west)):
        assert problem(await patch(browser, "/api/v1/offices", office, name="X")) == (403, "forbidden")
    assert (await patch(manager, "/api/v1/offices", main, phone="555 0100")).json()["phone"] == "555 0100"
    assert problem(await patch(agent, "/api/v1/teams", here, name="X")) == (403, "forbidden")
    assert (await patch(manager, "/api/v1/teams", here, name="Shore")).json()["name"] == "Shore"
    elsewhere = await patch(manager, "/api/v1/teams", here | {"version": 2}, office_id=brokerage.offices["West"])
    assert problem(elsewhere) == (403, "forbidden")
    made = await manager.post("/api/v1/teams", json={"name": "New", "office_id": main["id"]})
    assert made.status_code == 201
    for path, shown in (("/api/v1/offices", main), ("/api/v1/teams", here)):
        assert problem(await client.get(path)) == (403, "forbidden")
        assert (await client.get(f"{path}/{shown['id']}")).status_code == 404
        assert (await patch(client, path, shown, name="X")).status_code == 404
        assert (await delete(client, path, shown)).status_code == 404


async def test_offices_and_teams_come_in_pages_by_name(brokerage: Brokerage) -> None:
    for name in ("West", "east", "Ähren", "Main", "Ost"):
        await brokerage.team(f"{name} team", name)
    for path in ("offices", "teams"):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await brokerage.owner.get(f"/api/v1/{path}", params={"limit": 2} | cursor)).json()
            found += [item["name"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert page["total"] == len(found) == len(set(found)) == 5
        assert (await brokerage.owner.get(f"/api/v1/{path}?cursor=x")).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("offices", {"name": ""}, ["/name"]),
        ("offices", {"name": "X", "phone": "5" * 51}, ["/phone"]),
        ("offices", {"name": "X", "version": 2}, ["/version"]),
        ("teams", {"name": "X"}, ["/office_id"]),
        ("teams", {"name": "X", "office_id": str(new_id())}, ["/office_id"]),
        ("teams", {"name": "X", "office_id": None}, ["/office_id"]),
    ],
)
async def test_what_is_wrong_is_told(
    brokerage: Brokerage, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    answer = await brokerage.owner.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
