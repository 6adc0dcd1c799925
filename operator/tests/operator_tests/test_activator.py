"""Requests of a brokerage that is asleep: none is lost, none is sent twice, and the brokerage is woken once."""

import asyncio
import gzip
import hashlib
import json
import resource
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from prometheus_client import REGISTRY
from rooftree_operator.activator import waking
from rooftree_operator.activator.endpoints import Address
from rooftree_operator.activator.rooms import Limits
from rooftree_operator.activator.sleepers import HEADER_MODULES, HEADERS, Sleeper
from rooftree_operator.adapters.kubernetes import SLICE
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import LABEL_SERVICE
from yarl import URL

from .activated import DEADLINE, EDGE, SLEEPER, Cell, cell, deployment, until
from .fakes.kubernetes import FakeKubernetes

pytestmark = pytest.mark.usefixtures("socket_enabled")

FIRST = 1_000
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Each request has two ends in this process, of which there are a thousand."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 16_384), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
async def asleep() -> AsyncGenerator[Cell]:
    async with cell() as found:
        yield found


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def waiting() -> int:
    return int(counted("rooftree_activator_waiting"))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_first_requests_wake_it_once_and_each_gets_its_own_answer(asleep: Cell) -> None:
    bodies = {f"/things/{number}": str(number).encode() * 100 for number in range(FIRST)}
    asked = [
        asyncio.create_task(
            asleep.text(path, method="POST" if number % 2 else "GET", data=body if number % 2 else None)
        )
        for number, (path, body) in enumerate(bodies.items())
    ]
    await until("all wait", lambda: waiting() == FIRST)
    asleep.node.opens()
    answers = [json.loads(text) for status, text in await asyncio.gather(*asked) if status == 200]
    sizes = [0 if number % 2 == 0 else len(body) for number, body in enumerate(bodies.values())]
    assert [(one["path"], one["size"]) for one in answers] == list(zip(bodies, sizes, strict=True))
    assert asleep.app.times == dict.fromkeys(bodies, 1)
    assert asleep.scaled() == ["wake app"]
    assert asleep.replicas() == 1
    assert waiting() == 0


async def test_an_app_that_has_just_begun_gets_only_so_many_requests_at_a_time() -> None:
    async with cell(limits=Limits(sent_of_one=4)) as asleep:
        gate = asyncio.Event()

        async def slow(_: web.BaseRequest) -> web.Response:
            await gate.wait()
            return web.Response(text="at last")

        asleep.app.does["/"] = slow
        asleep.node.opens()
        asked = [asyncio.create_task(asleep.text()) for _ in range(20)]
        await until("four are there", lambda: asleep.app.at_once == 4 and waiting() == 20)
        gate.set()
        assert {status for status, _ in await asyncio.gather(*asked)} == {200}
        assert asleep.app.most_at_once == 4


async def test_it_is_answered_before_the_kubelet_has_found_the_pod_ready(asleep: Cell) -> None:
    asleep.node.opens()
    assert (await asleep.text())[0] == 200
    assert [pod.found_ready for pod in asleep.node.pods] == [False]


async def test_nothing_is_sent_to_an_app_that_listens_and_is_not_ready(asleep: Cell) -> None:
    asleep.node.may_listen.set()
    asked = asyncio.create_task(asleep.text("/x"))
    await until("it was asked", lambda: asleep.node.asked > 3)
    assert asleep.app.seen == []
    asleep.node.may_be_ready.set()
    assert (await asked)[0] == 200


async def test_two_activators_wake_it_once_together() -> None:
    async with cell(activators=2) as asleep:
        asked = [asyncio.create_task(asleep.text(f"/{number}", activator=number % 2)) for number in range(40)]
        await until("all wait", lambda: waiting() == 20)  # of each process; here they share the gauge
        asleep.node.opens()
        assert {status for status, _ in await asyncio.gather(*asked)} == {200}
        assert asleep.replicas() == 1
        generation = asleep.kube.objects["Deployment", SLEEPER.namespace, "app"]["metadata"]["generation"]
        assert generation == 2
        assert len(asleep.node.pods) == 1


async def test_one_that_has_more_pods_already_is_not_reduced_to_one(asleep: Cell) -> None:
    asleep.node.opens()
    await asleep.kube.scale("app", SLEEPER.namespace, 3)
    await until("three pods", lambda: len(asleep.node.pods) == 3)
    assert (await asleep.text())[0] == 200
    assert asleep.scaled() == []
    assert asleep.replicas() == 3


async def test_who_is_awake_is_not_asked_for_again_with_each_request(
    asleep: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGAIN", "KNOWN"):
        monkeypatch.setattr(waking, name, 60.0)
    asleep.node.opens()
    for _ in range(5):
        assert (await asleep.text())[0] == 200
    assert asleep.scaled() == ["wake app"]
    assert asleep.kube.reads.count("Deployment/scale app") == 1


async def test_one_that_is_put_to_sleep_again_meanwhile_is_woken_again(
    asleep: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "AGAIN", 0.02)
    asked = asyncio.create_task(asleep.text())
    await until("it has a pod", lambda: asleep.node.pods)
    await asleep.kube.scale("app", SLEEPER.namespace, 0)
    await until("it has another one", lambda: [pod.name for pod in asleep.node.pods] == ["app-2"])
    asleep.node.opens()
    assert (await asked)[0] == 200
    assert asleep.scaled() == ["wake app", "wake app"]


async def test_a_pod_that_dies_while_it_starts_is_replaced_and_nobody_is_lost(asleep: Cell) -> None:
    asleep.node.may_listen.set()
    asked = [asyncio.create_task(asleep.text(f"/{number}", method="POST", data=b"x")) for number in range(20)]
    await until("it was asked", lambda: asleep.node.asked > 3)
    await asleep.node.kill(asleep.node.pods[0])
    await until("there is another one", lambda: asleep.node.pods)
    asleep.node.may_be_ready.set()
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
    assert set(asleep.app.times.values()) == {1}


async def test_a_pod_that_went_after_it_was_found_costs_nobody_a_request(asleep: Cell) -> None:
    asleep.node.opens()
    assert (await asleep.text("/first"))[0] == 200
    await asleep.node.kill(asleep.node.pods[0])
    assert (await asleep.text("/second", method="POST", data=b"x"))[0] == 200
    assert asleep.app.times == {"/first": 1, "/second": 1}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_what_was_sent_and_not_answered_is_never_sent_again(asleep: Cell, method: str) -> None:
    async def dies(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    asleep.app.does["/effect"] = dies
    asleep.node.opens()
    assert await asleep.problem("/effect", method=method) == (502, "bad-gateway", None)
    assert asleep.app.times == {"/effect": 1}


async def test_the_api_server_may_be_away_for_a_moment(asleep: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "RETRY", 0.01)
    asleep.kube.gate.turn(Unavailable("ApiServerUnreachable", "the apiserver does not answer"))
    asked = asyncio.create_task(asleep.text())
    await until("it waits", lambda: waiting() == 1)
    asleep.kube.gate.turn(None)
    asleep.node.opens()
    assert (await asked)[0] == 200


async def test_who_waits_too_long_is_told_to_come_again_and_nothing_of_it_was_done() -> None:
    async with cell(patience=2.0) as asleep:
        assert await asleep.problem("/x", method="POST", data=b"x") == (503, "starting", "5")
        async with asleep.ask("/x", headers={"Accept": BROWSER}) as page:
            assert (page.status, page.content_type, page.headers["Refresh"]) == (503, "text/html", "5")
            assert "This brokerage is starting" in await page.text()
        asleep.node.opens()
        assert (await asleep.text("/again"))[0] == 200
        assert asleep.app.times == {"/again": 1}
        assert asleep.scaled() == ["wake app"]


async def test_an_answer_may_take_longer_than_the_patience_once_the_request_was_sent() -> None:
    async with cell(patience=1.5) as asleep:
        gate = asyncio.Event()

        async def slow(_: web.BaseRequest) -> web.Response:
            await gate.wait()
            return web.Response(text="late, and whole")

        asleep.app.does["/slow"] = slow
        asleep.node.opens()
        asked = asyncio.create_task(asleep.text("/slow"))
        await until("the app has it", lambda: asleep.app.at_once)
        loop = asyncio.get_running_loop()
        loop.call_later(2.0, gate.set)
        assert await asked == (200, "late, and whole")


async def test_a_client_that_leaves_frees_its_place() -> None:
    async with cell(patience=2 * DEADLINE, limits=Limits(requests_of_one=1)) as asleep:
        first = asyncio.create_task(asleep.text("/first"))
        await until("it waits", lambda: waiting() == 1)
        assert await asleep.problem("/second") == (503, "starting", "5")
        first.cancel()
        await until("its place is free", lambda: waiting() == 0)
        third = asyncio.create_task(asleep.text("/third"))
        asleep.node.opens()
        assert (await third)[0] == 200
        assert asleep.app.times == {"/third": 1}


async def test_a_client_that_leaves_does_not_take_the_others_wake_along(asleep: Cell) -> None:
    first, second = asyncio.create_task(asleep.text("/first")), asyncio.create_task(asleep.text("/second"))
    await until("both wait", lambda: waiting() == 2 and asleep.node.pods)
    first.cancel()
    await until("one has left", lambda: waiting() == 1)
    asleep.node.opens()
    assert (await second)[0] == 200
    assert asleep.scaled() == ["wake app"]


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        (Limits(requests=1), {}),
        (Limits(requests_of_one=1), {}),
        (Limits(held=100), {"method": "POST", "data": b"x" * 51}),
        (Limits(held_of_one=100), {"method": "POST", "data": b"x" * 51}),
    ],
)
async def test_who_finds_no_place_is_told_at_once_and_whoever_has_one_is_served(
    limits: Limits, sent: dict[str, Any]
) -> None:
    async with cell(limits=limits) as asleep:
        first = asyncio.create_task(asleep.text("/first", **sent))
        await until("it waits", lambda: waiting() == 1)
        assert await asleep.problem("/second", **sent) == (503, "starting", "5")
        asleep.node.opens()
        assert (await first)[0] == 200


async def test_a_big_body_waits_at_its_sender_and_arrives_whole(asleep: Cell) -> None:
    piece, pieces, given = bytes(range(256)) * 256, 1024, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(pieces):
            given += 1
            yield piece

    async def hashed(request: web.BaseRequest) -> web.Response:
        digest = hashlib.sha256()
        async for part in request.content.iter_any():
            digest.update(part)
        return web.Response(text=digest.hexdigest())

    asleep.app.does["/upload"] = hashed
    asked = asyncio.create_task(asleep.text("/upload", method="PUT", data=body()))
    await until("it waits", lambda: waiting() == 1 and given > 1)
    for _ in range(100):
        await asyncio.sleep(0.002)  # so that all that anybody takes is taken
    assert given < pieces / 2  # what the kernel's buffers hold, of 64 MiB
    asleep.node.opens()
    assert await asked == (200, hashlib.sha256(piece * pieces).hexdigest())


async def test_a_slow_sender_is_waited_for_and_holds_up_nobody(asleep: Cell) -> None:
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await more.wait()
        yield b"second"

    asleep.node.opens()
    slow = asyncio.create_task(asleep.text("/slow", method="POST", data=body()))
    assert (await asleep.text("/quick"))[0] == 200
    assert not slow.done()
    more.set()
    assert (await slow)[0] == 200
    assert next(one.body for one in asleep.app.seen if one.path == "/slow") == b"first second"


async def test_events_are_handed_on_as_they_come(asleep: Cell) -> None:
    more = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await answer.prepare(request)
        await answer.write(b"event: hello\n\n")
        await more.wait()
        await answer.write(b"event: change\n\n")
        return answer

    asleep.app.does["/api/v1/stream"] = stream
    asleep.node.opens()
    async with asyncio.timeout(DEADLINE), asleep.ask("/api/v1/stream") as answer:
        assert await answer.content.readany() == b"event: hello\n\n"
        assert waiting() == 0  # a stream takes nobody's place
        more.set()
        assert await answer.content.read() == b"event: change\n\n"


async def test_an_answer_that_breaks_off_breaks_off_for_the_client(asleep: Cell) -> None:
    async def half(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return answer

    asleep.app.does["/half"] = half
    asleep.node.opens()
    with pytest.raises(aiohttp.ClientError):
        await asleep.text("/half")
    assert asleep.app.times == {"/half": 1}


async def test_the_app_gets_the_request_as_the_edge_sent_it_without_what_was_for_us(asleep: Cell) -> None:
    asleep.node.opens()
    path = "/files/a%2Fb%20c?x=%7B1%7D&y=1+2"
    body = gzip.compress(b"{}")
    sent = [
        *EDGE.items(),
        ("Cookie", "a=1; b=2"),
        ("X-Many", "1"),
        ("X-Many", "2"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", str(len(body))),
        ("Accept-Encoding", "br"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "for the next one only"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
    ]
    target = URL(asleep.url(path), encoded=True)
    async with asleep.http.request(
        "POST", target, headers=sent, data=body, skip_auto_headers=("User-Agent",)
    ) as answer:
        assert answer.status == 200
    (got,) = asleep.app.seen
    assert (got.path, got.body) == (path, body)
    assert got.values("Host") == [EDGE["Host"]]
    assert got.values("X-Forwarded-For") == ["203.0.113.7"]
    assert got.values("X-Forwarded-Host") == [EDGE["X-Forwarded-Host"]]
    assert got.values("X-Many") == ["1", "2"]
    assert got.values("Content-Encoding") == ["gzip"]
    assert got.values("Content-Length") == [str(len(body))]
    assert got.values("Accept-Encoding") == ["br"]
    assert got.values("User-Agent") == []
    for name in (*HEADERS, "X-Hop", "Keep-Alive", "TE", "Transfer-Encoding"):
        assert got.values(name) == [], name


async def test_the_client_gets_the_answer_as_the_app_gave_it(asleep: Cell) -> None:
    packed = gzip.compress(b"hello")

    async def given(_: web.BaseRequest) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Connection": "X-Inner", "X-Inner": "1", "ETag": '"7"'}
        answer = web.Response(status=201, body=packed, headers=headers)
        answer.headers.add("Set-Cookie", "a=1; Path=/")
        answer.headers.add("Set-Cookie", "b=2; Path=/")
        answer.headers["Server"] = "the app's"
        return answer

    asleep.app.does["/given"] = given
    asleep.node.opens()
    async with asleep.ask("/given") as answer:
        assert (answer.status, await answer.read()) == (201, packed)
        assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
        assert answer.headers["Content-Length"] == str(len(packed))
        assert (answer.headers["ETag"], answer.headers["Server"]) == ('"7"', "the app's")
        assert "X-Inner" not in answer.headers


async def test_redirects_are_the_clients_to_follow(asleep: Cell) -> None:
    async def moved(_: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    asleep.app.does["/moved"] = moved
    asleep.node.opens()
    async with asleep.ask("/moved", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")
    assert asleep.app.times == {"/moved": 1}


@pytest.mark.parametrize(("method", "status", "length"), [("HEAD", 200, "5"), ("GET", 204, None), ("GET", 304, None)])
async def test_an_answer_without_a_body_has_none(asleep: Cell, method: str, status: int, length: str | None) -> None:
    async def empty(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=b"hello" if method == "HEAD" else None)

    asleep.app.does["/empty"] = empty
    asleep.node.opens()
    async with asleep.ask("/empty", method=method) as answer:
        assert (answer.status, await answer.read()) == (status, b"")
        assert answer.headers.get("Content-Length") == length
    # The connection is good for another one.
    assert (await asleep.text("/next"))[0] == 200


async def test_who_asks_first_whether_to_send_the_body_is_told_to_when_the_app_is_there(asleep: Cell) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", asleep.ports[0].requests)
    told = "".join(f"{name}: {value}\r\n" for name, value in EDGE.items())
    writer.write(f"POST /asked HTTP/1.1\r\n{told}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
    await until("it waits", lambda: waiting() == 1)
    asleep.node.opens()
    async with asyncio.timeout(DEADLINE):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    (got,) = asleep.app.seen
    assert (got.body, got.values("Expect")) == (b"hello", [])


async def test_crawlers_and_probes_wake_nobody(asleep: Cell) -> None:
    for agent in ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "rooftree-operator"):
        assert await asleep.problem("/", headers={"User-Agent": agent}) == (503, "asleep", "3600")
    async with asleep.ask("/robots.txt") as answer:
        assert (answer.status, await answer.text()) == (200, "User-agent: *\nDisallow:\n")
    assert (asleep.replicas(), asleep.kube.writes, asleep.kube.reads) == (0, [], [])


async def test_a_request_of_which_no_route_tells_whose_it_is_wakes_nobody(asleep: Cell) -> None:
    async with asleep.http.get(asleep.url(), headers={"Host": "<b>nobody.example"}) as answer:
        assert answer.status == 404
        assert "&lt;b&gt;nobody.example" in await answer.text()
    assert asleep.kube.reads == []


async def test_what_no_text_can_hold_is_refused_and_not_half_sent(asleep: Cell) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", asleep.ports[0].requests)
    told = "".join(f"{name}: {value}\r\n" for name, value in EDGE.items()).encode()
    writer.write(b"GET / HTTP/1.1\r\n" + told + b"X-Name: M\xfcller\r\n\r\n")
    async with asyncio.timeout(DEADLINE):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert asleep.replicas() == 0


async def test_with_modules_of_their_own_all_are_woken_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "AGAIN", 2 * waking.POLL)
    async with cell(modules=("identity", "property")) as asleep:
        asked = asyncio.create_task(asleep.text(headers={HEADER_MODULES: "identity,property"}))
        await until("all have a pod", lambda: len(asleep.node.pods) == 3)
        assert sorted(asleep.scaled()) == ["wake app", "wake identity", "wake property"]
        asleep.node.opens()
        modules = [pod for pod in asleep.node.pods if pod.deployment != "app"]
        asleep.node.find_ready(modules[0])
        looks = asleep.kube.reads.count("Deployment/scale app")
        await until("it had time enough", lambda: asleep.kube.reads.count("Deployment/scale app") > looks + 5)
        assert (asleep.node.asked, asleep.app.seen, asked.done()) == (0, [], False)
        asleep.node.find_ready(modules[1])
        assert (await asked)[0] == 200


async def test_once_it_is_told_to_stop_it_is_ready_no_more_and_whoever_waits_is_still_served() -> None:
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await more.wait()
        yield b"second"

    async with cell() as asleep:
        own = f"http://127.0.0.1:{asleep.ports[0].own}"
        async with asleep.http.get(f"{own}/readyz") as answer:
            assert answer.status == 200
        asleep.ports[0].draining = True
        async with asleep.http.get(f"{own}/readyz") as answer, asleep.http.get(f"{own}/livez") as live:
            assert (answer.status, live.status) == (503, 200)
        asked = asyncio.create_task(asleep.text("/late", method="POST", data=body()))
        await until("it waits", lambda: waiting() == 1)
        loop = asyncio.get_running_loop()
        loop.call_later(0.1, asleep.node.opens)
        loop.call_later(0.2, more.set)
    # The activator has been left meanwhile, and has answered before its end.
    assert await asked == (200, '{"path": "/late", "size": 12}')


async def test_what_nobody_foresaw_is_in_the_log_and_whoever_waits_is_told_in_time() -> None:
    async with cell(patience=0.2) as asleep:
        metadata = {"name": "odd", "namespace": SLEEPER.namespace, "labels": {LABEL_SERVICE: "app"}}
        odd = {"metadata": metadata, "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": 1}
        asleep.kube.put({"apiVersion": SLICE.api_version, "kind": SLICE.kind, **odd})
        with structlog.testing.capture_logs() as logs:
            assert await asleep.problem() == (503, "starting", "5")
            await until("it is told", lambda: [line for line in logs if line["event"] == "wake_crashed"])
        crash = next(line for line in logs if line["event"] == "wake_crashed")
        assert isinstance(crash["exc_info"], TypeError)


async def test_of_many_that_wake_at_once_each_is_asked_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "POLL", 0.1)
    asked = Counter[str]()

    async def is_ready(address: Address) -> bool:
        asked[address.host] += 1
        return False

    kube, sleepers = FakeKubernetes(), [Sleeper(f"tenant-a{number}-0a1b2c3d") for number in range(4 * waking.MANY)]
    for number, sleeper in enumerate(sleepers):
        kube.put(deployment("app", 1, namespace=sleeper.namespace))
        metadata = {"name": "app", "namespace": sleeper.namespace, "labels": {LABEL_SERVICE: "app"}}
        ends = {"endpoints": [{"addresses": [f"10.0.0.{number}"]}], "ports": [{"name": "http", "port": 1}]}
        kube.put({"apiVersion": SLICE.api_version, "kind": SLICE.kind, "metadata": metadata, **ends})
    async with aclosing(waking.Waker(kube, is_ready, patience=10 * waking.POLL)) as waker:
        await asyncio.gather(*(waker.address(sleeper) for sleeper in sleepers))
    assert len(asked) == len(sleepers)
    assert asked.total() <= len(sleepers) * (10 / 4 + 2)


async def test_who_asks_in_the_moment_in_which_a_wake_ends_in_vain_begins_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told of the one that has ended, it would ask again at once, and for ever: nothing else came to its turn."""

    async def is_ready(_: Address) -> bool:
        return False

    loop, kube, waits = asyncio.get_running_loop(), FakeKubernetes(), list[Sleeper]()
    kube.put(deployment("app"))
    asked = asyncio.Event()

    async with aclosing(waking.Waker(kube, is_ready, patience=2 * waking.POLL)) as waker:

        def asks() -> None:
            one = waker.address(SLEEPER)
            with suppress(StopIteration):  # which an answer without waiting is
                one.send(None)
                waits.append(SLEEPER)
            one.close()
            asked.set()

        def tell(*_: object) -> None:
            if not asked.is_set():
                loop.call_soon(asks)  # before whatever waits for the wake's end

        monkeypatch.setattr(waking, "_tell", tell)
        assert await waker.address(SLEEPER) is None
        await asked.wait()
    assert waits == [SLEEPER]


async def test_metrics_tell_of_all_and_of_nobody(asleep: Cell) -> None:
    before = {
        result: counted("rooftree_activator_requests_total", result=result) for result in ("answered", "unwaking")
    }
    woken, timed = (
        counted("rooftree_activator_wakes_total", result="woken"),
        counted("rooftree_activator_wake_seconds_count"),
    )
    asleep.node.opens()
    await asleep.text()
    await asleep.text(headers={"User-Agent": "Googlebot/2.1"})
    after = {result: counted("rooftree_activator_requests_total", result=result) for result in before}
    assert {result: after[result] - before[result] for result in before} == {"answered": 1, "unwaking": 1}
    assert counted("rooftree_activator_wakes_total", result="woken") == woken + 1
    assert counted("rooftree_activator_wake_seconds_count") == timed + 1
    async with asleep.http.get(f"http://127.0.0.1:{asleep.ports[0].own}/metrics") as answer:
        told = await answer.text()
    assert "rooftree_activator_waiting 0.0" in told
    assert 'rooftree_activator_wakes_total{result="late"}' in told, "the first one would be no increase"
    assert SLEEPER.namespace not in told
