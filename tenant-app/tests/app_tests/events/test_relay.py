"""What is committed is published: once at least, in order for each aggregate, by one relay at a time."""

import asyncio
import json

import pytest
from rooftree.kernel.ids import new_id

from .conftest import Site, until

pytestmark = pytest.mark.integration


async def test_committed_events_reach_kafka_as_cloudevents(site: Site) -> None:
    counter = new_id()
    async with site.running():
        await site.publish(7, counter=counter)
        await until(lambda: site.unsent() == 0)
    (message,) = await site.messages(site.kafka.events)
    headers = {name: value.decode() for name, value in message.headers}
    assert message.key == str(counter).encode()
    assert json.loads(message.value) == {"counter": str(counter), "number": 7, "note": ""}
    stored = site.database.rows("SELECT id::text, created_at FROM events.outbox")[0]
    assert headers == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": stored[0],
        "ce_source": f"//rooftree.dev/tenants/{site.settings.tenant_id}/sample",
        "ce_type": "dev.rooftree.sample.counted.v1",
        "ce_subject": str(counter),
        "ce_time": stored[1].isoformat().replace("+00:00", "Z"),
        "ce_dataschema": "https://rooftree.dev/event-schemas/dev.rooftree.sample.counted.v1.json",
        "ce_tenantid": site.settings.tenant_id,
        "ce_actorid": "system",
        "ce_sequence": "0000000000000000001",
    }


async def test_many_events_of_many_writers_keep_the_order_of_each_aggregate(wide_site: Site) -> None:
    site, counters = wide_site, [new_id() for _ in range(6)]

    async def write(writer: int) -> None:
        for step in range(40):
            await site.publish(*range(5), counter=counters[(writer + step) % len(counters)])

    async with site.running():
        await asyncio.gather(write(0), write(1), write(3))
        await until(lambda: site.unsent() == 0)
    found = await site.messages(site.kafka.events)
    assert len(found) == 600
    for counter in counters:
        mine = [record for record in found if record.key == str(counter).encode()]
        assert [sequence for sequence, _ in site.numbers(mine)] == list(range(1, len(mine) + 1))
