"""Modules as if in two processes: a real server and a real channel with mutual TLS over loopback."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from rooftree.kernel.rpc import Certificates
from rooftree.kernel.rpc_client import Peer
from rooftree.kernel.rpc_server import Server, Service
from rooftree.kernel.server_spans import ServerSpans
from rooftree.remote import exchange, identity
from rooftree_pb import identity_pb2 as pb

from ..certificates import Authority


class LosesFirstAnswers(grpc.aio.ServerInterceptor):
    """Each call is done, but the first answer to it is lost: its caller sees `UNAVAILABLE`. Off until told."""

    def __init__(self, spared: frozenset[str] = frozenset()) -> None:
        """`spared`: methods whose answers always arrive."""
        self._spared = spared
        self.is_on = False
        self.lost: list[str] = []
        self.done: list[str] = []

    @contextmanager
    def on(self) -> Iterator[None]:
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False

    async def intercept_service(self, continuation: Callable[..., Awaitable[Any]], handler_call_details: Any) -> Any:
        details = handler_call_details
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None or "Health" in details.method:
            return handler
        attempt = dict(details.invocation_metadata).get("grpc-previous-rpc-attempts")

        async def answer(request: Any, context: Any) -> Any:
            self.done.append(details.method.rpartition("/")[2])
            answered = await handler.unary_unary(request, context)
            if self.is_on and attempt is None and details.method.rpartition("/")[2] not in self._spared:
                self.lost.append(details.method.rpartition("/")[2])
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
            return answered

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


@dataclass
class Wire:
    """Starts servers of one tenant and opens peers to them."""

    authority: Authority
    stack: AsyncExitStack
    faults: LosesFirstAnswers = field(default_factory=LosesFirstAnswers)
    counted: ServerSpans = field(default_factory=ServerSpans)

    async def serve(self, module: str, *services: Service, certificates: Certificates | None = None) -> Server:
        given = certificates or self.authority.issue(module)
        server = Server("127.0.0.1:0", given, services, self.counted, interceptors=[self.faults])
        await server.start()
        self.stack.push_async_callback(server.stop, 0)
        return server

    def peer(
        self,
        module: str,
        port: int,
        *descriptors: Any,
        certificates: Certificates | None = None,
        caller: str = "gateway",
    ) -> Peer:
        given = certificates or self.authority.issue(caller)
        peer = Peer(module, f"127.0.0.1:{port}", given, (*descriptors, exchange.SERVICE))
        self.stack.push_async_callback(peer.close)
        return peer

    async def connected(self, remote: Any, module: str, port: object, identity_port: object) -> Any:
        """The client of `remote/<module>.py` on a server of the same module's port."""
        servicer = remote.Servicer(port, identity_port)
        server = await self.serve(module, Service(remote.SERVICE, servicer))
        return remote.Client(self.peer(module, server.port, remote.SERVICE))


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def wire(authority: Authority) -> AsyncGenerator[Wire]:
    async with AsyncExitStack() as stack:
        yield Wire(authority, stack)


class FakeIdentity:
    """A servicer that keeps what it was asked; each answer is what `answers` says for the method, or raises it."""

    def __init__(self) -> None:
        self.answers: Callable[[str], Any] = lambda _: None
        self.asked: list[str] = []

    def __getattr__(self, method: str) -> Callable[[Any], Awaitable[Any]]:
        async def answer(_request: Any) -> Any:
            self.asked.append(method)
            given = self.answers(method)
            return await given if hasattr(given, "__await__") else given or ANSWERS[method]

        return answer


ANSWERS: dict[str, Any] = {
    "authenticate": pb.Principal(user_id="0190a0a0-0000-7000-8000-000000000001"),
    "exchange_code": pb.Tokens(sign_in_id="0190a0a0-0000-7000-8000-000000000002"),
    "refresh": pb.Tokens(sign_in_id="0190a0a0-0000-7000-8000-000000000002"),
    "revoke": pb.RevokeAnswer(),
    "end_sign_ins": pb.EndSignInsAnswer(),
    "require_manages": pb.RequireManagesAnswer(),
    "user": pb.UserAnswer(id="0190a0a0-0000-7000-8000-000000000001"),
    "names": pb.NamesAnswer(),
    "has_office": pb.HasOfficeAnswer(has_office=True),
    "owner_link": pb.OwnerLinkAnswer(url="https://acme.test"),
    "owners": pb.OwnersAnswer(),
}


@dataclass
class Asked:
    """A client of identity and the fake that answers it."""

    client: identity.Client
    servicer: FakeIdentity
    faults: LosesFirstAnswers
    server: Server
    wire: Wire


@pytest.fixture
async def asked(wire: Wire) -> Asked:
    servicer = FakeIdentity()
    server = await wire.serve("identity", Service(identity.SERVICE, servicer))
    client = identity.Client(wire.peer("identity", server.port, identity.SERVICE))
    return Asked(client, servicer, wire.faults, server, wire)
