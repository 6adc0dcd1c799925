"""A consumer has its effect once for each event, in order; what fails is tried again or put aside."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from rooftree.kernel.auth import acting
from rooftree.kernel.consumers import Consumer, Projection, Received
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.producer import Producer
from sqlalchemy.ext.asyncio import AsyncSession

from .conftest import Site, until
from .samples import Counted

pytestmark = pytest.mark.integration


class Effects:
    """Notes each effect; fails for the numbers in `poison`, and for all while `away`."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.received: list[Received] = []
        self.batches: list[list[int]] = []
        self.poison: set[int] = set()
        self.tries = 0
        self.away = False

    def _check(self, number: int) -> None:
        self.tries += 1
        if self.away:
            raise Unavailable("away")
        if number in self.poison:
            raise ZeroDivisionError("canary-value")

    async def handle(self, _session: AsyncSession, received: Received) -> None:
        assert isinstance(received.event, Counted)
        self._check(received.event.number)
        self.numbers.append(received.event.number)
        self.received.append(received)

    async def apply(self, received: Sequence[Received]) -> None:
        numbers = [item.event.number for item in received if isinstance(item.event, Counted)]
        for number in numbers:
            self._check(number)
        self.numbers += numbers
        self.batches.append(numbers)


def consumer(effects: Effects, name: str = "sample.count") -> Consumer:
    return Consumer(name=name, types=(Counted,), handle=effects.handle)


def projection(effects: Effects) -> Projection:
    return Projection(name="sample.copy", types=(Counted,), apply=effects.apply)


async def dead(site: Site) -> list[dict[str, str]]:
    found = await site.messages(site.kafka.dead_letter)
    return [{name: value.decode() for name, value in record.headers} for record in found]


async def test_each_event_has_its_effect_once_and_in_order_for_every_consumer(site: Site) -> None:
    one, two, counter = Effects(), Effects(), new_id()
    async with site.running(consumer(one), consumer(two, "sample.other")):
        await site.publish(*range(100), counter=counter)
        await until(lambda: len(one.numbers) == 100 and len(two.numbers) == 100)
    assert one.numbers == two.numbers == list(range(100))
    first = one.received[0]
    assert (first.aggregate_id, first.sequence, first.actor_id, first.late) == (counter, 1, "system", False)
    async with site.running(consumer(one)):
        await site.publish(100, counter=counter)
        await until(lambda: len(one.numbers) == 101)
    assert one.numbers == list(range(101))


async def test_a_message_that_comes_again_has_no_second_effect(site: Site) -> None:
    effects, counter = Effects(), new_id()
    await site.publish(1, 2, counter=counter)
    async with site.running(consumer(effects)):
        await until(lambda: len(effects.numbers) == 2 and site.unsent() == 0)
        # As after a relay that died between publishing and marking.
        site.database.rows("UPDATE events.outbox SET sent_at = NULL RETURNING 1")
        await site.publish(3, counter=counter)
        await until(lambda: len(effects.numbers) == 3)
    assert len(await site.messages(site.kafka.events)) == 5
    assert effects.numbers == [1, 2, 3]


async def test_a_new_event_published_by_a_handler_commits_with_its_effect(site: Site) -> None:
    answers = Effects()

    async def answer(session: AsyncSession, received: Received) -> None:
        assert isinstance(received.event, Counted)
        if received.event.number < 100:
            await Outbox().add(session, [Counted(counter=received.aggregate_id, number=received.event.number + 100)])

    async with site.running(Consumer(name="sample.answer", types=(Counted,), handle=answer), consumer(answers)):
        await site.publish(1, 2, counter=new_id())
        await until(lambda: len(answers.numbers) == 4)
    assert sorted(answers.numbers) == [1, 2, 101, 102]


async def test_handler_works_for_whom_the_event_happened(site: Site) -> None:
    actors: list[str] = []

    async def note(_session: AsyncSession, _received: Received) -> None:
        actors.append(acting.get())

    async with site.running(Consumer(name="sample.note", types=(Counted,), handle=note)):
        token = acting.set("somebody")
        await site.publish(1, counter=new_id())
        acting.reset(token)
        await until(lambda: actors)
    assert actors == ["somebody"]


async def test_while_something_is_away_the_event_waits_and_those_behind_it_as_well(site: Site) -> None:
    effects = Effects()
    effects.away = True
    async with site.running(consumer(effects)):
        await site.publish(1, 2, 3, counter=new_id())
        await until(lambda: effects.tries > 6)
        assert effects.numbers == []
        await until(lambda: site.metric("rooftree_consumer_lag", consumer="sample.count") == 3)
        effects.away = False
        await until(lambda: len(effects.numbers) == 3)
        await until(lambda: site.metric("rooftree_consumer_lag", consumer="sample.count") == 0)
    assert effects.numbers == [1, 2, 3]
    assert await dead(site) == []


async def test_poison_becomes_a_dead_letter_after_a_few_tries_and_later_events_go_on(site: Site) -> None:
    effects = Effects()
    effects.poison = {2}
    async with site.running(consumer(effects)):
        await site.publish(1, 2, 3, counter=new_id())
        await until(lambda: len(effects.numbers) == 2)
        assert site.metric("rooftree_dead_letters_total", consumer="sample.count") == 1
    assert effects.numbers == [1, 3]
    assert effects.tries == 1 + 5 + 1
    (letter,) = await dead(site)
    assert letter["dead-letter-consumer"] == "sample.count"
    reason = letter["dead-letter-reason"]
    assert reason.startswith("ZeroDivisionError (left out) at test_consuming.py:"), reason
    assert reason.endswith(" _check")
    assert letter["dead-letter-tries"] == "5"
    assert letter["ce_sequence"] == "0000000000000000002"


async def test_effect_of_a_failed_try_is_rolled_back(site: Site) -> None:
    tries: list[int] = []

    async def fail_late(session: AsyncSession, received: Received) -> None:
        tries.append(1)
        await Outbox().add(session, [Counted(counter=received.aggregate_id, number=99)])
        if len(tries) < 3:
            raise ZeroDivisionError

    wanted = Consumer(name="sample.fail", types=(Counted,), handle=fail_late)
    await site.publish(1, counter=new_id())
    async with site.running(wanted):
        await until(lambda: len(tries) >= 3)
        await until(lambda: site.database.rows("SELECT count(*) FROM events.inbox")[0][0] >= 1)
    stored = site.database.rows("SELECT sequence FROM events.inbox ORDER BY sequence")
    assert stored[0] == (1,)


async def test_poison_blocks_only_its_own_partition(wide_site: Site) -> None:
    site, effects = wide_site, Effects()
    effects.poison = {0}
    counters = [new_id() for _ in range(12)]
    release = asyncio.Event()

    async def handle(session: AsyncSession, received: Received) -> None:
        assert isinstance(received.event, Counted)
        if received.event.number == 0 and not release.is_set():
            raise Unavailable("not yet")
        effects.numbers.append(received.event.number)

    async with site.running(Consumer(name="sample.count", types=(Counted,), handle=handle)):
        await site.publish(0, 1, counter=counters[0])
        for number, counter in enumerate(counters[1:], start=2):
            await site.publish(number, counter=counter)
        partitions = {record.key: record.partition for record in await _when_published(site, 13)}
        blocked = partitions[str(counters[0]).encode()]
        free = [n for n, counter in enumerate(counters[1:], 2) if partitions[str(counter).encode()] != blocked]
        await until(lambda: set(free) <= set(effects.numbers))
        assert 0 not in effects.numbers
        assert 1 not in effects.numbers
        release.set()
        await until(lambda: len(effects.numbers) == 13)
    assert effects.numbers.index(0) < effects.numbers.index(1)


async def _when_published(site: Site, count: int) -> list:
    await until(lambda: site.unsent() == 0)
    found = await site.messages(site.kafka.events)
    assert len(found) == count
    return found


@pytest.mark.parametrize(
    ("value", "changed", "reason"),
    [
        (b"not json", {}, "json_invalid"),
        (b'{"counter":"canary-value"}', {}, "counter uuid_parsing, number missing"),
        (None, {}, "json_invalid"),
        (b"{}", {"ce_specversion": "9"}, "not a CloudEvents 1.0 message"),
        (b"{}", {"ce_type": "dev.rooftree.sample.counted.v2"}, "does not know dev.rooftree.sample.counted.v2"),
        (b"{}", {"ce_tenantid": "other-00000000"}, "another tenant"),
        (b"{}", {"ce_id": "canary-value"}, "malformed"),
        (b"{}", {"ce_subject": None}, "no header ce_subject"),
    ],
)
async def test_what_can_never_be_handled_becomes_a_dead_letter_at_once(
    site: Site, value: bytes | None, changed: dict[str, str | None], reason: str
) -> None:
    effects, counter = Effects(), new_id()
    await site.publish(1, counter=counter)
    async with site.running(consumer(effects)):
        await until(lambda: effects.numbers == [1])
        (good,) = await site.messages(site.kafka.events)
        headers = {**dict(good.headers), **{name: text and text.encode() for name, text in changed.items()}}
        data = good.value if value == b"{}" else value
        await _send(site, good.key, data, {name: told for name, told in headers.items() if told is not None})
        await site.publish(2, counter=counter)
        await until(lambda: effects.numbers == [1, 2])
    (letter,) = await dead(site)
    assert reason in letter["dead-letter-reason"]
    assert "canary-value" not in letter["dead-letter-reason"]
    assert letter["dead-letter-tries"] == "0"


async def test_unknown_types_are_passed_over(site: Site) -> None:
    effects, counter = Effects(), new_id()
    # As the operator sends it to prove a login.
    base = {"ce_specversion": b"1.0", "ce_id": b"probe", "ce_source": b"//rooftree.dev/operator"}
    await _send(site, None, new_id().bytes, {**base, "ce_type": b"dev.rooftree.probe.v1"})
    await _send(site, None, b"{}", {**base, "ce_type": b"org.example.other"})
    await site.publish(1, counter=counter)
    async with site.running(consumer(effects)):
        await until(lambda: effects.numbers == [1])
    assert await dead(site) == []


async def _send(site: Site, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> None:
    from rooftree.kernel.envelope import Message

    producer = Producer(site.kafka)
    await producer.send(site.kafka.events, [Message(key or b"none", value, tuple(headers.items()))])
    await producer.close()


async def test_projection_gets_batches_and_only_the_poison_is_put_aside(site: Site) -> None:
    effects = Effects()
    effects.poison = {70}
    await site.publish(*range(100), counter=new_id())
    async with site.running():
        await until(lambda: site.unsent() == 0)
    async with site.running(projection(effects)):
        await until(lambda: set(effects.numbers) >= set(range(100)) - {70})
    assert effects.numbers == [*range(70), *range(71, 100)]
    (letter,) = await dead(site)
    assert letter["ce_sequence"] == f"{71:019d}"


async def test_projection_applies_whole_batches_up_to_its_size(site: Site) -> None:
    effects = Effects()
    await site.publish(*range(1200), counter=new_id())
    async with site.running():
        await until(lambda: site.unsent() == 0)
    async with site.running(projection(effects)):
        await until(lambda: len(effects.numbers) == 1200)
    assert effects.numbers == list(range(1200))
    assert max(map(len, effects.batches)) <= 500
    assert len(effects.batches) <= 12


async def test_partition_moves_to_another_process_without_loss_or_second_effect(wide_site: Site) -> None:
    site, one, two = wide_site, Effects(), Effects()
    counters: list[UUID] = [new_id() for _ in range(8)]

    async def keep_publishing() -> None:
        for number in range(60):
            await site.publish(number, counter=counters[number % len(counters)])

    async with site.running(consumer(one)):
        publishing = asyncio.create_task(keep_publishing())
        await until(lambda: len(one.numbers) > 5)
        async with site.running(consumer(two)):
            await publishing
            await site.publish(*range(60, 100), counter=counters[0])
            await until(lambda: len(one.numbers) + len(two.numbers) >= 100)
        await site.publish(*range(100, 140), counter=counters[3])
        await until(lambda: len(one.numbers) + len(two.numbers) >= 140)
    assert sorted(one.numbers + two.numbers) == list(range(140))
    for effects in (one, two):
        for counter in counters:
            mine = [item.sequence for item in effects.received if item.aggregate_id == counter]
            assert mine == sorted(mine)
