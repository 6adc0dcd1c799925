"""Getting in and out as a browser does: invitation, sign-in, session, sign-out."""

import asyncio

import pytest
from rooftree.contracts.identity.api import OWNER_ROLE
from rooftree.modules.identity import domain
from structlog.testing import capture_logs

from .conftest import EMAIL, PASSWORD, Browser, FakeClock, TestDatabase, identity_of, query

pytestmark = pytest.mark.integration


async def test_owner_gets_in_by_the_link_and_out_again(browser: Browser) -> None:
    link = await identity_of(browser.app).owner_link()
    token = link.url.rpartition("/")[2]
    assert link.url == f"https://acme.rooftree.localhost:8443/invite/{token}"

    shown = await browser.get(f"/api/v1/invitations/{token}")
    assert shown.status_code == 200
    assert (shown.json()["email"], shown.json()["role"]) == (EMAIL, OWNER_ROLE)

    accepted = await browser.post(
        f"/api/v1/invitations/{token}/acceptance", json={"name": "Olivia Owner", "password": PASSWORD}
    )
    assert accepted.status_code == 201
    assert accepted.json() == {"redirect_to": "/auth/login?return_to=/listings"}

    request = await browser.start_sign_in("/listings?beds=3")
    signed_in = await browser.submit(request)
    back = await browser.get(signed_in.json()["redirect_to"])
    assert back.headers["location"] == "/listings?beds=3"
    cookie = next(value for value in back.headers.get_list("set-cookie") if value.startswith("__Host-session="))
    assert all(part in cookie for part in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"))
    assert "Domain" not in cookie

    session = await browser.get("/api/v1/session")
    assert session.status_code == 200, session.text
    assert session.json()["user"] | {"id": ""} == {
        "id": "",
        "name": "Olivia Owner",
        "email": EMAIL,
        "role": OWNER_ROLE,
        "office_id": None,
        "team_ids": [],
    }
    assert session.json()["tenant"] == {"slug": "acme", "display_name": "Acme Realty"}

    assert (await browser.post("/auth/logout")).status_code == 204
    assert (await browser.get("/api/v1/session")).status_code == 401


async def test_link_is_the_same_while_open_and_works_once(browser: Browser) -> None:
    first = await identity_of(browser.app).owner_link()
    assert await identity_of(browser.app).owner_link() == first
    await browser.accept_owner()
    token = first.url.rpartition("/")[2]
    assert (await browser.get(f"/api/v1/invitations/{token}")).status_code == 410
    again = await browser.post(f"/api/v1/invitations/{token}/acceptance", json={"name": "X", "password": PASSWORD})
    assert again.status_code == 410
    assert (await identity_of(browser.app).owner_link()).accepted


async def test_link_dies_after_a_day_and_a_new_one_is_made(browser: Browser, clock: FakeClock) -> None:
    old = await identity_of(browser.app).owner_link()
    clock.advance(hours=24)
    token = old.url.rpartition("/")[2]
    answer = await browser.get(f"/api/v1/invitations/{token}")
    assert (answer.status_code, answer.json()["type"]) == (410, "https://rooftree.dev/problems/invitation-gone")
    new = await identity_of(browser.app).owner_link()
    assert new.url != old.url
    assert (await browser.get(f"/api/v1/invitations/{new.url.rpartition('/')[2]}")).status_code == 200


async def test_nothing_in_the_database_opens_an_invitation(browser: Browser, database: TestDatabase) -> None:
    link = await identity_of(browser.app).owner_link()
    rows = str(database.rows("SELECT i::text FROM identity.invitations i"))
    assert link.url.rpartition("/")[2] not in rows
    forged = "A" * 64
    assert (await browser.get(f"/api/v1/invitations/{forged}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"name": "", "password": "short"}, {"/name", "/password"}),
        ({"name": "Olivia", "password": "olivia@acme.test"}, {"/password"}),
        ({"name": "Olivia", "password": "aaaaaaaaaaaaaaaa"}, {"/password"}),
        ({"name": "Olivia", "password": "password123456"}, {"/password"}),
        ({"name": "Olivia"}, {"/password"}),
        ({"name": "Olivia", "password": PASSWORD, "role": "admin"}, {"/role"}),
    ],
)
async def test_acceptance_says_which_field_is_wrong(browser: Browser, body: dict[str, str], pointers: set[str]) -> None:
    token = (await identity_of(browser.app).owner_link()).url.rpartition("/")[2]
    answer = await browser.post(f"/api/v1/invitations/{token}/acceptance", json=body)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers
    assert (await browser.get(f"/api/v1/invitations/{token}")).status_code == 200


async def test_two_people_accepting_at_once_make_one_user(browser: Browser, database: TestDatabase) -> None:

    token = (await identity_of(browser.app).owner_link()).url.rpartition("/")[2]
    body = {"name": "Olivia", "password": PASSWORD}
    answers = await asyncio.gather(
        *(browser.post(f"/api/v1/invitations/{token}/acceptance", json=body) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410, 410]
    assert database.rows("SELECT count(*) FROM identity.users") == [(1,)]


async def test_wrong_password_and_unknown_account_look_alike(browser: Browser) -> None:
    await browser.accept_owner()
    request = await browser.start_sign_in()
    wrong = await browser.submit(request, password="not the password")
    unknown = await browser.submit(request, email="nobody@acme.test")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["type"] == "https://rooftree.dev/problems/invalid-credentials"
    volatile = {"request_id": "", "instance": ""}
    assert wrong.json() | volatile == unknown.json() | volatile
    assert {*wrong.headers} == {*unknown.headers}


async def test_email_is_found_however_it_is_written(browser: Browser) -> None:
    await browser.accept_owner()
    assert (await browser.submit(await browser.start_sign_in(), email=" OLIVIA@Acme.Test ")).status_code == 200


async def test_eleventh_try_in_a_quarter_of_an_hour_has_to_wait(browser: Browser, clock: FakeClock) -> None:
    await browser.accept_owner()
    request = await browser.start_sign_in()
    for _ in range(10):
        assert (await browser.submit(request, password="wrong")).status_code == 401
        clock.advance(seconds=10)
    refused = await browser.submit(request)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 15 * 60 - 100 + 1
    clock.advance(seconds=int(refused.headers["retry-after"]))
    assert (await browser.submit(await browser.start_sign_in())).status_code == 200


async def test_unknown_accounts_are_throttled_like_known_ones(browser: Browser) -> None:
    request = await browser.start_sign_in()
    answers = [await browser.submit(request, email="nobody@acme.test") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


@pytest.mark.usefixtures("patient")
async def test_many_tries_at_once_are_not_many_guesses(browser: Browser, database: TestDatabase) -> None:
    await browser.accept_owner()
    request = await browser.start_sign_in()
    answers = await asyncio.gather(*(browser.submit(request, password=f"guess {number}") for number in range(30)))
    codes = [answer.status_code for answer in answers]
    assert codes.count(401) <= 10
    assert codes.count(200) == 0
    assert codes.count(429) == 20
    assert database.rows("SELECT count(*) FROM identity.attempts GROUP BY key") == [(10,)] * 4


async def test_success_forgets_the_failures_before_it(browser: Browser, database: TestDatabase) -> None:
    await browser.accept_owner()
    request = await browser.start_sign_in()
    for _ in range(3):
        await browser.submit(request, password="wrong")
    assert (await browser.submit(request)).status_code == 200
    # Address, account and tenant keep the three failures; this account starts afresh at this address.
    assert database.rows("SELECT count(*) FROM identity.attempts") == [(9,)]


async def test_address_is_the_one_that_our_edge_saw(browser: Browser) -> None:
    request = await browser.start_sign_in()
    for number in range(60):
        forged = {"X-Forwarded-For": f"10.9.8.{number}, 203.0.113.7"}
        answer = await browser.post(
            "/oauth/sign-in",
            json={"request": request, "email": f"user{number}@acme.test", "password": "wrong"},
            headers=forged,
        )
        assert answer.status_code == 401
    body = {"request": request, "email": "one-more@acme.test", "password": "wrong"}
    refused = await browser.post("/oauth/sign-in", json=body, headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.7"})
    elsewhere = await browser.post("/oauth/sign-in", json=body, headers={"X-Forwarded-For": "203.0.113.8"})
    assert (refused.status_code, elsewhere.status_code) == (429, 401)


async def submit_from(browser: Browser, address: str, *, email: str = EMAIL, password: str = "wrong") -> int:
    body = {"request": await browser.start_sign_in(), "email": email, "password": password}
    return (await browser.post("/oauth/sign-in", json=body, headers={"X-Forwarded-For": address})).status_code


async def test_who_guesses_is_kept_out_and_the_owner_is_not(browser: Browser) -> None:
    await browser.accept_owner()
    assert [await submit_from(browser, "203.0.113.7") for _ in range(12)] == [401] * 10 + [429] * 2
    assert await submit_from(browser, "198.51.100.1", password=PASSWORD) == 200
    # The owner's success elsewhere gives the attacker no new guesses.
    assert await submit_from(browser, "203.0.113.7", password=PASSWORD) == 429


async def test_an_account_is_guessed_at_a_hundred_times_from_all_addresses_together(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert domain.ACCOUNT_ATTEMPTS == 100
    monkeypatch.setattr(domain, "ACCOUNT_ATTEMPTS", 5)
    await browser.accept_owner()
    assert [await submit_from(browser, f"203.0.113.{n}") for n in range(6)] == [401] * 5 + [429]
    assert await submit_from(browser, "203.0.113.9", email="someone-else@acme.test") == 401


async def test_strangers_tries_all_over_the_tenant_keep_nobody_out(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "TENANT_ALARM", 2)
    await browser.accept_owner()
    with capture_logs() as logs:
        for n in range(4):
            assert await submit_from(browser, f"203.0.113.{n}", email=f"user{n}@acme.test") == 401
        assert await submit_from(browser, "198.51.100.1", password=PASSWORD) == 200
    assert [line["attempts"] for line in logs if line["event"] == "many_sign_in_attempts"] == [2]


async def test_sign_in_page_that_waited_too_long_is_gone(browser: Browser, clock: FakeClock) -> None:
    await browser.accept_owner()
    request = await browser.start_sign_in()
    clock.advance(minutes=10)
    answer = await browser.submit(request)
    assert (answer.status_code, answer.json()["type"]) == (410, "https://rooftree.dev/problems/request-expired")
    altered = ("B" if request[0] == "A" else "A") + request[1:]
    assert (await browser.submit(altered)).status_code == 410


async def test_code_of_another_browser_does_not_sign_this_one_in(browser: Browser) -> None:
    """Login CSRF: an attacker's callback link must not put the victim into the attacker's account."""
    await browser.accept_owner()
    stolen = (await browser.submit(await browser.start_sign_in())).json()["redirect_to"]
    browser.cookies.clear()
    answer = await browser.get(stolen)
    assert answer.headers["location"] == "/sign-in?error=login_failed"
    assert (await browser.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize("changed", ["state=x", "state=", "iss=https://evil.test", "code="])
async def test_callback_must_answer_what_was_asked(browser: Browser, changed: str) -> None:
    await browser.accept_owner()
    callback = (await browser.submit(await browser.start_sign_in())).json()["redirect_to"]
    name = changed.partition("=")[0]
    parts = [changed if part.startswith(f"{name}=") else part for part in callback.partition("?")[2].split("&")]
    answer = await browser.get(f"/auth/callback?{'&'.join(parts)}")
    assert answer.headers["location"] == "/sign-in?error=login_failed"
    assert "__Host-session" not in browser.cookies


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y", "", "evil"],
)
async def test_sign_in_returns_to_this_site_only(browser: Browser, return_to: str) -> None:
    await browser.accept_owner()
    assert (await browser.sign_in(return_to)).headers["location"] == "/"


async def test_signing_in_again_ends_the_session_before(owner: Browser, database: TestDatabase) -> None:
    before = owner.cookies["__Host-session"]
    await owner.sign_in()
    assert owner.cookies["__Host-session"] != before
    assert database.rows("SELECT count(*) FROM gateway.sessions") == [(1,)]
    stale = await owner.get("/api/v1/session", headers={"Cookie": f"__Host-session={before}"})
    assert stale.status_code == 401


async def test_authorize_redirects_carry_the_issuer(browser: Browser) -> None:
    await browser.accept_owner()
    back = (await browser.submit(await browser.start_sign_in())).json()["redirect_to"]
    assert query(back)["iss"] == "https://acme.rooftree.localhost:8443"
