"""What is committed is published: once at least, in order for each aggregate, by one relay at a time."""

import asyncio
import contextvars
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import psycopg
import pytest
from aiokafka.client import AIOKafkaClient
from rooftree.kernel import relay
from rooftree.kernel.background import Background
from rooftree.kernel.ids import new_id
from rooftree.kernel.kafka import KafkaSettings
from rooftree.kernel.outbox import Outbox

from .conftest import Site, until, until_true
from .samples import Counted
from .test_consuming import Effects, consumer

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


def first_seen(site: Site, records: Iterable[Any]) -> dict[bytes, list[int]]:
    """Sequences of each aggregate in the order in which they were seen first; repetitions are allowed."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for record, (sequence, _) in zip(records, site.numbers(records), strict=True):
        if sequence not in found[record.key]:
            found[record.key].append(sequence)
    return found


async def _publish_late_commit(site: Site) -> None:
    """An event that drew its position first commits last, when the other is out already."""
    async with site.unit_of_work() as session:
        await Outbox().add(session, [Counted(counter=new_id(), number=1)])
        other = asyncio.create_task(site.publish(2, counter=new_id()), context=contextvars.Context())
        await other
        await until(lambda: site.database.rows("SELECT 1 FROM events.outbox WHERE sent_at IS NOT NULL"))


async def test_event_that_commits_late_is_published(site: Site) -> None:
    async with site.running():
        await _publish_late_commit(site)
        await until(lambda: site.unsent() == 0)
    assert [json.loads(record.value)["number"] for record in await site.messages(site.kafka.events)] == [2, 1]


async def test_a_cursor_would_lose_the_event_that_commits_late(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants the bug, to show that the test above would notice it."""
    cursor = b"position > (SELECT coalesce(max(position), 0) FROM events.outbox WHERE sent_at IS NOT NULL)"
    monkeypatch.setattr(relay, "_UNSENT", relay._UNSENT.replace(b"sent_at IS NULL", cursor))
    async with site.running():
        await _publish_late_commit(site)
        await site.publish(3, counter=new_id())
        await until(lambda: site.database.rows("SELECT 1 FROM events.outbox WHERE position = 3 AND sent_at < now()"))
        assert site.unsent() == 1


async def _with_first_row_locked(site: Site) -> list[int]:
    """The order of an aggregate's three events in Kafka when another session has locked the first one's row."""
    counter = new_id()
    await site.publish(1, 2, 3, counter=counter)
    async with await psycopg.AsyncConnection.connect(site.database.admin_dsn) as competing:
        await competing.execute("SELECT 1 FROM events.outbox WHERE position = 1 FOR UPDATE")
        async with site.running():
            await until_true(lambda: site.messages(site.kafka.events))
            await competing.rollback()
            await until(lambda: site.unsent() == 0)
            found = await site.messages(site.kafka.events)
    return first_seen(site, found)[str(counter).encode()]


async def test_a_locked_row_is_not_overtaken(site: Site) -> None:
    assert await _with_first_row_locked(site) == [1, 2, 3]


@pytest.mark.thorough
async def test_skip_locked_would_overtake(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants the bug, to show that the test above would notice it."""
    monkeypatch.setattr(relay, "_UNSENT", relay._UNSENT + b" FOR UPDATE SKIP LOCKED")
    assert await _with_first_row_locked(site) == [2, 3, 1]


async def test_one_relay_works_and_the_other_takes_over_when_its_session_ends(site: Site) -> None:
    counter = new_id()
    async with site.running() as one, site.running() as two:
        await site.publish(1, counter=counter)
        await until(lambda: site.unsent() == 0)
        relays = [next(loop for loop in bus._loops if isinstance(loop, relay.Relay)) for bus in (one, two)]
        (leader,) = [item for item in relays if item.leads]
        for number in range(2, 8):
            await site.publish(number, counter=counter)
            if number == 4:
                leader.stop()
                site.database.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rooftree relay'"
                    " AND datname = current_database()"
                    " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
                )
        await until(lambda: site.unsent() == 0)
        assert [item.leads for item in relays if item is not leader] == [True]
        assert site.metric("rooftree_relay_working") is not None
    found = first_seen(site, await site.messages(site.kafka.events))
    assert found == {str(counter).encode(): list(range(1, 8))}


async def test_two_relays_at_once_repeat_but_never_reorder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the first has not noticed yet that it lost its lock."""

    async def always(_connection: Any) -> bool:
        return True

    monkeypatch.setattr(relay, "_locked", always)
    counters = [new_id() for _ in range(3)]
    async with site.running(), site.running():
        for number in range(40):
            await site.publish(number, number, counter=counters[number % 3])
        await until(lambda: site.unsent() == 0)
    found = first_seen(site, await site.messages(site.kafka.events))
    assert sorted(len(sequences) for sequences in found.values()) == [26, 26, 28]
    for sequences in found.values():
        assert sequences == list(range(1, len(sequences) + 1))


async def test_while_kafka_is_away_business_goes_on_and_the_rows_stay(site: Site) -> None:
    away = KafkaSettings(kafka_bootstrap="127.0.0.1:1", kafka_user="nobody")
    counter = new_id()
    async with site.running(kafka=away) as bus:
        await site.publish(1, counter=counter)
        await until(lambda: site.metric("rooftree_outbox_unsent") == 1)
        await until(lambda: (site.metric("rooftree_outbox_oldest_seconds") or 0) > 0.5)
        await site.publish(2, counter=counter)
        assert site.unsent() == 2
        # It stays the one that works and tells: an alert waits for minutes.
        for _ in range(40):
            assert (site.metric("rooftree_relay_working"), bool(site.metric("rooftree_outbox_unsent"))) == (1, True)
            await asyncio.sleep(0.05)
        # It comes back.
        bus.kafka._kafka = site.kafka_settings
        await until(lambda: site.unsent() == 0)
        await until(lambda: site.metric("rooftree_outbox_oldest_seconds") == 0)
    assert first_seen(site, await site.messages(site.kafka.events)) == {str(counter).encode(): [1, 2]}


async def test_database_that_goes_away_for_a_moment_is_found_again(site: Site) -> None:
    counter = new_id()
    async with site.running():
        await site.publish(1, counter=counter)
        await until(lambda: site.unsent() == 0)
        with site.database.without_login():
            await asyncio.sleep(0.7)
        await site.pool.engine.dispose()
        await site.publish(2, counter=counter)
        await until(lambda: site.unsent() == 0)


async def test_what_waits_is_published_before_the_process_ends(site: Site) -> None:
    async with site.running():
        await site.publish(0, counter=new_id())
        await until(lambda: site.unsent() == 0)
        await site.publish(*range(1200), counter=new_id())
    assert site.unsent() == 0


@pytest.fixture
async def silent_server() -> AsyncGenerator[str]:
    """Accepts connections and never says a word."""

    async def listen(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_stopping_ends_in_time_though_kafka_hangs_from_the_start(site: Site, silent_server: str) -> None:
    hung = KafkaSettings(kafka_bootstrap=silent_server, kafka_user="nobody")
    await site.publish(1, counter=new_id())
    background, bus = Background(), site.bus(consumer(Effects()), kafka=hung)
    bus.start(background)
    await asyncio.sleep(1.5)
    async with asyncio.timeout(11):
        await bus.stop()
        await background.close(0.1)
    assert site.unsent() == 1


async def test_stopping_ends_in_time_though_kafka_hangs_meanwhile(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    effects = Effects()
    background, bus = Background(), site.bus(consumer(effects))
    bus.start(background)
    await site.publish(1, counter=new_id())
    await until(lambda: effects.numbers == [1])

    async def hangs(*_arguments: Any, **_options: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaClient, "send", hangs)
    await site.publish(2, counter=new_id())
    await asyncio.sleep(1)
    async with asyncio.timeout(11):
        await bus.stop()
        await background.close(0.1)
    assert site.unsent() == 1


async def test_old_rows_are_forgotten(site: Site) -> None:
    effects = Effects()
    async with site.running(consumer(effects)):
        await site.publish(1, 2, 3, counter=new_id())
        await until(lambda: site.unsent() == 0 and len(effects.numbers) == 3)
    site.database.rows("UPDATE events.outbox SET sent_at = now() - interval '4 days' WHERE position = 1 RETURNING 1")
    site.database.rows("UPDATE events.outbox SET sent_at = NULL WHERE position = 2 RETURNING 1")
    site.database.rows("UPDATE events.inbox SET handled_at = now() - interval '30 days' WHERE sequence = 1 RETURNING 1")
    (job,) = site.bus().jobs()
    await job.run()
    assert site.database.rows("SELECT position FROM events.outbox ORDER BY 1") == [(2,), (3,)]
    assert site.database.rows("SELECT sequence FROM events.inbox ORDER BY 1") == [(2,), (3,)]
