"""Server spans of this process, counted exactly whatever part of the traces is kept, and where their time goes.

A server span is a request, or another module's call, from when it begins to its answer. Recorded spans could not tell:
most are not recorded, because recording one costs more than all of this. Beneath a server span each span to somewhere
else is a part of its time (`part_of`); parts that go on together each count, so their sum may exceed the whole.

The counters belong to the event loop alone and need no lock; a scrape comes from a thread of its own and only reads.
"""

import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, Literal, Self, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Part = Literal["server", "database", "search", "cache", "rpc", "other_host"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
_BY_SYSTEM: Final[Mapping[object, Part]] = {"postgresql": "database", "elasticsearch": "search", "redis": "cache"}


def part_of(attributes: Mapping[str, object] | None) -> Part:
    """Which part the time of a client's span is, by what it says of the other side."""
    if attributes is None:
        return "other_host"
    system = attributes.get("db.system.name")
    if system is not None:
        return _BY_SYSTEM.get(system, "other_host")
    return "rpc" if "rpc.system" in attributes else "other_host"


class Serving:
    """One server span; use it as a context. Ends with the context, or before that with `end`."""

    __slots__ = ("_began", "_parts", "_spans", "_token", "seconds")

    def __init__(self, spans: "ServerSpans") -> None:
        self._spans = spans
        self._parts: dict[Part, float] = {}
        self._token: Token[Serving | None] | None = None
        self._began = time.perf_counter()
        self.seconds: float | None = None
        """How long it took; None until it ends."""

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._token is not None:
            _current.reset(self._token)
        self.end()

    def add(self, part: Part, seconds: float) -> None:
        """Time beneath it. What still runs after the answer is nobody's wait: by then the sums are handed over."""
        self._parts[part] = self._parts.get(part, 0.0) + seconds

    def end(self) -> float:
        """It is answered, once: seconds it took."""
        if self.seconds is None:
            self.seconds = self._parts["server"] = time.perf_counter() - self._began
            self._spans.add(self._parts)
        return self.seconds


_current: ContextVar[Serving | None] = ContextVar("serving", default=None)


def current() -> Serving | None:
    """What waits for the work that runs now, if that began beneath a server span."""
    return _current.get()


class Wait:
    """A part of a server span's time, from when this is made."""

    __slots__ = ("_began", "_part", "_serving")

    def __init__(self, serving: Serving, part: Part) -> None:
        self._serving = serving
        self._part: Part = part
        self._began = time.perf_counter()

    def end(self) -> None:
        self._serving.add(self._part, time.perf_counter() - self._began)


def waiting(attributes: Mapping[str, object] | None) -> Wait | None:
    """For what a client's span with these attributes asks elsewhere; None where no server span waits for it."""
    serving = _current.get()
    return Wait(serving, part_of(attributes)) if serving is not None else None


class ServerSpans(Collector):
    """The counters of a process, as `rooftree_server_spans_total` and its neighbours."""

    def __init__(self) -> None:
        self._begun = 0
        self._ended = 0
        self._seconds: dict[Part, float] = dict.fromkeys(PARTS, 0.0)

    def begin(self) -> Serving:
        self._begun += 1
        return Serving(self)

    def add(self, parts: Mapping[Part, float]) -> None:
        """One has ended, and its time was in these."""
        for part, seconds in parts.items():
            self._seconds[part] += seconds
        self._ended += 1

    def describe(self) -> Iterable[Metric]:
        """So that a scrape can ask for single ones by name."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        ended, begun = self._ended, self._begun  # in this order the difference is never negative
        yield CounterMetricFamily("rooftree_server_spans", "Requests and calls that began.", begun)
        yield CounterMetricFamily("rooftree_server_spans_ended", "Those that are answered.", ended)
        yield GaugeMetricFamily("http_server_active_requests", "Requests and calls being answered.", begun - ended)
        seconds = CounterMetricFamily("rooftree_span_seconds", "Time of those that are answered.", labels=["part"])
        for part, sum_ in self._seconds.items():
            seconds.add_metric([part], sum_)
        yield seconds
