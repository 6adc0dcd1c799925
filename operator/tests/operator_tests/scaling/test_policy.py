"""One decision for one workload: up at once, down with care, held on what is not known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.scaling.erlang import queueing
from rooftree_operator.scaling.policy import Decision, Limits, Reason, Settings, Signals, State, decide

LIMITS = Limits(objective=0.2, floor=2, ceiling=40, start=8.0)
DEMAND = 0.02
KNOWN = State(demand=DEMAND, margin=0.0)


def stays(arrivals: float, replicas: int) -> float:
    """Seconds that a request stays, with the queue that there is at this use."""
    servers = max(1, replicas)
    return DEMAND * (1.0 + queueing(servers, min(0.95, arrivals * DEMAND / servers)))


def measured(arrivals: float, replicas: int = 4, **other: float | int | str | None) -> Signals:
    """A workload that runs as Poisson would have it, without a queue."""
    plain = Signals(
        replicas=replicas,
        ready=replicas,
        arrivals=arrivals,
        recent=arrivals,
        deviation=arrivals**0.5,
        in_flight=arrivals * DEMAND,
        residence=stays(arrivals, replicas),
    )
    return replace(plain, **other)  # pyright: ignore[reportArgumentType]


def unknown(replicas: int, **missing: float | None) -> Signals:
    """Hardly a request, and something that is not known."""
    return replace(measured(1.0, replicas), **missing)  # pyright: ignore[reportArgumentType]


def decided(signals: Signals, limits: Limits = LIMITS, state: State = KNOWN, now: float = 1000.0) -> Decision:
    return decide(signals, limits, state, now)[0]


def settled(signals: Signals, limits: Limits = LIMITS, state: State = KNOWN) -> Decision:
    """After the same for ten minutes, with the replicas that were decided."""
    made = decided(signals, limits, state)
    for now in range(1000, 1600, 2):
        made, state = decide(signals, limits, state, float(now))
        signals = replace(signals, replicas=made.replicas, ready=made.replicas)
    return made


def test_more_requests_are_answered_at_once() -> None:
    made = decided(measured(400.0, replicas=4))
    assert made.replicas == 9
    assert made.reason is Reason.LOAD


def test_it_says_why_with_the_numbers() -> None:
    why = decided(measured(400.0, replicas=4)).why()
    assert why.startswith("9: 400.0 requests/s x 20 ms, sized for 400.0/s: 9 keep 100.0% within 200 ms")


def test_fewer_requests_are_followed_only_after_the_window() -> None:
    settings, state = Settings(), KNOWN
    taken: list[int] = []
    for now in range(0, 90, 2):
        made, state = decide(measured(100.0, replicas=9), LIMITS, state, float(now), settings)
        taken.append(made.replicas)
    first = taken.index(3) * 2
    assert first == settings.window
    assert set(taken[: taken.index(3)]) == {9}


def test_a_peak_within_the_window_keeps_what_it_wanted() -> None:
    _, state = decide(measured(400.0, replicas=9), LIMITS, KNOWN, 0.0)
    _, state = decide(measured(100.0, replicas=9), LIMITS, state, 2.0)
    made, _ = decide(measured(100.0, replicas=9), LIMITS, state, 58.0)
    assert (made.replicas, made.reason) == (9, Reason.WINDOW)
    assert made.is_held
    assert "more were wanted" in made.why()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"arrivals": None}, Reason.MISSING),
        ({"in_flight": None}, Reason.MISSING),
        ({"age": 7.0}, Reason.STALE),
    ],
)
def test_nothing_changes_on_what_is_not_known(missing: dict[str, float | None], reason: Reason) -> None:
    made = decided(unknown(9, **missing))
    assert (made.replicas, made.reason) == (9, reason)
    assert "held" in made.why()


def test_after_a_gap_in_the_data_the_window_begins_anew() -> None:
    state = KNOWN
    for now in range(0, 300, 2):
        _, state = decide(unknown(9, arrivals=None), LIMITS, state, float(now))
    made, _ = decide(measured(1.0, replicas=9), LIMITS, state, 300.0)
    assert (made.replicas, made.reason) == (9, Reason.WINDOW)


def test_a_new_leader_takes_nothing_away_at_once() -> None:
    assert decided(measured(1.0, replicas=9), state=State(demand=DEMAND)).replicas == 9


def test_without_a_demand_nothing_is_sized() -> None:
    made = decided(measured(100.0, replicas=5, residence=None), state=State())
    assert (made.replicas, made.reason) == (5, Reason.MISSING)


def test_no_requests_need_no_demand_and_end_at_the_floor() -> None:
    made = settled(measured(0.0, replicas=5, residence=None), state=State())
    assert (made.replicas, made.reason) == (2, Reason.FLOOR)
    assert "the plan's fewest are 2" in made.why()


def test_a_tenant_that_hangs_is_not_idle() -> None:
    made = settled(measured(0.0, replicas=6, in_flight=50.0, residence=None))
    assert (made.replicas, made.reason) == (6, Reason.BOTTLENECK)
    assert "50 requests are in flight and none ends: more replicas do not help" in made.why()


def test_requests_that_take_long_keep_their_replicas() -> None:
    made = settled(measured(1.0, replicas=6, in_flight=5.0, residence=5.0, waits=0.1), state=State(demand=5.0))
    assert made.replicas >= 5


def test_a_pod_that_does_not_answer_takes_none_away() -> None:
    made = settled(measured(10.0, replicas=6, measured=5))
    assert (made.replicas, made.reason) == (6, Reason.PARTIAL)
    assert "only 5 of 6" in made.why()


def test_a_pod_that_does_not_answer_holds_back_none_that_is_needed() -> None:
    assert decided(measured(400.0, replicas=4, measured=3)).replicas == 9


def test_a_fast_rise_is_seen_before_the_mean_is() -> None:
    slow = decided(measured(150.0, deviation=50.0))
    fast = decided(measured(150.0, deviation=50.0, recent=300.0))
    assert fast.reason is Reason.RISE
    assert fast.replicas > slow.replicas
    assert "the last seconds had 300.0/s" in fast.why()


def test_what_waits_is_worked_off() -> None:
    made = decided(measured(100.0, replicas=3, in_flight=200.0))
    assert made.reason is Reason.BACKLOG
    assert made.replicas > decided(measured(100.0, replicas=3)).replicas


def test_a_slow_database_is_not_answered_with_replicas() -> None:
    # Ten times as long, of which nine tenths are waited for the database; requests pile up.
    slow = measured(100.0, replicas=4, residence=0.2, waits=0.9, in_flight=20.0)
    made = settled(slow)
    assert (made.replicas, made.reason) == (4, Reason.BOTTLENECK)
    assert "90% of 0.20 s are waited for the database: more replicas do not help" in made.why()


def test_a_slow_database_teaches_no_margin() -> None:
    state = replace(KNOWN, margin=1.0)
    for now in range(0, 120, 2):
        slow = measured(100.0, replicas=4, residence=0.4, waits=0.9, in_flight=80.0)
        _, state = decide(slow, LIMITS, state, float(now))
    assert state.margin == 1.0


def test_an_objective_below_the_service_itself_teaches_no_margin() -> None:
    state = State(demand=0.3, margin=1.0)
    _, state = decide(measured(10.0, replicas=6, residence=0.3, in_flight=3.0), LIMITS, state, 0.0)
    assert state.margin is not None
    assert state.margin < 1.0


def test_a_slow_database_hides_no_load_that_needs_replicas() -> None:
    made = decided(measured(400.0, replicas=4, residence=0.2, waits=0.9, in_flight=80.0))
    assert (made.replicas, made.reason) == (9, Reason.BOTTLENECK)


def test_a_request_that_really_takes_longer_is_answered_with_replicas() -> None:
    before = settled(measured(100.0, replicas=4, residence=0.02))
    after = settled(measured(100.0, replicas=4, residence=0.06, waits=0.1, in_flight=6.0))
    assert after.replicas > before.replicas


def test_what_a_queue_adds_to_a_request_is_no_demand() -> None:
    # Nine replicas with 400 requests a second: the queue makes 20 ms to 33.
    state = KNOWN
    for now in range(0, 600, 2):
        _, state = decide(measured(400.0, replicas=9, residence=0.033), LIMITS, state, float(now))
    assert state.demand == pytest.approx(DEMAND, rel=0.05)


def test_the_margin_grows_when_requests_wait_too_long_and_shrinks_when_none_does() -> None:
    queueing = measured(100.0, replicas=3, in_flight=60.0)
    _, more = decide(queueing, LIMITS, replace(KNOWN, margin=1.0), 0.0)
    assert more.margin == pytest.approx(1.1)
    _, less = decide(measured(100.0), LIMITS, more, 2.0)
    assert less.margin is not None
    assert 1.099 < less.margin < 1.1


def test_the_margin_rests_where_as_many_looks_find_a_queue_as_may() -> None:
    state, settings = replace(KNOWN, margin=1.0), Settings()
    looks = round(1 / settings.misses)
    for look in range(looks):
        in_flight = 60.0 if look == 0 else 2.0
        _, state = decide(measured(100.0, replicas=3, in_flight=in_flight), LIMITS, state, 2.0 * look)
    assert state.margin == pytest.approx(1.0, abs=0.001)


def test_the_margin_is_in_deviations_of_a_seconds_count() -> None:
    with_margin = replace(KNOWN, margin=2.0)
    assert decided(measured(400.0), state=with_margin).load == pytest.approx(400.0 + 2.0 * 20.0, rel=0.001)
    assert decided(measured(400.0, deviation=60.0), state=with_margin).load == pytest.approx(
        400.0 + 2.0 * 60.0, rel=0.001
    )


def test_a_sleeping_tenant_is_left_to_whoever_wakes_it() -> None:
    made = decided(measured(50.0, replicas=0))
    assert (made.replicas, made.reason) == (0, Reason.ASLEEP)


def test_the_ceiling_is_told_when_it_does_not_suffice() -> None:
    low = replace(LIMITS, ceiling=5)
    made = decided(measured(400.0, replicas=4), low)
    assert (made.replicas, made.reason) == (5, Reason.CEILING)
    assert decided(measured(200.0, replicas=4), low).reason is Reason.LOAD


def test_a_lower_ceiling_is_followed_without_data() -> None:
    made = decided(unknown(9, arrivals=None), replace(LIMITS, ceiling=5))
    assert made.replicas == 5


def test_a_replica_that_works_on_several_requests_is_counted_so() -> None:
    assert decided(measured(400.0, replicas=1), replace(LIMITS, slots=4, floor=1)).replicas == 3


def test_every_decision_can_be_told() -> None:
    for reason in Reason:
        made = replace(decided(measured(100.0, residence=0.1)), reason=reason)
        assert made.why().startswith(f"{made.replicas}: ")


WORLD = st.fixed_dictionaries(
    {
        "arrivals": st.floats(0.0, 2000.0),
        "restless": st.floats(1.0, 4.0),
        "recent": st.floats(0.2, 3.0),
        "flying": st.floats(0.0, 4.0),
        "replicas": st.integers(1, 60),
        "age": st.floats(0.0, 20.0),
    }
)


def of(world: dict[str, float], factor: float = 1.0) -> Signals:
    """Arrivals with what goes along with them."""
    arrivals = world["arrivals"] * factor
    return Signals(
        replicas=int(world["replicas"]),
        ready=int(world["replicas"]),
        age=world["age"],
        arrivals=arrivals,
        recent=arrivals * world["recent"],
        deviation=world["restless"] * arrivals**0.5,
        in_flight=arrivals * DEMAND * world["flying"],
        residence=DEMAND,
    )


@given(WORLD, st.integers(1, 10), st.integers(0, 30))
def test_bounds_hold_whatever_is_measured(world: dict[str, float], floor: int, more: int) -> None:
    limits = replace(LIMITS, floor=floor, ceiling=floor + more)
    made = decided(of(world), limits)
    assert floor <= made.replicas <= floor + more


@given(WORLD, st.floats(1.0, 3.0))
def test_more_requests_never_want_fewer(world: dict[str, float], factor: float) -> None:
    fresh = {**world, "age": 0.0}
    assert decided(of(fresh, factor)).replicas >= decided(of(fresh)).replicas


@given(WORLD)
def test_old_data_changes_nothing(world: dict[str, float]) -> None:
    limits = replace(LIMITS, floor=1, ceiling=100)
    made, state = decide(of({**world, "age": world["age"] + 6.1}), limits, KNOWN, 5.0)
    assert made.replicas == int(world["replicas"])
    assert (state.demand, state.margin) == (KNOWN.demand, KNOWN.margin)


@given(st.lists(WORLD, min_size=1, max_size=30))
def test_nothing_is_taken_away_before_the_window_has_passed(worlds: list[dict[str, float]]) -> None:
    limits, state = replace(LIMITS, floor=1, ceiling=100), KNOWN
    for number, world in enumerate(worlds):
        made, state = decide(replace(of(world), replicas=60, ready=60), limits, state, float(number))
        assert made.replicas >= 60


@given(WORLD)
def test_the_same_state_and_signals_decide_the_same(world: dict[str, float]) -> None:
    assert decide(of(world), LIMITS, KNOWN, 7.0) == decide(of(world), LIMITS, KNOWN, 7.0)


def test_a_calm_moment_in_restless_minutes_takes_nothing_from_the_margin() -> None:
    state = replace(KNOWN, margin=1.0)
    for now in range(0, 200, 2):
        _, state = decide(measured(400.0, replicas=12, deviation=80.0), LIMITS, state, float(now))
    made, _ = decide(measured(400.0, replicas=12), LIMITS, state, 200.0)
    assert made.load > 470.0
