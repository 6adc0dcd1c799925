"""What the running operator does around its passes."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import runtime
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate, urgency
from rooftree_operator.installation import bundle
from rooftree_operator.reconcile import Outcome
from rooftree_operator.runtime import Operator
from rooftree_operator.settings import Settings
from rooftree_operator.workqueue import Priority, WorkQueue

from .running import operator
from .turns import until
from .world import World, brokerage, operation, plan

Looks = dict[str, list[float]]


async def test_a_resync_feeds_every_tenant_while_postgres_is_away() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    world.postgres.down = True
    running = operator(world)
    await running._round()
    assert [running.queue.pop(), running.queue.pop(), running.queue.pop()] == ["release/1.0.0", "tenant/acme", None]


async def test_a_resync_feeds_operations_whose_events_were_lost() -> None:
    world = World()
    world.kube.put(operation("first"))
    running = operator(world)
    running.queue.add("operation/second", Priority.CHILD, after=60.0)
    world.kube.put(operation("second"))
    await running._round()
    assert [running.queue.pop(), running.queue.pop()] == ["operation/first", None]


class Clock:
    """A clock that only sleeping moves on, second by second; what is due by then is looked at, which takes a while."""

    def __init__(self, running: Operator, until: float) -> None:
        self.now, self.until = 0.0, until
        self.looks: dict[str, list[float]] = {}
        self.news: dict[int, str] = {}  # a tenant that the watch tells of in this second
        self._running = running
        running.queue = WorkQueue(lambda: self.now)

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            if name := self.news.get(int(self.now)):
                self._running.queue.add(f"tenant/{name}", Priority.EDIT)
            while (key := self._running.queue.pop()) is not None:
                self.looks.setdefault(key, []).append(self.now)
                self._running._settle(key, Outcome())
            if self.now > self.until:
                raise asyncio.CancelledError


async def looks(monkeypatch: pytest.MonkeyPatch, seconds: float, news: dict[int, str] | None = None) -> Looks:
    """When each tenant is looked at."""
    world = World()
    for number in range(200):
        world.kube.put(brokerage(f"brokerage-{number}"))
    running = operator(world)
    running.settings = Settings()
    clock = Clock(running, seconds)
    clock.news = news or {}
    monkeypatch.setattr(runtime.asyncio, "get_running_loop", lambda: clock)
    monkeypatch.setattr(runtime.asyncio, "sleep", clock.sleep)
    with pytest.raises(asyncio.CancelledError):
        await running._resync()
    return clock.looks


def assert_each_is_looked_at_every_round(found: Looks, start: float, end: float) -> None:
    for key, moments in found.items():
        gaps = [later - earlier for earlier, later in pairwise([start, *moments, end])]
        assert max(gaps) <= 51.001, f"{key} is looked at after {max(gaps)} s"


async def test_what_a_backend_lost_is_found_within_a_minute_less_nine_seconds_for_the_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = await looks(monkeypatch, 260)
    assert len(found) == 200
    assert_each_is_looked_at_every_round(found, 0.0, 260.0)


@pytest.mark.parametrize("name", ["a", "b", "life-7d46ef", "brokerage-0"])
async def test_a_tenant_made_within_a_round_has_its_turn_a_round_later_at_the_latest(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for second in (51, 70, 99):
        found = await looks(monkeypatch, 260, {second: name})
        later = [moment for moment in found[f"tenant/{name}"] if moment > second]
        assert_each_is_looked_at_every_round({name: later}, float(second), 260.0)


async def test_tenants_are_looked_at_spread_over_a_round_and_not_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await looks(monkeypatch, 99.0)
    each_second = Counter(int(moment) for moments in found.values() for moment in moments[1:])
    assert sum(each_second.values()) >= 200
    assert max(each_second.values()) <= 12, "four a second is the mean"


async def test_whoever_is_gone_or_fails_has_no_turn_and_all_else_has_one() -> None:
    running = operator(World())
    running.settings = Settings()
    results = {"tenant/gone": Outcome(gone=True), "tenant/there": Outcome(), "release/1.0.0": Outcome()}
    for key, result in results.items():
        running.queue.add(key, Priority.EDIT)
        assert running.queue.pop() == key
        running._settle(key, result)
    assert [key for key in results if key in running.queue] == ["tenant/there"]


async def test_rounds_keep_to_their_beat_however_long_a_list_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    running = operator(World())
    running.settings = Settings()
    clock, began = Clock(running, 199.0), list[float]()

    async def round_() -> None:
        began.append(clock.now)
        clock.now += 7.0  # a slow list
        if len(began) == 2:
            raise Unavailable("ApiServerUnreachable", "away")

    monkeypatch.setattr(running, "_round", round_)
    monkeypatch.setattr(runtime.asyncio, "get_running_loop", lambda: clock)
    monkeypatch.setattr(runtime.asyncio, "sleep", clock.sleep)
    with pytest.raises(asyncio.CancelledError):
        await running._resync()
    assert began == [0.0, 50.0, 59.0, 100.0, 150.0]


async def test_a_round_forgets_whoever_vanished_while_held_back() -> None:
    world = World()
    world.kube.put(brokerage("acme", managementPolicy="Observe"))
    await world.converge("acme")
    level = {"level": "Observe"}
    assert REGISTRY.get_sample_value("rooftree_operator_paused", level) == 1.0
    del world.kube.objects["Brokerage", None, "acme"]
    await operator(world)._round()
    assert REGISTRY.get_sample_value("rooftree_operator_paused", level) == 0.0


async def test_a_resync_feeds_every_kept_tenant_and_a_worker_purges_it_when_its_time_is_over() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme")
    running = operator(world)
    await running._round()
    assert [running.queue.pop(), running.queue.pop(), running.queue.pop()] == [
        f"kept/{tenant}",
        "release/1.0.0",
        None,
    ]
    world.later = timedelta(days=30)
    assert not (await running._dispatch("kept", str(tenant))).failed
    assert world.registry.state(tenant) == "deleted"
    running.queue.done(f"kept/{tenant}")
    await running._round()
    assert running.queue.pop() is None


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


async def test_a_pass_is_as_urgent_towards_backends_as_what_set_it_off_and_its_worker_beats() -> None:
    running, found, beating = operator(World()), dict[str, int](), list[list[str]]()
    running.settings = Settings()
    finished = asyncio.Event()

    async def dispatch(_: str, name: str) -> Outcome:
        async def part() -> None:
            found[name] = urgency.get()
            beating.append([key for _, key in running.health._passes.values()])

        async with asyncio.TaskGroup() as group:
            group.create_task(part())
        if len(found) == len(Priority):
            finished.set()
        return Outcome(gone=True)

    running._dispatch = dispatch  # type: ignore[method-assign]
    for priority in Priority:
        running.queue.add(f"tenant/{priority.name}", priority)
    worker = asyncio.create_task(running._work(0))
    try:
        async with asyncio.timeout(5):
            await finished.wait()
    finally:
        worker.cancel()
    assert found == {priority.name: priority for priority in Priority}
    assert beating == [[f"tenant/{priority.name}"] for priority in Priority]


async def test_a_resync_and_an_edited_plan_feed_the_pool_and_a_worker_fills_it() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", warm=1))
    running = operator(world)
    await running._round()
    assert [running.queue.pop(), running.queue.pop()] == ["pool/starter", "release/1.0.0"]
    running.queue.done("pool/starter")
    await running._dispatch("plan", "starter")
    assert running.queue.pop() == "pool/starter"
    for _ in range(3):
        assert not (await running._dispatch("pool", "starter")).failed
    assert [spare.state for spare in world.spares.rows.values()] == ["ready"]


@pytest.mark.parametrize("priority", [Priority.EDIT, Priority.RESYNC])
async def test_the_brokerages_of_a_plan_are_looked_at_as_urgently_as_the_plan(priority: Priority) -> None:
    world = World()
    world.kube.put(brokerage("acme"))
    world.kube.put(brokerage("birch", plan="large"))
    running = operator(world)
    running.settings = Settings(workers=1)
    running.queue.add("plan/starter", priority)
    worker = asyncio.create_task(running._work(0))
    looked: dict[str, Priority] = {}

    async def look(name: str) -> Outcome:
        looked[name] = running.queue.priority(f"tenant/{name}")
        return Outcome(gone=True)

    running.reconciler = SimpleNamespace(reconcile=look, shards=running.shards)  # type: ignore[assignment]
    try:
        await until(lambda: looked)
    finally:
        worker.cancel()
    assert looked == {"acme": priority}


async def test_what_a_pool_does_next_comes_after_whatever_somebody_waits_for() -> None:
    running = operator(World())
    running.queue.add("pool/starter", Priority.RESYNC)
    assert running.queue.pop() == "pool/starter"
    running._settle("pool/starter", Outcome(again_in=0.0))
    running.queue.add("tenant/birch", Priority.CHILD)
    running.queue.add("tenant/acme", Priority.EDIT)
    assert [running.queue.pop() for _ in range(4)] == ["tenant/acme", "tenant/birch", "pool/starter", None]


async def test_a_ready_spare_has_a_turn_in_each_round_after_all_else_and_none_when_it_is_gone() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", warm=1))
    await world.fill()
    running = operator(world)
    running.settings = Settings()
    key = "spare/pool-00000000"
    await running._round()
    running.queue.add("tenant/acme", Priority.CHILD)
    assert running.queue.pop() == "tenant/acme"
    running.queue.done("tenant/acme")
    popped = [running.queue.pop() for _ in range(4)]
    assert sorted(filter(None, popped)) == ["pool/starter", "release/1.0.0", key]
    assert running.queue.priority(key) is Priority.RESYNC
    outcome = await running._dispatch("spare", "pool-00000000")
    running._settle(key, outcome)
    assert key in running.queue, "its next turn"
    await running._round()
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    for found in (await running._dispatch("spare", "pool-00000000"), Outcome(gone=True)):
        assert found == Outcome(gone=True)
