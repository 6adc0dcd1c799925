"""What the running operator does around its passes."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import runtime
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.runtime import Operator, bundle
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
