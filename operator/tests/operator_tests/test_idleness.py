"""How brokerages are used, tick by tick, and what comes of it."""

import math
from dataclasses import replace

from rooftree_operator.scaling.idle import ENOUGH, LEAD, LONGEST, REGULAR, SHORTEST, STALE, UNKNOWN, VISIT
from rooftree_operator.scaling.idleness import Idleness, Tick

NOW = 1_800_000_000.0
HOUR = 3600.0
QUIET = Tick(now=NOW, allowed=True, is_asleep=False, awake_since=NOW - 24 * HOUR, due=math.inf)
EVERY = 2.0  # seconds


def run(
    watch: Idleness, start: Tick, *, until: float, visits: frozenset[float] = frozenset()
) -> list[tuple[float, str]]:
    """Ticks one after the other; when another reason was given for the first time. It sleeps and wakes as decided."""
    found, now, asleep, reason = list[tuple[float, str]](), start.now, start.is_asleep, ""
    awake_since = start.awake_since
    while now <= until:
        comes = any(now - EVERY < visit <= now for visit in visits)
        if comes and asleep:
            asleep, awake_since = False, now
        tick = replace(start, now=now, is_asleep=asleep, awake_since=awake_since, arrivals=1.0 if comes else 0.0)
        decision = watch.look("acme", tick)
        if asleep and not decision.sleeps:
            awake_since = now
        asleep = decision.sleeps
        if decision.reason != reason:
            reason = decision.reason
            found.append((now - start.now, reason))
        now += EVERY
    return found


def test_one_that_is_seen_for_the_first_time_counts_as_used() -> None:
    found = run(Idleness(), QUIET, until=NOW + 2 * UNKNOWN)
    assert found == [(0.0, "RecentlyUsed"), (UNKNOWN, "Idle"), (UNKNOWN + EVERY, "Asleep")]


def test_who_comes_puts_it_off_and_wakes_it() -> None:
    visits = frozenset({NOW + 500, NOW + 2000})
    found = run(Idleness(), QUIET, until=NOW + 2700, visits=visits)
    assert [reason for _, reason in found] == ["RecentlyUsed", "Idle", "Asleep", "RecentlyUsed", "Idle", "Asleep"]
    assert [at for at, reason in found if reason == "Idle"] == [500 + UNKNOWN, 2000 + UNKNOWN]


def test_its_own_pauses_decide_once_they_are_known() -> None:
    watch = Idleness()
    pause = 2 * VISIT
    visits = frozenset(NOW + number * pause for number in range(ENOUGH + 1))
    run(watch, QUIET, until=NOW + ENOUGH * pause, visits=visits)
    after = replace(QUIET, now=NOW + ENOUGH * pause + EVERY)
    found = run(watch, after, until=after.now + UNKNOWN)
    assert [at for at, reason in found if reason == "Idle"] == [SHORTEST - EVERY]


def test_who_comes_each_hour_finds_it_awake_after_some_times() -> None:
    watch = Idleness()
    visits = frozenset(NOW + number * HOUR for number in range(REGULAR + 1))
    run(watch, QUIET, until=NOW + REGULAR * HOUR + LONGEST, visits=visits)
    later = replace(QUIET, now=NOW + REGULAR * HOUR + LONGEST, is_asleep=True)
    found = run(watch, later, until=NOW + (REGULAR + 1) * HOUR)
    assert found[0] == (0.0, "Asleep")
    assert found[1][1] == "Expected"
    assert HOUR - LONGEST - found[1][0] <= LEAD


def test_figures_that_are_old_tell_neither_of_use_nor_of_quiet() -> None:
    watch = Idleness()
    watch.look("acme", QUIET)
    old = replace(QUIET, now=NOW + 2 * UNKNOWN, age=STALE + 1, arrivals=5.0)
    assert watch.look("acme", old).reason == "FiguresMissing"
    assert watch.look("acme", replace(old, age=0.0, arrivals=0.0)).reason == "Idle"


def test_a_request_that_lasts_is_use_until_it_ends() -> None:
    watch = Idleness()
    watch.look("acme", QUIET)
    assert watch.look("acme", replace(QUIET, now=NOW + 2 * UNKNOWN, in_flight=1)).reason == "InUse"
    ended = watch.look("acme", replace(QUIET, now=NOW + 2 * UNKNOWN + EVERY))
    assert ended.reason == "RecentlyUsed"


def test_those_that_are_gone_are_forgotten_and_nobody_else() -> None:
    watch = Idleness()
    for name in ("acme", "other"):
        watch.look(name, QUIET)
    watch.keep({"other"})
    later = replace(QUIET, now=NOW + UNKNOWN)
    assert watch.look("other", later).reason == "Idle"
    assert watch.look("acme", later).reason == "RecentlyUsed", "as if it were new"
