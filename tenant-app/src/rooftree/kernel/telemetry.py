"""Traces: what a request, a job or a message did, in OpenTelemetry's words, sent by OTLP over HTTP.

Only `span` makes spans. The tracer is never registered globally, so that no library adds spans of its own: theirs
hold paths, query texts and exception messages, and those hold people's data and one-time links. Ours hold names from
the code: route templates, statement kinds, tables, host names; of an exception its class.

A trace begins with a request, a job or a message; other work adds to the trace it belongs to or is not recorded.
Each trace has an id even while nothing is exported, for the log. A root's id is a UUIDv7, which is also the id of
the request. Whether a trace is kept is decided where it begins, before the SDK hears of it: a span that nobody will
see costs little more than its ids. What is counted of server spans does not depend on it, see `server_spans`.
The SDK (0.15 s of CPU) loads in the background, see `Telemetry.start`. While the collector is away, spans are dropped
and counted; nobody waits for it.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import AfterValidator, Field

from rooftree.kernel import server_spans
from rooftree.kernel.ids import new_id
from rooftree.kernel.server_spans import Wait
from rooftree.kernel.settings import Settings, SettingsSection

if TYPE_CHECKING:
    from rooftree.kernel.span_export import Recorder

_BEGINS_TRACE = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
_log = structlog.get_logger(__name__)
_propagator = TraceContextTextMapPropagator()
_NOWHERE = otel_context.Context()
# Ours and not OpenTelemetry's: nothing but this file asks, and a request asks often.
_current: ContextVar[Span] = ContextVar("span", default=trace.INVALID_SPAN)
_KEPT, _NOT_KEPT = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_recorder: "Recorder | None" = None
_ratio = 1.0


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise ValueError("must be an http or https URL without user and query")
    return value.rstrip("/")


class TelemetrySettings(SettingsSection):
    """Where spans and metrics go."""

    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    """Base URL of an OTLP/HTTP receiver; empty: no spans are made."""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The part of traces that is kept; decided where a trace begins."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 9464
    """0: no metrics are served."""


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
) -> AbstractContextManager[Span]:
    """A step of the current trace, or of the trace of `parent` (a W3C traceparent of our own, never of a stranger).

    `links`: traceparents that belong to it without being its parent. `attributes` never hold values of data. That of a
    client tells how much of a request's time is spent elsewhere, kept or not.
    """
    wait = server_spans.waiting(attributes) if kind is SpanKind.CLIENT else None
    return _Step(begin(name, kind, attributes, parent=parent, links=links), wait)


class _Step:
    """A span that is current within a block."""

    __slots__ = ("_span", "_token", "_wait")

    def __init__(self, span: Span, wait: Wait | None) -> None:
        self._span = span
        self._wait = wait

    def __enter__(self) -> Span:
        self._token: Token[Span] = _current.set(self._span)
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _current.reset(self._token)
        if kind is not None:
            fail(self._span, kind.__qualname__)
        self._span.end()
        if self._wait is not None:
            self._wait.end()


def begin(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
) -> Span:
    """As `span`, for work without a block: nothing becomes part of it, and the caller ends it."""
    base = _parsed(parent) if parent else _current.get().get_span_context()
    begins = kind in _BEGINS_TRACE
    if not base.is_valid and not begins:
        return trace.INVALID_SPAN
    is_kept = base.trace_flags.sampled if base.is_valid else random.random() < _ratio  # noqa: S311 - a sample
    recorder = _recorder if is_kept else None
    if recorder is None and not begins:
        return NonRecordingSpan(base)  # an id of its own would lead to nothing
    trace_id = base.trace_id if base.is_valid else new_id().int
    flags = _KEPT if recorder is not None else _NOT_KEPT
    context = SpanContext(trace_id, random.getrandbits(64) or 1, is_remote=False, trace_flags=flags)
    if recorder is None:
        return NonRecordingSpan(context)
    linked = [Link(one) for one in map(_parsed, links) if one.is_valid]
    above = base if base.is_valid else None
    return recorder.begin(name, kind, attributes, context=context, parent=above, links=linked)


def _parsed(traceparent: str) -> SpanContext:
    """The context it tells; an invalid one when it is malformed."""
    extracted = _propagator.extract({"traceparent": traceparent}, _NOWHERE)
    return trace.get_current_span(extracted).get_span_context()


def client_request(method: str, url: str) -> AbstractContextManager[Span]:
    """The span of a request to another host; of `url` it keeps the host. Set `http.response.status_code` on it."""
    host = urlsplit(url).hostname or "unknown"
    return span(method, SpanKind.CLIENT, {"http.request.method": method, "server.address": host})


def fail(failed: Span, error_type: str) -> None:
    """Mark a span as failed; `error_type` is a class name or a status code, never a message."""
    if failed.is_recording():
        failed.set_attribute("error.type", error_type)
        failed.set_status(Status(StatusCode.ERROR))


def is_recording() -> bool:
    """Whether what runs now belongs to a trace that is kept."""
    return _current.get().is_recording()


def current_ids() -> tuple[str, str] | None:
    """Trace and span id of what runs now, in lower-case hexadecimal."""
    current = _current.get().get_span_context()
    return (f"{current.trace_id:032x}", f"{current.span_id:016x}") if current.is_valid else None


def current_traceparent() -> str | None:
    """What to hand on with a message or a job, so that its span joins this trace."""
    current = _current.get().get_span_context()
    if not current.is_valid:
        return None
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags & TraceFlags.SAMPLED:02x}"


@dataclass
class Exported:
    """Counts of spans since the start."""

    sent: int = 0
    dropped: int = 0


class Telemetry:
    """The exporting side, of which a process has one; `exported` tells how it goes."""

    def __init__(self, settings: TelemetrySettings, process: Settings) -> None:
        self._settings = settings
        self._process = process
        self._close: Callable[[], None] | None = None
        self.exported = Exported()

    async def start(self) -> None:
        """Load the SDK beside the event loop and begin to record. Without an endpoint: nothing."""
        global _recorder, _ratio
        if self._settings.otlp_endpoint:
            _ratio = self._settings.trace_ratio
            _recorder, self._close = await asyncio.to_thread(self._open)
            _log.info("traces_are_exported", ratio=self._settings.trace_ratio)

    @property
    def recording(self) -> bool:
        return self._close is not None

    async def stop(self) -> None:
        """Send what is left, for a few seconds at most."""
        global _recorder
        if self._close is not None:
            _recorder = None
            close, self._close = self._close, None
            await asyncio.to_thread(close)

    def _open(self) -> "tuple[Recorder, Callable[[], None]]":
        from rooftree.kernel import span_export

        attributes: dict[str, Any] = {
            "service.name": "rooftree-tenant",
            "service.version": self._process.version,
            "service.instance.id": os.environ.get("HOSTNAME", "unknown"),
            "rooftree.tenant": self._process.tenant_id,
        }
        return span_export.open_recorder(
            self._settings.otlp_endpoint,
            resource=attributes,
            ca_file=self._process.ca_file,
            exported=self.exported,
        )
