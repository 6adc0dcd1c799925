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
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from rooftree.kernel.ids import new_id

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from rooftree.kernel.telemetry import Exported

MAX_WAITING = 2048  # spans, some 2 MB
_BATCH = 512
_EVERY_MILLISECONDS = 2000
_TIMEOUT_SECONDS = 3.0  # for one batch, repetitions included
_STOP_SECONDS = 2.0  # in which a stop begins to send batches
_log = structlog.get_logger(__name__)


class _Ids(RandomIdGenerator):
    """Trace ids are UUIDv7, because a request's id and its trace's id are one."""

    def generate_trace_id(self) -> int:
        return new_id().int


class _Bounded(SpanProcessor):
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

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.context and span.context.trace_flags.sampled):
            return
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

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

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


def open_tracer(
    endpoint: str, *, resource: Mapping[str, Any], ca_file: Path | None, exported: "Exported"
) -> "tuple[Tracer, Callable[[], None]]":
    """A tracer that exports all spans that it makes, and what ends it (blocks for a few seconds at most)."""
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor a .netrc of the environment
    exporter = OTLPSpanExporter(
        f"{endpoint}/v1/traces",
        certificate_file=str(ca_file) if ca_file else None,
        timeout=_TIMEOUT_SECONDS,
        session=session,
    )
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # `telemetry.begin` asks for kept spans only
        resource=Resource(resource),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(_Bounded(exporter, exported))
    return provider.get_tracer("rooftree"), provider.shutdown
