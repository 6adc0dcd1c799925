"""One trace goes from what changed something to what heard of it, through the database and Kafka."""

import pytest
from opentelemetry.trace import SpanKind
from rooftree.kernel.ids import new_id
from rooftree.kernel.telemetry import Telemetry, TelemetrySettings, span

from ..collector import collecting
from .conftest import Site, until
from .test_consuming import Effects, consumer

pytestmark = pytest.mark.integration


async def test_a_job_and_the_consumer_of_its_event_are_one_trace(site: Site) -> None:
    effects = Effects()
    with collecting() as collector:
        telemetry = Telemetry(TelemetrySettings(otlp_endpoint=collector.url), site.settings)
        await telemetry.start()
        try:
            async with site.running(consumer(effects)):
                with span("job sample.count", SpanKind.CONSUMER):
                    await site.publish(1, 2, counter=new_id())
                await until(lambda: len(effects.numbers) == 2)
        finally:
            await telemetry.stop()
    (job,) = collector.named("job sample.count")
    (sent,) = collector.named("send events")
    processed = [item for item in collector.spans if item.name.startswith("process ")]
    assert (sent.kind, sent.trace_id, sent.parent_id) == ("producer", job.trace_id, job.span_id)
    assert {(item.kind, item.trace_id, item.parent_id) for item in processed} == {
        ("consumer", job.trace_id, job.span_id)
    }
    within = [item for item in collector.spans if item.parent_id in {item.span_id for item in processed}]
    assert {item.trace_id for item in within} == {job.trace_id}
    assert "INSERT" in {item.attributes["db.operation.name"] for item in within}
    assert {item.trace_id for item in collector.spans} == {job.trace_id}
