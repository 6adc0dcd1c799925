"""Requests begin when they are due, whatever becomes of earlier ones."""

from __future__ import annotations

import asyncio
import random

import bench_pacing
import pytest
from bench_pacing import Pacer, constant, poisson


def test_constant_moments_are_equally_far_apart() -> None:
    assert list(constant(4.0, 1.0, since=10.0)) == [10.0, 10.25, 10.5, 10.75]


def test_random_moments_are_in_order_and_as_many_as_the_rates_say() -> None:
    moments = list(poisson([50.0, 0.0, 150.0] * 40, random.Random(1)))
    assert moments == sorted(moments)
    assert not [one for one in moments if int(one) % 3 == 1]
    assert len(moments) == pytest.approx(40 * 200, rel=0.05)
    assert moments == list(poisson([50.0, 0.0, 150.0] * 40, random.Random(1))), "the same for the same seed"


async def test_a_request_that_hangs_delays_no_other_and_its_own_wait_counts() -> None:
    goes_on, sent = asyncio.Event(), list[int]()

    async def send(number: int) -> bool:
        sent.append(number)
        if len(sent) == 3:
            goes_on.set()
        await goes_on.wait()
        return len(sent) == 3

    pacer = Pacer(send)
    await pacer.run([0.0, 0.01, 0.05])
    assert sent == [0, 1, 2]
    first = next(one for one in pacer.answers if one.due == 0.0)
    assert first.seconds >= 0.05
    assert all(one.is_good for one in pacer.answers)


async def test_what_begins_late_has_waited_since_it_was_due() -> None:
    async def send(_: int) -> bool:
        return True

    pacer, clock = Pacer(send), asyncio.get_running_loop().time()
    await pacer.run([0.0], began=clock - 5.0)
    assert pacer.answers[0].seconds >= 5.0


async def test_a_load_that_the_machine_does_not_bear_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_pacing, "MOST_UNDER_WAY", 2)

    async def send(_: int) -> bool:
        await asyncio.Event().wait()
        return True

    with pytest.raises(ExceptionGroup) as found:
        await Pacer(send).run([0.0, 0.0, 0.0])
    assert found.group_contains(RuntimeError, match="does not bear")
