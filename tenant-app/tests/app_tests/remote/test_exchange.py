"""HTTP that the gateway hands on: it arrives as it was sent and is answered as it comes, to the gateway only."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel import telemetry
from rooftree.kernel.database import Patience, patience
from rooftree.kernel.errors import PayloadTooLarge, Problem, Unavailable
from rooftree.kernel.middleware import FORWARDED, limited
from rooftree.kernel.rpc_errors import RemoteFailure
from rooftree.kernel.rpc_server import Service
from rooftree.remote import exchange, identity
from starlette.exceptions import HTTPException

from .conftest import FakeIdentity, Wire

MIB = 1024 * 1024


class Conversation:
    """One HTTP request as a server drives it, and what was answered."""

    def __init__(
        self, *parts: bytes, path: str = "/api/v1/things", headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"a=1&a=2",
            "headers": [(b"host", b"acme.test"), *headers],
            "client": ("203.0.113.7", 4711),
        }
        last = len(parts) - 1
        self._incoming = [
            {"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts or (b"",))
        ]
        self.gone = asyncio.Event()
        self.messages: list[Any] = []
        self.answered = asyncio.Condition()

    async def receive(self) -> Any:
        if self._incoming:
            return self._incoming.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        async with self.answered:
            self.messages.append(message)
            self.answered.notify_all()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.answered:
            await self.answered.wait_for(is_so)


class App:
    """An ASGI app that keeps what it was asked; `behave` answers."""

    def __init__(self, behave: Callable[..., Any]) -> None:
        self._behave = behave
        self.scopes: list[dict[str, Any]] = []
        self.cancelled = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        try:
            await self._behave(receive, send)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def echo(receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    headers = [(b"content-length", str(len(body)).encode()), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    own = [(b"x-request-id", b"theirs"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 201, "headers": [*headers, *own]})
    await send({"type": "http.response.body", "body": body})


async def connected(wire: Wire, app: App, caller: str = "gateway") -> exchange.Client:
    server = await wire.serve("property", Service(exchange.SERVICE, exchange.Servicer(app)))
    return exchange.Client(wire.peer("property", server.port, caller=caller))


async def talk(client: exchange.Client, conversation: Conversation, receive: Any = None) -> None:
    await client(conversation.scope, receive or conversation.receive, conversation.send)


async def test_a_request_arrives_as_it_was_sent_and_its_answer_too(wire: Wire) -> None:
    app = App(echo)
    headers = [(b"accept", b"a"), (b"accept", b"b"), (b"x-raw", b"\xff\xe4"), (b"connection", b"keep-alive")]
    asked = Conversation(b"hello ", b"", b"world", path="/api/v1/things/a b", headers=headers)
    asked.scope["raw_path"] = b"/api/v1/things/a%20b"
    await talk(await connected(wire, app), asked)
    (scope,) = app.scopes
    assert (scope["method"], scope["path"], scope["raw_path"]) == (
        "POST",
        "/api/v1/things/a b",
        b"/api/v1/things/a%20b",
    )
    assert (scope["query_string"], scope["client"][0], scope["scheme"]) == (b"a=1&a=2", "203.0.113.7", "https")
    assert scope["headers"] == [(b"host", b"acme.test"), *headers[:3]]
    start, *bodies = asked.messages
    assert start["status"] == 201
    assert start["headers"] == [(b"content-length", b"11"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert asked.body == b"hello world"
    assert [message["more_body"] for message in bodies][-1] is False


async def test_large_bodies_pass_in_both_directions(wire: Wire) -> None:
    content = bytes(range(256)) * 4 * 1024 * 20
    asked = Conversation(content[:MIB], content[MIB : 7 * MIB], content[7 * MIB :])
    await talk(await connected(wire, App(echo)), asked)
    assert len(content) == 20 * MIB
    assert asked.body == content


async def test_an_answer_without_an_end_is_passed_on_as_it_comes_and_ends_with_its_reader(wire: Wire) -> None:
    more = asyncio.Event()

    async def stream(receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await more.wait()
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.Event().wait()

    app, asked = App(stream), Conversation()
    talking = asyncio.ensure_future(talk(await connected(wire, app), asked))
    await asked.until(lambda: bool(asked.messages))
    assert asked.messages[0]["status"] == 200
    more.set()
    await asked.until(lambda: asked.body == b"data: 1\n\n")
    assert not talking.done()
    asked.gone.set()
    async with asyncio.timeout(5):
        await talking
        await app.cancelled.wait()


async def test_an_answer_may_come_before_the_whole_question(wire: Wire) -> None:
    async def refuse(_receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    asked = Conversation(*[b"x" * MIB] * 20)
    await talk(await connected(wire, App(refuse)), asked)
    assert asked.messages[0]["status"] == 413


async def test_a_body_that_is_too_large_ends_the_call(wire: Wire) -> None:
    app, asked = App(echo), Conversation(b"x" * 600, b"x" * 600)
    with pytest.raises(HTTPException) as caught:
        await talk(await connected(wire, app), asked, limited(asked.scope, asked.receive, 1000))
    assert caught.value.status_code == PayloadTooLarge.status
    assert asked.messages == []
    if app.scopes:  # it may not have begun
        async with asyncio.timeout(5):
            await app.cancelled.wait()


async def test_an_answer_that_breaks_off_is_no_whole_one(wire: Wire) -> None:
    async def half(receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"12345", "more_body": True})
        raise RuntimeError("canary")

    asked = Conversation()
    with pytest.raises(RemoteFailure) as caught:
        await talk(await connected(wire, App(half)), asked)
    assert "canary" not in str(caught.value)
    assert asked.body == b"12345"
    assert asked.messages[-1]["more_body"] is True


async def test_a_module_that_is_away_is_a_refusal_and_nothing_was_answered(wire: Wire) -> None:
    asked = Conversation(b"x" * 4 * MIB)
    with pytest.raises(Unavailable):
        await talk(exchange.Client(wire.peer("property", 1)), asked)
    assert asked.messages == []


async def test_only_the_gateway_hands_requests_on(wire: Wire) -> None:
    app = App(echo)
    for stranger in ("crm", "gateway.evil"):
        with pytest.raises((RemoteFailure, Problem)):
            await talk(await connected(wire, app, caller=stranger), Conversation())
    assert app.scopes == []
    await talk(await connected(wire, app), Conversation())
    assert len(app.scopes) == 1


async def test_a_request_goes_on_in_its_trace_with_what_is_left_of_its_time(wire: Wire) -> None:
    app = App(echo)
    client = await connected(wire, app)
    patience.set(Patience(1.25))
    with telemetry.span("request", SpanKind.SERVER):
        here = telemetry.current_ids()
        await talk(client, Conversation())
    forwarded = app.scopes[0][FORWARDED]
    assert here is not None
    assert forwarded.traceparent.split("-")[1] == here[0]
    assert forwarded.seconds == 1.25


async def test_the_same_process_answers_calls_and_requests(wire: Wire) -> None:
    app = App(echo)
    services = (Service(exchange.SERVICE, exchange.Servicer(app)), Service(identity.SERVICE, FakeIdentity()))
    server = await wire.serve("identity", *services)
    peer = wire.peer("identity", server.port, identity.SERVICE)
    asked = Conversation(b"x")
    await asyncio.gather(talk(exchange.Client(peer), asked), identity.Client(peer).owners())
    assert asked.body == b"x"
