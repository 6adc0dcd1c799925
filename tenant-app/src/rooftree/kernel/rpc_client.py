"""Calls to a module of another process: mutual TLS, a deadline on each, repeated only where that does no harm.

The deadline is what is left of the request's time (`database.patience`), of which a call takes its part; work that
nobody waits for has `SECONDS` a call. Opened with the first call.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc.aio import AioRpcError
from opentelemetry.trace import SpanKind

from rooftree.kernel import unit_of_work
from rooftree.kernel.auth import acting
from rooftree.kernel.database import Patience, patience
from rooftree.kernel.rpc import Certificates
from rooftree.kernel.rpc_errors import decoded
from rooftree.kernel.rpc_methods import Method, methods
from rooftree.kernel.telemetry import current_traceparent, span

SECONDS = 2.0
"""Of a call for which no person waits; as long as a request has."""
LEAST_SECONDS = 0.4
"""Also of a request whose time is over: what is remembered there needs no database, and is told at once."""
TRACEPARENT, ACTING = "traceparent", "rooftree-acting"
Answer = TypeVar("Answer", bound=Message)

# Four tries within about a third of a second, which is a rolling restart's gap; then the caller decides.
_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.enable_retries", 1),
    # A process that is back is found within two seconds, a machine that vanished is given up after 13.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_metadata_size", 64 * 1024),
    # Connections are ours alone, whatever the environment says.
    ("grpc.enable_http_proxy", 0),
)


class Peer:
    """One module of another process. Its certificate must name the module; its address does not matter."""

    def __init__(
        self,
        module: str,
        address: str,
        certificates: Certificates,
        services: Sequence[ServiceDescriptor],
    ) -> None:
        self.module = module
        self._address = address
        self._certificates = certificates
        self._methods = {one.path: one for service in services for one in methods(service)}
        self._calls: dict[str, Any] = {}
        self._opened: grpc.aio.Channel | None = None

    async def call(self, path: str, request: Message, answer: type[Answer]) -> Answer:
        """One call. `path`: `/<service>/<method>`. Raises what the module raises; `Unavailable` without an answer."""
        if unit_of_work.is_open():
            raise RuntimeError("a unit of work is open; finish it before calling another module")
        allowed, loop = patience.get(), asyncio.get_running_loop()
        began = loop.time()
        try:
            with span(path[1:], SpanKind.CLIENT, {"rpc.system": "grpc"}):
                given = await self._call(path)(request, timeout=_seconds(allowed), metadata=metadata())
        except AioRpcError as error:
            # Its text holds the trailing metadata, which can hold people's data.
            raise decoded(error, module=self.module) from None
        finally:
            if allowed is not None:
                allowed.left = max(allowed.left - (loop.time() - began), 0.0)
        if not isinstance(given, answer):
            raise TypeError(f"{path} answers {type(given).__name__}")
        return given

    def stream(self, path: str, *, seconds: float) -> Any:
        """A call of which both sides write as they like: gRPC's `StreamStreamCall`."""
        return self._call(path)(timeout=seconds, metadata=metadata())

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    def _call(self, path: str) -> Any:
        found = self._calls.get(path)
        if found is None:
            method, channel = self._methods[path], self._channel()
            make = channel.stream_stream if method.streams else channel.unary_unary
            found = self._calls[path] = make(
                path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.answer.FromString,
            )
        return found

    def _channel(self) -> "grpc.aio.Channel":
        if self._opened is None:
            given = self._certificates
            credentials = grpc.ssl_channel_credentials(given.authority, given.key, given.chain)
            options = [
                *_OPTIONS,
                ("grpc.ssl_target_name_override", self.module),
                ("grpc.service_config", json.dumps(service_config(list(self._methods.values())))),
            ]
            self._opened = grpc.aio.secure_channel(self._address, credentials, options=options)
        return self._opened


def _seconds(allowed: Patience | None) -> float:
    return SECONDS if allowed is None else min(max(allowed.left, LEAST_SECONDS), SECONDS)


def service_config(all_methods: Sequence[Method]) -> Mapping[str, Any]:
    """What gRPC does by itself: spread calls over the processes that are well, repeat what may be repeated."""
    repeatable = [{"service": one.service, "method": one.name} for one in all_methods if one.repeatable]
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [{"name": repeatable, "retryPolicy": _RETRY}] if repeatable else [],
    }


def metadata() -> tuple[tuple[str, str], ...]:
    """For whom and in which trace a call is made."""
    traceparent = current_traceparent()
    told = ((ACTING, acting.get()),)
    return (*told, (TRACEPARENT, traceparent)) if traceparent else told
