"""Numbers about this process for Prometheus, on a port of their own.

A tenant's process has 150 series at most, because a cell has thousands of tenants. So labels have few values, and the
counters of requests and of jobs have a fold for what is more than planned. Other parts register their own collectors
at `Metrics.registry` and pay from the same budget, which `tests/app_tests/test_metrics.py` holds.
"""

import math
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import prometheus_client
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rooftree.kernel.server_spans import ServerSpans

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rooftree.kernel.telemetry import Exported

prometheus_client.disable_created_metrics()

MAX_SERIES = 150
# Operations times classes of status. The API has 90 operations; a process that answers more than 21 of them, with two
# classes each, tells the later ones as `other`: the whole of a process must stay within MAX_SERIES.
MAX_REQUEST_SERIES = 43
# Kinds of jobs times their ends, told in the same way: all of what runs daily, and ten that failed.
MAX_JOB_SERIES = 30
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""How the histogram of requests is cut, and the collector's of spans."""
_OTHER = "other"
_log = structlog.get_logger(__name__)


class Metrics:
    """All that this process counts; made once."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge("rooftree_build_info", "1, with the running release.", ["version"], registry=self.registry).labels(
            version
        ).set(1)
        self.server_spans = ServerSpans()
        self.registry.register(self.server_spans)
        self.open_streams = Gauge(
            "rooftree_open_streams",
            "Pages that hear what changes, each as long as somebody is about.",
            registry=self.registry,
        )
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Time to answer a request, probes left out.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._requests = Counter(
            "http_server_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self._request_kinds: set[tuple[str, str, str]] = set()
        self._errors = Counter("http_server_errors", "Answers that are errors (5xx).", registry=self.registry)
        self._jobs = Counter("rooftree_jobs", "Runs of jobs that ended.", ["job", "result"], registry=self.registry)
        self._job_kinds: set[tuple[str, str]] = set()
        self.jobs_due = Gauge(
            "rooftree_jobs_due_timestamp_seconds",
            "When there is work to do next though nobody asks; infinite: never. Who sleeps is woken for it.",
            registry=self.registry,
        )
        self.jobs_due.set(math.nan)  # nobody has looked yet
        self._job_seconds = Counter("rooftree_job_seconds", "Time that jobs ran.", registry=self.registry)
        self.cache = Counter("rooftree_cache_requests", "Reads of the cache.", ["result"], registry=self.registry)
        self.rate_limits = Counter(
            "rooftree_rate_limits", "Requests refused, and handfuls not counted.", ["result"], registry=self.registry
        )
        self.mails = Counter("rooftree_mails", "Mails handed to the mail server.", ["result"], registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float, *, trace_id: str | None = None) -> None:
        """Count one answer. `method` and `route` come from closed sets, never from what a client typed.

        `trace_id`: of a trace that is kept, as an example of requests that take so long.
        """
        kind = (method, route, f"{status // 100}xx")
        if kind not in self._request_kinds:
            if len(self._request_kinds) >= MAX_REQUEST_SERIES:
                kind = (_OTHER, _OTHER, kind[2])
            else:
                self._request_kinds.add(kind)
        self._requests.labels(*kind).inc()
        if status >= 500:
            # The first of a kind comes with its series, and no rate counts it; alerts must.
            self._errors.inc()
        self._duration.observe(seconds, {"trace_id": trace_id} if trace_id else None)

    @contextmanager
    def job(self, name: str) -> Generator[None]:
        """Count one run of a job and its time."""
        began = time.perf_counter()
        result = "failed"
        try:
            yield
            result = "done"
        finally:
            kind = (name, result)
            if kind not in self._job_kinds and len(self._job_kinds) >= MAX_JOB_SERIES:
                kind = (_OTHER, result)
            else:
                self._job_kinds.add(kind)
            self._jobs.labels(*kind).inc()
            self._job_seconds.inc(time.perf_counter() - began)

    def watch_pool(self, engine: "AsyncEngine", size: int) -> None:
        """Tell at each scrape how many of the pool's `size` connections are in use."""
        self.registry.register(_Pool(engine, size))

    def watch_spans(self, exported: "Exported") -> None:
        """Tell at each scrape how many spans went out or were dropped."""
        self.registry.register(_Spans(exported))

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus from a thread, so that it sees even a process whose event loop hangs.

        Without its port the app goes on: customers come first, and an alert tells that the numbers are missing.
        """
        try:
            prometheus_client.start_http_server(port, host, self.registry)
        except OSError as error:
            _log.error("metrics_are_not_served", port=port, exc_info=error)


class _Pool(Collector):
    def __init__(self, engine: "AsyncEngine", size: int) -> None:
        self._pool: Any = engine.pool
        self._size = size

    def collect(self) -> Iterable[Metric]:
        used: int = self._pool.checkedout()
        yield GaugeMetricFamily("db_client_connection_count", "Connections in use.", used)
        yield GaugeMetricFamily("db_client_connection_max", "Connections that may be in use at once.", self._size)


class _Spans(Collector):
    def __init__(self, exported: "Exported") -> None:
        self._exported = exported

    def collect(self) -> Iterable[Metric]:
        spans = CounterMetricFamily("rooftree_spans", "Ended spans of kept traces.", labels=["result"])
        spans.add_metric(["sent"], self._exported.sent)
        spans.add_metric(["dropped"], self._exported.dropped)
        yield spans
