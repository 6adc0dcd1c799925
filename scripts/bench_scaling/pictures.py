"""Charts as SVG, drawn by hand: lines of replicas over an hour, and bars. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rooftree_operator.counterfactual.picture import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rooftree_operator.counterfactual.picture import Axis

WIDTH, HEIGHT = 900, 320
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 46, 34
COLOURS = {"bound": "#8a94a6", "ours": "#1f6feb", "hpa 70": "#d1680f", "keda": "#2f8f5b", "kpa": "#8a4fbf"}
_STYLE = (
    "text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:12px;fill:#465264}"
    ".t{font-size:15px;font-weight:600;fill:#1c2430}.g{stroke:#e3e8ef}.l{fill:none;stroke-width:1.6}"
)


@dataclass(frozen=True)
class Line:
    """A number for each second."""

    name: str
    values: Sequence[float]


def lines(title: str, every: Sequence[Line], unit: str) -> str:
    """One chart of all lines; steps, as replicas are whole."""
    seconds = max(len(line.values) for line in every)
    most = max(max(line.values) for line in every) * 1.05

    def x(second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * second / seconds

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most

    parts = [*_grid(most, y), *_minutes(seconds, x)]
    for number, line in enumerate(every):
        colour = COLOURS.get(line.name, "#1c2430")
        parts.append(f'<path class="l" stroke="{colour}" d="{steps(line.values, x, y)}"/>')
        at = LEFT + 110 * number
        parts.append(f'<path stroke="{colour}" stroke-width="3" d="M{at} 34h18"/>')
        parts.append(f'<text x="{at + 24}" y="38">{escape(line.name)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="38" text-anchor="end">{escape(unit)}</text>')
    return _whole(title, parts, HEIGHT)


def bars(title: str, every: Sequence[tuple[str, float]], unit: str) -> str:
    """One bar for each value, with the value beside it."""
    row, left = 24, 150
    most = max(value for _, value in every)
    parts: list[str] = []
    for number, (name, value) in enumerate(every):
        top = TOP + row * number
        width = (WIDTH - left - 90) * value / most
        colour = COLOURS.get(name.split("/")[0], "#aab4c3")
        parts.append(f'<text x="{left - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{left}" y="{top + 3}" width="{width:.1f}" height="15" rx="3" fill="{colour}"/>')
        parts.append(f'<text x="{left + width + 6:.1f}" y="{top + 14}">{value:.2f}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="24" text-anchor="end">{escape(unit)}</text>')
    return _whole(title, parts, TOP + row * len(every) + 12)


def _grid(most: float, y: Axis) -> list[str]:
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100) if most / size <= 8)
    return [
        f'<path class="g" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>'
        for value in range(0, int(most) + 1, step)
    ]


def _minutes(seconds: int, x: Axis) -> list[str]:
    """The last one ends where the picture does, which would cut it otherwise."""
    marks = [(at, "end" if at == seconds else "middle") for at in range(0, seconds + 1, 600)]
    return [
        f'<text x="{x(at):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">{at // 60} min</text>' for at, anchor in marks
    ]


def _whole(title: str, parts: Sequence[str], height: int) -> str:
    label = escape(title, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
        f'<style>{_STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text class="t" x="16" y="24">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )
