"""Relays, consumers, the broker and the database die and hang under load: nothing lost, twice or out of order."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from .oracle import CLEAN
from .run import Size, torture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..e2e.components import Components

# What counts as the whole torture, and the events a second that it is under; a sample runs on machines that are busy.
WHOLE_EVENTS = 100_000
LEAST_RATE = 50.0
pytestmark = [pytest.mark.torture, pytest.mark.timeout(4 * 3600)]


async def test_no_event_is_lost_doubled_or_out_of_order_whatever_dies(
    size: Size,
    components: Components,
    no_fault_stays: None,
    raw: Path,
    note: Callable[..., None],
    figure: Callable[..., None],
) -> None:
    result = await torture(size, components, raw.with_suffix(".log"), note)
    rate = result.events / result.seconds
    facts = {"seconds": round(result.seconds), "rate": round(rate, 1), "seed": size.seed}
    facts |= {"draining_seconds": round(result.draining_seconds, 1), "dead_letters": result.dead_letters}
    figure("events", result.events, unit="1", rolled_back=result.rolled_back, unknown=result.unknown, **facts)
    figure("kills", result.kills, unit="1", by_kind=dict(sorted(result.struck.items())), seed=size.seed)
    for name, value in asdict(result.verdict).items():
        figure(name, value, unit="1", n=result.events, seed=size.seed)
    assert result.verdict == CLEAN
    assert result.dead_letters == 0
    assert result.events >= size.events
    assert result.kills >= size.kills
    assert size.events < WHOLE_EVENTS or rate >= LEAST_RATE
