"""When a brokerage may sleep: its own pauses, what it has to do, and who comes at regular times."""

import math
import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.scaling.idle import (
    ALIKE,
    BRIDGED,
    EDGES,
    ENOUGH,
    FADE,
    KEPT,
    LEAD,
    LONGEST,
    REGULAR,
    SHORTEST,
    STALE,
    UNKNOWN,
    VISIT,
    WORTH,
    Habits,
    Use,
    decide,
)

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
QUIET = Use(now=NOW, allowed=True, is_asleep=False, awake_since=NOW - DAY, last=NOW - HOUR, due=math.inf)


def habits(*pauses: float, known: Habits | None = None) -> Habits:
    found = known or Habits()
    for pause in pauses:
        found = found.after(pause)
    return found


def window_of(*pauses: float, known: Habits | None = None) -> float:
    window = habits(*pauses, known=known or Habits()).window
    assert window is not None
    return window


KNOWN = habits(*[SHORTEST] * ENOUGH)


def test_the_steps_go_from_the_shortest_to_the_longest_window() -> None:
    assert EDGES[0] == SHORTEST
    assert EDGES[-1] == pytest.approx(LONGEST)
    assert sorted(EDGES) == list(EDGES)


@pytest.mark.parametrize("pauses", [[], [SHORTEST] * (ENOUGH - 1), [VISIT - 1] * 1000, [LONGEST + 1] * 1000])
def test_of_whom_too_little_is_known_the_plan_says_how_long_it_stays_awake(pauses: list[float]) -> None:
    assert habits(*pauses).window is None
    for unknown in (UNKNOWN, SHORTEST):
        use = replace(QUIET, last=NOW - unknown, unknown=unknown)
        assert decide(use, habits(*pauses)).sleeps
        assert not decide(replace(use, now=NOW - 1), habits(*pauses)).sleeps


def test_who_comes_back_soon_or_not_at_all_sleeps_soon() -> None:
    assert KNOWN.window == SHORTEST


def test_the_window_bridges_ninety_nine_of_a_hundred_pauses() -> None:
    assert habits(*[60.0] * 99, 500.0).window == SHORTEST
    assert 500 <= window_of(*[60.0] * 98, 500.0, 500.0) <= 575


@given(st.lists(st.floats(min_value=0, max_value=3 * LONGEST), max_size=300))
def test_whatever_the_pauses_the_window_has_its_bounds_and_bridges_what_it_says(pauses: list[float]) -> None:
    known = habits(*pauses)
    counted = [pause for pause in pauses if VISIT <= pause <= LONGEST]
    if known.window is None:
        assert len(counted) < ENOUGH
        return
    assert SHORTEST <= known.window <= EDGES[-1]
    bridged = sum(pause <= known.window * (1 + 1e-6) for pause in counted)
    assert bridged >= BRIDGED * len(counted)


def test_a_night_is_no_reason_to_stay_awake_longer() -> None:
    assert habits(14 * HOUR, 14 * HOUR, known=KNOWN).window == KNOWN.window


def test_new_habits_outweigh_old_ones() -> None:
    busy = habits(*[70.0] * FADE)
    assert window_of(*[900.0] * (FADE // 20), known=busy) > 800
    assert window_of(*[70.0] * 10 * FADE, known=habits(*[900.0] * FADE)) < 100
    assert sum(habits(*[70.0] * 10 * FADE).counts) <= FADE


def test_only_the_last_long_pauses_are_kept() -> None:
    assert habits(*[DAY] * 100).long == (DAY,) * KEPT


@pytest.mark.parametrize(
    ("use", "sleeps", "reason"),
    [
        ({}, True, "Idle"),
        ({"allowed": False}, False, "NotAllowed"),
        ({"allowed": False, "is_asleep": True}, False, "NotAllowed"),
        ({"age": STALE + 0.1}, False, "FiguresMissing"),
        ({"in_flight": 1}, False, "InUse"),
        ({"last": NOW - SHORTEST + 1}, False, "RecentlyUsed"),
        ({"last": NOW - SHORTEST}, True, "Idle"),
        ({"awake_since": NOW - SHORTEST + 1}, False, "RecentlyUsed"),
        ({"last": None, "awake_since": NOW - DAY}, True, "Idle"),
        ({"due": None}, False, "DueUnknown"),
        ({"due": NOW + WORTH + LEAD - 1}, False, "JobDue"),
        ({"due": NOW + WORTH + LEAD + 1}, True, "Idle"),
        ({"due": NOW - 5}, False, "JobDue"),
        ({"is_asleep": True}, True, "Asleep"),
        ({"is_asleep": True, "age": 1e9, "due": None, "last": None}, True, "Asleep"),
        ({"is_asleep": True, "due": NOW + LEAD + 1}, True, "Asleep"),
        ({"is_asleep": True, "due": NOW + LEAD}, False, "JobDue"),
        ({"is_asleep": True, "due": NOW - HOUR}, False, "JobDue"),
    ],
)
def test_it_sleeps_only_when_nothing_speaks_against_it(use: dict[str, Any], sleeps: bool, reason: str) -> None:
    found = decide(replace(QUIET, **use), KNOWN)
    assert (found.sleeps, found.reason) == (sleeps, reason)
    assert found.message


def test_it_says_until_when_it_stays_as_it_is() -> None:
    recent = decide(replace(QUIET, last=NOW - 10), KNOWN)
    assert recent.until == NOW - 10 + SHORTEST
    assert decide(replace(QUIET, is_asleep=True, due=NOW + HOUR), KNOWN).until == NOW + HOUR - LEAD
    assert decide(replace(QUIET, is_asleep=True), KNOWN).until is None
    assert decide(replace(QUIET, due=NOW + HOUR), KNOWN).until == NOW + HOUR - LEAD
    assert decide(QUIET, KNOWN).until is None


HOURLY = habits(*[HOUR] * REGULAR, known=KNOWN)


def test_who_comes_each_hour_finds_it_awake() -> None:
    asleep = replace(QUIET, is_asleep=True, last=NOW - HOUR / 2)
    assert decide(asleep, HOURLY).sleeps
    assert decide(asleep, HOURLY).until == asleep.last + HOUR - LEAD  # type: ignore[operator]
    shortly = replace(asleep, now=NOW + HOUR / 2 - LEAD)
    assert (decide(shortly, HOURLY).sleeps, decide(shortly, HOURLY).reason) == (False, "Expected")


def test_it_does_not_sleep_for_a_moment_before_a_regular_visit() -> None:
    last = NOW - HOUR + WORTH
    assert decide(replace(QUIET, last=last), HOURLY).reason == "Expected"
    assert decide(replace(QUIET, last=last + LEAD + 1), HOURLY).reason == "Idle"


def test_who_does_not_come_any_more_is_waited_for_only_a_little() -> None:
    late = replace(QUIET, last=NOW - HOUR, awake_since=NOW - LEAD - SHORTEST)
    assert decide(late, HOURLY).reason == "Expected"
    gone = replace(late, now=NOW + ALIKE * HOUR + 1)
    assert decide(gone, HOURLY).reason == "Idle"
    assert decide(replace(gone, is_asleep=True), HOURLY).sleeps


@pytest.mark.parametrize("pauses", [[HOUR] * (REGULAR - 1), [HOUR, HOUR, HOUR, 2 * HOUR], [HOUR, 1.2 * HOUR] * 2])
def test_what_is_not_regular_is_not_expected(pauses: list[float]) -> None:
    assert habits(*pauses).next(NOW) is None


def test_small_differences_are_regular_enough() -> None:
    assert habits(HOUR, HOUR + 60, HOUR - 60, HOUR).next(NOW) == NOW + HOUR


@given(
    st.builds(
        Use,
        now=st.just(NOW),
        allowed=st.booleans(),
        is_asleep=st.booleans(),
        awake_since=st.floats(NOW - DAY, NOW),
        last=st.none() | st.floats(NOW - DAY, NOW),
        in_flight=st.integers(0, 3),
        due=st.none() | st.just(math.inf) | st.floats(NOW - HOUR, NOW + DAY),
        age=st.floats(0, 60),
    ),
    st.lists(st.floats(VISIT, 2 * HOUR), max_size=40),
)
def test_nobody_who_is_needed_is_put_to_sleep_and_nothing_goes_to_and_fro(use: Use, pauses: list[float]) -> None:
    known = habits(*pauses)
    found = decide(use, known)
    if found.sleeps and not use.is_asleep:
        assert use.allowed
        assert not use.in_flight
        assert use.age <= STALE
        assert use.due is not None
        # Just asleep, it is not woken at the same moment.
        assert decide(replace(use, is_asleep=True), known).sleeps
    if use.is_asleep and not found.sleeps and use.allowed:
        # Just woken, it does not sleep at the same moment.
        assert not decide(replace(use, is_asleep=False, awake_since=use.now, age=0.0), known).sleeps


@dataclass
class Lived:
    """What a life brought, in seconds and numbers."""

    asleep: float = 0.0
    cold: int = 0
    visits: int = 0


def live(requests: list[float], days: float) -> Lived:
    """Decisions every 5 s over these requests; the first day teaches and does not count."""
    lived, known, use, last = Lived(), Habits(), replace(QUIET, now=0.0, awake_since=0.0, last=None), None
    coming = iter([*requests, math.inf])
    following = next(coming)
    step = 5.0
    for number in range(int(days * DAY / step)):
        now = number * step
        while following <= now:
            if last is not None:
                known = known.after(following - last)
            if now > DAY:
                lived.visits += 1
                lived.cold += use.is_asleep
            last = following
            if use.is_asleep:
                use = replace(use, is_asleep=False, awake_since=now)
            following = next(coming)
        use = replace(use, now=now, last=last)
        sleeps = decide(use, known).sleeps
        if sleeps != use.is_asleep:
            use = replace(use, is_asleep=sleeps, awake_since=use.awake_since if sleeps else now)
        lived.asleep += step if use.is_asleep and now > DAY else 0.0
    return lived


def office(days: int, seed: int = 7) -> list[float]:
    """An office of three agents: from nine to six, visits of a few minutes, with breaks that nobody plans."""
    chance, found = random.Random(seed), list[float]()
    for day in range(days):
        if day % 7 >= 5:
            continue
        now = day * DAY + 9 * HOUR
        while (now := now + chance.expovariate(1 / 240)) < day * DAY + 18 * HOUR:
            for _ in range(chance.randint(3, 20)):
                found.append(now)
                now += chance.expovariate(1 / 8)
    return found


def test_an_office_sleeps_at_night_and_hardly_anybody_waits_by_day() -> None:
    days = 8
    requests = office(days)
    lived = live(requests, days)
    share = lived.asleep / ((days - 1) * DAY)
    assert share > 0.65, f"asleep {share:.0%} of the time"
    assert lived.cold <= 0.01 * lived.visits, f"{lived.cold} of {lived.visits} requests waited for a start"


def test_a_program_that_asks_each_hour_is_hardly_ever_kept_waiting_and_it_sleeps_in_between() -> None:
    requests = [number * HOUR for number in range(24 * 3)]
    lived = live(requests, 3)
    assert lived.cold == 0
    assert lived.asleep > 0.7 * 2 * DAY
