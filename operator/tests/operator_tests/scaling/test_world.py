"""The world in which policies are compared is a queue as Erlang's, and what a policy sees of it is late."""

from dataclasses import dataclass, field
from statistics import fmean

import pytest
from rooftree_operator.scaling import erlang
from rooftree_operator.scaling.replay.ours import LoadTuned, observe
from rooftree_operator.scaling.replay.world import History, Load, Pod, Service, fewest, make_load, simulate

SERVICE = Service(demand=0.02, objective=0.2, start=8)


@dataclass
class Fixed:
    """So many replicas, or as many as are told for a second."""

    count: int
    told: dict[int, int] = field(default_factory=dict[int, int])
    period: int = 1
    phase: int = 0

    def decide(self, now: int, history: History) -> int:
        self.count = self.told.get(now, self.count)
        return self.count


def steady(rate: float, seconds: int = 3600, seed: int = 1) -> Load:
    return make_load([rate] * seconds, seed, warm_up=60)


@pytest.mark.parametrize(("servers", "rate"), [(2, 85.0), (4, 183.0), (8, 378.0), (16, 778.0)])
def test_as_many_requests_are_late_as_erlang_says(servers: int, rate: float) -> None:
    shares = [simulate(steady(rate, seed=seed), Fixed(servers), SERVICE, servers).over_share for seed in range(1, 6)]
    said = erlang.over(servers, rate * SERVICE.demand, SERVICE.objective / SERVICE.demand)
    assert fmean(shares) == pytest.approx(said, rel=0.3)


def test_requests_and_use_are_those_of_the_rate() -> None:
    history_of = Spying(Fixed(10))
    out = simulate(steady(300.0), history_of, SERVICE, 10)
    assert out.requests == pytest.approx(300.0 * 3600, rel=0.01)
    history = history_of.seen
    assert history.mean(history.use, 3600, 3000) == pytest.approx(0.6, rel=0.01)
    assert history.mean(history.completed, 3600, 3000) == pytest.approx(300.0, rel=0.01)
    # Little's law: rate times time in the system, which has no queue to speak of here.
    assert history.mean(history.in_flight, 3600, 3000) == pytest.approx(6.0, rel=0.05)


@dataclass
class Spying:
    """Looks over another policy's shoulder."""

    inner: Fixed
    seen: History = field(default_factory=History)
    period: int = 1
    phase: int = 0

    def decide(self, now: int, history: History) -> int:
        self.seen = history
        return self.inner.decide(now, history)


def test_a_pod_serves_when_it_has_started_and_costs_from_its_order_on() -> None:
    load = make_load([10.0] * 40, seed=1, warm_up=0)
    spy = Spying(Fixed(1, {10: 3}))
    out = simulate(load, spy, SERVICE, 1)
    assert out.replicas[9:11] == [1, 3]
    assert out.core_seconds == 10 + 30 * 3
    assert [pod.ready for pod in spy.seen.pods] == [-3600, 18, 18]
    assert spy.seen.ready(17) == 1
    assert spy.seen.ready(18) == 3
    assert out.changes == 1


def test_pods_that_do_not_serve_yet_go_first() -> None:
    load = make_load([10.0] * 40, seed=1, warm_up=0)
    spy = Spying(Fixed(2, {10: 4, 12: 3, 14: 2}))
    simulate(load, spy, SERVICE, 2)
    assert [pod.ready for pod in spy.seen.pods] == [-3600, -3600]


def test_too_few_replicas_make_everybody_late() -> None:
    out = simulate(steady(400.0, seconds=300), Fixed(4), SERVICE, 4)
    assert out.over_share > 0.99
    assert out.worst > 0.99


def test_no_replica_serves_nobody() -> None:
    out = simulate(make_load([20.0] * 60, 1, 0), Fixed(0), Service(floor=0), 0)
    assert out.over_share == 1.0
    assert out.core_seconds == 0


def test_all_policies_meet_the_same_requests() -> None:
    assert make_load([50.0, 60.0], 7, 0) == make_load([50.0, 60.0], 7, 0)
    assert make_load([50.0, 60.0], 7, 0) != make_load([50.0, 60.0], 8, 0)


def test_the_first_seconds_are_lived_through_and_not_counted() -> None:
    load = make_load([10.0, 20.0, 30.0], 1, warm_up=2)
    assert len(load.seconds) == 5
    out = simulate(load, Fixed(2), SERVICE, 2)
    assert out.core_seconds == 6


def test_the_bound_is_the_formula_second_by_second() -> None:
    assert fewest([0.0, 40.0, 400.0], SERVICE, 0.01) == [1, erlang.servers_for(0.8, 10.0, budget=0.01), 9]


def test_a_policy_is_told_nothing_of_the_second_that_goes_on() -> None:
    history = History()
    for second in range(100):
        count = 1000.0 if second == 99 else 50.0
        for sums, value in (
            (history.arrivals, count),
            (history.squares, count * count),
            (history.completed, count),
            (history.in_flight, count * 0.02),
        ):
            sums.append(sums[-1] + value)
    history.pods.append(Pod(0, 0))
    signals = observe(100, history)
    assert (signals.arrivals, signals.recent) == (50.0, 50.0)
    assert signals.residence == pytest.approx(0.02)
    assert observe(101, history).recent == pytest.approx((50.0 + 50.0 + 1000.0) / 3)


def test_nothing_is_measured_in_the_beginning() -> None:
    history = History()
    history.pods.append(Pod(0, 0))
    assert observe(1, history).arrivals is None


@pytest.mark.parametrize("phase", [0, 1])
@pytest.mark.parametrize("start", [2, 8, 30])
def test_a_step_to_three_times_as_much_is_answered_within_six_seconds(start: int, phase: int) -> None:
    service = Service(start=start)
    load = make_load([120.0] * 300 + [360.0] * 60, seed=3, warm_up=120)
    scaler = LoadTuned(service, phase=phase)
    out = simulate(load, scaler, service, 4)
    begun = load.warm_up + 300
    enough = next(now for now in range(begun, begun + 60) if out.replicas[now] >= 8)
    assert enough - begun <= 6


def test_what_a_request_takes_is_found_although_requests_wait() -> None:
    scaler = LoadTuned(SERVICE)
    simulate(steady(370.0), scaler, SERVICE, 9)
    assert scaler.state.demand == pytest.approx(SERVICE.demand, rel=0.12)


def test_an_hour_of_steady_requests_costs_little_more_than_the_bound() -> None:
    scaler = LoadTuned(SERVICE)
    out = simulate(steady(370.0), scaler, SERVICE, 9)
    bound = sum(fewest([370.0] * 3600, SERVICE, 0.01))
    assert out.core_seconds <= 1.15 * bound
    assert out.over_share <= 0.01
