"""Tables and logs for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from rooftree_local.doctor import Finding
    from rooftree_local.inspection import Row, Tenant

FOLLOW_SECONDS = 0.2
WIDTH = 120


def span(seconds: float) -> str:
    """A span of time in one or two units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(shown[:2]) or "0 s"


def components(rows: list[Row], console: Console) -> None:
    """The components, their states in colour."""
    table = Table("component", "state", "pid", "memory", "up", box=None, pad_edge=False)
    for row in rows:
        colour = "green" if row.state == "ready" else "red"
        memory = "" if row.memory is None else f"{row.memory / 2**20:.0f} MiB"
        uptime = "" if row.uptime is None else span(row.uptime)
        table.add_row(row.name, f"[{colour}]{row.state}[/]", str(row.pid or ""), memory, uptime)
    console.print(table)


def tenants(found: list[Tenant], console: Console) -> None:
    """The brokerages."""
    table = Table("brokerage", "phase", "version", "url", "message", box=None, pad_edge=False)
    for tenant in found:
        colour = "green" if tenant.phase == "Ready" else "yellow"
        message = "" if tenant.phase == "Ready" else tenant.message
        table.add_row(tenant.name, f"[{colour}]{tenant.phase}[/]", tenant.version, tenant.url, message)
    # Addresses and versions are for copying: a narrow terminal wraps them rather than cutting them off.
    for column in table.columns:
        column.overflow = "fold"
    console.print(table, width=max(console.width, WIDTH))


def findings(found: list[Finding], console: Console) -> None:
    """The doctor's findings, each bad one with its remedy."""
    for finding in found:
        mark = "[green]✓[/]" if finding.is_good else "[red]✗[/]"
        console.print(mark, finding.what, highlight=False)
        if not finding.is_good:
            console.print("   →", finding.remedy, highlight=False, markup=False, soft_wrap=True)


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
