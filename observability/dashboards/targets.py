"""What a generated dashboard asks Prometheus, and the same as Prometheus takes it, its variables put in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Grafana's own, for a look at half an hour of what is collected every 5 to 30 seconds.
BUILT_IN = {"__rate_interval": "2m", "__interval": "30s", "__range": "30m"}


@dataclass(frozen=True)
class Target:
    """One query of one panel. `instant`: only its latest value is shown."""

    board: str
    panel: str
    ref: str
    expr: str
    instant: bool

    @property
    def name(self) -> str:
        return f"{self.board} / {self.panel} / {self.ref}"


def boards(folder: Path) -> dict[str, Any]:
    """The generated dashboards by their names."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels that show something, those of collapsed rows, too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def targets(board: Mapping[str, Any]) -> Iterator[Target]:
    """All queries."""
    for panel in panels(board):
        for one in panel["targets"]:
            yield Target(board["title"], panel["title"], one["refId"], one["expr"], bool(one.get("instant")))


def expanded(expr: str, values: Mapping[str, str]) -> str:
    """The expression with its variables put in. Raises `ValueError` for one that has no value."""
    for name, value in sorted({**BUILT_IN, **values}.items(), key=lambda one: -len(one[0])):
        expr = expr.replace(f"${{{name}}}", value).replace(f"${name}", value)
    if "$" in expr:
        raise ValueError(f"a variable has no value: {expr}")
    return expr
