"""People as those who manage them see and change them, over HTTP and a real database."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.identity.api import (
    AGENT_ROLE,
    CLIENT_ROLE,
    COORDINATOR_ROLE,
    MANAGER_ROLE,
    OWNER_ROLE,
    IdentityApi,
    UserNotFound,
)
from rooftree.kernel.ids import new_id

from ..conftest import EMAIL, FakeClock, identity_of
from .conftest import Brokerage, change, me, problem, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


async def test_everybody_finds_whom_they_may_see_page_by_page(brokerage: Brokerage) -> None:
    manager, agent = await brokerage.manager(), await brokerage.agent()
    other = await brokerage.agent("West", "Wendy")
    gone = await me(await brokerage.agent("Main", "Gail"))
    await brokerage.join("Cleo", CLIENT_ROLE)
    client = await brokerage.join("Carl", CLIENT_ROLE, "Main")
    assert (await change(brokerage.owner, gone, state="deactivated")).status_code == 200
    seen = {}
    for name, browser in {
        "owner": brokerage.owner,
        "manager": manager,
        "agent": agent,
        "other": other,
        "client": client,
    }.items():
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = (
                await browser.get("/api/v1/users", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            ).json()
            found += [user["name"] for user in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert page["total"] == len(found) == len(set(found))
        seen[name] = found
    assert seen == {
        "owner": ["Andy", "Carl", "Cleo", "Gail", "Mona", "Olivia Owner", "Wendy"],
        "manager": ["Andy", "Carl", "Gail", "Mona", "Olivia Owner"],
        "agent": ["Andy", "Mona", "Olivia Owner"],
        "other": ["Olivia Owner", "Wendy"],
        "client": ["Carl"],
    }


async def test_what_is_listed_is_what_can_be_shown(brokerage: Brokerage) -> None:
    """The rule in SQL and the rule in Python agree for each pair."""
    browsers = [
        brokerage.owner,
        await brokerage.manager(),
        await brokerage.agent(),
        await brokerage.manager("West", "Wes"),
    ]
    browsers += [await brokerage.coordinator(), await brokerage.join("Carl", CLIENT_ROLE, "Main")]
    people = [await me(browser) for browser in browsers]
    left = await me(await brokerage.agent("West", "Gus"))
    await change(brokerage.owner, left, state="deactivated")
    for browser in browsers:
        listed = {user["id"] for user in (await browser.get("/api/v1/users")).json()["items"]}
        shown = {
            user["id"]
            for user in [*people, left]
            if (await browser.get(f"/api/v1/users/{user['id']}")).status_code == 200
        }
        assert listed == shown


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=an", ["Andy", "Anna"]),
        ("q=ANNA", ["Anna"]),
        ("q=mona%40acme", ["Mona"]),
        ("q=%25", []),
        ("q=_", []),
        ("q=%20", ["Andy", "Anna", "Mona", "Olivia Owner"]),
        ("role=agent", ["Andy", "Anna"]),
        ("role=agent&office_id={West}", ["Anna"]),
        ("state=active&role=agent", ["Andy"]),
        ("state=deactivated", ["Anna"]),
    ],
)
async def test_people_are_found_by_words_role_office_and_state(
    brokerage: Brokerage, query: str, names: list[str]
) -> None:
    await brokerage.manager()
    await brokerage.agent()
    await change(brokerage.owner, await me(await brokerage.agent("West", "Anna")), state="deactivated")
    answer = await brokerage.owner.get(f"/api/v1/users?{query.format(**brokerage.offices)}")
    assert [user["name"] for user in answer.json()["items"]] == names
    assert answer.json()["total"] == len(names)


@pytest.mark.parametrize(
    "query",
    ["role=boss", "state=gone", "limit=0", "limit=101", "cursor=x", "office_id=x", "q=a%00", "x=1"],
)
async def test_a_list_that_cannot_be_is_refused(brokerage: Brokerage, query: str) -> None:
    answer = await brokerage.owner.get(f"/api/v1/users?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"?{query.partition('=')[0]}"]


async def test_a_change_is_told_with_its_version_and_as_an_event_without_names(brokerage: Brokerage) -> None:
    andy = await me(await brokerage.agent())
    shown = await brokerage.owner.get(f"/api/v1/users/{andy['id']}")
    assert shown.headers["etag"] == f'"{andy["version"]}"'
    team = await brokerage.team("Lakeside", "West")
    changes = {"role": COORDINATOR_ROLE, "office_id": brokerage.offices["West"], "team_ids": [team], "name": "Andrew"}
    answer = await change(brokerage.owner, andy, **changes)
    assert answer.status_code == 200, answer.text
    assert answer.json() == andy | changes | {"version": andy["version"] + 1}
    assert answer.headers["etag"] == f'"{andy["version"] + 1}"'
    events = brokerage.database.rows(
        f"SELECT type, data, actor_id FROM events.outbox WHERE aggregate_id = '{andy['id']}' ORDER BY sequence"
    )
    assert [kind for kind, _, _ in events] == ["dev.rooftree.identity.user-changed.v1"] * 2
    assert [json.loads(data) for _, data, _ in events] == [
        {
            "user_id": andy["id"],
            "change": "created",
            "role": AGENT_ROLE,
            "office_id": brokerage.offices["Main"],
            "team_ids": [],
        },
        {
            "user_id": andy["id"],
            "change": "updated",
            "role": COORDINATOR_ROLE,
            "office_id": brokerage.offices["West"],
            "team_ids": [team],
        },
    ]
    # The person accepted, the owner changed.
    assert [actor for _, _, actor in events] == [andy["id"], (await me(brokerage.owner))["id"]]


async def test_a_change_to_what_is_already_so_is_none(brokerage: Brokerage) -> None:
    andy = await me(await brokerage.agent())
    same = {name: andy[name] for name in ("name", "role", "office_id", "team_ids", "state")}
    for body in ({}, same):
        assert (await change(brokerage.owner, andy, **body)).json() == andy
    assert brokerage.database.rows(f"SELECT count(*) FROM events.outbox WHERE aggregate_id = '{andy['id']}'") == [(1,)]


async def test_of_two_who_change_the_same_person_the_second_is_told(brokerage: Brokerage) -> None:
    andy = await me(await brokerage.agent())
    answers = await asyncio.gather(
        *(change(brokerage.owner, andy, name=name) for name in ("Andreas", "Andrea", "Andrej"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    refused = next(answer for answer in answers if answer.status_code == 412)
    assert problem(refused) == (412, "version-conflict")
    assert refused.json()["current_version"] == andy["version"] + 1
    without = await brokerage.owner.patch(f"/api/v1/users/{andy['id']}", json={"name": "X"})
    assert problem(without) == (428, "precondition-required")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": " \u200b "}, ["/name"]),
        ({"name": "x" * 121}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"role": "boss"}, ["/role"]),
        ({"role": None}, ["/role"]),
        ({"role": MANAGER_ROLE, "office_id": None}, ["/office_id"]),
        ({"office_id": str(new_id())}, ["/office_id"]),
        ({"team_ids": [str(new_id())]}, ["/team_ids/0"]),
        ({"team_ids": None}, ["/team_ids"]),
        ({"team_ids": [str(new_id())] * 21}, ["/team_ids"]),
        ({"state": "gone"}, ["/state"]),
        ({"email": "x@acme.test"}, ["/email"]),
        ({"version": 7}, ["/version"]),
    ],
)
async def test_a_change_says_which_member_is_wrong(
    brokerage: Brokerage, body: dict[str, Any], pointers: list[str]
) -> None:
    andy = await me(await brokerage.agent())
    answer = await change(brokerage.owner, andy, **body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert (await brokerage.owner.get(f"/api/v1/users/{andy['id']}")).json() == andy


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
async def test_both_media_types_of_a_merge_patch_are_read(brokerage: Brokerage, media_type: str) -> None:
    owner = await me(brokerage.owner)
    headers = {"If-Match": '"1"', "Content-Type": media_type}
    answer = await brokerage.owner.patch(f"/api/v1/users/{owner['id']}", content='{"name": "Livia"}', headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "Livia")


async def test_who_changes_office_leaves_its_teams(brokerage: Brokerage) -> None:
    lake, hill = await brokerage.team("Lake", "Main"), await brokerage.team("Hill", "West")
    andy = await me(await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[lake]))
    assert andy["team_ids"] == [lake]
    wrong = await change(brokerage.owner, andy, team_ids=[lake, hill])
    assert [error["pointer"] for error in wrong.json()["errors"]] in (["/team_ids/0"], ["/team_ids/1"])
    moved = (await change(brokerage.owner, andy, office_id=brokerage.offices["West"])).json()
    assert moved["team_ids"] == []
    assert (await change(brokerage.owner, moved, team_ids=[hill])).json()["team_ids"] == [hill]


async def test_a_manager_manages_their_own_office(brokerage: Brokerage) -> None:
    manager = await brokerage.manager()
    andy, wendy = await me(await brokerage.agent()), await me(await brokerage.agent("West", "Wendy"))
    client = await me(await brokerage.join("Carl", CLIENT_ROLE))
    promoted = await change(manager, andy, role=COORDINATOR_ROLE)
    assert (promoted.status_code, promoted.json()["role"]) == (200, COORDINATOR_ROLE)
    andy = promoted.json()
    for person, changes in [
        (andy, {"role": MANAGER_ROLE}),
        (andy, {"role": OWNER_ROLE}),
        (andy, {"office_id": brokerage.offices["West"]}),
        (andy, {"office_id": None}),
        (await me(brokerage.owner), {"role": AGENT_ROLE}),
        (await me(manager), {"role": OWNER_ROLE}),
        (await me(manager), {"office_id": brokerage.offices["West"]}),
    ]:
        assert problem(await change(manager, person, **changes)) == (403, "forbidden"), changes
    for unknown in (client, wendy):
        assert problem(await change(manager, unknown, name="X")) == (404, "user-not-found")
    assert problem(await change(manager, andy | {"id": str(new_id())}, name="X")) == (404, "user-not-found")
    assert (await change(manager, andy, state="deactivated")).json()["state"] == "deactivated"


async def test_everybody_may_change_their_own_name_and_nothing_else(brokerage: Brokerage) -> None:
    agent, wendy = await brokerage.agent(), await brokerage.agent("West", "Wendy")
    andy = await me(agent)
    for changes in ({"role": OWNER_ROLE}, {"state": "deactivated"}, {"team_ids": []}, {"name": "A", "office_id": None}):
        assert problem(await change(agent, andy, **changes)) == (403, "forbidden")
    assert problem(await change(agent, await me(brokerage.owner), name="W")) == (403, "forbidden")
    assert problem(await change(agent, await me(wendy), name="W")) == (404, "user-not-found")
    renamed = await change(agent, andy, name="  Andrew \n Agent ")
    assert renamed.json()["name"] == "Andrew Agent"
    assert (await agent.get("/api/v1/session")).json()["user"]["name"] == "Andrew Agent"


async def test_the_last_owner_stays(brokerage: Brokerage) -> None:
    olivia = await me(brokerage.owner)
    for changes in ({"role": AGENT_ROLE}, {"state": "deactivated"}):
        assert problem(await change(brokerage.owner, olivia, **changes)) == (409, "last-owner")
    otto = await brokerage.join("Otto", OWNER_ROLE)
    assert (await change(brokerage.owner, olivia, role=AGENT_ROLE)).json()["role"] == AGENT_ROLE
    assert problem(await change(otto, await me(otto), state="deactivated")) == (409, "last-owner")


async def test_two_owners_who_demote_each_other_leave_one(brokerage: Brokerage) -> None:
    otto = await brokerage.join("Otto", OWNER_ROLE)
    olivia, other = await me(brokerage.owner), await me(otto)
    answers = await asyncio.gather(
        change(brokerage.owner, other, role=AGENT_ROLE), change(otto, olivia, role=AGENT_ROLE)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert brokerage.database.rows(f"SELECT count(*) FROM identity.users WHERE role = '{OWNER_ROLE}'") == [(1,)]


async def test_who_comes_back_signs_in_anew_with_what_they_were(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    left = (await change(brokerage.owner, andy, state="deactivated")).json()
    assert (await agent.get("/api/v1/session")).status_code == 401
    assert (await agent.submit(await agent.start_sign_in(), email=andy["email"])).status_code == 401
    back = (await change(brokerage.owner, left, state="active")).json()
    assert back == andy | {"version": andy["version"] + 2}
    assert (await agent.get("/api/v1/session")).status_code == 401
    await sign_in(agent, andy["email"])
    assert (await me(agent))["state"] == "active"
    changes = brokerage.database.rows(
        f"SELECT data::json->>'change' FROM events.outbox WHERE aggregate_id = '{andy['id']}' ORDER BY sequence"
    )
    assert changes == [("created",), ("deactivated",), ("reactivated",)]


async def test_other_modules_ask_for_people_and_names(brokerage: Brokerage) -> None:
    team = await brokerage.team("Lake", "Main")
    andy = await me(await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team]))
    olivia = await me(brokerage.owner)
    identity: IdentityApi = identity_of(brokerage.app)
    user = await identity.user(UUID(andy["id"]))
    assert (user.name, user.role) == ("Andy", AGENT_ROLE)
    assert (str(user.office_id), {str(team_id) for team_id in user.team_ids}) == (andy["office_id"], {team})
    await change(brokerage.owner, andy, state="deactivated")
    with pytest.raises(UserNotFound):
        await identity.user(UUID(andy["id"]))
    ids = [UUID(andy["id"]), UUID(olivia["id"]), new_id()]
    assert await identity.names(ids) == {ids[0]: "Andy", ids[1]: "Olivia Owner"}
    assert await identity.names([]) == {}
    assert olivia["email"] == EMAIL
