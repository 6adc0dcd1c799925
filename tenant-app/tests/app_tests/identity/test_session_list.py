"""Sessions as their owners see and end them, and as they end or change with the person."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.access.policy import rights
from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.consumers import Received
from rooftree.kernel.ids import new_id

from ..conftest import EMAIL, Browser, FakeClock
from .conftest import Brokerage, change, me, problem, sign_in, token_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


async def sessions(browser: Browser) -> list[dict[str, Any]]:
    answer = await browser.get("/api/v1/sessions")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/probe/whoami")).status_code == 200


async def whoami(browser: Browser, **headers: str) -> dict[str, str] | int:
    answer = await browser.get("/probe/whoami", headers=headers)
    return answer.json() if answer.status_code == 200 else answer.status_code


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def hear(brokerage: Brokerage, clock: FakeClock) -> None:
    """Every event once more to the gateway's consumer, as Kafka would bring it."""
    parts = brokerage.app.state.parts
    (consumer,) = [item for built in parts.built for item in built.consumers if item.name == "gateway.sessions"]
    for user_id, data in brokerage.database.rows("SELECT aggregate_id, data FROM events.outbox ORDER BY position"):
        from rooftree.kernel.events import parse

        event = parse(UserChanged, data.encode())
        received = Received(
            id=new_id(), event=event, aggregate_id=user_id, sequence=1, time=clock.now(), actor_id="system"
        )
        async with parts.runtime.unit_of_work() as session:
            await consumer.handle(session, received)


async def test_a_person_sees_where_they_are_signed_in(brokerage: Brokerage, clock: FakeClock) -> None:
    phone = await brokerage.browser()
    phone.headers["User-Agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Safari/604.1"
    clock.advance(minutes=6)
    await sign_in(phone, EMAIL)
    await brokerage.agent()
    shown = await sessions(brokerage.owner)
    assert {item["user_agent"]: item["is_current"] for item in shown} == {
        "Chrome on Linux": True,
        "Safari on iPhone": False,
    }
    assert {item["user_agent"]: item["is_current"] for item in await sessions(phone)} == {
        "Chrome on Linux": False,
        "Safari on iPhone": True,
    }
    secrets = {brokerage.owner.cookies["__Host-session"], phone.cookies["__Host-session"]}
    assert not secrets & {value for item in shown for value in map(str, item.values())}
    clock.advance(hours=12)
    await sign_in(phone, EMAIL)
    assert [item["user_agent"] for item in await sessions(phone)] == ["Safari on iPhone"]


async def test_a_session_that_is_ended_answers_401_from_then_on(brokerage: Brokerage) -> None:
    phone = await brokerage.browser()
    await sign_in(phone, EMAIL)
    (other,) = [item for item in await sessions(brokerage.owner) if not item["is_current"]]
    assert await is_in(phone)
    assert (await brokerage.owner.delete(f"/api/v1/sessions/{other['id']}")).status_code == 204
    assert not await is_in(phone)
    assert await is_in(brokerage.owner)
    assert len(await sessions(brokerage.owner)) == 1
    assert brokerage.database.rows("SELECT count(*) FROM identity.families WHERE revoked_at IS NOT NULL") == [(1,)]
    again = await brokerage.owner.delete(f"/api/v1/sessions/{other['id']}")
    assert problem(again) == (404, "session-not-found")
    (own,) = await sessions(brokerage.owner)
    assert (await brokerage.owner.delete(f"/api/v1/sessions/{own['id']}")).status_code == 204
    assert not await is_in(brokerage.owner)


async def test_nobody_ends_a_session_of_another_by_its_id(brokerage: Brokerage) -> None:
    agent = await brokerage.agent()
    (session,) = await sessions(brokerage.owner)
    assert problem(await agent.delete(f"/api/v1/sessions/{session['id']}")) == (404, "session-not-found")
    (theirs,) = await sessions(agent)
    assert problem(await brokerage.owner.delete(f"/api/v1/sessions/{theirs['id']}")) == (404, "session-not-found")
    assert await is_in(agent)


async def test_all_others_end_also_those_without_a_browser(brokerage: Brokerage) -> None:
    others = [await brokerage.browser() for _ in range(2)]
    for browser in others:
        await sign_in(browser, EMAIL)
    tokens = await token_of(await brokerage.browser(), EMAIL)
    agent = await brokerage.agent()
    assert isinstance(await whoami(agent, **bearer(tokens)), dict)
    assert (await brokerage.owner.delete("/api/v1/sessions")).status_code == 204
    assert await is_in(brokerage.owner)
    assert [await is_in(browser) for browser in (*others, agent)] == [False, False, True]
    anybody = await brokerage.browser()
    assert await whoami(anybody, **bearer(tokens)) == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "web"}
    assert (await anybody.post("/oauth/token", data=form)).json() == {"error": "invalid_grant"}


async def test_a_client_with_a_token_ends_the_others_and_keeps_its_own(brokerage: Brokerage) -> None:
    client = await brokerage.browser()
    tokens = await token_of(client, EMAIL)
    assert {
        item["is_current"] for item in (await client.get("/api/v1/sessions", headers=bearer(tokens))).json()["items"]
    } == {False}
    assert (await client.delete("/api/v1/sessions", headers=bearer(tokens))).status_code == 204
    assert not await is_in(brokerage.owner)
    assert isinstance(await whoami(client, **bearer(tokens)), dict)


async def test_who_manages_a_person_sees_and_ends_their_sessions(brokerage: Brokerage) -> None:
    manager, agent, wendy = await brokerage.manager(), await brokerage.agent(), await brokerage.agent("West", "Wendy")
    path = f"/api/v1/users/{(await me(agent))['id']}/sessions"
    shown = (await manager.get(path)).json()["items"]
    assert [(item["user_agent"], item["is_current"]) for item in shown] == [("Chrome on Linux", False)]
    assert (await agent.get(path)).json()["items"][0]["is_current"]
    for elsewhere in (await wendy.get(path), await wendy.delete(path)):
        assert problem(elsewhere) == (404, "user-not-found")
    owner_path = f"/api/v1/users/{(await me(brokerage.owner))['id']}/sessions"
    assert problem(await manager.delete(owner_path)) == (403, "forbidden")
    assert problem(await brokerage.owner.get(f"/api/v1/users/{new_id()}/sessions")) == (404, "user-not-found")
    assert await is_in(agent)
    assert (await manager.delete(path)).status_code == 204
    assert [await is_in(browser) for browser in (agent, wendy, brokerage.owner)] == [False, True, True]


async def test_who_is_deactivated_is_out_at_once_without_kafka(brokerage: Brokerage) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    tokens = await token_of(await brokerage.browser(), andy["email"])
    client = await brokerage.browser()
    assert isinstance(await whoami(client, **bearer(tokens)), dict)
    assert (await change(brokerage.owner, andy, state="deactivated")).status_code == 200
    assert not await is_in(agent)
    assert await whoami(client, **bearer(tokens)) == 401
    # The refused session was cleared away with it.
    ids = f"user_id = '{andy['id']}'"
    assert brokerage.database.rows(f"SELECT count(*) FROM gateway.sessions WHERE {ids}") == [(0,)]
    because = brokerage.database.rows(f"SELECT DISTINCT revoked_because FROM identity.families WHERE {ids}")
    assert because == [("deactivated",)]


async def test_another_process_notices_within_two_seconds(
    brokerage: Brokerage, start: Any, stored_tenant: Any, clock: FakeClock
) -> None:
    """The other replica has just seen the person, and hears no event."""
    agent = await brokerage.agent()
    andy = await me(agent)
    tokens = await token_of(await brokerage.browser(), andy["email"])
    other: Browser = await start(stored_tenant)
    assert isinstance(await whoami(other, **bearer(tokens)), dict)
    await change(brokerage.owner, andy, state="deactivated")
    clock.advance(seconds=1)
    assert await whoami(other, **bearer(tokens)) == 401


async def test_a_new_role_and_office_reach_sessions_and_tokens_without_signing_out(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    tokens = await token_of(await brokerage.browser(), andy["email"])
    await change(brokerage.owner, andy, role=COORDINATOR_ROLE, office_id=await brokerage.office("West"))
    for headers in ({}, bearer(tokens)):
        assert await whoami(agent, **headers) == {"user_id": andy["id"], "role": COORDINATOR_ROLE}
    session = (await agent.get("/api/v1/session")).json()
    assert session["user"]["office_id"] == brokerage.offices["West"]
    assert session["can"] == list(rights(COORDINATOR_ROLE))


async def test_the_event_has_tokens_renewed_within_a_second(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    await change(brokerage.owner, andy, role=COORDINATOR_ROLE)
    await hear(brokerage, clock)
    versions = f"SELECT version FROM gateway.sessions WHERE user_id = '{andy['id']}'"
    assert brokerage.database.rows(versions) == [(1,)]
    clock.advance(seconds=1)
    answers = await asyncio.gather(*(is_in(agent) for _ in range(5)))
    assert all(answers)
    assert brokerage.database.rows(versions) == [(2,)]
    assert await is_in(brokerage.owner)


async def test_the_event_ends_the_sessions_of_who_left_and_not_those_begun_since(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    left = (await change(brokerage.owner, andy, state="deactivated")).json()
    count = f"SELECT count(*) FROM gateway.sessions WHERE user_id = '{andy['id']}'"
    assert brokerage.database.rows(count) == [(1,)]
    await hear(brokerage, clock)
    assert brokerage.database.rows(count) == [(0,)]
    await change(brokerage.owner, left, state="active")
    clock.advance(seconds=5)
    await sign_in(agent, andy["email"])
    clock.time -= timedelta(seconds=5)  # the events are older than the sign-in
    await hear(brokerage, clock)
    clock.advance(seconds=5)
    assert await is_in(agent)


@pytest.mark.parametrize("role", [OWNER_ROLE, MANAGER_ROLE, AGENT_ROLE, COORDINATOR_ROLE])
async def test_a_session_tells_what_its_person_can(brokerage: Brokerage, role: str) -> None:
    browser = await brokerage.join("Sam", role, "Main")
    answer = (await browser.get("/api/v1/session")).json()
    assert answer["can"] == list(rights(role))
    assert answer["user"]["office_id"] == brokerage.offices["Main"]
    assert UUID(answer["user"]["id"])


async def test_sessions_of_the_release_before_are_listed_and_end(brokerage: Brokerage) -> None:
    brokerage.database.rows("UPDATE gateway.sessions SET sign_in_id = NULL, user_agent = NULL RETURNING 1")
    (own,) = await sessions(brokerage.owner)
    assert own["user_agent"] is None
    assert (await brokerage.owner.delete(f"/api/v1/sessions/{own['id']}")).status_code == 204
    assert not await is_in(brokerage.owner)
