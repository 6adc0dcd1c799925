"""What the running operator does around its passes."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import runtime
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.runtime import Operator, bundle
from rooftree_operator.settings import Settings
from rooftree_operator.workqueue import WorkQueue

from .world import World, brokerage

UNUSED: Any = None


def operator(world: World) -> Operator:
    return Operator(
        settings=UNUSED,
        queue=WorkQueue(lambda: 100.0),
        kube=world.kube,
        backends=world.backends,
        registry=UNUSED,
        reconciler=world.reconciler,
        templates=world.templates,
        releases=world.releases,
        lease=UNUSED,
    )


async def test_a_resync_feeds_every_tenant_while_postgres_is_away() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    world.postgres.down = True
    running = operator(world)
    await running._feed_all(0.0)
    assert [running.queue.pop(), running.queue.pop(), running.queue.pop()] == ["release/1.0.0", "tenant/acme", None]


async def looks(seconds: int, *, tenants: int = 200) -> dict[str, list[int]]:
    """When each tenant is looked at on a clock of our own, as rounds follow each other and workers take what is due."""
    world, clock = World(), [0.0]
    for number in range(tenants):
        world.kube.put(brokerage(f"brokerage-{number}"))
    running = operator(world)
    running.queue = WorkQueue(lambda: clock[0])
    period = int(Settings().resync_seconds)
    found: dict[str, list[int]] = {}
    for second in range(seconds):
        clock[0] = float(second)
        if second % period == 0:
            await running._feed_all(period)
        while (key := running.queue.pop()) is not None:
            found.setdefault(key, []).append(second)
            running.queue.done(key)
    return found


async def test_what_a_backend_lost_is_found_within_a_minute_less_ten_seconds_for_the_pass() -> None:
    for key, moments in (await looks(260)).items():
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert len(moments) >= 4, key
        assert max(gaps) <= 50, f"{key} is looked at after {max(gaps)} s"


async def test_tenants_are_looked_at_spread_over_a_round_and_not_all_at_once() -> None:
    found = await looks(50)
    each_second = Counter(moments[0] for moments in found.values())
    assert len(found) == 200
    assert max(each_second.values()) <= 12, "four a second is the mean"


async def test_rounds_keep_to_their_beat_however_long_a_round_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    running = operator(World())
    running.settings = Settings()
    clock, began = [1000.0], list[float]()

    class Loop:
        def time(self) -> float:
            return clock[0]

    async def feed(within: float) -> None:
        began.append(clock[0])
        clock[0] += 7.0  # a slow list
        if len(began) == 2:
            raise Unavailable("ApiServerUnreachable", "away")

    async def sleep(seconds: float) -> None:
        clock[0] += seconds
        if len(began) == 5:
            raise asyncio.CancelledError

    monkeypatch.setattr(running, "_feed_all", feed)
    monkeypatch.setattr(runtime.asyncio, "get_running_loop", Loop)
    monkeypatch.setattr(runtime.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await running._resync()
    assert began == [1000.0, 1050.0, 1059.0, 1100.0, 1150.0]


async def test_a_round_forgets_whoever_vanished_while_held_back() -> None:
    world = World()
    world.kube.put(brokerage("acme", managementPolicy="Observe"))
    await world.converge("acme")
    level = {"level": "Observe"}
    assert REGISTRY.get_sample_value("rooftree_operator_paused", level) == 1.0
    del world.kube.objects["Brokerage", None, "acme"]
    await operator(world)._feed_all(0.0)
    assert REGISTRY.get_sample_value("rooftree_operator_paused", level) == 0.0


def test_a_gate_fails_calls_at_once_while_the_watch_says_that_the_backend_is_away() -> None:
    gate = Gate()
    gate.check()
    assert gate.turn(Unavailable("KafkaUnreachable", "no answer"))
    assert not gate.turn(Unavailable("KafkaUnreachable", "still no answer"))
    with pytest.raises(Unavailable, match="still no answer"):
        gate.check()
    assert gate.turn(None)
    gate.check()


def test_each_certificate_is_in_the_bundle_once() -> None:
    assert bundle(["A\n", "B", " A"]) == "A\nB\n"


class Answering:
    """A backend whose pings end like this, one after the other."""

    name = "kafka"

    def __init__(self, *ends: Exception | None) -> None:
        self.gate = Gate()
        self.ends = list(ends)

    async def ping(self) -> None:
        if (end := self.ends.pop(0)) is not None:
            raise end


async def test_one_late_answer_is_no_outage_and_two_are() -> None:
    late = Unavailable("KafkaUnreachable", "no answer in time")
    assert await runtime._outage(Answering(late, None)) is None
    assert await runtime._outage(Answering(late, late)) is late


async def test_an_error_that_no_adapter_foresaw_is_an_outage_and_does_not_end_the_operator() -> None:
    outage = await runtime._outage(Answering(RuntimeError("dictionary changed size"), ValueError("not JSON")))
    assert outage is not None
    assert (outage.reason, outage.message) == ("KafkaUnreachable", "kafka cannot be asked: ValueError: not JSON")


async def test_a_backend_that_goes_and_comes_back_has_every_tenant_looked_at_once_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "WATCH", 0.001)
    monkeypatch.setattr(runtime, "SPREAD", 0.0)
    world = World()
    world.kube.put(brokerage("acme"))
    running = operator(world)
    watch = asyncio.create_task(running._watch(world.kafka))
    try:
        for down in (True, False):
            world.kafka.down = down
            async with asyncio.timeout(5):
                assert await running.queue.get() == "tenant/acme"
            running.queue.done("tenant/acme")
            assert running.queue.pop() is None
            assert REGISTRY.get_sample_value("rooftree_operator_backend_up", {"backend": "kafka"}) == float(not down)
            if down:
                with pytest.raises(Unavailable, match="does not answer"):
                    world.kafka.gate.check()
            else:
                world.kafka.gate.check()
    finally:
        watch.cancel()
