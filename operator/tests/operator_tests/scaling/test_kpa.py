"""Knative's own tests of its autoscaler, as decisions for our port.

From knative/serving (Apache-2.0), commit 98e5ef90aa7033797aa0a61ef97f3ff7e49a3944, `pkg/autoscaler/scaling/
autoscaler_test.go`; the names are those of the cases there.
"""

from dataclasses import replace

import pytest
from rooftree_operator.scaling.replay.kpa import Kpa, KpaInWorld, KpaSettings
from rooftree_operator.scaling.replay.world import Service, make_load, simulate


def settings(target: float, **other: float) -> KpaSettings:
    """`newTestAutoscaler`: rates of ten, panic at twice, a minute's window."""
    plain = KpaSettings(
        container_concurrency=target, target_percentage=1.0, max_scale_up_rate=10.0, max_scale_down_rate=10.0
    )
    return replace(plain, **other)  # pyright: ignore[reportArgumentType]


CASES = {
    "AutoscalerNoDataAtZeroNoAutoscale": (settings(10), 1, 0, 0, 0),
    "AutoscalerStableModeUnlimitedTBC": (settings(181), 1, 21, 26, 1),
    "Autoscaler0TBC": (settings(10), 1, 50, 49, 5),
    "AutoscalerStableModeNoChange": (settings(10), 1, 50, 50, 5),
    "AutoscalerStableModeNoChangeAlreadyScaled": (settings(10), 5, 50, 50, 5),
    "AutoscalerStableModeIncreaseWithSmallScaleUpRate": (settings(1, max_scale_up_rate=1.1), 2, 3, 3.1, 3),
    "AutoscalerStableModeDecreaseWithSmallScaleDownRate": (settings(10, max_scale_down_rate=1.1), 100, 1, 1, 90),
    "AutoscalerPanicModeDoublePodCount": (settings(10), 1, 50, 100, 10),
    "AutoscalerRateLimitScaleUp": (settings(10), 1, 1000, 1001, 10),
    "AutoscalerRateLimitScaleUp again": (settings(10), 10, 1000, 1001, 100),
    "AutoscalerRateLimitScaleDown": (settings(10), 100, 1, 1, 10),
    "AutoscalerRateLimitScaleDown again": (settings(10), 10, 1, 1, 1),
    "AutoscalerUseOnePodAsMinimumIfEndpointsNotFound": (settings(10), 0, 1000, 888, 10),
    "AutoscalerMetricsWithRPS": (settings(10), 1, 100, 99, 10),
}


@pytest.mark.parametrize("name", CASES)
def test_one_decision_is_knatives(name: str) -> None:
    kpa_settings, ready, stable, panic, wanted = CASES[name]
    assert Kpa(kpa_settings).scale(1000.0, ready, stable, panic) == wanted


def test_a_revision_that_nobody_reaches_goes_at_once() -> None:
    """AutoscalerStableModeDecreaseNonReachable"""
    kpa = Kpa(settings(10, max_scale_down_rate=1.1), reachable=False)
    assert kpa.scale(1000.0, 100, 1, 1) == 1


@pytest.mark.parametrize(("stable", "wanted"), [(50, 50), (20, 30)])
def test_in_panic_the_larger_window_counts(stable: float, wanted: int) -> None:
    """AutoscalerPanicStableLargerThanPanic, AutoscalerPanicStableLessThanPanic"""
    kpa = Kpa(settings(1), panicked=995.0, most_in_panic=5)
    assert kpa.scale(1000.0, 5, stable, 30) == wanted


def test_panic_ends_after_a_slow_increase() -> None:
    """TestAutoscalerUnpanicAfterSlowIncrease"""
    kpa = Kpa(settings(1))
    assert (kpa.scale(0.0, 10, 11, 25), kpa.panicked) == (25, 0.0)
    assert (kpa.scale(30.0, 40, 30, 41), kpa.panicked) == (41, 0.0)
    assert (kpa.scale(62.0, 55, 50, 56), kpa.panicked) == (50, None)


def test_panic_goes_on_while_it_is_over_the_threshold() -> None:
    """TestAutoscalerExtendPanicWindow"""
    kpa = Kpa(settings(1))
    assert (kpa.scale(0.0, 10, 11, 25), kpa.panicked) == (25, 0.0)
    assert (kpa.scale(30.0, 40, 30, 80), kpa.panicked) == (80, 30.0)


def test_panic_takes_none_away_before_the_window_has_passed() -> None:
    """TestAutoscalerPanicThenUnPanicScaleDown"""
    kpa = Kpa(settings(10))
    assert kpa.scale(0.0, 1, 100, 100) == 10
    assert kpa.scale(0.0, 10, 100, 1000) == 100
    assert kpa.scale(30.0, 10, 1, 1) == 100
    assert kpa.scale(61.0, 10, 1, 1) == 1


def test_panic_follows_an_exponential_growth() -> None:
    """TestAutoscalerPanicModeExponentialTrackAndStabilize"""
    kpa, ready = Kpa(settings(1)), 1
    for now, load in enumerate((6, 36, 216, 1296)):
        ready = kpa.scale(float(now), ready, load, load)
        assert (ready, kpa.panicked) == (load, float(now))
    assert kpa.scale(5.0, ready, 1296, 1296) == 1296


def test_it_begins_in_panic_over_more_than_one_replica() -> None:
    """TestStartInPanicMode"""
    assert [Kpa.begun(settings(100), ready, 5.0).panicked for ready in (0, 1, 2)] == [None, None, 5.0]
    assert Kpa.begun(settings(100), 2, 5.0).most_in_panic == 2


def test_fewer_replicas_wait_for_the_delay() -> None:
    """TestAutoscalerScaleDownDelay: simple, then gradual"""
    kpa = Kpa(settings(10, panic_threshold=100.0, scale_down_delay=300))
    assert kpa.scale(2.0, 1, 40, 40) == 4
    assert kpa.scale(300.0, 1, 0, 0) == 4
    assert kpa.scale(302.0, 1, 0, 0) == 0
    assert kpa.scale(540.0, 1, 40, 40) == 4
    assert kpa.scale(600.0, 1, 30, 30) == 4
    assert kpa.scale(660.0, 1, 0, 0) == 4
    assert kpa.scale(840.0, 1, 0, 0) == 3
    assert kpa.scale(900.0, 1, 0, 0) == 0


def test_without_a_delay_fewer_are_wanted_at_once() -> None:
    """TestAutoscalerScaleDownDelayZero"""
    kpa = Kpa(settings(10, panic_threshold=100.0))
    assert kpa.scale(0.0, 1, 40, 40) == 4
    assert kpa.scale(0.5, 1, 20, 20) == 2


def test_its_defaults_are_those_of_config_autoscaler() -> None:
    plain = KpaSettings()
    assert (plain.target, plain.stable_window, plain.panic_window) == (0.7, 60, 6)
    assert (plain.panic_threshold, plain.max_scale_up_rate, plain.max_scale_down_rate) == (2.0, 1000.0, 2.0)


def test_in_the_world_it_keeps_seven_tenths_busy() -> None:
    service = Service()
    out = simulate(make_load([350.0] * 900, seed=1, warm_up=300), KpaInWorld(service), service, 10)
    assert 9.5 < out.core_seconds / 900 < 12.5
    assert out.over_share < 0.001
