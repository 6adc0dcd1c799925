"""From results to the tables and pictures of `docs/scaling-evaluation.md`. Pure, but for `write`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench_scaling.cases import DEFAULTS, OURS
from bench_scaling.figures import BUDGETS, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from bench_scaling.figures import Cell, Results


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def of_figures(found: Sequence[Mapping[str, Any]]) -> str:
    """Those with a budget, and what they are at each scale, for which there is none."""
    rows = [
        [
            f"`{one['figure']}`",
            f"{one['value']:.3f}",
            f"{one['spread'][0]:.3f} to {one['spread'][1]:.3f}",
            f"{budget:g}" if one["figure"] in BUDGETS else "",
        ]
        for one in found
        if (budget := BUDGETS.get(one["figure"].split(".x")[0])) is not None
    ]
    return table(["figure", "value", "spread", "target"], rows)


def at_defaults(results: Results, scale: float) -> str:
    """One row a policy; core-hours are sums over the traces."""
    starts = sorted({cell[2] for cell in results.cells})
    cells = results.at(scales=[scale])
    rows: list[list[str]] = []
    for name in (OURS, *DEFAULTS):
        row = [name, f"{results.total(name, cells) / results.bound_total(cells):.2f}"]
        for start in starts:
            there = [cell for cell in cells if cell[2] == start]
            hours = results.total(name, there) / 3600
            row.append(f"{hours:.1f} · {_late(results, name, there)}")
        rows.append([*row, _changes(results, name, cells)])
    bound = results.bound_total([cell for cell in cells if cell[2] == starts[0]]) / 3600
    rows.append(["bound", "1.00", *[f"{bound:.1f}" for _ in starts], ""])
    return table(["policy", "of bound", *[f"start {start} s" for start in starts], "changes an hour"], rows)


def in_hindsight(results: Results) -> str:
    """The best setting in each cell of each family, beside ours as it comes."""
    rows: list[list[str]] = []
    for cell in results.cells:
        trace, scale, start = cell
        row = [trace, f"{scale:g}", f"{start} s"]
        row.append(_cost(results, OURS, cell))
        for family in FAMILIES:
            name = results.best(family, cell)
            row.append(f"{_cost(results, name, cell)} ({name.split(' ', 1)[-1]})")
        rows.append([*row, f"{results.bound[trace, scale] / 3600:.1f}"])
    return table(["trace", "scale", "start", OURS, *[f"best {family}" for family in FAMILIES], "bound"], rows)


def of_ablation(results: Results) -> str:
    """What ours costs without a part, or with one more."""
    variants = sorted(name for name, family in results.families.items() if family == "variant")
    cells = results.cells
    usual = results.total(OURS, cells)
    rows = [
        [
            name.removeprefix("variant "),
            f"{100 * (results.total(name, cells) / usual - 1):+.1f} %",
            f"{results.over(name, cells):.2%}",
            f"{max(results.over(name, [cell]) for cell in cells):.2%}",
        ]
        for name in (OURS, *variants)
    ]
    return table(["ours, but", "core-hours", "late", "late in the worst case"], rows)


def of_sharing(found: Sequence[Mapping[str, Any]]) -> str:
    """Late requests in a cell that is too small."""
    rows = [[f"{one['size']:.0%}", f"{one['first come']:.2%}", f"{one['shared']:.2%}"] for one in found]
    return table(["the cell has, of the most that is wanted", "late, first come", "late, shared"], rows)


def _cost(results: Results, name: str, cell: Cell) -> str:
    kept = results.kept[name][cell]
    return f"{kept.core_hours:.1f} · {kept.over_share:.1%}"


def _late(results: Results, name: str, cells: Sequence[Cell]) -> str:
    """Late requests in the worse of the traces."""
    return f"{max(results.over(name, [cell]) for cell in cells):.1%}"


def _changes(results: Results, name: str, cells: Sequence[Cell]) -> str:
    every = [change for cell in cells for change in results.kept[name][cell].changes]
    return f"{sum(every) / len(every):.0f}"


def write(page: Path, parts: Mapping[str, str]) -> None:
    """Puts each part between its two marks in the page; what is written by hand stays."""
    text = page.read_text()
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{page} has no marks of {name}")
        text = pattern.sub("\\1" + part.replace("\\", "\\\\") + "\n\\2", text)
    page.write_text(text)
