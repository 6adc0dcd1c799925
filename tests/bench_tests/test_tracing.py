"""The benchmark of tracing: its figures come from its trials, and a request that was not counted ends it."""

from __future__ import annotations

from pathlib import Path

import bench_tracing
import pytest
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings


@pytest.fixture
def running() -> Telemetry:
    return Telemetry(TelemetrySettings(), bench_tracing.settings())


def test_a_figure_is_what_ours_adds_to_what_the_stock_one_adds(tmp_path: Path) -> None:
    bench = bench_tracing.Bench(tmp_path / "trials.jsonl", seed=7)
    measured = {"bare": 50.0, "stock": 250.0, "untraced": 80.0, "ours_10": 100.0, "ours_100": 140.0}
    for number in range(3):
        for kind, value in measured.items():
            bench._note(kind, value + number, number)
    assert list(bench.figures()) == [
        {"figure": "trace_cost_10", "value": 0.1, "unit": "x", "n": 3, "spread": [0.1, 0.1], "seed": 7},
        {"figure": "trace_cost_100", "value": 0.3, "unit": "x", "n": 3, "spread": [0.3, 0.3], "seed": 7},
    ]
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 15


def counted(metrics: Metrics, requests: int) -> None:
    for _ in range(requests):
        with metrics.server_spans.begin():
            pass
        metrics.request("GET", bench_tracing.PATH, 200, 0.001)


def test_all_requests_counted_and_all_spans_sent_is_well(running: Telemetry) -> None:
    metrics = Metrics("test")
    before = bench_tracing.Seen(metrics, running)
    counted(metrics, 20)
    running.exported.sent += 20
    bench_tracing.Seen(metrics, running).check(before, 20, 1.0)


@pytest.mark.parametrize(
    ("requests", "sent", "dropped", "ratio"),
    [(19, 20, 0, 1.0), (21, 20, 0, 1.0), (20, 19, 0, 1.0), (20, 20, 1, 1.0), (20, 0, 0, 0.1), (20, 20, 0, 0.1)],
)
def test_a_request_or_a_span_too_few_or_too_many_ends_it(
    running: Telemetry, requests: int, sent: int, dropped: int, ratio: float
) -> None:
    metrics = Metrics("test")
    before = bench_tracing.Seen(metrics, running)
    counted(metrics, requests)
    running.exported.sent += sent
    running.exported.dropped += dropped
    with pytest.raises(RuntimeError, match="20 requests"):
        bench_tracing.Seen(metrics, running).check(before, 20, ratio)


async def test_a_request_that_is_active_ends_it(running: Telemetry) -> None:
    metrics = Metrics("test")
    before = bench_tracing.Seen(metrics, running)
    counted(metrics, 20)
    with metrics.server_spans.begin(), pytest.raises(RuntimeError, match="were counted"):
        bench_tracing.Seen(metrics, running).check(before, 20, 1.0)


async def test_an_answer_that_is_none_ends_it() -> None:
    async def silent(_scope: object, _receive: object, _send: object) -> None:
        return

    with pytest.raises(RuntimeError, match="the answer is"):
        await bench_tracing.drive(silent, 1)
