"""A cell that is full: floors first, then where the fewest requests are late."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.scaling import erlang
from rooftree_operator.scaling.policy import Decision, Limits, Reason, Signals
from rooftree_operator.scaling.share import HOLD, Asked, Cell, shared
from rooftree_operator.scaling.signals import Workload

ONE = Asked(wanted=10, floor=1, arrivals=400.0, demand=0.02, objective=0.2)
EVERY = st.lists(
    st.builds(
        Asked,
        wanted=st.integers(1, 12),
        floor=st.integers(1, 3),
        arrivals=st.floats(0.0, 500.0),
        demand=st.just(0.02),
        objective=st.just(0.2),
    ),
    min_size=1,
    max_size=8,
)


def late(every: list[Asked], counts: tuple[int, ...] | list[int]) -> float:
    """Requests a second."""
    return sum(
        one.arrivals * erlang.over(count, one.arrivals * one.demand, one.objective / one.demand)
        for one, count in zip(every, counts, strict=True)
    )


def test_what_fits_is_given() -> None:
    assert shared([ONE, replace(ONE, wanted=5)], 15) == [10, 5]


def test_a_small_one_that_can_be_helped_goes_before_a_large_one_that_cannot() -> None:
    large, small = ONE, Asked(wanted=2, floor=1, arrivals=45.0, demand=0.02, objective=0.2)
    # Four more do not make the large one keep up; one more makes the small one.
    assert shared([large, small], 6) == [4, 2]


def test_a_plans_weight_decides_between_equals() -> None:
    assert shared([ONE, replace(ONE, weight=3.0)], 12) == [2, 10]
    assert shared([replace(ONE, weight=3.0), ONE], 12) == [10, 2]


def test_floors_are_given_though_the_cell_is_too_small_for_them() -> None:
    assert shared([replace(ONE, floor=4), replace(ONE, floor=4)], 6) == [4, 4]


@given(EVERY, st.integers(1, 60))
def test_nothing_is_left_and_nothing_is_given_twice(every: list[Asked], capacity: int) -> None:
    counts = shared(every, capacity)
    floors = sum(min(one.floor, one.wanted) for one in every)
    wanted = sum(one.wanted for one in every)
    assert sum(counts) == min(wanted, max(capacity, floors))
    for one, count in zip(every, counts, strict=True):
        assert min(one.floor, one.wanted) <= count <= one.wanted


@pytest.mark.parametrize("capacity", range(4, 15))
def test_no_other_sharing_has_many_fewer_late_requests(capacity: int) -> None:
    every = [
        Asked(wanted=8, floor=1, arrivals=330.0, demand=0.02, objective=0.2),
        Asked(wanted=4, floor=1, arrivals=140.0, demand=0.02, objective=0.2),
        Asked(wanted=3, floor=1, arrivals=80.0, demand=0.02, objective=0.2),
    ]
    ours = late(every, shared(every, capacity))
    ways = product(*(range(one.floor, one.wanted + 1) for one in every))
    best = min(late(every, counts) for counts in ways if sum(counts) <= capacity)
    # What is left may be too little for the next step: no more than one workload's requests.
    assert ours <= best + max(one.arrivals for one in every)


LARGE, SMALL = Workload("large"), Workload("small")


def decided(replicas: int, arrivals: float, *, floor: int = 1) -> Decision:
    """Sized for so many requests a second of 20 ms; 0: nothing is known of it."""
    limits = Limits(0.2, floor, 20)
    demand = 0.02 if arrivals else 0.0
    reason = Reason.LOAD if arrivals else Reason.MISSING
    return Decision(replicas, reason, Signals(replicas, replicas), limits, replicas, arrivals, demand)


def counts(cell: Cell, now: float, **decisions: Decision) -> dict[str, int]:
    found = cell.fit({Workload(name): one for name, one in decisions.items()}, now)
    return {key.tenant: one.replicas for key, one in found.items()}


def test_where_there_is_room_all_have_what_they_want() -> None:
    wanted = {"large": decided(9, 400.0), "small": decided(2, 20.0)}
    for cell in (Cell(), Cell(11)):
        assert counts(cell, 0.0, **wanted) == {"large": 9, "small": 2}


def test_a_full_cell_keeps_floors_and_whoever_gets_less_is_told_why() -> None:
    wanted = {LARGE: decided(9, 400.0), SMALL: decided(4, 20.0, floor=2)}
    found = Cell(8).fit(wanted, 0.0)
    assert sum(one.replicas for one in found.values()) == 8
    assert found[SMALL].replicas >= 2
    assert {key for key, one in found.items() if one.reason is Reason.CELL} == {
        key for key, one in found.items() if one.replicas < wanted[key].replicas
    }
    assert found[LARGE].reason is Reason.CELL


def test_nothing_is_taken_of_whom_nothing_is_known() -> None:
    assert counts(Cell(6), 0.0, large=decided(9, 400.0), small=decided(4, 0.0))["small"] == 4


def test_who_wakes_in_a_full_cell_keeps_the_pod_that_it_was_woken_with() -> None:
    asleep = Decision(0, Reason.ASLEEP, Signals(0, 0), Limits(0.2, 1, 20))
    cell, large, small = Cell(8), decided(9, 400.0), decided(4, 20.0)
    assert counts(cell, 0.0, large=large, small=small, sleepy=asleep)["sleepy"] == 0
    # Nothing is known of it in its first seconds.
    found = counts(cell, 1.0, large=large, small=small, sleepy=decided(1, 0.0))
    assert found["sleepy"] == 1
    assert sum(found.values()) == 8


def test_shares_stay_a_while_and_are_made_anew_when_somebody_comes() -> None:
    cell, first, second = Cell(8), decided(8, 350.0), decided(6, 250.0)
    before = counts(cell, 0.0, large=first, small=second)
    assert counts(cell, HOLD - 1, large=second, small=first) == {
        "large": min(before["large"], 6),
        "small": before["small"],
    }
    after = counts(cell, HOLD, large=second, small=first)
    assert (after["large"], after["small"]) == (before["small"], before["large"])
    assert sum(counts(cell, HOLD + 1, large=second, small=first, new=decided(2, 50.0)).values()) <= 8
