"""Sends traces by OTLP over HTTP, with the OpenTelemetry SDK, which is loaded only where there is a receiver.

Spans wait in a queue of 2,048; while the receiver is away the newest are dropped, and nobody waits for it.
"""

from collections.abc import Callable

import requests
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode

from .tracing import Step, Trace

WAITING = 2048  # spans, some 2 MB
TIMEOUT = 3.0  # seconds for one batch


class _Ids(RandomIdGenerator):
    """The trace has its id, which is in the log, before it has spans."""

    next_trace = 1

    def generate_trace_id(self) -> int:
        return self.next_trace


def exporter(endpoint: str) -> SpanProcessor:
    """What sends spans to the receiver at this base URL."""
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor a .netrc of the environment
    sender = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT, session=session)
    return BatchSpanProcessor(sender, max_queue_size=WAITING)


class Spans:
    """Makes spans of traces and hands them to `processor`. `instance` is the pod."""

    def __init__(self, processor: SpanProcessor, instance: str) -> None:
        self._ids = _Ids()
        resource = Resource({"service.name": "rooftree-operator", "service.instance.id": instance})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("rooftree_operator")

    def close(self) -> None:
        """Sends what is left, for a few seconds at most."""
        self._provider.shutdown()

    def take(self, trace: Trace) -> None:
        """One trace whose pass is over."""
        self._ids.next_trace = trace.id
        made: list[api.Span] = []
        for step in trace.steps:
            around = None if step.parent < 0 else api.set_span_in_context(made[step.parent])
            kind = SpanKind.CLIENT if step.is_call else SpanKind.INTERNAL
            made.append(self._tracer.start_span(step.name, around, kind, start_time=step.began))
        made[0].set_attributes(
            {"rooftree.key": trace.key, "rooftree.priority": trace.priority.name, "rooftree.changed": trace.changed}
        )
        if trace.failed:
            made[0].set_status(Status(StatusCode.ERROR))
        for step, span in zip(trace.steps, made, strict=True):
            _end(step, span)


def _end(step: Step, span: api.Span) -> None:
    if step.error:
        span.set_attribute("error.type", step.error)
        span.set_status(Status(StatusCode.ERROR))
    # One that still goes on waits for what several passes share, and this one has its part of it.
    span.end(step.ended or None)


def opened(endpoint: str, instance: str) -> tuple[Callable[[Trace], None], Callable[[], None]]:
    """What takes traces, and what ends it."""
    spans = Spans(exporter(endpoint), instance)
    return spans.take, spans.close
