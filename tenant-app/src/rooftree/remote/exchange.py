"""HTTP of a module's routes between processes: what the gateway lets in, its app answers where the module is.

Headers and body go as they came; the gateway has put the person's access token where its cookie was. The request's id,
which is its trace's, is the same on both sides.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from fastapi import Request
from grpc.aio import AioRpcError
from opentelemetry.trace import SpanKind
from rooftree_pb import http_pb2 as pb
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rooftree.contracts.identity.api import IdentityApi, TokenRefused
from rooftree.kernel.auth import Authenticator, Principal
from rooftree.kernel.database import REQUEST_SECONDS, patience
from rooftree.kernel.errors import Unauthenticated, Unavailable
from rooftree.kernel.middleware import FORWARDED, Forwarded
from rooftree.kernel.rpc_client import LEAST_SECONDS, Peer
from rooftree.kernel.rpc_errors import RemoteFailure, decoded
from rooftree.kernel.rpc_server import Context, caller, traceparent
from rooftree.kernel.telemetry import span

SERVICE = pb.DESCRIPTOR.services_by_name["Http"]
GATEWAY = "gateway"
_EXCHANGE = f"/{SERVICE.full_name}/Exchange"
# A large picture over a slow line; what streams for longer is begun again by its reader.
_MOST_SECONDS = 300.0
_CHUNK = 256 * 1024
# Of the connection and not of the request, or made anew by whoever answers.
_NOT_HANDED_ON = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade"})
_OURS = frozenset({b"x-request-id"})


class Client:
    """ASGI: the answer of the module's own process. Raises `Unavailable` if it gives none."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with span("forward", SpanKind.CLIENT, {"rpc.system": "grpc", "server.address": self._peer.module}):
            call = self._peer.stream(_EXCHANGE, seconds=_MOST_SECONDS)
            asking = asyncio.ensure_future(_ask(call, _head(scope), receive))
            try:
                await _answer(call, send)
            except (AioRpcError, asyncio.CancelledError) as error:
                if asking.done() and not asking.cancelled():
                    _end(asking, self._peer.module)
                elif isinstance(error, AioRpcError):
                    raise decoded(error, module=self._peer.module) from None
                else:
                    raise
            finally:
                asking.cancel()
                call.cancel()


def _end(asking: "asyncio.Future[bool]", module: str) -> None:
    """What the asking side knows of a call that ended early is why it did."""
    if (cause := asking.exception()) is not None:
        raise cause
    if not asking.result():
        raise Unavailable(f"The module {module} went away.")


async def _ask(call: Any, head: pb.RequestHead | None, receive: Receive) -> bool:
    """Send the request, then wait for its client to go, which ends the call, as do errors of receiving.

    False: the request cannot be sent to its end. Either its answer came before that, or none will.
    """
    try:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            more = message.get("more_body", False)
            for body, last in _chunks(message.get("body", b"")):
                if not await _written(call, pb.RequestPart(head=head, body=body, more=more or not last)):
                    return False
                head = None
        while (await receive())["type"] != "http.disconnect":
            pass
    except BaseException:
        call.cancel()
        raise
    call.cancel()
    return True


async def _written(call: Any, part: pb.RequestPart) -> bool:
    try:
        await call.write(part)
    except (asyncio.InvalidStateError, AioRpcError):
        return False
    return True


async def _answer(call: Any, send: Send) -> None:
    more = True
    while more:
        part = await call.read()
        if part is grpc.aio.EOF:
            raise RemoteFailure("the answer has no end")
        if part.HasField("head"):
            await send(_start(part.head))
        more = part.more
        await send({"type": "http.response.body", "body": part.body, "more_body": more})


def _chunks(body: bytes) -> Iterable[tuple[bytes, bool]]:
    """Parts that a message can hold, each with whether it is the last."""
    for at in range(0, max(len(body), 1), _CHUNK):
        yield body[at : at + _CHUNK], at + _CHUNK >= len(body)


def _head(scope: Scope) -> pb.RequestHead:
    allowed, peer = patience.get(), scope.get("client")
    return pb.RequestHead(
        method=scope["method"],
        path=scope["path"],
        raw_path=scope.get("raw_path") or scope["path"].encode(),
        query=scope["query_string"],
        headers=_headers(scope["headers"]),
        client=str(peer[0]) if peer else "",
        seconds=REQUEST_SECONDS if allowed is None else max(allowed.left, LEAST_SECONDS),
    )


def _headers(given: Iterable[tuple[bytes, bytes]]) -> list[pb.Header]:
    return [pb.Header(name=name, value=value) for name, value in given if name not in _NOT_HANDED_ON]


def _start(head: pb.ResponseHead) -> Message:
    headers = [(one.name, one.value) for one in head.headers if one.name not in _OURS]
    return {"type": "http.response.start", "status": head.status, "headers": headers}


class Servicer:
    """Gives what the gateway hands on to this process's app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def exchange(self, context: "Context[pb.RequestPart, pb.ResponsePart]") -> None:
        if GATEWAY not in caller(context):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "only the gateway hands requests on")
        first = await context.read()
        if first is grpc.aio.EOF:
            raise ClientDisconnect
        exchange = _Exchange(context, first)
        forwarded = Forwarded(traceparent(context), first.head.seconds)
        await self._app(_scope(first.head) | {FORWARDED: forwarded}, exchange.receive, exchange.send)


class _Exchange:
    """The two channels of one ASGI request."""

    def __init__(self, context: "Context[pb.RequestPart, pb.ResponsePart]", first: Any) -> None:
        self._context = context
        self._first: Any = first
        self._more = True
        self._head: pb.ResponseHead | None = None
        self._over = asyncio.Event()

    async def receive(self) -> Message:
        if self._more:
            part, self._first = self._first or await self._context.read(), None
            self._more = part is not grpc.aio.EOF and part.more
            if part is not grpc.aio.EOF:
                return {"type": "http.request", "body": part.body, "more_body": part.more}
        # A caller that goes cancels the call, and with it this task.
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = pb.ResponseHead(status=message["status"], headers=_headers(message["headers"]))
            if not any(name == b"content-length" for name, _ in message["headers"]):
                await self._write(b"", more=True)  # what streams may have its first part much later
            return
        more = message.get("more_body", False)
        for body, last in _chunks(message.get("body", b"")):
            await self._write(body, more=more or not last)
        if not more:
            self._over.set()

    async def _write(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, None
        await self._context.write(pb.ResponsePart(head=head, body=body, more=more))


def _scope(head: pb.RequestHead) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": head.method,
        "scheme": "https",
        "path": head.path,
        "raw_path": head.raw_path,
        "query_string": head.query,
        "root_path": "",
        "headers": [(one.name, one.value) for one in head.headers],
        "client": (head.client, 0) if head.client else None,
        "server": None,
    }


def authenticator(identity: IdentityApi) -> Authenticator:
    """Who a request is from, in a process to which the gateway hands requests on."""

    async def authenticate(request: Request) -> Principal:
        given = request.headers.getlist("authorization")
        if not given:
            raise Unauthenticated
        scheme, _, token = given[0].partition(" ")
        if len(given) != 1 or scheme.lower() != "bearer":
            raise TokenRefused
        return await identity.authenticate(token)

    return authenticate
