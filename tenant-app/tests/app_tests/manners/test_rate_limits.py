"""Limits hold over all replicas, cost no round trip but now and then, and are told in every answer."""

import os
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from rooftree.contracts.access.routes import OpenNeed
from rooftree.kernel.auth import SESSION_COOKIE, Principal
from rooftree.kernel.cache import Cache
from rooftree.kernel.errors import TooManyRequests, Unauthenticated
from rooftree.kernel.ids import new_id
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.middleware import FORWARDED, Forwarded
from rooftree.kernel.rate_limits import KIND_EXTENSION, WINDOW, LimitSettings, RateLimits, kind_of, told
from rooftree.modules.gateway import module as gateway
from starlette.types import Scope

from ..cache_world import RedisServer, connected, opened, unhurried
from ..conftest import Browser, FakeClock, Tenant, parts_of
from ..identity.conftest import problem, token_of

_ = unhurried  # a fixture
NAMES = ("reads", "writes", "searches", "visitors", "brokerage")


class Counting:
    """A cache that counts what it is asked for, in memory or away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.totals: dict[str, int] = {}
        self.asked = 0

    async def increase(self, key: str, by: int, ttl: float) -> int | None:
        assert ttl > WINDOW
        self.asked += 1
        if self.away:
            return None
        self.totals[key] = self.totals.get(key, 0) + by
        return self.totals[key]


def limits(cache: Any, clock: FakeClock, **quotas: int) -> RateLimits:
    settings = LimitSettings(**dict.fromkeys((f"rate_{name}" for name in NAMES), 0) | quotas)
    return RateLimits(settings, cache, clock, Metrics("test"))


def request(method: str = "GET", **extra: str) -> Scope:
    return {"method": method, "route": SimpleNamespace(openapi_extra=extra)}


async def passes(replica: RateLimits, who: str = "ada") -> bool:
    try:
        await replica.person(request(), who)
    except TooManyRequests:
        return False
    return True


def at_a_minutes_start(clock: FakeClock) -> None:
    clock.advance(seconds=WINDOW - clock.now().timestamp() % WINDOW)


async def test_a_quota_holds_over_two_replicas_and_is_new_with_the_next_minute(clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    cache = Counting()
    both = [limits(cache, clock, rate_reads=100) for _ in range(2)]
    passed = sum([await passes(both[number % 2]) for number in range(300)])
    # Each may have given out its first few before the other had asked for its own.
    assert 100 - 2 * 5 <= passed <= 100 + 2 * 5
    clock.advance(seconds=WINDOW - 1)
    assert not await passes(both[0])
    clock.advance(seconds=1)
    assert await passes(both[0])
    assert await passes(both[1])


async def test_one_replica_gives_out_the_quota_to_the_last(clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    alone = limits(Counting(), clock, rate_reads=100)
    assert [await passes(alone) for _ in range(110)] == [True] * 100 + [False] * 10
    assert await passes(alone, "grace")


async def test_redis_is_asked_once_for_a_handful_and_not_at_all_by_who_asks_little(clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    cache = Counting()
    replica = limits(cache, clock, rate_reads=1200)
    for _ in range(60):
        assert await passes(replica)
    assert cache.asked == 0
    for _ in range(600):
        assert await passes(replica)
    assert cache.asked == 10


async def test_while_redis_is_away_requests_pass_and_are_counted(clock: FakeClock) -> None:
    cache = Counting(away=True)
    replica = limits(cache, clock, rate_reads=20)
    assert all([await passes(replica) for _ in range(100)])
    assert replica._counted.labels("unchecked")._value.get() > 0
    cache.away = False
    assert sum([await passes(replica) for _ in range(100)]) <= 20


async def test_a_whole_brokerage_has_a_limit_and_the_refusal_names_it(clock: FakeClock) -> None:
    replica = limits(Counting(), clock, rate_reads=100, rate_brokerage=30)
    for number in range(30):
        assert await passes(replica, f"user {number}")
    with pytest.raises(TooManyRequests) as refused:
        await replica.person(request(), "another")
    assert refused.value.extensions == {"violated-policies": ["brokerage"]}
    await replica.visitor({**request(), "client_address": "203.0.113.7"})


async def test_answers_tell_policies_and_what_is_left(clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    clock.advance(seconds=20)
    replica = limits(Counting(), clock, rate_reads=100, rate_brokerage=1000)
    asked = request()
    await replica.person(asked, "ada")
    await replica.person(asked, "ada")  # asked for again within one request
    assert told(asked) == [
        (b"ratelimit-policy", b'"reads";q=100;w=60, "brokerage";q=1000;w=60'),
        (b"ratelimit", b'"reads";r=99;t=40, "brokerage";r=999;t=40'),
    ]


@pytest.mark.parametrize(
    ("scope", "kind"),
    [
        (request(), "reads"),
        (request("HEAD"), "reads"),
        (request("DELETE"), "writes"),
        (request("POST"), "writes"),
        (request(**{KIND_EXTENSION: "searches"}), "searches"),
        ({"method": "GET"}, "reads"),
    ],
)
def test_what_counts_where(scope: Scope, kind: str) -> None:
    assert kind_of(scope) == kind


HEADERS = [{"Authorization": "x"}, {"Cookie": "__Host-session=canary"}, {"Cookie": "my__Host-session=1"}]


@pytest.mark.parametrize("headers", [{}, *HEADERS])
async def test_no_header_takes_a_visitor_of_an_open_route_out_of_the_count(
    start: Callable[..., Any],
    tenant: Tenant,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    at_a_minutes_start(clock)
    monkeypatch.setenv("ROOFTREE_RATE_VISITORS", "3")
    browser: Browser = await start(tenant)
    parts_of(browser.app, "gateway").runtime.rate_limits._cache = Counting()  # type: ignore[assignment]
    answers = [await browser.get("/api/v1/tenant", headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert [len(answer.headers.get_list("ratelimit")) for answer in answers] == [1] * 5


async def test_what_the_gateway_handed_on_it_has_counted(clock: FakeClock) -> None:
    cache = Counting()
    state = SimpleNamespace(rate_limits=limits(cache, clock, rate_visitors=1))
    scope: Scope = {"type": "http", "app": SimpleNamespace(state=state), "client_address": "203.0.113.7"}
    for _ in range(3):
        await OpenNeed("tenant", "read")(Request(scope | {FORWARDED: Forwarded(None, 1.0)}))
    await OpenNeed("tenant", "read")(Request(dict(scope)))
    with pytest.raises(TooManyRequests):
        await OpenNeed("tenant", "read")(Request(dict(scope)))


class KnownSessions:
    """Sessions of a process that has met one of them; counts what it has to look for."""

    def __init__(self) -> None:
        self.looked_for = 0

    def knows(self, secret: str) -> bool:
        return secret == "known"

    async def principal(self, secret: str) -> Principal:
        if self.knows(secret):
            return Principal(new_id(), "acme-0a1b2c3d", "agent", "web", frozenset())
        self.looked_for += 1
        raise Unauthenticated


async def test_guessed_sessions_are_not_looked_for_once_their_network_is_spent(clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    visitors, sessions = limits(Counting(), clock, rate_visitors=20), KnownSessions()
    authenticate = gateway._limited(gateway._authenticator(sessions, visitors), visitors)  # type: ignore[arg-type]

    async def answer(secret: str, address: str = "203.0.113.7") -> str:
        headers = [(b"cookie", f"{SESSION_COOKIE}={secret}".encode())]
        scope: Scope = {"type": "http", "method": "GET", "headers": headers, "client_address": address}
        try:
            return (await authenticate(Request(scope))).role
        except (Unauthenticated, TooManyRequests) as refused:
            return type(refused).__name__

    answers = [await answer(f"guess{number}") for number in range(60)]
    assert answers == ["Unauthenticated"] * 20 + ["TooManyRequests"] * 40
    assert sessions.looked_for <= 21
    # Colleagues behind the same address go on, and so do other networks.
    assert await answer("known") == "agent"
    assert await answer("guess", "203.0.113.8") == "Unauthenticated"
    clock.advance(seconds=WINDOW)
    assert await answer("guess") == "Unauthenticated"


# -- with a real Redis and the real app -------------------------------------------------------------------------------


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.kill()


@asynccontextmanager
async def on(server: RedisServer) -> AsyncGenerator[Cache]:
    async with opened(redis_host="127.0.0.1", redis_port=server.port, password="") as cache:
        yield await connected(cache)


@pytest.mark.integration
@pytest.mark.usefixtures("unhurried")
async def test_redis_counts_for_both_and_forgets_by_itself(redis: RedisServer, clock: FakeClock) -> None:
    at_a_minutes_start(clock)
    async with on(redis) as one, on(redis) as two:
        both = [limits(cache, clock, rate_reads=100) for cache in (one, two)]
        passed = sum([await passes(both[number % 2]) for number in range(300)])
        assert 90 <= passed <= 110
        key = f"rate.reads.ada.{int(clock.now().timestamp()) // WINDOW}"
        left = await one._redis.command(b"PTTL", one._key(key))  # type: ignore[union-attr]
        assert 0 < int(left or 0) <= 2 * WINDOW * 1000
    redis.kill()
    async with opened(redis_host="127.0.0.1", redis_port=redis.port, password="") as away:
        assert all([await passes(limits(away, clock, rate_reads=10)) for _ in range(30)])


@pytest.mark.integration
@pytest.mark.usefixtures("unhurried")
async def test_two_replicas_of_the_app_refuse_together(
    start: Callable[..., Any],
    stored_tenant: Tenant,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_a_minutes_start(clock)
    monkeypatch.setenv("ROOFTREE_RATE_READS", "40")
    monkeypatch.setenv("ROOFTREE_RATE_VISITORS", "60")
    for name in ("HOST", "PORT", "USER"):
        monkeypatch.setenv(f"ROOFTREE_REDIS_{name}", os.environ[f"ROOFTREE_TEST_REDIS_{name}"])
    password = {"redis_password": os.environ["ROOFTREE_TEST_REDIS_PASSWORD"]}
    tenant = stored_tenant.but(secret_files=password, tenant_id=f"acme-{secrets.token_hex(4)}")
    one: Browser = await start(tenant)
    await one.accept_owner()
    await one.sign_in()
    bearer = {"Authorization": f"Bearer {(await token_of(one, 'olivia@acme.test'))['access_token']}"}
    two: Browser = await start(tenant)
    for browser in (one, two):
        await connected(parts_of(browser.app, "gateway").runtime.cache)
    clock.advance(seconds=WINDOW + 15)
    answers = [await (one, two)[number % 2].get("/api/v1/stages", headers=bearer) for number in range(80)]
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(passed) + len(refused) == 80
    assert 36 <= len(passed) <= 44
    assert re.fullmatch(r'"reads";r=39;t=45, "brokerage";r=\d+;t=45', passed[0].headers["ratelimit"])
    assert passed[0].headers["ratelimit-policy"] == '"reads";q=40;w=60, "brokerage";q=30000;w=60'
    last = refused[-1]
    assert problem(last) == (429, "too-many-requests")
    assert (last.headers["retry-after"], last.json()["violated-policies"]) == ("45", ["reads"])
    # Writes have a quota of their own, and visitors have theirs.
    assert (await one.post("/api/v1/stages", json={"name": "Warm"}, headers=bearer)).status_code == 201
    two.cookies.clear()
    from_afar = {"X-Forwarded-For": "203.0.113.7"}
    visits = [(await two.get("/api/v1/tenant", headers=from_afar)).status_code for _ in range(70)]
    assert visits == [200] * 60 + [429] * 10
    guesses = {"Authorization": "Bearer guessed"} | from_afar
    assert (await two.get("/api/v1/stages", headers=guesses)).status_code == 429
    # No header takes anybody out of that count.
    for headers in HEADERS:
        assert (await two.get("/api/v1/tenant", headers=headers | from_afar)).status_code == 429
        assert (await two.get("/api/v1/session", headers=headers | from_afar)).status_code == 429
    assert (await two.get("/api/v1/tenant", headers={"X-Forwarded-For": "203.0.113.8"})).status_code == 200
    assert (await two.get("/version")).status_code == 200
