"""Policies side by side: the same requests, one judge, and nothing counted that was not measured."""

from dataclasses import replace
from functools import cache
from math import sin

import pytest
from rooftree_operator.counterfactual import recorded
from rooftree_operator.counterfactual.question import Question
from rooftree_operator.counterfactual.recorded import Demand, Span, Trace
from rooftree_operator.counterfactual.replayed import OBJECTIVE, Kind, Replay, Row, TooLong, replay
from rooftree_operator.scaling import erlang
from rooftree_operator.scaling.replay.world import STEPS, make_counted

from .measured import BEGUN, TENANT, Signal, always, answer
from .test_recorded import between

ASKED = Question(TENANT)
SPAN = Span(BEGUN, 900, 1, warm_up=300)


def parsed(**signals: Signal) -> Trace:
    return recorded.parse(answer(SPAN, **signals), SPAN)


@cache
def usual() -> Replay:
    """60 requests a second of 40 ms, for ten minutes; there were six pods, of one to eight."""
    return replay(ASKED, parsed())


def row(found: Replay, name: str) -> Row:
    (one,) = [one for one in found.rows if one.name == name]
    return one


def test_every_policy_has_its_row_and_what_was_is_the_first() -> None:
    assert [one.name for one in usual().rows] == [
        "as it was",
        "ours",
        "HPA 50%",
        "HPA 70%",
        "HPA 80%",
        "KEDA 0.7",
        "Knative 70%",
        "always the fewest, 1",
        "always the most, 8",
        "bound",
    ]


def test_all_meet_the_requests_that_were_measured() -> None:
    assert {round(one.requests) for one in usual().rows} == {600 * 60}


def test_what_was_costs_the_pods_that_were_ordered() -> None:
    found = replay(ASKED, parsed(wanted=between(300, 600, 8, 6)))
    assert found.was.core_hours == pytest.approx((300 * 8 + 300 * 6) / 3600)
    assert (found.was.changes, found.was.most) == (1, 8)
    assert usual().was.core_hours == pytest.approx(600 * 6 / 3600)


def test_fixed_counts_cost_what_they_are_and_break_or_keep_the_objective() -> None:
    fewest, most = row(usual(), "always the fewest, 1"), row(usual(), "always the most, 8")
    assert (fewest.core_hours, most.core_hours) == pytest.approx((600 / 3600, 4800 / 3600))
    assert not usual().keeps(fewest)
    assert fewest.late_share > 0.9
    assert fewest.late_minutes == list(range(10))
    assert usual().keeps(most)
    assert most.late_minutes == []


def test_the_bound_is_the_formula_at_the_rate_of_the_moment() -> None:
    bound = row(usual(), "bound")
    fewest = erlang.servers_for(60 * 0.04, 0.3 / 0.04, budget=0.01)
    assert (bound.core_hours, bound.changes, bound.most) == (pytest.approx(600 * fewest / 3600), 0, fewest)
    assert usual().keeps(bound)
    assert row(replay(replace(ASKED, floor=7), parsed()), "bound").most == 7


def test_the_cheapest_that_keeps_the_objective_is_a_policy() -> None:
    best = usual().cheapest
    assert best is not None
    assert best.kind in (Kind.OURS, Kind.OTHER, Kind.FIXED)
    assert all(best.core_hours <= one.core_hours for one in usual().rows[1:-1] if usual().keeps(one))
    hopeless = replay(replace(ASKED, ceiling=1), parsed())
    assert hopeless.cheapest is None


def test_seconds_that_were_not_measured_count_nowhere() -> None:
    known = usual()
    found = replay(ASKED, parsed(arrivals=between(400, 700, None, 60.0)))
    assert found.seconds == 300
    assert {round(one.requests) for one in found.rows} == {300 * 60}
    for name in ("as it was", "always the most, 8"):
        assert row(found, name).core_hours == pytest.approx(row(known, name).core_hours / 2)


def test_changes_and_pods_while_nothing_was_known_count_nowhere() -> None:
    found = replay(ASKED, parsed(arrivals=between(400, 700, None, 60.0), wanted=between(450, 650, 8, 6)))
    assert (found.was.changes, found.was.most) == (0, 6)


def test_the_warm_up_counts_nowhere() -> None:
    found = replay(ASKED, parsed(wanted=between(0, 300, 8, 6), pods=between(0, 300, 8, 6)))
    assert (found.was.changes, found.was.most) == (0, 6)
    assert found.was.core_hours == usual().was.core_hours


def test_a_rush_that_pods_were_too_few_for_is_seen_in_its_minutes() -> None:
    found = replay(ASKED, parsed(arrivals=between(540, 600, 200.0, 60.0)))
    assert 4 in found.was.late_minutes
    assert found.was.worst > 0.5
    assert not found.keeps(found.was)
    assert found.was.late_minutes[0] == 4


def test_ours_as_asked_is_there_only_if_something_is_asked_and_is_judged_like_all() -> None:
    asked = replay(replace(ASKED, objective=2.0, hpa=(70,)), parsed())
    ours, other = row(asked, "ours"), row(asked, "ours, as asked")
    assert other.core_hours < ours.core_hours
    assert other.late_share > ours.late_share
    assert asked.service.objective == 0.3
    assert [one.name for one in asked.rows if one.name.startswith("HPA")] == ["HPA 70%"]
    for changed in ({"margin": 3.0}, {"window": 300.0}):
        assert row(replay(replace(ASKED, **changed), parsed()), "ours, as asked")


def test_limits_that_are_asked_for_hold_for_all_but_what_was() -> None:
    found = replay(replace(ASKED, floor=3, ceiling=3), parsed())
    assert {one.most for one in found.rows[1:]} == {3}
    assert found.was.most == 6


def test_what_was_counted_in_a_second_arrives_in_it_at_other_moments_each_time() -> None:
    # Chance is not added to the chance that is in the counts.

    load = make_counted([60.0] * 300, warm_up=60)
    assert {second.arrived for second in load.seconds} == {60.0}
    assert all(sum(arrivals for arrivals, _ in second.steps) == 60.0 for second in load.seconds)
    assert len({second.steps for second in load.seconds}) == 300
    assert load.rates == (60.0,) * 240


@pytest.mark.parametrize("count", [0.0, 0.25, 7.5, 1000.0])
def test_all_requests_of_a_second_arrive_in_it(count: float) -> None:
    for second in make_counted([count] * 50, warm_up=0).seconds:
        assert len(second.steps) == STEPS
        assert sum(arrivals for arrivals, _ in second.steps) == pytest.approx(count)


def test_what_nobody_told_is_assumed() -> None:
    untold = replace(parsed(), objective=None, floor=None, ceiling=None)
    found = replay(ASKED, untold)
    assert (found.service.objective, found.service.floor, found.service.ceiling) == (OBJECTIVE, 1, 12)
    assert replay(replace(ASKED, objective=0.5), untold).service.objective == 0.5


def test_where_service_alone_takes_long_more_may_be_late() -> None:
    slow = replace(parsed(), demand=Demand(0.1, 0.1, 0.1), arrivals=[10.0] * 900)
    found = replay(ASKED, slow)
    assert found.allowed == pytest.approx(0.0498 + 0.005, abs=1e-4)
    assert found.keeps(row(found, "always the most, 8"))


def test_the_same_question_has_the_same_answer() -> None:
    waves = parsed(arrivals=lambda at: 60.0 + 30.0 * sin(at / 60))
    assert replay(ASKED, waves).rows == replay(ASKED, waves).rows


def test_nobody_s_replay_goes_on_for_ever() -> None:
    looks = iter([False, False, True])
    with pytest.raises(TooLong):
        replay(ASKED, parsed(), lambda: next(looks))
    assert next(looks, None) is None


def test_the_objective_is_the_one_that_was_told_last() -> None:
    assert replay(ASKED, parsed(objective=between(0, 800, 0.3, 0.5))).service.objective == 0.5
    assert replay(ASKED, parsed(objective=always(0.2))).service.objective == 0.2
