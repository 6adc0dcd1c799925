"""From Prometheus' answer to a trace: counts of seconds, what is not known, and what nobody told."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rooftree_operator.counterfactual import recorded
from rooftree_operator.counterfactual.question import Question
from rooftree_operator.counterfactual.recorded import BadAnswer, NotMeasured, Span

from .measured import BEGUN, TENANT, Signal, always, answer, matrix, success

ASKED = Question(TENANT)
SPAN = Span(BEGUN, 600, 1, warm_up=120)


def nobody(at: int) -> float | None:
    """Told anything."""
    return None


def between(since: int, until: int, value: float | None, otherwise: float | None) -> Signal:
    """A value in these seconds of the span; a value at a moment is of the second that ends then."""
    return lambda at: value if since < at - BEGUN <= until else otherwise


def test_each_second_has_its_count() -> None:
    found = recorded.parse(answer(SPAN, arrivals=lambda at: float(at - BEGUN)), SPAN)
    assert list(found.arrivals) == [float(second + 1) for second in range(600)]
    assert all(found.known)
    assert (found.objective, found.floor, found.ceiling) == (0.3, 1, 8)


def test_a_step_of_several_seconds_has_one_rate() -> None:
    span = Span(BEGUN, 300, 2, warm_up=120)
    found = recorded.parse(answer(span, arrivals=lambda at: float(at - BEGUN)), span)
    assert list(found.arrivals[:6]) == [2.0, 2.0, 4.0, 4.0, 6.0, 6.0]
    assert len(found.arrivals) == 600


def test_what_was_not_measured_is_no_calm() -> None:
    found = recorded.parse(answer(SPAN, arrivals=between(200, 260, None, 60.0)), SPAN)
    assert [second for second in range(600) if not found.known[second]] == list(range(200, 260))
    assert set(found.arrivals) == {60.0}
    assert found.asleep == 0


def test_a_measurement_without_pods_is_none() -> None:
    found = recorded.parse(answer(SPAN, pods=between(200, 260, None, 6)), SPAN)
    assert found.known.count(False) == 60
    assert set(found.pods) == {6}


def test_before_the_first_measurement_it_is_as_it_will_be() -> None:
    found = recorded.parse(answer(SPAN, arrivals=between(0, 130, None, 60.0)), SPAN)
    assert found.arrivals[0] == 60.0
    assert found.known.index(True) == 130


def test_seconds_without_pods_because_it_slept_are_told() -> None:
    found = recorded.parse(
        answer(SPAN, arrivals=between(300, 400, None, 60.0), wanted=between(300, 400, 0, 4)),
        SPAN,
    )
    assert found.asleep == 100


def test_sleep_before_the_time_that_is_asked_for_is_not_told() -> None:
    before = between(0, 120, None, 60.0)
    assert recorded.parse(answer(SPAN, arrivals=before, wanted=between(0, 120, 0, 4)), SPAN).asleep == 0


def test_pods_that_were_ordered_are_paid_and_those_that_stay_behind_too() -> None:
    found = recorded.parse(answer(SPAN, pods=always(3), wanted=between(300, 400, 5, 2)), SPAN)
    assert (found.paid[299], found.paid[300], found.paid[400]) == (3, 5, 3)
    assert set(found.pods) == {3}


def test_without_an_operator_that_counts_by_load_there_are_the_pods_that_ran() -> None:
    untold = dict.fromkeys(("wanted", "floor", "ceiling", "objective", "demand"), nobody)
    found = recorded.parse(answer(SPAN, **untold, residence=always(0.05)), SPAN)
    assert set(found.paid) == {6}
    assert (found.objective, found.floor, found.ceiling) == (None, None, None)
    assert (found.demand.seconds, found.demand.is_unloaded) == (0.05, False)


def test_the_demand_is_the_median_of_what_was_told_and_nothing_known_is_no_demand() -> None:
    def told(at: int) -> float:
        second = at - BEGUN
        return 0.0 if second <= 300 else 0.02 if second <= 400 else 0.04 if second <= 560 else 0.5

    found = recorded.parse(answer(SPAN, demand=told, residence=always(9.0)), SPAN).demand
    assert (found.seconds, found.low, found.high, found.is_unloaded) == (0.04, 0.02, 0.5, True)


def test_a_rate_over_nothing_is_not_known() -> None:
    found = recorded.parse(answer(SPAN, arrivals=between(200, 210, float("nan"), 60.0)), SPAN)
    assert found.known.count(False) == 10


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"arrivals": nobody}, "no such tenant or module"),
        ({"arrivals": between(0, 120, 60.0, None)}, "no such tenant or module"),
        ({"arrivals": between(540, 599, 60.0, None)}, "for 59 seconds only; 60 are needed"),
        ({"demand": always(0.0)}, "what a request takes"),
    ],
)
def test_too_little_is_told_as_such(changed: dict[str, Signal], said: str) -> None:
    with pytest.raises(NotMeasured, match=said):
        recorded.parse(answer(SPAN, **changed), SPAN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"<html>", "no Prometheus"),
        (b"[]", "no Prometheus"),
        (b'{"status":"error","error":"query timed out"}', "query timed out"),
        (success("vector", []), "another kind of answer"),
    ],
)
def test_another_answer_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        recorded.parse(text, SPAN)


def test_an_hour_is_asked_for_by_the_second_and_six_in_fewer_points_than_prometheus_gives() -> None:
    now = BEGUN + 0.5
    hour = recorded.span_of(ASKED, now)
    assert (hour.step, hour.seconds, hour.until) == (1, 3600 + recorded.WARM_UP, BEGUN - recorded.LATE)
    six = recorded.span_of(replace(ASKED, hours=6), now)
    assert (six.step, six.seconds) == (2, 6 * 3600 + recorded.WARM_UP)
    assert six.points < recorded.MOST_POINTS


def test_a_time_that_has_not_come_is_not_asked_for() -> None:
    assert recorded.span_of(replace(ASKED, until=BEGUN + 999), BEGUN).until == BEGUN - recorded.LATE
    assert recorded.span_of(replace(ASKED, until=BEGUN - 999), BEGUN).until == BEGUN - 999


def test_an_answer_tells_which_workloads_there_are() -> None:
    found = [{"metric": {"module": name}, "value": [0, "1"]} for name in ("crm", "app", "")]
    assert recorded.parse_modules(success("vector", found)) == ["app", "crm"]


def test_other_values_than_those_of_the_span_are_left_out() -> None:
    text = matrix({"arrivals": always(1.0), "pods": always(1), "demand": always(0.1)}, BEGUN - 50, BEGUN + 700, 1)
    found = recorded.parse(text, SPAN)
    assert len(found.arrivals) == len(found.known) == 600


POD = 'tenant="acme-0a1b2c3d",pod="a"'
SERIES = {
    f'rooftree_server_spans_total{{job="arrivals",{POD}}}': "0+8x120",
    'rooftree_server_spans_total{job="arrivals",tenant="acme-0a1b2c3d",pod="b"}': "0+4x120",
    # The same counter is read by another job, and there are modules and tenants beside it.
    f'rooftree_server_spans_total{{job="pods",{POD}}}': "0+8x120",
    f'rooftree_server_spans_total{{job="arrivals",{POD},module="crm"}}': "0+2x120",
    'rooftree_server_spans_total{job="arrivals",tenant="birch-0a1b2c3d",pod="c"}': "0+100x120",
    f'http_server_active_requests{{job="arrivals",{POD}}}': "3x120",
    'http_server_active_requests{job="arrivals",tenant="acme-0a1b2c3d",pod="b"}': "2x120",
    f'http_server_active_requests{{job="arrivals",{POD},module="crm"}}': "1x120",
    f'rooftree_span_seconds_total{{job="app",{POD},part="server"}}': "0+0.5x120",
    f'rooftree_span_seconds_total{{job="app",{POD},part="database"}}': "0+0.25x120",
    f'rooftree_server_spans_ended_total{{job="app",{POD}}}': "0+8x120",
    **{
        f'rooftree_scaling_replicas{{tenant="acme-0a1b2c3d",module="app",kind="{kind}"}}': f"{value}x120"
        for kind, value in (("wanted", 3), ("floor", 1), ("ceiling", 8))
    },
    'rooftree_scaling_replicas{tenant="acme-0a1b2c3d",module="crm",kind="wanted"}': "2x120",
    'rooftree_scaling_objective_seconds{tenant="acme-0a1b2c3d",module="app"}': "0.3x120",
    'rooftree_scaling_demand_seconds{tenant="acme-0a1b2c3d",module="app"}': "0.04x120",
}
APP = {"arrivals": 12, "pods": 2, "wanted": 3, "floor": 1, "ceiling": 8, "objective": 0.3, "demand": 0.04}
CRM = {"arrivals": 2, "pods": 1, "wanted": 2}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is of Debian's prometheus")
@pytest.mark.parametrize(
    ("module", "step", "told"),
    [("app", 1, {**APP, "residence": 0.0625}), ("app", 2, {**APP, "residence": 0.0625}), ("crm", 1, CRM)],
)
def test_prometheus_answers_the_query_so(module: str, step: int, told: dict[str, float], tmp_path: Path) -> None:
    samples = [{"labels": f'{{signal="{name}"}}', "value": value} for name, value in told.items()]
    expression = recorded.query(replace(ASKED, module=module), step)
    asked = {
        "interval": "1s",
        "input_series": [{"series": name, "values": values} for name, values in SERIES.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": "100s", "exp_samples": samples}],
    }
    (tmp_path / "test.yaml").write_text(json.dumps({"evaluation_interval": "1s", "tests": [asked]}))
    done = subprocess.run(["promtool", "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
