"""Who acts: one holder, epochs that only grow, and no waiting after a clean hand-over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from rooftree_operator.adapters.kubernetes import LEASE, Conflict
from rooftree_operator.drift import Object
from rooftree_operator.lease import DURATION, LeaseHolder, LeaseLost

from .fakes.kubernetes import FakeKubernetes

NAMESPACE = "rooftree-system"


class Cluster(FakeKubernetes):
    """Adds the update verb, which only the Lease uses."""

    async def replace(self, wanted: Object) -> Object:
        old = self.find(LEASE, wanted["metadata"]["name"], NAMESPACE)
        assert old is not None
        if old["metadata"]["resourceVersion"] != wanted["metadata"].get("resourceVersion"):
            raise Conflict(409, "the object has changed")
        return self.put(wanted)


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
