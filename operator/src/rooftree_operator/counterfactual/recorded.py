"""What Prometheus knows of a workload's time: its question, and the trace that is replayed. Pure.

Arrivals are counts of single seconds, from a counter that is read each second. Where nothing was read nothing is known:
the last count goes on there, so that policies have something to live through, and such seconds count nowhere.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from math import isfinite
from statistics import median
from typing import Any

from .question import APP, Question

WARM_UP = 360  # seconds before the time that is asked for, which policies live through and nobody counts
LATE = 3  # seconds after which all pods have been read
LEAST = 60  # seconds that must be known
MOST_POINTS = 11_000  # that Prometheus gives of a series

Values = list[float | None]  # one a second


class NotMeasured(Exception):
    """There is not enough to replay; the message says what is missing."""


class BadAnswer(Exception):
    """Prometheus refused the query, or answered something else."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `begun` on, in Unix seconds, so many `points` of `step` seconds; `warm_up` seconds are those before."""

    begun: int
    points: int
    step: int
    warm_up: int = WARM_UP

    @property
    def seconds(self) -> int:
        return self.points * self.step

    @property
    def until(self) -> int:
        return self.begun + self.seconds


@dataclass(frozen=True, slots=True)
class Demand:
    """Seconds that a request takes: the median of what was told, and its lowest and highest tenth.

    `is_unloaded`: as the operator found it, without what a queue adds.
    """

    seconds: float
    low: float
    high: float
    is_unloaded: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """One entry a second, the warm-up first. `pods` answered Prometheus, `paid` are those and those that were ordered.

    `objective` in seconds, `floor` and `ceiling` as the plan has them; None where nobody told.
    """

    span: Span
    arrivals: Sequence[float]
    pods: Sequence[int]
    paid: Sequence[int]
    known: Sequence[bool]
    demand: Demand
    asleep: int = 0  # seconds that are not known because there was no pod
    objective: float | None = None
    floor: int | None = None
    ceiling: int | None = None


def span_of(question: Question, now: float) -> Span:
    """The time that is asked for, in steps that Prometheus gives."""
    until = int(now) - LATE if question.until is None else min(question.until, int(now) - LATE)
    seconds = int(question.hours * 3600) + WARM_UP
    step = -(-seconds // (MOST_POINTS - 1))
    points = seconds // step
    return Span(until - points * step, points, step)


def modules_query(question: Question) -> str:
    """Which workloads the tenant has, by the label `module`."""
    return f'count by (module) (rooftree_scaling_replicas{{tenant="{question.tenant}",kind="wanted"}})'


def query(question: Question, step: int) -> str:
    """All that is asked of the workload; its parts are told apart by the label `signal`."""
    # Pods with all modules, or the entrance, have no label of a module; the operator calls them by their Deployment.
    pods = f'tenant="{question.tenant}",module="{"" if question.module == APP else question.module}"'
    told = f'tenant="{question.tenant}",module="{question.module}"'
    spans = f'rooftree_server_spans_total{{job="arrivals",{pods}}}'
    flying = f'http_server_active_requests{{job="arrivals",{pods}}}'
    took = f'rooftree_span_seconds_total{{part="server",{pods}}}'
    ended = f"rooftree_server_spans_ended_total{{{pods}}}"
    parts = {
        # The rate between two reads is the count of that second.
        "arrivals": f"sum(irate({spans}[3s]))" if step == 1 else f"sum(rate({spans}[{step + 2}s]))",
        "pods": f"count(count by (pod) ({flying}))",
        **{kind: f'max(rooftree_scaling_replicas{{kind="{kind}",{told}}})' for kind in ("wanted", "floor", "ceiling")},
        "objective": f"max(rooftree_scaling_objective_seconds{{{told}}})",
        "demand": f"max(rooftree_scaling_demand_seconds{{{told}}})",
        "residence": f"sum(rate({took}[2m])) / sum(rate({ended}[2m]))",
    }
    return " or ".join(f'label_replace({text}, "signal", "{name}", "", "")' for name, text in parts.items())


def parse_modules(answer: bytes) -> list[str]:
    """Names of the tenant's workloads that the operator tells of. Raises `BadAnswer`."""
    return sorted({labels.get("module", "") for labels, _ in _series(answer, "vector")} - {""})


def parse(answer: bytes, span: Span) -> Trace:
    """The trace. Raises `BadAnswer`, and `NotMeasured` if nothing could be replayed."""
    told = {labels.get("signal", ""): _by_second(points, span) for labels, points in _series(answer, "matrix")}
    nothing: Values = [None] * span.seconds
    arrivals, pods, wanted = (told.get(name, nothing) for name in ("arrivals", "pods", "wanted"))
    known = [one is not None and many is not None for one, many in zip(arrivals, pods, strict=True)]
    counted = sum(known[span.warm_up :])
    if not counted:
        raise NotMeasured("Nothing that arrived was measured: there is no such tenant or module, or it had no pods.")
    if counted < LEAST:
        raise NotMeasured(f"What arrived was measured for {counted} seconds only; {LEAST} are needed.")
    serving = [int(one) for one in _bridged(pods, known)]
    return Trace(
        span=span,
        arrivals=_bridged(arrivals, known),
        pods=serving,
        paid=[max(many, int(one or 0)) for many, one in zip(serving, wanted, strict=True)],
        known=known,
        demand=_demand(told.get("demand", nothing), told.get("residence", nothing)),
        asleep=sum(
            one == 0 and not is_known
            for one, is_known in zip(wanted[span.warm_up :], known[span.warm_up :], strict=True)
        ),
        objective=_last(told.get("objective", nothing)),
        floor=_whole(_last(told.get("floor", nothing))),
        ceiling=_whole(_last(told.get("ceiling", nothing))),
    )


def _series(answer: bytes, kind: str) -> list[tuple[Mapping[str, str], list[list[Any]]]]:
    """Labels and points of each series."""
    try:
        body: Mapping[str, Any] = json.loads(answer)
        if body["status"] != "success" or body["data"]["resultType"] != kind:
            raise BadAnswer(f"Prometheus refused the question: {body.get('error', 'another kind of answer')}")
        return [(one["metric"], one.get("values", [])) for one in body["data"]["result"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadAnswer("What answered is no Prometheus.") from error


def _by_second(points: Iterable[Sequence[Any]], span: Span) -> Values:
    """What is told at a moment is of the step that ends then; what is no number is not known."""
    found: Values = [None] * span.seconds
    for at, text in points:
        begin, value = round(float(at)) - span.step - span.begun, float(text)
        if isfinite(value) and 0 <= begin < span.seconds:
            found[begin : begin + span.step] = [value] * span.step
    return found


def _bridged(values: Values, known: Sequence[bool]) -> list[float]:
    """Where nothing is known it goes on as before; in the beginning, as it will."""
    last = next(one for one in compress(values, known) if one is not None)
    found: list[float] = []
    for one, is_known in zip(values, known, strict=True):
        last = one if is_known and one is not None else last
        found.append(last)
    return found


def _demand(unloaded: Values, loaded: Values) -> Demand:
    """What the operator found, or else how long requests stayed. It tells 0 while it knows nothing."""
    for values, is_unloaded in ((unloaded, True), (loaded, False)):
        found = sorted(one for one in values if one)
        if found:
            tenth = len(found) // 10
            return Demand(median(found), found[tenth], found[-1 - tenth], is_unloaded)
    raise NotMeasured("Nobody measured what a request takes: none has ended in this time.")


def _last(values: Values) -> float | None:
    return next((one for one in reversed(values) if one is not None), None)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
