"""What was measured, what is assumed and what came of it, in sentences. Pure; the page and the JSON have the same."""

from collections.abc import Iterator
from datetime import UTC, datetime

from .replayed import AROUND, Replay, Row


def clock(at: float) -> str:
    """A Unix time for people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def hours(value: float) -> str:
    """Core-hours."""
    return f"{value:.2f}"


def percent(share: float) -> str:
    """Small shares keep their first digits."""
    return f"{share:.1%}" if share == 0 or share >= 0.01 else f"{share:.2%}"


def summary(replay: Replay) -> str:
    """What the reader came for."""
    best, was = replay.cheapest, replay.was
    if best is None:
        return "No policy between these limits would have kept the objective."
    if best.core_hours >= was.core_hours and replay.keeps(was):
        return f"Nothing that keeps the objective is cheaper than it was: {hours(was.core_hours)} core-hours."
    kept = "" if replay.keeps(was) else ", which broke the objective"
    return (
        f"The cheapest that keeps the objective is {best.name}: {hours(best.core_hours)} core-hours instead of "
        f"{hours(was.core_hours)} as it was{kept}: {change(best, was)}."
    )


def change(row: Row, was: Row) -> str:
    """Core-hours against those that were."""
    saved = was.core_hours - row.core_hours
    if round(saved, 2) == 0:
        return "the same"
    share = f" ({abs(saved) / was.core_hours:.0%})" if was.core_hours else ""
    return f"{hours(abs(saved))} {'saved' if saved > 0 else 'more'}{share}"


def notes(replay: Replay) -> list[str]:
    """Measured first, then assumed."""
    return [*_measured(replay), *_guessed(replay), *_simulated(replay)]


def _measured(replay: Replay) -> Iterator[str]:
    trace, was = replay.trace, replay.was
    step = "" if trace.span.step == 1 else f", as means of {trace.span.step} s"
    yield f"Measured: {was.requests:,.0f} requests in {replay.seconds:,} seconds, second by second{step}."
    missing = trace.span.seconds - trace.span.warm_up - replay.seconds
    if missing:
        asleep = f", {trace.asleep:,} of them because it had no pods" if trace.asleep else ""
        yield (
            f"Not measured: {missing:,} seconds{asleep}. They are grey in the picture and count nowhere, neither as "
            "calm nor as cost."
        )
    demand = trace.demand
    spread = f"{1000 * demand.low:.0f} to {1000 * demand.high:.0f} ms most of the time"
    if demand.is_unloaded:
        yield f"Measured by the operator: a request takes {1000 * demand.seconds:.0f} ms of a pod ({spread})."
    else:
        yield (
            f"The operator does not tell what a request takes of a pod. Instead it is how long requests stayed, with "
            f"their waiting: {1000 * demand.seconds:.0f} ms ({spread}). So needs are overrated."
        )


def _guessed(replay: Replay) -> Iterator[str]:
    """What nobody told."""
    trace, question, service = replay.trace, replay.question, replay.service
    if trace.objective is None:
        yield f"Nobody told the plan's objective: {1000 * service.objective:.0f} ms are taken."
    if (trace.floor is None and question.floor is None) or (trace.ceiling is None and question.ceiling is None):
        yield (
            f"Nobody told the plan's fewest and most pods, as it is not scaled by load: {service.floor} and "
            f"{service.ceiling} are taken, twice the most that ran. Ask for others above."
        )


def _simulated(replay: Replay) -> Iterator[str]:
    service, ms = replay.service, 1000 * replay.service.objective
    yield (
        f"Late is a request that takes longer than {ms:.0f} ms; {percent(replay.allowed)} may be. All figures of late "
        "requests are simulated, also those of how it was: nobody measured which requests were late, and only so are "
        "the rows alike."
    )
    yield (
        f"Assumed: a request takes {1000 * service.demand:.0f} ms on average, exponential, at any time; a pod serves "
        f"one at a time, all share one queue; a new pod serves {service.start} s after its order, an old one goes at "
        "once. As it was, those pods served that Prometheus could read."
    )
    yield (
        "A core-hour is a pod for an hour, ordered or serving: multiply by what the plan requests for one. HPA's "
        "targets are of a pod that is busy all the time, not of its request."
    )
    yield (
        f"The bound is no policy: the fewest pods by Erlang's formula at the mean rate of the {AROUND} s around each "
        "second, known beforehand and there at once. So it only just keeps the objective, or just not."
    )
