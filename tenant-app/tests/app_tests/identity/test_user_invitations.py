"""Colleagues are invited by mail, come in by a link that works once, and can be invited again or not at all."""

import asyncio
import json
import os
from typing import Any

import httpx2
import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.kernel import job_queue
from rooftree.kernel.ids import new_id
from rooftree.modules.identity.domain import derived_key
from rooftree.modules.identity.invitation_mail import InvitationMail, letter
from rooftree.modules.identity.invitations import Links
from rooftree.modules.identity.module import _seed

from ..conftest import EMAIL, PASSWORD, Browser, FakeClock, Tenant, TestDatabase, identity_of, parts_of
from ..test_mail import Sink, certificate, mail, sink
from .conftest import Brokerage, accept, change, me, problem, sign_in

_ = certificate, mail, sink  # fixtures
integration = pytest.mark.integration


def waiting(database: TestDatabase) -> list[dict[str, Any]]:
    """Payloads of the mails that are queued, oldest first."""
    rows = database.rows(
        "SELECT args FROM jobs.procrastinate_jobs WHERE task_name = 'identity.send_invitation' ORDER BY id"
    )
    return [{name: args[name] for name in ("invitation_id", "link")} for (args,) in rows]


def sender(brokerage: Brokerage, tenant: Tenant, mail: Any, clock: FakeClock) -> InvitationMail:
    parts = parts_of(brokerage.app, "identity")
    seed = _seed(tenant.secrets().read("owner_seed"))
    links = Links(derived_key(seed, "invitation"), tenant.origin)
    return InvitationMail(parts.runtime.unit_of_work, clock, mail(), tenant.settings(), links=links)


@integration
async def test_a_colleague_is_invited_by_mail_and_comes_in(
    brokerage: Brokerage, stored_tenant: Tenant, mail: Any, sink: Sink, clock: FakeClock
) -> None:
    team = await brokerage.team("Lake", "Main")
    answer = await brokerage.invite("Andy", AGENT_ROLE, "Main", team_ids=[team], email=" Andy@Acme.test")
    invited = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert invited | {"id": "", "link": "", "created_at": "", "expires_at": ""} == {
        "id": "",
        "email": "Andy@Acme.test",
        "name": "Andy",
        "role": AGENT_ROLE,
        "office_id": brokerage.offices["Main"],
        "team_ids": [team],
        "state": "open",
        "created_at": "",
        "expires_at": "",
        "invited_by": "Olivia Owner",
        "link": "",
    }
    (payload,) = waiting(brokerage.database)
    assert payload == {"invitation_id": invited["id"], "link": 1}
    await sender(brokerage, stored_tenant, mail, clock).send(**payload)
    (received,) = sink.mails
    assert (received["To"], received["Subject"]) == ("Andy@Acme.test", "Acme Realty: you are invited")
    text = received.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Olivia Owner invites you to work with Acme Realty, office Main, as an agent." in text
    assert invited["link"] in text.replace("=\n", "")
    browser = await brokerage.browser()
    await accept(browser, invited["link"], "Andy Agent")
    await sign_in(browser, "andy@acme.test")
    user = (await browser.get("/api/v1/session")).json()["user"]
    assert (user["name"], user["role"], user["office_id"]) == ("Andy Agent", AGENT_ROLE, brokerage.offices["Main"])
    assert user["team_ids"] == [team]
    (shown,) = [
        item
        for item in (await brokerage.owner.get("/api/v1/user-invitations")).json()["items"]
        if item["id"] == invited["id"]
    ]
    assert shown["state"] == "accepted"
    assert "link" not in shown


@integration
async def test_the_mail_arrives_by_the_queue_and_the_platform_s_mail_server(
    start: Any, stored_tenant: Tenant, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    for name in ("HOST", "PORT"):
        monkeypatch.setenv(f"ROOFTREE_SMTP_{name}", os.environ[f"ROOFTREE_TEST_SMTP_{name}"])
    browser: Browser = await start(stored_tenant, run_jobs=True)
    await browser.accept_owner()
    await browser.sign_in()
    email = f"{new_id()}@acme.test"
    body = {"email": email, "name": "Zoë", "role": COORDINATOR_ROLE}
    link = (await browser.post("/api/v1/user-invitations", json=body)).json()["link"]
    async with httpx2.AsyncClient(base_url=os.environ["ROOFTREE_TEST_MAIL_URL"]) as mailbox, asyncio.timeout(30):
        while not (mails := (await mailbox.get("/mails.json", params={"to": email})).json()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert [found["subject"] for found in mails] == ["Acme Realty: you are invited"]
    assert "Hello Zoë," in mails[0]["text"]
    assert link in mails[0]["text"]


def test_the_mail_says_who_where_as_what_and_until_when_and_names_are_no_html() -> None:
    written = letter(
        brokerage="Acme & Co",
        name="<b>Andy</b>",
        invited_by="Olivia <img src=x>",
        role=MANAGER_ROLE,
        office="Main",
        link="https://x/invite/abc",
        until="12:00 CST on Friday, January 2",
    )
    assert written.subject == "Acme & Co: you are invited"
    assert "as an office manager" in written.text
    assert "once, until 12:00 CST on Friday, January 2." in written.text
    assert "\n\nhttps://x/invite/abc\n\n" in written.text
    assert '<a href="https://x/invite/abc">' in written.html
    assert "<b>" not in written.html
    assert "<img" not in written.html


@integration
async def test_no_link_is_stored_or_queued(brokerage: Brokerage) -> None:
    link = (await brokerage.invite("Andy", AGENT_ROLE, "Main")).json()["link"]
    kept = str(brokerage.database.rows("SELECT i::text FROM identity.invitations i"))
    kept += str(brokerage.database.rows("SELECT j::text FROM jobs.procrastinate_jobs j"))
    assert link.rpartition("/")[2] not in kept


@integration
async def test_a_link_lives_a_week_and_works_once(brokerage: Brokerage, clock: FakeClock) -> None:
    invited = (await brokerage.invite("Andy", AGENT_ROLE, "Main")).json()
    browser = await brokerage.browser()
    path = f"/api/v1/invitations/{invited['link'].rpartition('/')[2]}"
    clock.advance(days=7, seconds=-1)
    assert (await browser.get(path)).status_code == 200
    clock.advance(seconds=1)
    assert problem(await browser.get(path)) == (410, "invitation-gone")
    assert problem(await browser.post(f"{path}/acceptance", json={"name": "A", "password": PASSWORD}))[0] == 410


@integration
async def test_sent_again_it_has_a_new_link_and_the_old_one_is_gone(
    brokerage: Brokerage, stored_tenant: Tenant, mail: Any, sink: Sink, clock: FakeClock
) -> None:
    first = (await brokerage.invite("Andy", AGENT_ROLE, "Main")).json()
    clock.advance(hours=11)
    second = await brokerage.owner.post(f"/api/v1/user-invitations/{first['id']}/resend")
    assert second.status_code == 200, second.text
    again = second.json()
    assert (again["id"], again["state"]) == (first["id"], "open")
    assert again["expires_at"] > first["expires_at"]
    browser = await brokerage.browser()
    old = await browser.get(f"/api/v1/invitations/{first['link'].rpartition('/')[2]}")
    assert problem(old) == (410, "invitation-gone")
    # Both mails are queued; only the one with the link that works is sent.
    for payload in waiting(brokerage.database):
        await sender(brokerage, stored_tenant, mail, clock).send(**payload)
    (received,) = sink.mails
    assert again["link"] in received.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    await accept(browser, again["link"], "Andy")
    assert problem(await brokerage.owner.post(f"/api/v1/user-invitations/{first['id']}/resend"))[0] == 410


@integration
async def test_an_expired_one_lives_again_when_sent_again(brokerage: Brokerage, clock: FakeClock) -> None:
    first = (await brokerage.invite("Andy", AGENT_ROLE, "Main")).json()
    clock.advance(days=8)
    await brokerage.owner.sign_in()
    (shown,) = [
        item
        for item in (await brokerage.owner.get("/api/v1/user-invitations")).json()["items"]
        if item["id"] == first["id"]
    ]
    assert shown["state"] == "expired"
    again = (await brokerage.owner.post(f"/api/v1/user-invitations/{first['id']}/resend")).json()
    assert again["state"] == "open"
    await accept(await brokerage.browser(), again["link"], "Andy")


@integration
async def test_a_revoked_one_opens_nothing_and_is_not_mailed(
    brokerage: Brokerage, stored_tenant: Tenant, mail: Any, sink: Sink, clock: FakeClock
) -> None:
    invited = (await brokerage.invite("Andy", AGENT_ROLE, "Main")).json()
    for _ in range(2):
        assert (await brokerage.owner.delete(f"/api/v1/user-invitations/{invited['id']}")).status_code == 204
    token = invited["link"].rpartition("/")[2]
    assert problem(await (await brokerage.browser()).get(f"/api/v1/invitations/{token}")) == (410, "invitation-gone")
    assert problem(await brokerage.owner.post(f"/api/v1/user-invitations/{invited['id']}/resend"))[0] == 410
    for payload in waiting(brokerage.database):
        await sender(brokerage, stored_tenant, mail, clock).send(**payload)
    assert sink.mails == []
    # The address may be invited anew.
    assert (await brokerage.invite("Andy", AGENT_ROLE, "Main")).status_code == 201


@integration
async def test_an_address_is_invited_once_and_not_when_it_has_an_account(
    brokerage: Brokerage, clock: FakeClock
) -> None:
    first = await brokerage.invite("Andy", AGENT_ROLE, "Main")
    again = await brokerage.invite("Andy", AGENT_ROLE, "Main", email="ANDY@acme.test")
    assert problem(again) == (409, "invitation-exists")
    assert problem(await brokerage.invite("Livia", AGENT_ROLE, email=EMAIL.upper())) == (409, "user-exists")
    clock.advance(days=7)
    await brokerage.owner.sign_in()
    second = await brokerage.invite("Andy", AGENT_ROLE, "Main")
    assert second.status_code == 201
    states = {
        item["id"]: item["state"] for item in (await brokerage.owner.get("/api/v1/user-invitations")).json()["items"]
    }
    assert (states[first.json()["id"]], states[second.json()["id"]]) == ("revoked", "open")


@integration
async def test_who_may_invite_whom(brokerage: Brokerage) -> None:
    manager, agent = await brokerage.manager(), await brokerage.agent()
    west = await brokerage.office("West")
    main = brokerage.offices["Main"]

    async def ask(browser: Browser, role: str, office_id: str | None) -> int:
        body = {"email": f"{new_id()}@acme.test", "name": "N", "role": role, "office_id": office_id}
        return (await browser.post("/api/v1/user-invitations", json=body)).status_code

    for role in (OWNER_ROLE, AGENT_ROLE, COORDINATOR_ROLE, CLIENT_ROLE):
        assert await ask(brokerage.owner, role, None) == 201
    assert await ask(brokerage.owner, MANAGER_ROLE, None) == 422
    assert await ask(brokerage.owner, MANAGER_ROLE, west) == 201
    for role in (AGENT_ROLE, COORDINATOR_ROLE):
        assert [await ask(manager, role, office) for office in (main, None, west)] == [201, 201, 403]
    for role in (OWNER_ROLE, MANAGER_ROLE, CLIENT_ROLE):
        assert await ask(manager, role, main) == 403
    assert await ask(agent, AGENT_ROLE, main) == 403


@integration
async def test_managers_see_and_act_on_invitations_of_their_office(brokerage: Brokerage) -> None:
    manager, agent = await brokerage.manager(), await brokerage.agent()
    here = (await brokerage.invite("Anna", AGENT_ROLE, "Main")).json()
    boss = (await brokerage.invite("Milo", MANAGER_ROLE, "Main")).json()
    there = (await brokerage.invite("Wendy", AGENT_ROLE, "West")).json()
    listed = (await manager.get("/api/v1/user-invitations")).json()
    assert listed["total"] == len(listed["items"])
    names = [item["name"] for item in listed["items"]]
    assert names == ["Milo", "Anna", "Andy", "Mona"]
    assert problem(await agent.get("/api/v1/user-invitations")) == (403, "forbidden")
    for invited, status in ((here, 200), (boss, 403), (there, 404), ({"id": new_id()}, 404)):
        path = f"/api/v1/user-invitations/{invited['id']}"
        assert (await manager.post(f"{path}/resend")).status_code == status
        assert (await manager.delete(path)).status_code == (204 if status == 200 else status)
        assert (await agent.post(f"{path}/resend")).status_code == 404
        assert (await agent.delete(path)).status_code == 404
    page = (await brokerage.owner.get("/api/v1/user-invitations?limit=1")).json()
    following = (await brokerage.owner.get(f"/api/v1/user-invitations?limit=1&cursor={page['next_cursor']}")).json()
    assert [page["items"][0]["name"], following["items"][0]["name"]] == ["Wendy", "Milo"]


@integration
async def test_who_leaves_or_is_demoted_leaves_no_open_door(brokerage: Brokerage) -> None:
    otto = await brokerage.join("Otto", OWNER_ROLE)
    office = await brokerage.office("Main")
    links: dict[str, str] = {}
    for role in (OWNER_ROLE, AGENT_ROLE):
        body = {"email": f"{role}@evil.test", "name": "N", "role": role, "office_id": office}
        links[role] = (await otto.post("/api/v1/user-invitations", json=body)).json()["link"]
    person = await me(otto)

    async def opens(role: str) -> bool:
        token = links[role].rpartition("/")[2]
        return (await brokerage.owner.get(f"/api/v1/invitations/{token}")).status_code == 200

    # An office manager may invite agents into their own office, but no owner.
    demoted = (await change(brokerage.owner, person, role=MANAGER_ROLE, office_id=office)).json()
    assert [await opens(role) for role in links] == [False, True]
    await change(brokerage.owner, demoted, state="deactivated")
    assert [await opens(role) for role in links] == [False, False]


@integration
async def test_teams_that_are_gone_are_left_out_when_the_invitation_is_accepted(brokerage: Brokerage) -> None:
    lake, hill = await brokerage.team("Lake", "Main"), await brokerage.team("Hill", "Main")
    invited = (await brokerage.invite("Andy", AGENT_ROLE, "Main", team_ids=[lake, hill])).json()
    await brokerage.owner.delete(f"/api/v1/teams/{lake}", headers={"If-Match": '"1"'})
    browser = await brokerage.browser()
    await accept(browser, invited["link"], "Andy")
    await sign_in(browser, "andy@acme.test")
    assert (await me(browser))["team_ids"] == [hill]


@integration
async def test_the_platform_s_link_for_the_owner_leaves_invited_owners_alone(brokerage: Brokerage) -> None:
    invited = (await brokerage.invite("Otto", OWNER_ROLE)).json()
    brokerage.database.rows(f"UPDATE identity.users SET email_key = 'x' WHERE email = '{EMAIL}' RETURNING 1")
    assert not (await identity_of(brokerage.app).owner_link()).accepted
    token = invited["link"].rpartition("/")[2]
    assert (await brokerage.owner.get(f"/api/v1/invitations/{token}")).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"email": "nobody"}, ["/email"]),
        ({"email": "a@b.test\r\nBcc: c@d.test"}, ["/email"]),
        ({"name": " "}, ["/name"]),
        ({"role": "boss"}, ["/role"]),
        ({"office_id": str(new_id())}, ["/office_id"]),
        ({"team_ids": [str(new_id())]}, ["/team_ids/0"]),
        ({"link": "x"}, ["/link"]),
    ],
)
@integration
async def test_what_is_wrong_is_told(brokerage: Brokerage, body: dict[str, Any], pointers: list[str]) -> None:
    given = {"email": "andy@acme.test", "name": "Andy", "role": AGENT_ROLE} | body
    answer = await brokerage.owner.post("/api/v1/user-invitations", json=given)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert "d.test" not in json.dumps(answer.json())
    assert waiting(brokerage.database) == []
