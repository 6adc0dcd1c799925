"""Hot routes answer as FastAPI's own way would: same status, headers, body, log lines and span, and the same call."""

import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from rooftree.kernel import errors
from rooftree.kernel.auth import Principal
from rooftree.kernel.hot_routes import HotRoutes, hot_route
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings
from rooftree.modules.crm.people import Board, People, PeoplePage
from starlette.exceptions import HTTPException
from starlette.routing import Match

from .collector import Collector, collecting
from .conftest import Browser, Tenant
from .test_logs import lines, log_as_in_production, own_logging_back

_ = own_logging_back  # a fixture
ME = UUID(int=7)
HOT = ("/api/v1/people", "/api/v1/people/board", "/api/v1/people/duplicates")
QUERIES = (
    "",
    "limit=1",
    "limit=1&limit=2",
    "limit=0",
    "limit=",
    "limit=%31",
    "limit=1.0&limi=2",
    "limit=1;sort=name",
    "LIMIT=1",
    "sort=-name&cursor=abc&stage_id=00000000-0000-0000-0000-000000000001",
    "sort=name&sort=nonsense",
    "stage_id=x&limit=x",
    "assigned_to=me",
    "assigned_to=nobody&q=a+b%20c",
    f"assigned_to={ME}",
    "assigned_to=everybody",
    "q=%00",
    "q=%ff&tag=%F0%9F%8F%A0",
    "q=" + "x" * 5000,
    "q",
    "&&=&=x",
    "unknown=1",
    "source=&tag= ",
    "email=Ada@client.test",
    "email=x",
    "email=a@client.test&email=b@client.test&phone=1",
    "phone=515%20232%200199",
)


@dataclass
class FakePeople:
    """Nobody; it keeps what it was asked."""

    asked: list[Any] = field(default_factory=list[Any])
    error: Exception | None = None

    def _answer(self, answer: Any, *given: Any) -> Any:
        self.asked.append(given)
        if self.error is not None:
            raise self.error
        return answer

    async def find(self, *given: Any, **named: Any) -> PeoplePage:
        return self._answer(PeoplePage([], {}, 0, str(named)), given, named)

    async def board(self, *given: Any, **named: Any) -> Board:
        return self._answer(Board([], {}), given, named)

    async def duplicates(self, *given: Any, **named: Any) -> PeoplePage:
        return self._answer(PeoplePage([], {}, 0, None), given, named)


@dataclass
class BothWays:
    """`ask` sends a request each way, and holds that nothing tells them apart."""

    browser: Browser
    people: FakePeople
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def callers(self, who: Principal | Exception) -> None:
        async def authenticate(_: Request) -> Principal:
            if isinstance(who, Exception):
                raise who
            return who

        self.browser.app.state.authenticator = authenticate

    async def ask(self, path: str, method: str = "GET") -> httpx2.Response:
        hot, hot_told = await self._one(path, method)
        with self.monkeypatch.context() as patch:
            patch.setattr(HotRoutes, "matches", lambda *_: (Match.NONE, {}))
            plain, plain_told = await self._one(path, method)
        assert _shown(hot) == _shown(plain)
        assert hot_told == plain_told
        return hot

    async def _one(self, path: str, method: str) -> tuple[httpx2.Response, Any]:
        log_as_in_production("INFO")
        self.capsys.readouterr()
        self.people.asked.clear()
        answer = await self.browser.request(method, path)
        told = [{name: line.get(name) for name in line.keys() - _DIFFER} for line in lines(self.capsys)]
        assert "request" in [line["message"] for line in told]
        # Frames of a bug show which way it came.
        kinds = [line | {"exception": (line.get("exception") or {}).get("type")} for line in told]
        return answer, (kinds, list(self.people.asked))


_DIFFER = {"timestamp", "milliseconds", "request_id", "trace_id", "span_id"}


def _shown(answer: httpx2.Response) -> tuple[Any, ...]:
    request_id = answer.headers["x-request-id"]
    headers = [(name, value.replace(request_id, "<id>")) for name, value in answer.headers.multi_items()]
    # Each request leaves one less for the next, and less time.
    headers = [(name, re.sub(r";[rt]=\d+", "", value) if name == "ratelimit" else value) for name, value in headers]
    return answer.status_code, headers, answer.text.replace(request_id, "<id>")


def agent(role: str = "agent") -> Principal:
    return Principal(ME, "acme-0a1b2c3d", role, "web", frozenset(), office_id=UUID(int=8))


@pytest.fixture
async def both_ways(
    start: Callable[..., Any], tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> BothWays:
    browser: Browser = await start(tenant)
    people = FakePeople()
    browser.app.state.services[People] = people
    both = BothWays(browser, people, monkeypatch, capsys)
    both.callers(agent())
    return both


async def test_lists_of_people_are_hot_and_nothing_else_is(both_ways: BothWays) -> None:
    routes = both_ways.browser.app.router.routes[0]
    assert isinstance(routes, HotRoutes)
    methods = ("GET", "HEAD", "POST", "OPTIONS")
    paths = (*HOT, "/api/v1/people/", "/api/v1/people\n", "/api/v1/PEOPLE", f"/api/v1/people/{ME}", "/api/v1/leads")
    scopes = [{"type": "http", "method": method, "path": path} for method in methods for path in paths]
    found = [(one["method"], one["path"]) for one in scopes if routes.matches(one)[0] is Match.FULL]
    assert found == [("GET", path) for path in HOT]


@pytest.mark.parametrize("path", HOT)
async def test_every_query_is_read_the_same_way(both_ways: BothWays, path: str) -> None:
    statuses = {(await both_ways.ask(f"{path}?{query}")).status_code for query in QUERIES}
    assert statuses == {200, 422}


@pytest.mark.parametrize("path", HOT)
@pytest.mark.parametrize(
    ("who", "status"),
    [
        (errors.Unauthenticated(), 401),
        (errors.Unavailable(retry_after=3), 503),
        (HTTPException(404), 404),
        (RuntimeError("canary"), 500),
        (agent("client"), 403),
        (agent("nobody knows this role"), 403),
        (agent("office_manager"), 200),
    ],
    ids=["nobody", "away", "http", "bug", "client", "stranger", "manager"],
)
async def test_whoever_asks_is_answered_the_same_way(
    both_ways: BothWays, path: str, who: Principal | Exception, status: int
) -> None:
    both_ways.callers(who)
    assert (await both_ways.ask(path)).status_code == status
    # Who asks comes before what is asked.
    assert (await both_ways.ask(f"{path}?email=x&limit=x")).status_code == (422 if status == 200 else status)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Unprocessable("no"), 422),
        (errors.Unavailable(retry_after=3), 503),
        (HTTPException(405, headers={"Allow": "GET"}), 405),
        (RuntimeError("canary"), 500),
    ],
    ids=["refused", "away", "http", "bug"],
)
async def test_what_a_handler_raises_leaves_the_same_way(both_ways: BothWays, error: Exception, status: int) -> None:
    both_ways.people.error = error
    assert (await both_ways.ask("/api/v1/people")).status_code == status


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused_as_ever(both_ways: BothWays, method: str) -> None:
    assert (await both_ways.ask("/api/v1/people", method)).status_code == 405


@pytest.fixture
async def collector(tenant: Tenant) -> AsyncGenerator[tuple[Collector, Telemetry]]:
    with collecting() as running:
        telemetry = Telemetry(TelemetrySettings(otlp_endpoint=running.url), tenant.settings())
        await telemetry.start()
        yield running, telemetry
        await telemetry.stop()


async def test_both_ways_leave_the_same_spans(both_ways: BothWays, collector: tuple[Collector, Telemetry]) -> None:
    received, telemetry = collector
    for path in HOT:
        await both_ways.ask(path)
        await both_ways.ask(f"{path}?email=x&limit=x")
    await telemetry.stop()
    assert len(received.spans) == 4 * len(HOT)
    for path in HOT:
        spans = received.named(f"GET {path}")
        assert len(spans) == 4
        assert len({json.dumps(span.attributes, sort_keys=True) for span in spans}) == 2  # 200 and 422


# -- what a plan cannot give ------------------------------------------------------------------------------------------


async def _reads_query(limit: int = 1) -> int:
    return limit


def _is_no_coroutine() -> int:
    return 1


async def _yields() -> AsyncGenerator[int]:
    yield 1


def _app(path: str, handler: Any, *before: str) -> FastAPI:
    router, app = APIRouter(prefix="/api"), FastAPI()

    @router.get("/{anything}")
    async def earlier() -> None:
        """Stands before."""

    if not before:
        router.routes.clear()
    router.get(path, response_model=None)(hot_route(handler))
    app.include_router(router)
    return app


async def _path(name: str) -> Response:
    return Response(name)


async def _response(response: Response) -> Response:
    return response


async def _query_of_a_dependency(limit: Annotated[int, Depends(_reads_query)]) -> Response:
    return Response(str(limit))


async def _thread(one: Annotated[int, Depends(_is_no_coroutine)]) -> Response:
    return Response(str(one))


async def _generator(one: Annotated[int, Depends(_yields)]) -> Response:
    return Response(str(one))


async def _plain(limit: Annotated[int, Query()] = 1) -> Response:
    return Response(str(limit))


@pytest.mark.parametrize(
    ("path", "handler"),
    [
        ("/{name}", _path),
        ("/one", _response),
        ("/one", _query_of_a_dependency),
        ("/one", _thread),
        ("/one", _generator),
    ],
)
def test_what_needs_more_than_a_plan_gives_is_refused_at_the_start(path: str, handler: Any) -> None:
    with pytest.raises(TypeError):
        HotRoutes(_app(path, handler))


def test_a_path_that_another_route_takes_first_is_refused_at_the_start() -> None:
    HotRoutes(_app("/one", _plain))
    with pytest.raises(TypeError, match="comes before"):
        HotRoutes(_app("/one", _plain, "another"))


async def test_a_dependency_is_asked_once_and_those_that_are_replaced_are_honoured() -> None:
    asked: list[Request] = []

    async def dependency(request: Request) -> int:
        asked.append(request)
        return len(asked)

    async def handler(one: Annotated[int, Depends(dependency)], two: Annotated[int, Depends(dependency)]) -> Response:
        return Response(f"{one} {two}")

    async def replacement() -> int:
        return 9

    app = _app("/one", handler)
    app.router.routes.insert(0, HotRoutes(app))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/api/one")).text == "1 1"
        app.dependency_overrides[dependency] = replacement
        assert (await client.get("/api/one")).text == "9 9"
