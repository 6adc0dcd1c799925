"""Who acts: one holder, epochs that only grow, and no waiting after a clean hand-over."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import LEASE, ApiError, Conflict
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.lease import DURATION, LeaseHolder, LeaseLost

from .fakes.kubernetes import FakeKubernetes

NAMESPACE = "rooftree-system"


class Cluster(FakeKubernetes):
    """Adds the update verb, which only the Lease uses. `answers`: what becomes of the next updates."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Exception | str] = []
        self.enough = asyncio.Event()
        self.enough_at = 0
        self._updates = 0

    async def replace(self, wanted: Object) -> Object:
        self._updates += 1
        if self._updates == self.enough_at:
            self.enough.set()
        answer = self.answers.pop(0) if self.answers else ""
        if answer == "hangs":
            await asyncio.Event().wait()
        if answer == "lost":
            self._update(wanted)
            raise Unavailable("ApiServerUnreachable", "the answer is lost")
        if isinstance(answer, Exception):
            raise answer
        return self._update(wanted)

    def _update(self, wanted: Object) -> Object:
        old = self.find(LEASE, wanted["metadata"]["name"], NAMESPACE)
        assert old is not None
        if old["metadata"]["resourceVersion"] != wanted["metadata"].get("resourceVersion"):
            raise Conflict(409, "the object has changed")
        return self.put(wanted)


REFUSALS = [ApiError(500, "etcd has no leader"), ApiError(429, "too many"), Unavailable("ApiServerUnreachable", "")]


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def candidate(cluster: Cluster, time: Time, identity: str) -> LeaseHolder:
    return LeaseHolder(cluster, name="rooftree-operator", namespace=NAMESPACE, identity=identity, now=time)


async def test_the_first_candidate_gets_it_and_the_second_waits() -> None:
    cluster, time = Cluster(), Time()
    assert await candidate(cluster, time, "one").acquire() == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(candidate(cluster, time, "two").acquire(), 0.05)


async def test_a_holder_that_went_silent_is_followed_by_a_higher_epoch() -> None:
    cluster, time = Cluster(), Time()
    await candidate(cluster, time, "one").acquire()
    time.now += timedelta(seconds=DURATION + 1)
    assert await candidate(cluster, time, "two").acquire() == 2


async def test_a_released_lease_is_taken_at_once() -> None:
    cluster, time = Cluster(), Time()
    first = candidate(cluster, time, "one")
    await first.acquire()
    await first.release()
    assert await asyncio.wait_for(candidate(cluster, time, "two").acquire(), 0.05) == 2


async def test_a_holder_that_was_followed_notices_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooftree_operator.lease.RENEW", 0.0)
    cluster, time = Cluster(), Time()
    first = candidate(cluster, time, "one")
    await first.acquire()
    time.now += timedelta(seconds=DURATION + 1)
    await candidate(cluster, time, "two").acquire()
    with pytest.raises(LeaseLost, match="another operator"):
        await first.keep()
    assert not first.held


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only where everybody waits, and then at once."""
    loop: Any = asyncio.get_running_loop()
    passed, select = loop.time(), loop._selector.select

    def skip(timeout: float | None = None) -> Any:
        nonlocal passed
        passed += max(timeout or 0.0, 0.0)
        return select(0)

    monkeypatch.setattr(loop, "time", lambda: passed)
    monkeypatch.setattr(loop._selector, "select", skip)


async def kept(holder: LeaseHolder, cluster: Cluster, *, updates: int) -> None:
    """Keeps it until so many updates were tried; raises what `keep` raises."""
    task = asyncio.create_task(holder.keep())
    cluster.enough_at = updates
    enough = asyncio.create_task(cluster.enough.wait())
    async with asyncio.timeout(100):
        await asyncio.wait({task, enough}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    task.cancel()
    await asyncio.wait({task, enough})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", [*REFUSALS, "hangs", "lost"], ids=["500", "429", "away", "hangs", "lost"])
async def test_a_renewal_that_fails_once_is_tried_again(answer: Exception | str) -> None:
    cluster = Cluster()
    holder = candidate(cluster, Time(), "one")
    await holder.acquire()
    cluster.answers = [answer]
    await kept(holder, cluster, updates=5)
    assert holder.held
    assert await holder.is_held()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", [REFUSALS[0], "hangs"], ids=["refused", "hangs"])
async def test_a_holder_ends_before_anybody_else_may_take_it(answer: Exception | str) -> None:
    cluster = Cluster()
    holder = candidate(cluster, Time(), "one")
    await holder.acquire()
    cluster.answers = [answer] * 1000
    renewed = asyncio.get_running_loop().time()
    with pytest.raises(LeaseLost, match="in time"):
        await holder.keep()
    assert asyncio.get_running_loop().time() - renewed < DURATION
    assert not holder.held


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", REFUSALS, ids=["500", "429", "away"])
async def test_a_candidate_goes_on_trying_when_it_is_refused(answer: Exception) -> None:
    cluster, time = Cluster(), Time()
    await candidate(cluster, time, "one").acquire()
    time.now += timedelta(seconds=DURATION + 1)
    cluster.answers = [answer]
    assert await candidate(cluster, time, "two").acquire() == 2


async def test_a_release_that_is_refused_hides_no_other_error() -> None:
    cluster = Cluster()
    holder = candidate(cluster, Time(), "one")
    await holder.acquire()
    cluster.answers = [Conflict(409, "the object has changed")]
    await holder.release()
    assert not holder.held
