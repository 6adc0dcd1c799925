"""What identity promises the other modules."""

import base64
import hashlib
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from rooftree.contracts.identity.api import (
    AGENT_ROLE,
    CLIENT_ROLE,
    WEB_CLIENT_ID,
    Contact,
    GrantRefused,
    IdentityApi,
    TokenRefused,
    UserNotFound,
)
from rooftree.kernel.auth import Delegation
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.ids import new_id

from ..conftest import EMAIL, Browser, FakeClock, query
from ..identity.conftest import Brokerage, change, me, token_of
from .conftest import Ports, reader

pytestmark = pytest.mark.integration
VERIFIER = "v" * 43


async def code_of(browser: Browser, email: str) -> dict[str, str]:
    """What `exchange_code` takes, fresh from a sign-in."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    client = {"client_id": WEB_CLIENT_ID, "redirect_uri": f"{str(browser.base_url).rstrip('/')}/auth/callback"}
    asked = {**client, "response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"}
    page = await browser.get_parameters(f"/oauth/authorize?{httpx2.QueryParams(asked)}")
    redirect = (await browser.submit(page["request"], email=email)).json()["redirect_to"]
    return {**client, "code": query(redirect)["code"], "verifier": VERIFIER}


async def test_a_token_tells_who_its_bearer_is_now(brokerage: Brokerage, ports: Ports, clock: FakeClock) -> None:
    identity = await ports.identity(brokerage.owner)
    team = await brokerage.team("Lake", "Main")
    andy = await me(await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team]))
    mate = await me(await brokerage.join("Bert", AGENT_ROLE, "Main", team_ids=[team]))
    token = (await token_of(await brokerage.browser(), andy["email"]))["access_token"]
    principal = await identity.authenticate(token)
    assert asdict(principal) == {
        "user_id": UUID(andy["id"]),
        "tenant_id": "acme-0a1b2c3d",
        "role": AGENT_ROLE,
        "client_id": WEB_CLIENT_ID,
        "scopes": frozenset(),
        "office_id": UUID(andy["office_id"]),
        "team_ids": frozenset({UUID(team)}),
        "sign_in_id": principal.sign_in_id,
        "team_mates": frozenset({UUID(mate["id"])}),
        "delegations": (),
        "token": token,
    }
    assert (await identity.user(principal.user_id)).team_mates == principal.team_mates
    assert principal.sign_in_id is not None
    assert token not in repr(principal)
    await change(brokerage.owner, andy, state="deactivated")
    clock.advance(seconds=2)
    for refused in (token, token[:-1], "", "x.y.z"):
        with pytest.raises(TokenRefused) as caught:
            await identity.authenticate(refused)
        assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


async def test_what_was_delegated_is_told_with_its_end_and_not_after_it(
    brokerage: Brokerage, ports: Ports, clock: FakeClock
) -> None:
    identity = await ports.identity(brokerage.owner)
    agent, assistant = await brokerage.agent(), await brokerage.coordinator()
    andy, cora = await me(agent), await me(assistant)
    token = (await token_of(await brokerage.browser(), cora["email"]))["access_token"]
    assert (await identity.authenticate(token)).delegations == ()
    until = clock.now() + timedelta(minutes=2)
    body = {"assistant_id": cora["id"], "resources": ["person", "listing"], "expires_at": until.isoformat()}
    assert (await agent.post("/api/v1/delegations", json=body)).status_code == 201
    clock.advance(seconds=2)
    held = (Delegation(UUID(andy["id"]), frozenset({"listing", "person"}), until),)
    assert (await identity.authenticate(token)).delegations == held
    assert (await identity.user(UUID(cora["id"]))).delegations == held
    clock.advance(minutes=2)
    assert (await identity.authenticate(token)).delegations == ()
    assert (await identity.user(UUID(cora["id"]))).delegations == ()


async def test_a_code_is_exchanged_once_and_a_replay_revokes_what_it_gave(owner: Browser, ports: Ports) -> None:
    identity = await ports.identity(owner)
    given = await code_of(owner, EMAIL)
    tokens = await identity.exchange_code(**given)
    assert tokens.access_expires_at < tokens.refresh_expires_at
    assert (await identity.authenticate(tokens.access_token)).sign_in_id == tokens.sign_in_id
    with pytest.raises(GrantRefused):
        await identity.exchange_code(**given)
    with pytest.raises(GrantRefused):
        await identity.refresh(refresh_token=tokens.refresh_token, client_id=WEB_CLIENT_ID, idempotency_key="k")


async def test_a_renewal_is_had_again_with_its_key_only(owner: Browser, ports: Ports) -> None:
    identity = await ports.identity(owner)
    first = await identity.exchange_code(**await code_of(owner, EMAIL))
    asked = {"refresh_token": first.refresh_token, "client_id": WEB_CLIENT_ID}
    renewed = await identity.refresh(**asked, idempotency_key="key")
    again = await identity.refresh(**asked, idempotency_key="key")
    assert (again.refresh_token, again.refresh_expires_at) == (renewed.refresh_token, renewed.refresh_expires_at)
    assert renewed.refresh_token != first.refresh_token
    assert renewed.sign_in_id == first.sign_in_id
    with pytest.raises(GrantRefused):
        await identity.refresh(**asked, idempotency_key="another")
    with pytest.raises(GrantRefused):
        await identity.refresh(refresh_token=renewed.refresh_token, client_id=WEB_CLIENT_ID, idempotency_key="k")


async def test_a_renewal_without_a_key_works_once(owner: Browser, ports: Ports) -> None:
    identity = await ports.identity(owner)
    first = await identity.exchange_code(**await code_of(owner, EMAIL))
    asked = {"refresh_token": first.refresh_token, "client_id": WEB_CLIENT_ID}
    assert (await identity.refresh(**asked)).sign_in_id == first.sign_in_id
    with pytest.raises(GrantRefused):
        await identity.refresh(**asked)


async def test_a_revoked_sign_in_ends_and_unknown_tokens_are_no_error(owner: Browser, ports: Ports) -> None:
    identity = await ports.identity(owner)
    tokens = await identity.exchange_code(**await code_of(owner, EMAIL))
    await identity.revoke(tokens.refresh_token)
    await identity.revoke(tokens.refresh_token)
    await identity.revoke("unknown")
    with pytest.raises(TokenRefused):
        await identity.authenticate(tokens.access_token)


async def still_in(identity: IdentityApi, *tokens: str) -> list[bool]:
    found: list[bool] = []
    for token in tokens:
        try:
            await identity.authenticate(token)
            found.append(True)
        except TokenRefused:
            found.append(False)
    return found


async def test_sign_ins_end_by_name_but_for_one_or_all(owner: Browser, ports: Ports) -> None:
    identity = await ports.identity(owner)
    user_id = UUID((await me(owner))["id"])
    first, second, third = [await identity.exchange_code(**await code_of(owner, EMAIL)) for _ in range(3)]
    tokens = [one.access_token for one in (first, second, third)]
    await identity.end_sign_ins(user_id, only=[], because="test")
    assert await still_in(identity, *tokens) == [True, True, True]
    await identity.end_sign_ins(user_id, only=[first.sign_in_id, new_id()], because="test")
    assert await still_in(identity, *tokens) == [False, True, True]
    await identity.end_sign_ins(user_id, keep=third.sign_in_id, because="test")
    assert await still_in(identity, *tokens) == [False, False, True]
    await identity.end_sign_ins(user_id, because="test")
    assert await still_in(identity, *tokens) == [False, False, False]
    await identity.end_sign_ins(new_id(), because="test")


async def test_who_manages_whom(brokerage: Brokerage, ports: Ports) -> None:
    identity = await ports.identity(brokerage.owner)
    agent = await brokerage.agent()
    owner, andy = await me(brokerage.owner), await me(agent)
    await identity.require_manages(await reader(ports, brokerage.owner), UUID(andy["id"]))
    await identity.require_manages(await reader(ports, agent), UUID(andy["id"]))
    with pytest.raises(Forbidden):
        await identity.require_manages(await reader(ports, agent), UUID(owner["id"]))
    with pytest.raises(UserNotFound):
        await identity.require_manages(await reader(ports, brokerage.owner), new_id())


async def test_people_are_told_until_they_leave_and_their_names_for_good(brokerage: Brokerage, ports: Ports) -> None:
    identity = await ports.identity(brokerage.owner)
    andy, olivia = await me(await brokerage.agent()), await me(brokerage.owner)
    ids = [UUID(andy["id"]), UUID(olivia["id"]), new_id()]
    user = await identity.user(ids[0])
    assert (user.id, user.name, user.email, user.role) == (ids[0], "Andy", "andy@acme.test", AGENT_ROLE)
    assert (user.office_id, user.team_ids) == (UUID(andy["office_id"]), frozenset())
    assert (await identity.user(ids[1])).office_id is None
    await change(brokerage.owner, andy, state="deactivated")
    for missing in (ids[0], ids[2]):
        with pytest.raises(UserNotFound):
            await identity.user(missing)
    assert await identity.names(ids) == {ids[0]: "Andy", ids[1]: "Olivia Owner"}
    assert await identity.names([]) == {}


async def test_colleagues_are_found_by_their_address_until_they_leave(brokerage: Brokerage, ports: Ports) -> None:
    identity = await ports.identity(brokerage.owner)
    andy, carl = await me(await brokerage.agent()), await brokerage.join("Carl", CLIENT_ROLE, "Main")
    addresses = ["ANDY@acme.test", EMAIL, (await me(carl))["email"], "who@acme.test", ""]
    found = {user.name: user for user in await identity.colleagues(addresses)}
    assert found.keys() == {"Andy", "Olivia Owner"}
    assert found["Andy"] == await identity.user(UUID(andy["id"]))
    assert await identity.colleagues([]) == ()
    await change(brokerage.owner, andy, state="deactivated")
    assert [user.name for user in await identity.colleagues(addresses)] == ["Olivia Owner"]


async def test_an_office_is_there_until_it_is_deleted(brokerage: Brokerage, ports: Ports) -> None:
    identity = await ports.identity(brokerage.owner)
    office = UUID(await brokerage.office("Main"))
    assert await identity.has_office(office)
    removed = await brokerage.owner.delete(f"/api/v1/offices/{office}", headers={"If-Match": '"1"'})
    assert removed.status_code == 204
    assert not await identity.has_office(office)
    assert not await identity.has_office(new_id())


async def test_the_owners_link_is_the_same_until_it_was_used(browser: Browser, ports: Ports) -> None:
    identity = await ports.identity(browser)
    assert await identity.owners() == (Contact(name="Olivia Owner", email=EMAIL),)
    link = await identity.owner_link()
    assert not link.accepted
    assert link.expires_at is not None
    assert await identity.owner_link() == link
    await browser.accept_owner()
    used = await identity.owner_link()
    assert (used.accepted, used.expires_at) == (True, None)
    assert await identity.owners() == (Contact(name="Olivia Owner", email=EMAIL),)
