"""Work that is handed to an assistant: what it opens, how long, and how it ends."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE

from ..conftest import Browser, FakeClock
from .conftest import Brokerage, change, me, problem

pytestmark = pytest.mark.integration
PATH = "/api/v1/delegations"


async def delegate(browser: Browser, clock: FakeClock, assistant: Browser, **more: Any) -> httpx2.Response:
    """For an hour, unless said otherwise."""
    body = {"assistant_id": (await me(assistant))["id"], "resources": ["listing", "person"]}
    later = (clock.now() + timedelta(hours=1)).isoformat()
    return await browser.post(PATH, json=body | {"expires_at": later} | more)


async def delegated(browser: Browser, clock: FakeClock, assistant: Browser, **more: Any) -> dict[str, Any]:
    answer = await delegate(browser, clock, assistant, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def draft(browser: Browser) -> str:
    answer = await browser.post("/api/v1/properties", json={"unparsed_address": "1 Elm St", "private_remarks": "p"})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/properties/{answer.json()['id']}"


async def contact(browser: Browser) -> str:
    answer = await browser.post("/api/v1/people", json={"name": "Ada"})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/people/{answer.json()['id']}"


async def statuses(browser: Browser, *paths: str) -> list[int]:
    return [(await browser.get(path)).status_code for path in paths]


async def test_an_assistant_works_on_what_was_delegated_until_its_time(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    listing, person = await draft(andy), await contact(andy)
    elsewhere = await contact(await brokerage.agent(name="Bert"))
    assert await statuses(cora, listing, person) == [404, 404]
    made = await delegated(andy, clock, cora)
    assert (made["assistant"]["name"], made["user"]["name"], made["is_live"]) == ("Cora", "Andy", True)
    assert await statuses(cora, listing, person, elsewhere) == [200, 200, 404]
    shown = (await cora.get(listing)).json()
    assert (shown["private_remarks"], shown["can_edit"]) == ("p", True)
    edited = await cora.patch(listing, json={"city": "Ames"}, headers={"If-Match": f'"{shown["version"]}"'})
    assert edited.json()["city"] == "Ames"
    taken = {"list_agent_id": (await me(brokerage.owner))["id"]}
    assert problem(await cora.patch(listing, json=taken, headers={"If-Match": '"2"'})) == (403, "forbidden")
    assert (await cora.post(f"{person}/notes", json={"text": "Called."})).status_code == 201
    history = (await andy.get(f"{person}/history")).json()["items"]
    assert [one["actor"]["name"] for one in history if one["subject"] == "note"] == ["Cora"]
    for path, body in (("people", {"name": "B"}), ("properties", {})):
        assert problem(await cora.post(f"/api/v1/{path}", json=body)) == (403, "forbidden")
    assert problem(await cora.post(f"{person}/claim")) == (403, "forbidden")
    clock.advance(minutes=59, seconds=58)
    assert await statuses(cora, listing, person) == [200, 200]
    clock.advance(seconds=2)
    assert await statuses(cora, listing, person) == [404, 404]
    assert (await andy.get(PATH)).json()["total"] == 0
    (over,) = (await andy.get(PATH, params={"state": "all"})).json()["items"]
    assert (over["id"], over["is_live"], over["revoked_at"]) == (made["id"], False, None)


async def test_only_what_was_named_is_delegated(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    listing, person = await draft(andy), await contact(andy)
    await delegated(andy, clock, cora, resources=["person"])
    assert await statuses(cora, listing, person) == [404, 200]
    task = await andy.post(f"{person}/tasks", json={"title": "Call", "assigned_to": (await me(cora))["id"]})
    assert task.status_code == 201, task.text
    assert (await cora.get("/api/v1/tasks")).json()["items"][0]["title"] == "Call"


async def test_a_revoked_delegation_opens_nothing(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    person = await contact(andy)
    made = await delegated(andy, clock, cora)
    assert await statuses(cora, person) == [200]
    assert problem(await cora.delete(f"{PATH}/{made['id']}")) == (403, "forbidden")
    for _ in range(2):
        assert (await andy.delete(f"{PATH}/{made['id']}")).status_code == 204
    assert await statuses(cora, person) == [404]
    (over,) = (await cora.get(PATH, params={"state": "all"})).json()["items"]
    assert over["revoked_at"] is not None


async def test_delegations_end_for_good_with_whoever_leaves_or_changes_role(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    for whose, changes, back in (
        ("agent", {"state": "deactivated"}, {"state": "active"}),
        ("assistant", {"state": "deactivated"}, {"state": "active"}),
        ("assistant", {"role": AGENT_ROLE}, {"role": COORDINATOR_ROLE}),
        ("agent", {"role": COORDINATOR_ROLE}, {"role": AGENT_ROLE}),
    ):
        names = [f"{who}{whose[:2]}{'-'.join(changes.values())[:5]}" for who in ("Andy", "Cora")]
        andy, cora = await brokerage.agent(name=names[0]), await brokerage.coordinator(name=names[1])
        listing = await draft(andy)
        await delegated(andy, clock, cora)
        assert await statuses(cora, listing) == [200]
        user = await me(andy if whose == "agent" else cora)
        for wanted in (changes, back):
            answer = await change(brokerage.owner, user, **wanted)
            assert answer.status_code == 200, answer.text
            user = answer.json()
        assert await statuses(cora, listing) in ([404], [401]), (whose, changes)
        (over,) = (await brokerage.owner.get(PATH, params={"state": "all", "user_id": user["id"]})).json()["items"]
        assert over["revoked_at"] is not None, (whose, changes)


async def test_what_cannot_be_delegated_is_pointed_at(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    bert, wanda = await brokerage.agent(name="Bert"), await brokerage.coordinator("West", name="Wanda")
    now = clock.now()
    for more, pointer in (
        ({"expires_at": now.isoformat()}, "/expires_at"),
        ({"expires_at": (now + timedelta(days=367)).isoformat()}, "/expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at"),
        ({"assistant_id": (await me(bert))["id"]}, "/assistant_id"),
        ({"assistant_id": (await me(wanda))["id"]}, "/assistant_id"),
        ({"assistant_id": (await me(cora))["id"][:-4] + "0000"}, "/assistant_id"),
        ({"resources": []}, "/resources"),
        ({"resources": ["user"]}, "/resources/0"),
    ):
        answer = await delegate(andy, clock, cora, **more)
        assert answer.status_code == 422, (more, answer.text)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], more
    bert_id = (await me(bert))["id"]
    assert problem(await delegate(andy, clock, cora, user_id=bert_id)) == (403, "forbidden")
    assert problem(await delegate(cora, clock, cora)) == (403, "forbidden")
    assert (await delegated(await brokerage.manager(), clock, cora, user_id=bert_id))["granted_by"]["name"] == "Mona"


async def test_delegations_come_in_pages_newest_first(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    others = [await brokerage.agent(name=name) for name in ("Bert", "Carl")]
    made = [(await delegated(browser, clock, cora))["id"] for browser in (andy, *others)]
    first = (await cora.get(PATH, params={"limit": 2})).json()
    rest = (await cora.get(PATH, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == made[::-1]
    assert (first["total"], rest["next_cursor"]) == (3, None)


async def test_a_manager_delegates_for_those_whom_they_manage(brokerage: Brokerage, clock: FakeClock) -> None:
    mona, cora = await brokerage.manager(), await brokerage.coordinator()
    main = brokerage.offices["Main"]
    owner = (await change(brokerage.owner, await me(brokerage.owner), office_id=main)).json()
    peer = await brokerage.manager(name="Max")
    for whose in (owner, await me(peer)):
        assert problem(await delegate(mona, clock, cora, user_id=whose["id"])) == (403, "forbidden")
    theirs = await delegated(peer, clock, cora)
    assert problem(await mona.delete(f"{PATH}/{theirs['id']}")) == (403, "forbidden")
    andy = await brokerage.agent()
    made = await delegated(mona, clock, cora, user_id=(await me(andy))["id"])
    assert (await mona.delete(f"{PATH}/{made['id']}")).status_code == 204


async def test_of_the_same_records_the_last_delegation_counts(brokerage: Brokerage, clock: FakeClock) -> None:
    andy, cora = await brokerage.agent(), await brokerage.coordinator()
    listing, person = await draft(andy), await contact(andy)
    first = await delegated(andy, clock, cora, resources=["listing"])
    both = await delegated(andy, clock, cora)
    people = await delegated(andy, clock, cora, resources=["person"])
    held = (await cora.get(PATH)).json()["items"]
    assert [one["id"] for one in held] == [people["id"], both["id"]]
    assert (await andy.delete(f"{PATH}/{both['id']}")).status_code == 204
    assert await statuses(cora, listing, person) == [404, 200]
    ended = {one["id"] for one in (await cora.get(PATH, params={"state": "all"})).json()["items"] if one["revoked_at"]}
    assert ended == {first["id"], both["id"]}
