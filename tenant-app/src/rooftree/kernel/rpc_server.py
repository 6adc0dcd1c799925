"""Answers the modules of other processes: mutual TLS, one span and one budget of time a call, errors by the one table.

gRPC's health service tells callers when to go elsewhere: before the process stops taking calls.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry.trace import SpanKind

from rooftree.kernel.auth import acting
from rooftree.kernel.database import REQUEST_SECONDS, Patience, patience
from rooftree.kernel.errors import Problem
from rooftree.kernel.rpc import Certificates
from rooftree.kernel.rpc_client import ACTING, TRACEPARENT
from rooftree.kernel.rpc_errors import refuse
from rooftree.kernel.rpc_methods import Method, methods
from rooftree.kernel.server_spans import ServerSpans
from rooftree.kernel.telemetry import span

_OPTIONS: tuple[tuple[str, Any], ...] = (
    # Clients ask every 10 s whether we are still there, with and without calls.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Callers look for new addresses only when they connect: so they do now and then, and calls go on meanwhile.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 300_000),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.so_reuseport", 0),
)
# A refusal for want of time must arrive while the caller still waits.
_ANSWER_SECONDS = 0.2
_ABOUT = {"rpc.system": "grpc"}
_log = structlog.get_logger("rooftree.call")
Context = grpc.aio.ServicerContext


@dataclass(frozen=True, slots=True)
class Service:
    """`servicer` has a coroutine function for each method: it takes the request and gives the answer.

    One of a method that streams takes the call's context.
    """

    descriptor: ServiceDescriptor
    servicer: object


class Server:
    """Idle until started, in the loop that it is made in."""

    def __init__(
        self,
        address: str,
        certificates: Certificates,
        services: Sequence[Service],
        counted: ServerSpans,
        *,
        interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
    ) -> None:
        """`address`: host and port; with port 0 one that is free. `counted`: where calls count beside requests."""
        self._server = grpc.aio.server(interceptors=tuple(interceptors), options=_OPTIONS)
        for service in services:
            handlers = {one.name: _handler(one, service.servicer, counted) for one in methods(service.descriptor)}
            generic = grpc.method_handlers_generic_handler(service.descriptor.full_name, handlers)
            self._server.add_generic_rpc_handlers((generic,))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        given = certificates
        credentials = grpc.ssl_server_credentials(
            [(given.key, given.chain)], root_certificates=given.authority, require_client_auth=True
        )
        self.port: int = self._server.add_secure_port(address, credentials)

    async def start(self) -> None:
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Tell callers to go elsewhere; calls are still answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, seconds: float) -> None:
        """Let calls end for this long."""
        await self._server.stop(seconds)


def _handler(method: Method, servicer: object, counted: ServerSpans) -> "grpc.RpcMethodHandler[Any, Any]":
    work = getattr(servicer, method.attribute)
    if method.streams:
        return grpc.stream_stream_rpc_method_handler(
            _streaming(method, work), method.request.FromString, method.answer.SerializeToString
        )
    return grpc.unary_unary_rpc_method_handler(
        _unary(method, work, counted), method.request.FromString, method.answer.SerializeToString
    )


def _unary(
    method: Method, work: Callable[[Any], Awaitable[Message]], counted: ServerSpans
) -> Callable[..., Awaitable[Message | None]]:
    async def answer(request: Message, context: "Context[Any, Any]") -> Message | None:
        told = _told(context)
        left = cast("float | None", context.time_remaining())  # None without a deadline, whatever the stubs say
        patience.set(Patience(REQUEST_SECONDS if left is None else max(left - _ANSWER_SECONDS, 0.0)))
        acting.set(told.get(ACTING, "system"))
        try:
            with (
                counted.begin(),
                span(method.path[1:], SpanKind.SERVER, _ABOUT, parent=told.get(TRACEPARENT)) as current,
            ):
                structlog.contextvars.clear_contextvars()
                request_id = UUID(int=current.get_span_context().trace_id)
                structlog.contextvars.bind_contextvars(request_id=str(request_id))
                return await work(request)
        except Exception as error:
            await _fail(context, method, error)

    return answer


def _streaming(method: Method, work: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Makes no span and counts nothing: what streams is a request that does so itself."""

    async def answer(_requests: Any, context: "Context[Any, Any]") -> None:
        try:
            await work(context)
        except Exception as error:
            await _fail(context, method, error)

    return answer


async def _fail(context: "Context[Any, Any]", method: Method, error: Exception) -> None:
    """A refusal travels as what it is, a bug as nothing but that there is one."""
    if isinstance(error, Problem):
        await refuse(context, error)
    else:
        _log.error("unhandled_error", method=method.path, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "Internal error")


def _told(context: "Context[Any, Any]") -> Mapping[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def caller(context: "Context[Any, Any]") -> frozenset[str]:
    """The modules whose certificate the caller has."""
    names = cast("Mapping[str, Sequence[bytes]]", context.auth_context()).get("x509_subject_alternative_name", ())
    return frozenset(name.decode() for name in names)


def traceparent(context: "Context[Any, Any]") -> str | None:
    """The trace that a call belongs to."""
    return _told(context).get(TRACEPARENT)
