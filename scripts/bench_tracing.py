"""Measures what tracing adds to a request: `make bench-tracing`. Needs no backend.

One FastAPI app with a list of 20 items is driven in this process, without sockets, in five ways: bare; with FastAPI's
stock OpenTelemetry instrumentation as its manual shows it; behind the app's outermost layer without spans and counts;
and behind it as it is, with 10 % and with 100 % of the traces kept. Ours has all attributes that docs/telemetry.md
promises, and its counters, histogram and trace ids on the log line are part of its cost. Spans are encoded and sent by
OTLP over HTTP to a process that throws them away. Rounds are interleaved, in another order each; what counts is CPU of
this process (getrusage), with all threads and with everything sent. Each round ends with the proof that every request
was counted and every kept span sent. Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread",
"seed"}. Every trial is a line in `.bench/tracing-<time>.jsonl`. Ends with 1 when a figure misses its budget.

    trace_cost_10    x   CPU that our tracing adds with 10 % of the traces kept, to that which the stock one adds
    trace_cost_100   x   the same with all traces kept
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import multiprocessing
import os
import random
import resource
import statistics
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvloop
from bench_sink import sink_server
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from pydantic import BaseModel
from rooftree.kernel import logs, middleware, telemetry
from rooftree.kernel.database import REQUEST_SECONDS, Patience, patience
from rooftree.kernel.ids import new_id
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import Settings
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUDGETS = {"trace_cost_10": 0.18, "trace_cost_100": 0.35}
WARM_UP = 300
REQUESTS = 400  # of one side in a round: no queue of spans may overflow before it is sent
PATH = "/api/v1/items"
HOST = "acme.rooftree.localhost:8443"
HEADERS = [
    (b"host", HOST.encode()),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"),
    (b"accept", b"application/json"),
    (b"authorization", b"Bearer of-nobody"),
    (b"x-forwarded-for", b"192.0.2.7"),
]


class Item(BaseModel):
    id: int
    name: str
    tags: list[str]
    price: float


def application() -> FastAPI:
    served = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False})

    @served.get(PATH)
    async def items(limit: int = 20) -> list[Item]:
        return [Item(id=n, name=f"Item {n}", tags=["a", "b"], price=n / 7) for n in range(limit)]

    return served


class Untraced(middleware.Guard):
    """The app's outermost layer without its span and its counts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        patience.set(Patience(REQUEST_SECONDS))
        session = self._session(scope)
        answer = middleware._Answer(scope, send, str(new_id()), None, session)
        await self._answered(scope, receive, answer)
        method, route = middleware._method(scope), middleware._route(scope)
        middleware._log.info("request", method=method, route=route, status=answer.status, milliseconds=1.0)


class Counting(OTLPSpanExporter):
    """The stock exporter, which also tells how many spans it sent."""

    sent = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self.sent += len(spans) if result is SpanExportResult.SUCCESS else 0
        return result


@dataclass
class Side:
    """One way to serve. `settle`: everything is sent and, of so many requests, accounted for, or it raises."""

    app: ASGIApp
    ratio: float = 1.0
    settle: Callable[[int], None] = lambda _: None


def stock(endpoint: str) -> Side:
    exporter, app = Counting(f"{endpoint}/v1/traces"), application()
    provider = TracerProvider(resource=Resource.create({"service.name": "stock"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)

    def settle(requests: int) -> None:
        provider.force_flush()
        sent, exporter.sent = exporter.sent, 0
        if not sent or sent % requests:
            raise RuntimeError(f"the stock exporter sent {sent} spans of {requests} requests")

    return Side(app, settle=settle)


def ours(settings: Settings, running: Telemetry, ratio: float) -> Side:
    metrics = Metrics("bench")
    guard = middleware.Guard(application(), settings=settings, metrics=metrics, rate_limits=cast("Any", None))
    before = Seen(metrics, running)

    def settle(requests: int) -> None:
        nonlocal before
        recorder = telemetry._recorder
        assert recorder is not None
        recorder.batches.flush()
        seen = Seen(metrics, running)
        seen.check(before, requests, ratio)
        before = seen
        running.exported.sent = 0  # both of our sides have the one exporter

    return Side(guard, ratio, settle)


class Seen:
    """What the app's metrics and its exporter say."""

    def __init__(self, metrics: Metrics, running: Telemetry) -> None:
        told = metrics.registry.get_sample_value
        self.counted = [
            told("rooftree_server_spans_total"),
            told("rooftree_server_spans_ended_total"),
            told("http_server_request_duration_seconds_count"),
            told("http_server_requests_total", {"method": "GET", "route": PATH, "status": "2xx"}) or 0,
        ]
        self.active = told("http_server_active_requests")
        self.sent, self.dropped = running.exported.sent, running.exported.dropped

    def check(self, before: Seen, requests: int, ratio: float) -> None:
        """Raises unless exactly these requests were counted since, and their kept spans and no others sent."""
        pairs = zip(self.counted, before.counted, strict=True)
        counted = [cast("float", now) - cast("float", then) for now, then in pairs]
        if counted != [requests] * len(counted) or self.active:
            raise RuntimeError(f"{requests} requests were counted as {counted}, {self.active} are active")
        if self.dropped or (self.sent != requests if ratio == 1 else not 0 < self.sent < requests / 2):
            raise RuntimeError(f"of {requests} requests {self.sent} spans were sent, {self.dropped} dropped")


async def drive(app: ASGIApp, requests: int) -> None:
    """One after the other, as a server hands them over."""
    for _ in range(requests):
        status, done = 0, False

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, done
            status = message.get("status", status)
            done = message["type"] == "http.response.body" and not message.get("more_body", False)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": list(HEADERS),
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 8080),
        }
        await app(scope, receive, send)
        if status != 200 or not done:
            raise RuntimeError(f"the answer is {status}")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass
class Bench:
    """A run; `trials` holds microseconds of CPU a request, by side."""

    path: Path
    seed: int
    trials: dict[str, list[float]] = field(default_factory=dict)

    async def rounds(self, sides: dict[str, Side], *, rounds: int, requests: int) -> None:
        dice = random.Random(self.seed)
        for side in sides.values():
            await self._cost(side, min(WARM_UP, requests))
        for number in range(rounds):
            for kind, side in dice.sample(sorted(sides.items()), len(sides)):
                self._note(kind, await self._cost(side, requests), number)
        for kind in sides:
            sys.stderr.write(f"{kind}: {statistics.median(self.trials[kind]):.1f} µs of CPU a request\n")

    async def _cost(self, side: Side, requests: int) -> float:
        telemetry._ratio = side.ratio
        gc.collect()
        before = cpu_seconds()
        await drive(side.app, requests)
        side.settle(requests)
        return (cpu_seconds() - before) / requests * 1e6

    def _note(self, kind: str, value: float, number: int) -> None:
        self.trials.setdefault(kind, []).append(value)
        line = {"trial": kind, "value": value, "round": number, "at": datetime.now(UTC).isoformat()}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def added(self, kind: str, base: str) -> list[float]:
        """What one side costs more than another, in each round."""
        return [above - below for above, below in zip(self.trials[kind], self.trials[base], strict=True)]

    def figures(self) -> Iterator[dict[str, Any]]:
        """Medians of what is added, divided; the spread is that of the rounds."""
        theirs = self.added("stock", "bare")
        for name, kind in (("trace_cost_10", "ours_10"), ("trace_cost_100", "ours_100")):
            added = self.added(kind, "untraced")
            value = round(statistics.median(added) / statistics.median(theirs), 3)
            each = [mine / stock for mine, stock in zip(added, theirs, strict=True)]
            spread = [round(min(each), 3), round(max(each), 3)]
            yield {"figure": name, "value": value, "unit": "x", "n": len(added), "spread": spread, "seed": self.seed}


def serve_sink(told: Any) -> None:
    """A process that takes spans and throws them away; tells its port."""
    server = sink_server()
    told.put(server.server_port)
    server.serve_forever()


@contextmanager
def sink() -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=serve_sink, args=(told,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{told.get(timeout=60)}"
    finally:
        process.kill()
        process.join()


def settings() -> Settings:
    database = {"database_host": "127.0.0.1", "database_name": "none", "database_user": "none"}
    tenant = {"tenant_id": "acme-0a1b2c3d", "slug": "acme", "display_name": "Acme", "public_url": f"https://{HOST}"}
    return Settings(**database, **tenant)  # pyright: ignore[reportArgumentType]


async def measure(bench: Bench, endpoint: str, *, rounds: int, requests: int) -> None:
    tenant = settings()
    running = Telemetry(TelemetrySettings(otlp_endpoint=endpoint), tenant)
    await running.start()
    untraced = Untraced(application(), settings=tenant, metrics=Metrics("bench"), rate_limits=cast("Any", None))
    sides = {
        "bare": Side(application()),
        "stock": stock(endpoint),
        "untraced": Side(untraced),
        "ours_10": ours(tenant, running, 0.1),
        "ours_100": ours(tenant, running, 1.0),
    }
    try:
        await bench.rounds(sides, rounds=rounds, requests=requests)
    finally:
        await running.stop()


def quietly(work: Awaitable[None]) -> None:
    """The log is written, as in production, but to nowhere."""
    logs.configure("INFO", tenant_id="acme-0a1b2c3d")
    (handler,) = logging.getLogger().handlers
    with open(os.devnull, "w") as nowhere:
        cast("logging.StreamHandler[Any]", handler).setStream(nowhere)
        uvloop.run(cast("Any", work))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", type=int, default=REQUESTS, help="requests of each side in a round")
    options.add_argument("--rounds", type=int, default=31)
    options.add_argument("--seed", type=int, default=20261130)
    chosen = options.parse_args()
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    bench = Bench(folder / f"tracing-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl", chosen.seed)
    with sink() as endpoint:
        quietly(measure(bench, endpoint, rounds=chosen.rounds, requests=chosen.n))
    found = list(bench.figures())
    for figure in found:
        print(json.dumps(figure), flush=True)
    return 1 if any(figure["value"] > BUDGETS[figure["figure"]] for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
