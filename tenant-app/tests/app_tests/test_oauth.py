"""The token endpoints as strangers use them: only the exact flow works, and whoever replays loses the sign-in."""

import asyncio
from typing import Any

import httpx2
import pytest
from rooftree.contracts.identity.api import OWNER_ROLE

from .conftest import Browser, FakeClock, Tenant, TestDatabase, query
from .oauth_mutations import ASKED, CALLBACK, VERIFIER, challenge

pytestmark = pytest.mark.integration

CHALLENGE = challenge(VERIFIER)


async def code(browser: Browser, **changed: str) -> str:
    page = await browser.get_parameters(f"/oauth/authorize?{httpx2.QueryParams(ASKED | changed)}")
    return query((await browser.submit(page["request"])).json()["redirect_to"])["code"]


async def token(browser: Browser, **form: str) -> httpx2.Response:
    return await browser.post("/oauth/token", data={"client_id": "web", **form})


async def redeem(browser: Browser, given: str, **changed: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": given,
        "code_verifier": VERIFIER,
        "redirect_uri": CALLBACK,
    }
    return await token(browser, **(form | changed))


async def refresh(browser: Browser, refresh_token: str, **changed: str) -> httpx2.Response:
    return await token(browser, grant_type="refresh_token", refresh_token=refresh_token, **changed)


@pytest.fixture
async def client(browser: Browser) -> Browser:
    await browser.accept_owner()
    return browser


async def test_code_and_verifier_yield_tokens_that_work(client: Browser) -> None:
    answer = await redeem(client, await code(client))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, "openid profile")
    assert tokens["id_token"].count(".") == 2
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/probe/whoami", headers=bearer)).json()["role"] == OWNER_ROLE
    for name in ("refresh_token", "id_token"):
        wrong = await client.get("/probe/whoami", headers={"Authorization": f"Bearer {tokens[name]}"})
        assert wrong.status_code == 401


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://acme.rooftree.localhost:8443/auth/callback/",
        "https://acme.rooftree.localhost:8443/auth/callback?x=1",
        "https://acme.rooftree.localhost:8443/auth/callback#x",
        "https://acme.rooftree.localhost:8443/auth/../auth/callback",
        "https://acme.rooftree.localhost:8443/auth%2Fcallback",
        "https://ACME.rooftree.localhost:8443/auth/callback",
        "https://acme.rooftree.localhost/auth/callback",
        "https://acme.rooftree.localhost:8443@evil.test/auth/callback",
        "https://evil.test/auth/callback",
        "http://acme.rooftree.localhost:8443/auth/callback",
        "https://birch.rooftree.localhost:8443/auth/callback",
        "/auth/callback",
        "",
    ],
)
async def test_any_other_redirect_uri_stays_here(client: Browser, redirect_uri: str) -> None:
    answer = await client.get("/oauth/authorize", params=ASKED | {"redirect_uri": redirect_uri})
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request_uri": "https://evil.test/r"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"state": "x" * 600}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_request_that_weakens_the_flow_goes_back_with_an_error(
    client: Browser, changed: dict[str, str | None], error: str
) -> None:
    asked = {name: value for name, value in (ASKED | changed).items() if value is not None}
    answer = await client.get("/oauth/authorize", params=asked)
    assert answer.headers["location"].startswith(CALLBACK + "?")
    assert query(answer.headers["location"])["error"] == error


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"client_id": ""}])
async def test_unknown_client_gets_no_redirect(client: Browser, changed: dict[str, str]) -> None:
    assert (await client.get("/oauth/authorize", params=ASKED | changed)).status_code == 400


async def test_parameter_given_twice_is_refused(client: Browser) -> None:
    answer = await client.get("/oauth/authorize", params=[*ASKED.items(), ("redirect_uri", "https://evil.test/")])
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": CHALLENGE},
        {"code_verifier": "v" * 42},
        {"redirect_uri": CALLBACK + "/"},
        {"code": "A" * 43},
    ],
)
async def test_code_is_worth_nothing_without_all_that_belongs_to_it(client: Browser, changed: dict[str, str]) -> None:
    given = await code(client)
    refused = await redeem(client, given, **changed)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    if "code" not in changed:
        # One try: the right answer no longer helps.
        assert (await redeem(client, given)).status_code == 400


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "x", "password": "y"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"client_id": "other", "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
    ],
)
async def test_token_endpoint_speaks_oauth(client: Browser, form: dict[str, str], error: str) -> None:
    answer = await token(client, **form)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ("{}", {"Content-Type": "application/json"}),
        ("grant_type=a&grant_type=b", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("grant_type", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("x=" + "y" * 9000, {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"x=\xff\xfe", {"Content-Type": "application/x-www-form-urlencoded"}),
    ],
)
async def test_unreadable_form_is_an_invalid_request(client: Browser, content: Any, headers: dict[str, str]) -> None:
    answer = await client.post("/oauth/token", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_code_lives_for_a_minute(client: Browser, clock: FakeClock) -> None:
    given = await code(client)
    clock.advance(seconds=60)
    assert (await redeem(client, given)).status_code == 400


async def test_replayed_code_revokes_what_it_gave(client: Browser) -> None:
    given = await code(client)
    tokens = (await redeem(client, given)).json()
    assert (await redeem(client, given)).json() == {"error": "invalid_grant"}
    assert (await refresh(client, tokens["refresh_token"])).json() == {"error": "invalid_grant"}


async def test_code_redeemed_many_times_at_once_works_once_at_most(client: Browser) -> None:
    given = await code(client)
    answers = await asyncio.gather(*(redeem(client, given) for _ in range(6)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(good) == 1
    # The others were replays.
    assert (await refresh(client, good[0]["refresh_token"])).status_code == 400


async def test_refresh_token_rotates(client: Browser) -> None:
    first = (await redeem(client, await code(client))).json()
    second = (await refresh(client, first["refresh_token"])).json()
    third = await refresh(client, second["refresh_token"])
    assert third.status_code == 200
    assert len({first["refresh_token"], second["refresh_token"], third.json()["refresh_token"]}) == 3


async def test_reused_refresh_token_revokes_the_whole_family(client: Browser, database: TestDatabase) -> None:
    first = (await redeem(client, await code(client))).json()
    second = (await refresh(client, first["refresh_token"])).json()
    assert (await refresh(client, first["refresh_token"])).json() == {"error": "invalid_grant"}
    assert (await refresh(client, second["refresh_token"])).json() == {"error": "invalid_grant"}
    assert database.rows("SELECT revoked_because FROM identity.families") == [("refresh token reused",)]


async def test_refresh_needs_the_same_client_and_lasts_a_week(client: Browser, clock: FakeClock) -> None:
    tokens = (await redeem(client, await code(client))).json()
    clock.advance(days=7)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 400


async def test_family_ends_after_a_month_however_often_it_is_refreshed(client: Browser, clock: FakeClock) -> None:
    current = (await redeem(client, await code(client))).json()
    for _ in range(4):
        clock.advance(days=6)
        answer = await refresh(client, current["refresh_token"])
        assert answer.status_code == 200
        current = answer.json()
    clock.advance(days=6)
    assert (await refresh(client, current["refresh_token"])).status_code == 400


async def test_person_who_left_gets_no_more_tokens(client: Browser, database: TestDatabase) -> None:
    tokens = (await redeem(client, await code(client))).json()
    given = await code(client)
    database.rows("UPDATE identity.users SET deactivated_at = now() RETURNING 1")
    assert (await refresh(client, tokens["refresh_token"])).status_code == 400
    assert (await redeem(client, given)).status_code == 400
    page = await client.get_parameters(f"/oauth/authorize?{httpx2.QueryParams(ASKED)}")
    assert (await client.submit(page["request"])).status_code == 401


async def test_no_token_or_code_is_stored(client: Browser, database: TestDatabase) -> None:
    given = await code(client)
    tokens = (await redeem(client, given)).json()
    kept = str(database.rows("SELECT c::text FROM identity.codes c")) + str(
        database.rows("SELECT r::text FROM identity.refresh_tokens r")
    )
    for secret in (given, tokens["refresh_token"], tokens["access_token"]):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_token_of_one_tenant_is_nothing_to_another(client: Browser, start: Any, stored_tenant: Tenant) -> None:
    tokens = (await redeem(client, await code(client))).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/probe/whoami", headers=bearer)).status_code == 200
    # Worst case: the neighbour shares keys, seed and database, only name and host differ.
    neighbour: Browser = await start(
        stored_tenant.but(tenant_id="birch-11112222", slug="birch", public_url="https://birch.rooftree.localhost:8443")
    )
    answer = await neighbour.get("/probe/whoami", headers=bearer)
    assert (answer.status_code, answer.json()["type"]) == (401, "https://rooftree.dev/problems/token-refused")


async def test_discovery_describes_what_is_there(client: Browser) -> None:
    documents = [
        (await client.get(f"/.well-known/{name}")).json()
        for name in ("openid-configuration", "oauth-authorization-server")
    ]
    assert documents[0] == documents[1]
    found = documents[0]
    assert found["issuer"] == "https://acme.rooftree.localhost:8443"
    assert found["code_challenge_methods_supported"] == ["S256"]
    keys = (await client.get(found["jwks_uri"])).json()["keys"]
    assert [key["alg"] for key in keys] == ["ES256", "ES256"]
    assert all("d" not in key for key in keys)
