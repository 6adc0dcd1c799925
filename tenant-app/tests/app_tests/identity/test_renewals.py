"""A renewal whose answer was lost can be had again; a stolen token that is used again still ends the sign-in."""

import asyncio
from typing import Any

import pytest
from rooftree.contracts.identity.api import WEB_CLIENT_ID, GrantRefused, IdentityApi, Tokens

from ..conftest import EMAIL, Browser, FakeClock, TestDatabase, identity_of
from .conftest import Brokerage, change, me, sign_in, token_of

pytestmark = pytest.mark.integration
REVOKED = "SELECT count(*) FROM identity.families WHERE revoked_because = 'refresh token reused'"


async def renewed(browser: Browser, refresh_token: str, key: str | None) -> Tokens:
    identity: IdentityApi = identity_of(browser.app)
    return await identity.refresh(refresh_token=refresh_token, client_id=WEB_CLIENT_ID, idempotency_key=key)


async def test_the_same_key_gives_the_same_refresh_token_and_a_good_access_token(
    owner: Browser, clock: FakeClock, database: TestDatabase
) -> None:
    given = await token_of(owner, EMAIL)
    first = await renewed(owner, given["refresh_token"], "key-1")
    clock.advance(seconds=60)
    again = await renewed(owner, given["refresh_token"], "key-1")
    assert (again.refresh_token, again.refresh_expires_at) == (first.refresh_token, first.refresh_expires_at)
    assert again.sign_in_id == first.sign_in_id
    for tokens in (first, again):
        assert (await identity_of(owner.app).authenticate(tokens.access_token)).sign_in_id == first.sign_in_id
    assert (await renewed(owner, again.refresh_token, "key-2")).refresh_token != first.refresh_token
    assert database.rows(REVOKED) == [(0,)]


async def test_many_at_once_with_one_key_get_one_refresh_token(owner: Browser, database: TestDatabase) -> None:
    given = await token_of(owner, EMAIL)
    answers = await asyncio.gather(*(renewed(owner, given["refresh_token"], "key") for _ in range(6)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert database.rows(REVOKED) == [(0,)]


@pytest.mark.parametrize("key", ["key-2", "", None])
async def test_another_key_ends_the_sign_in(owner: Browser, database: TestDatabase, key: str | None) -> None:
    given = await token_of(owner, EMAIL)
    following = await renewed(owner, given["refresh_token"], "key-1")
    with pytest.raises(GrantRefused):
        await renewed(owner, given["refresh_token"], key)
    assert database.rows(REVOKED) == [(1,)]
    for refresh_token, its_key in ((following.refresh_token, "key-3"), (given["refresh_token"], "key-1")):
        with pytest.raises(GrantRefused):
            await renewed(owner, refresh_token, its_key)


async def test_a_renewal_without_a_key_cannot_be_had_again(owner: Browser, database: TestDatabase) -> None:
    given = await token_of(owner, EMAIL)
    await renewed(owner, given["refresh_token"], None)
    with pytest.raises(GrantRefused):
        await renewed(owner, given["refresh_token"], "key")
    assert database.rows(REVOKED) == [(1,)]


async def test_once_the_answer_was_used_the_key_is_worth_nothing(owner: Browser, database: TestDatabase) -> None:
    given = await token_of(owner, EMAIL)
    following = await renewed(owner, given["refresh_token"], "key-1")
    await renewed(owner, following.refresh_token, "key-2")
    with pytest.raises(GrantRefused):
        await renewed(owner, given["refresh_token"], "key-1")
    assert database.rows(REVOKED) == [(1,)]


async def test_an_expired_or_ended_sign_in_is_not_given_again(brokerage: Brokerage, clock: FakeClock) -> None:
    agent = await brokerage.agent()
    andy = await me(agent)
    given = await token_of(await brokerage.browser(), andy["email"])
    await renewed(agent, given["refresh_token"], "key")
    await change(brokerage.owner, andy, state="deactivated")
    with pytest.raises(GrantRefused):
        await renewed(agent, given["refresh_token"], "key")
    other = await token_of(brokerage.owner, EMAIL)
    await renewed(agent, other["refresh_token"], "key")
    clock.advance(days=7)
    with pytest.raises(GrantRefused):
        await renewed(agent, other["refresh_token"], "key")


async def test_what_follows_is_not_in_the_database(owner: Browser, database: TestDatabase) -> None:
    given = await token_of(owner, EMAIL)
    following = await renewed(owner, given["refresh_token"], "key-1")
    kept = str(database.rows("SELECT r::text FROM identity.refresh_tokens r"))
    for secret in (following.refresh_token, "key-1"):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def cut_off(app: Any, browser: Browser) -> None:
    """The process ends after identity has rotated and before the gateway has stored: its answer goes nowhere."""
    from rooftree.modules.gateway.service import Sessions

    sessions = app.state.services[Sessions]
    identity = sessions._identity

    class Lost:
        def __getattr__(self, name: str) -> Any:
            return getattr(identity, name)

        async def refresh(self, **values: Any) -> Tokens:
            await identity.refresh(**values)
            raise ConnectionResetError

    sessions._identity = Lost()
    with pytest.raises(ConnectionResetError):
        await sessions.principal(browser.cookies["__Host-session"])
    sessions._identity = identity


@pytest.mark.parametrize("pause", [{"seconds": 11}, {"minutes": 5}, {"hours": 11}])
async def test_a_lost_answer_does_not_sign_the_person_out(
    owner: Browser, clock: FakeClock, database: TestDatabase, pause: dict[str, float]
) -> None:
    clock.advance(minutes=11)
    await cut_off(owner.app, owner)
    assert database.rows("SELECT version FROM gateway.sessions") == [(1,)]
    clock.advance(**pause)
    assert (await owner.get("/api/v1/session")).status_code == 200
    assert database.rows("SELECT version FROM gateway.sessions") == [(2,)]
    clock.advance(minutes=11)
    assert (await owner.get("/api/v1/session")).status_code == 200
    assert database.rows(REVOKED) == [(0,)]


async def test_the_tokens_of_two_browsers_have_keys_of_their_own(brokerage: Brokerage, clock: FakeClock) -> None:
    other = await brokerage.browser()
    await sign_in(other, EMAIL)
    clock.advance(minutes=11)
    for browser in (brokerage.owner, other, brokerage.owner):
        assert (await browser.get("/api/v1/session")).status_code == 200
        clock.advance(minutes=11)
