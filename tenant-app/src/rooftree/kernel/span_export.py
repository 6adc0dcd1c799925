"""The OpenTelemetry SDK as we set it up. Imported by `telemetry` in a thread, after the app is ready; see there."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from rooftree.kernel.telemetry import Exported

MAX_WAITING = 2048  # spans, some 2 MB
_BATCH = 512
_EVERY_MILLISECONDS = 2000
_TIMEOUT_SECONDS = 3.0  # for one batch, repetitions included
_STOP_SECONDS = 2.0  # in which a stop begins to send batches
_SCOPE = InstrumentationScope("rooftree")
_log = structlog.get_logger(__name__)


class _Recorded(Span, ReadableSpan):
    """A span that is being recorded, and that the batches read when it has ended.

    The SDK's own would lock, copy and check each time for callers that we do not have: it makes recording a request a
    third dearer (`make bench-tracing`). Ours is used by the event loop alone, with attributes that are plain values.
    Events are not recorded: those of libraries hold messages of exceptions. After its end nothing changes, for then the
    batches' thread reads it.
    """

    def __init__(self, ended: Callable[[ReadableSpan], None], **about: Any) -> None:
        ReadableSpan.__init__(self, instrumentation_scope=_SCOPE, start_time=time.time_ns(), **about)
        self._ended = ended
        self._own: SpanContext = about["context"]
        self._told: dict[str, Any] = about["attributes"]
        self._is_open = True

    def get_span_context(self) -> SpanContext:
        return self._own

    def is_recording(self) -> bool:
        return self._is_open

    def set_attribute(self, key: str, value: Any) -> None:
        if self._is_open:
            self._told[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self._is_open:
            self._told.update(attributes)

    def update_name(self, name: str) -> None:
        if self._is_open:
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        if self._is_open:
            self._status = status if isinstance(status, Status) else Status(status)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Does nothing."""

    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        """Does nothing."""

    def end(self, end_time: int | None = None) -> None:
        if self._is_open:
            self._is_open = False
            self._end_time = end_time or time.time_ns()
            self._ended(self)


class Recorder:
    """Makes the spans of kept traces, all about one process."""

    def __init__(self, resource: Mapping[str, Any], batches: "_Bounded") -> None:
        self._resource = Resource(resource)
        self.batches = batches

    def begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        *,
        context: SpanContext,
        parent: SpanContext | None,
        links: Sequence[Link],
    ) -> Span:
        return _Recorded(
            self.batches.add,
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=dict(attributes) if attributes else {},
            links=links,
            kind=kind,
        )


class _Bounded:
    """Hands ended spans to the batches while fewer than MAX_WAITING wait; more are dropped and counted."""

    def __init__(self, exporter: SpanExporter, exported: "Exported") -> None:
        self._exported = exported
        self._waiting = 0
        self._lock = Lock()
        self._exporter = _Counting(exporter, self._settle)
        self._batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=MAX_WAITING,
            max_export_batch_size=_BATCH,
            schedule_delay_millis=_EVERY_MILLISECONDS,
        )

    def add(self, span: ReadableSpan) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                self._exported.dropped += 1
                return
            self._waiting += 1
        self._batches.on_end(span)

    def _settle(self, count: int, sent: bool) -> None:
        with self._lock:
            self._waiting -= count
            if sent:
                self._exported.sent += count
            else:
                self._exported.dropped += count

    def flush(self) -> None:
        """Send what waits, now."""
        self._batches.force_flush()

    def shutdown(self) -> None:
        self._exporter.deadline = time.monotonic() + _STOP_SECONDS
        self._batches.shutdown()


class _Counting(SpanExporter):
    """Tells how each batch ended, and the log when that changes. After the deadline nothing is sent any more."""

    def __init__(self, exporter: SpanExporter, settle: Callable[[int, bool], None]) -> None:
        self._exporter = exporter
        self._settle = settle
        self._well = True
        self.deadline = math.inf

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        in_time = time.monotonic() < self.deadline
        result = self._exporter.export(spans) if in_time else SpanExportResult.FAILURE
        well = result is SpanExportResult.SUCCESS
        self._settle(len(spans), well)
        if well is not self._well:
            self._well = well
            _log.warning("traces_are_dropped") if not well else _log.info("traces_are_exported")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def open_recorder(
    endpoint: str, *, resource: Mapping[str, Any], ca_file: Path | None, exported: "Exported"
) -> "tuple[Recorder, Callable[[], None]]":
    """What records and exports spans, and what ends it (blocks for a few seconds at most)."""
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor a .netrc of the environment
    exporter = OTLPSpanExporter(
        f"{endpoint}/v1/traces",
        certificate_file=str(ca_file) if ca_file else None,
        timeout=_TIMEOUT_SECONDS,
        session=session,
    )
    batches = _Bounded(exporter, exported)
    return Recorder(resource, batches), batches.shutdown
