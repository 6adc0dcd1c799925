"""A Prometheus that knows what a test says of one tenant; it refuses what a real one refuses."""

import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from rooftree_operator.counterfactual.recorded import MOST_POINTS, Span

TENANT = "acme-0a1b2c3d"
BEGUN = 1_764_500_000
Signal = Callable[[int], float | None]
"""A value at a Unix time; None: nobody told."""


def always(value: float) -> Signal:
    return lambda at: value


def usual(**others: Signal) -> dict[str, Signal]:
    """A tenant of 60 requests a second, each 40 ms of a pod, with six pods all the time."""
    signals = {
        "arrivals": always(60.0),
        "pods": always(6),
        "wanted": always(6),
        "floor": always(1),
        "ceiling": always(8),
        "objective": always(0.3),
        "demand": always(0.04),
    }
    return {**signals, **others}


def matrix(signals: dict[str, Signal], start: int, end: int, step: int) -> bytes:
    """The answer to a range query; series without a value are not in it."""
    result: list[dict[str, Any]] = []
    for name, signal in signals.items():
        values = [[at, str(value)] for at in range(start, end + 1, step) if (value := signal(at)) is not None]
        if values:
            result.append({"metric": {"signal": name}, "values": values})
    return success("matrix", result)


def success(kind: str, result: list[dict[str, Any]]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def answer(span: Span, **others: Signal) -> bytes:
    """What is told of the usual tenant within a span."""
    return matrix(usual(**others), span.begun + span.step, span.until, span.step)


@dataclass
class Prometheus:
    """Its HTTP API, as far as it is asked.."""

    signals: dict[str, Signal] = field(default_factory=usual)
    modules: tuple[str, ...] = ("app",)
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    refuses: str = ""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        given = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append({"path": request.path, **given})
        if self.refuses:
            return web.json_response({"status": "error", "error": self.refuses}, status=422)
        if request.path == "/api/v1/query":
            found = [{"metric": {"module": name}, "value": [0, "1"]} for name in self.modules]
            return web.Response(body=success("vector", found), content_type="application/json")
        start, end, step = (int(given[name]) for name in ("start", "end", "step"))
        if (end - start) // step + 1 > MOST_POINTS:
            return web.json_response({"status": "error", "error": "exceeded maximum resolution"}, status=400)
        (tenant, *_) = re.findall(r'tenant="([^"]*)"', given["query"])
        known = self.signals if tenant == TENANT else {}
        return web.Response(body=matrix(known, start, end, step), content_type="application/json")


@asynccontextmanager
async def serving(prometheus: Prometheus) -> AsyncGenerator[str]:
    """Its URL."""
    runner = web.ServerRunner(web.Server(prometheus))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()
