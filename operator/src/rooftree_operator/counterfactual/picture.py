"""The picture: what arrived, and below it the pods of each policy, all over the same time. SVG, drawn by hand. Pure.

A strip for each policy instead of a line for each in one chart: a dozen lines cover each other, and nobody tells a
dozen colours apart. In each strip the pods as they were are a line over the policy's area.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby

from . import words
from .replayed import MINUTE, Kind, Replay, Row

WIDTH, LEFT, RIGHT, BOTTOM = 900, 72, 14, 40
HEAD, ARRIVALS, STRIP, GAP = 34, 90, 46, 8  # heights
MOST_POINTS = 600  # of what arrived: more than can be seen
MOST_MARKS = 7
BEYOND = 3  # halves of what others than foreign policies have at most
APART = (5, 10, 15, 30, 60, 120)  # minutes between marks of time

Axis = Callable[[float], float]


def drawn(replay: Replay) -> str:
    """One `svg` element; its colours and sizes are classes of the page."""
    rows = [row for row in replay.rows if row.kind is not Kind.FIXED]
    height = HEAD + ARRIVALS + GAP + len(rows) * (HEAD + STRIP + GAP) + BOTTOM
    seconds = len(replay.was.pods)

    def x(second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * second / seconds

    parts = [*_arrived(replay, x)]
    most = _most(rows)
    bands = [(HEAD, ARRIVALS)]
    for row in rows:
        top = sum(bands[-1]) + GAP
        parts += _strip(row, replay, most, top, x)
        bands.append((top + HEAD, STRIP))
    parts += _unknown(replay, x, bands)
    parts += _times(replay.trace.span.begun + replay.trace.span.warm_up, seconds, x, height)
    label = escape(f"Requests and pods of {replay.question.tenant} over time; the table has the figures.", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _most(rows: Sequence[Row]) -> int:
    """What strips reach up to: not the peak of a policy that panics, beside which all others would be flat."""
    usual = max(max(row.pods) for row in rows if row.kind is not Kind.OTHER)
    return max(1, min(BEYOND * usual // 2, max(max(row.pods) for row in rows)))


def steps(values: Sequence[float], x: Axis, y: Axis) -> str:
    """A path that moves only where the value does."""
    path = [f"M{x(0):.1f} {y(values[0]):.1f}"]
    moves = [second for second in range(1, len(values)) if values[second] != values[second - 1]]
    path += [f"H{x(second):.1f}V{y(values[second]):.1f}" for second in moves]
    return "".join([*path, f"H{x(len(values)):.1f}"])


def _arrived(replay: Replay, x: Axis) -> Iterator[str]:
    """Means of short stretches; it breaks where one is not known."""
    begun, base = replay.trace.span.warm_up, HEAD + ARRIVALS
    counts, known = replay.trace.arrivals[begun:], replay.trace.known[begun:]
    size = -(-len(counts) // MOST_POINTS)
    stretches = [slice(at, at + size) for at in range(0, len(counts), size)]
    means = [sum(counts[one]) / len(counts[one]) for one in stretches]
    most = max(1.0, *means)
    peak = max(count for count, is_known in zip(counts, known, strict=True) if is_known)
    yield from _head("requests a second", f"at most {peak:,.0f}", 0)
    yield from _scale(f"{most:,.0f}", HEAD, base)
    for is_known, run in groupby(zip(stretches, means, strict=True), lambda one: all(known[one[0]])):
        if is_known:
            points = list(run)
            line = "".join(f"L{x(one.start):.1f} {base - ARRIVALS * mean / most:.1f}" for one, mean in points)
            first, last = x(points[0][0].start), x(min(len(counts), points[-1][0].stop))
            yield f'<path class="arrived" d="M{first:.1f} {base}{line}H{last:.1f}V{base}Z"/>'


def _strip(row: Row, replay: Replay, most: int, top: float, x: Axis) -> Iterator[str]:
    """A policy's pods, those that were, and the minutes in which too many requests were late."""
    base = top + HEAD + STRIP

    def y(value: float) -> float:
        return base - STRIP * min(value, most) / most

    figures = f"{words.hours(row.core_hours)} core-hours, {words.percent(row.late_share)} late"
    yield from _head(row.name, figures, top)
    yield from _scale(str(most), base - STRIP, base)
    yield f'<path class="pods {row.kind}" d="{steps(row.pods, x, y)}V{base}H{x(0):.1f}Z"/>'
    if row.kind is not Kind.WAS:
        yield f'<path class="as-was" d="{steps(replay.was.pods, x, y)}"/>'
    for since, until in _runs(row.late_minutes):
        end = min(until * MINUTE, len(row.pods))
        yield f'<path class="late" d="M{x(since * MINUTE):.1f} {base}H{x(end):.1f}v5H{x(since * MINUTE):.1f}Z"/>'


def _unknown(replay: Replay, x: Axis, bands: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Seconds that are not known, over all bands (top and height): what is drawn there is no figure."""
    at = 0
    for is_known, stretch in groupby(replay.trace.known[replay.trace.span.warm_up :]):
        until = at + len(list(stretch))
        if not is_known:
            parts = (f"M{x(at):.1f} {top}H{x(until):.1f}v{height}H{x(at):.1f}Z" for top, height in bands)
            yield f'<path class="unknown" d="{"".join(parts)}"/>'
        at = until


def _head(left: str, right: str, top: float) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="{top + HEAD - 9}" class="name">{escape(left)}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{top + HEAD - 9}" class="end">{escape(right)}</text>'


def _scale(most: str, top: float, base: float) -> Iterator[str]:
    """Lines at nothing and at the most, which is told."""
    yield f'<path class="grid" d="M{LEFT} {top}H{WIDTH - RIGHT}M{LEFT} {base}H{WIDTH - RIGHT}"/>'
    yield f'<text x="{LEFT - 8}" y="{top + 11}" class="end">{most}</text>'


def _times(begun: int, seconds: int, x: Axis, height: float) -> Iterator[str]:
    """Full minutes by the clock; those at an edge stay within the picture."""
    apart = MINUTE * next(one for one in APART if seconds / (MINUTE * one) <= MOST_MARKS)
    for at in range(-begun % apart, seconds + 1, apart):
        place = x(at)
        side = "start" if place < LEFT + 30 else "end" if place > WIDTH - RIGHT - 30 else "middle"
        clock = f"{datetime.fromtimestamp(begun + at, UTC):%H:%M}"
        yield f'<text x="{place:.1f}" y="{height - 10}" class="{side}">{clock}</text>'


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours together: from the first until after the last."""
    for _, run in groupby(enumerate(numbers), lambda one: one[1] - one[0]):
        found = [number for _, number in run]
        yield found[0], found[-1] + 1
