"""Tables and logs for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rooftree_local.doctor import Finding
    from rooftree_local.inspection import Row, Tenant

FOLLOW_SECONDS = 0.2
PIPE_WIDTH = 200  # nobody looks at a pipe: what reads it wants whole lines


def console() -> Console:
    """Where to print: a terminal as wide as it is, or wide lines."""
    found = Console()
    return found if found.is_terminal else Console(width=PIPE_WIDTH)


def span(seconds: float) -> str:
    """A span of time in one or two units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(shown[:2]) or "0 s"


def components(rows: list[Row], output: Console) -> None:
    """The components, their states in colour."""
    table = Table("component", "state", "pid", "memory", "up", box=None, pad_edge=False)
    for row in rows:
        colour = "green" if row.state == "ready" else "red"
        memory = "" if row.memory is None else f"{row.memory / 2**20:.0f} MiB"
        uptime = "" if row.uptime is None else span(row.uptime)
        table.add_row(row.name, f"[{colour}]{row.state}[/]", str(row.pid or ""), memory, uptime)
    output.print(table)


def tenants(found: list[Tenant], output: Console) -> None:
    """The brokerages."""
    table = Table("brokerage", "phase", "version", "url", "message", box=None, pad_edge=False)
    for tenant in found:
        colour = "green" if tenant.phase == "Ready" else "yellow"
        message = "" if tenant.phase == "Ready" else tenant.message
        table.add_row(tenant.name, f"[{colour}]{tenant.phase}[/]", tenant.version, tenant.url, message)
    # Addresses and versions are for copying: a narrow terminal wraps them rather than cutting them off.
    for column in table.columns:
        column.overflow = "fold"
    output.print(table)


def findings(found: list[Finding], output: Console) -> None:
    """The doctor's findings, each bad one with its remedy."""
    for finding in found:
        mark = "[green]✓[/]" if finding.is_good else "[red]✗[/]"
        output.print(mark, finding.what, highlight=False)
        if not finding.is_good:
            output.print("   →", finding.remedy, highlight=False, markup=False, soft_wrap=True)


def follow(path: Path) -> Iterator[str]:
    """New text of a log, for ever."""
    with path.open(errors="replace") as log:
        log.seek(0, 2)
        while True:
            text = log.read()
            if text:
                yield text
            else:
                time.sleep(FOLLOW_SECONDS)
