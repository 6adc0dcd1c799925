"""Browser sessions over time: renewed behind requests, ended by idling, age, theft or sign-out."""

import asyncio

import pytest

from .conftest import Browser, FakeClock, TestDatabase, parts_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


async def settled(browser: Browser) -> None:
    """Wait for what requests left running."""
    await browser.app.state.parts.runtime.background.close(5)


async def test_old_access_part_is_renewed_behind_a_request(
    owner: Browser, clock: FakeClock, database: TestDatabase
) -> None:
    clock.advance(minutes=6)
    answers = await asyncio.gather(*(owner.get("/api/v1/session") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    await settled(owner)
    assert database.rows("SELECT version, renewing_until FROM gateway.sessions") == [(2, None)]
    assert database.rows("SELECT count(*), count(used_at) FROM identity.refresh_tokens") == [(2, 1)]


async def test_expired_access_part_is_renewed_once_for_all_who_ask(
    owner: Browser, clock: FakeClock, database: TestDatabase
) -> None:
    clock.advance(hours=2)
    answers = await asyncio.gather(*(owner.get("/api/v1/session") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert database.rows("SELECT version FROM gateway.sessions") == [(2,)]
    assert database.rows("SELECT count(*) FROM identity.families WHERE revoked_at IS NOT NULL") == [(0,)]


async def test_session_ends_when_nobody_uses_it_for_half_a_day(owner: Browser, clock: FakeClock) -> None:
    clock.advance(hours=11)
    assert (await owner.get("/api/v1/session")).status_code == 200
    clock.advance(hours=11)
    assert (await owner.get("/api/v1/session")).status_code == 200
    clock.advance(hours=12)
    assert (await owner.get("/api/v1/session")).status_code == 401


async def test_session_ends_after_a_week_of_use(owner: Browser, clock: FakeClock) -> None:
    for _ in range(7 * 3 - 1):
        clock.advance(hours=8)
        assert (await owner.get("/api/v1/session")).status_code == 200
    clock.advance(hours=8)
    assert (await owner.get("/api/v1/session")).status_code == 401


async def test_revoked_family_ends_the_session_at_its_next_renewal(
    owner: Browser, clock: FakeClock, database: TestDatabase
) -> None:
    database.rows("UPDATE identity.families SET revoked_at = now() RETURNING 1")
    clock.advance(minutes=11)
    assert (await owner.get("/api/v1/session")).status_code == 401
    assert database.rows("SELECT count(*) FROM gateway.sessions") == [(0,)]


async def test_person_who_left_has_no_session(owner: Browser, clock: FakeClock, database: TestDatabase) -> None:
    database.rows("UPDATE identity.users SET deactivated_at = now() RETURNING 1")
    clock.advance(minutes=11)
    assert (await owner.get("/api/v1/session")).status_code == 401


async def test_sign_out_ends_session_and_family(owner: Browser, database: TestDatabase) -> None:
    cookie = owner.cookies["__Host-session"]
    assert (await owner.post("/auth/logout")).status_code == 204
    assert "__Host-session" not in owner.cookies
    assert (await owner.get("/api/v1/session", headers={"Cookie": f"__Host-session={cookie}"})).status_code == 401
    assert database.rows("SELECT revoked_because FROM identity.families") == [("signed out",)]
    assert (await owner.post("/auth/logout")).status_code == 204


async def test_database_alone_is_no_session(owner: Browser, database: TestDatabase) -> None:
    kept = str(database.rows("SELECT encode(secret_hash, 'escape'), encode(sealed, 'escape') FROM gateway.sessions"))
    assert owner.cookies["__Host-session"] not in kept
    assert "eyJ" not in kept
    ((digest,),) = database.rows("SELECT encode(secret_hash, 'hex') FROM gateway.sessions")
    owner.cookies.clear()
    assert (await owner.get("/api/v1/session", headers={"Cookie": f"__Host-session={digest}"})).status_code == 401


async def test_tokens_moved_to_another_session_row_do_not_open(
    owner: Browser, database: TestDatabase, clock: FakeClock
) -> None:
    first = owner.cookies["__Host-session"]
    owner.cookies.clear()
    await owner.sign_in()
    database.rows(
        "UPDATE gateway.sessions SET sealed ="
        " (SELECT sealed FROM gateway.sessions ORDER BY created_at, used_at LIMIT 1) RETURNING 1"
    )
    clock.advance(seconds=1)
    answers = [
        (await owner.get("/api/v1/session", headers={"Cookie": f"__Host-session={secret}"})).status_code
        for secret in (first, owner.cookies["__Host-session"])
    ]
    assert sorted(answers) == [200, 401]


@pytest.mark.parametrize(
    "cookie",
    ["__Host-session=", "__Host-session=x", "__Host-session=a; __Host-session=b", "__host-session={}", "session={}"],
)
async def test_odd_cookies_are_nobody(owner: Browser, cookie: str) -> None:
    secret = owner.cookies["__Host-session"]
    owner.cookies.clear()
    answer = await owner.get("/api/v1/session", headers={"Cookie": cookie.format(secret)})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_bad_bearer_is_not_rescued_by_a_good_cookie(owner: Browser) -> None:
    assert (await owner.get("/probe/whoami")).status_code == 200
    for header in ("Bearer nonsense", "Basic b2xpdmlhOng=", "Bearer"):
        assert (await owner.get("/probe/whoami", headers={"Authorization": header})).status_code == 401


async def test_expired_rows_are_forgotten(owner: Browser, clock: FakeClock, database: TestDatabase) -> None:
    from rooftree.modules.gateway.service import Sessions

    clock.advance(days=61)
    await owner.app.state.services[Sessions].forget_expired()
    for job in parts_of(owner.app, "identity").queue.declared():
        if job.name == "identity.forget_expired":
            await job.run()
    assert database.rows("SELECT count(*) FROM gateway.sessions") == [(0,)]
    assert database.rows("SELECT count(*) FROM identity.families") == [(0,)]
    assert database.rows("SELECT count(*) FROM identity.refresh_tokens") == [(0,)]
