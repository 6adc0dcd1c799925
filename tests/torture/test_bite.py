"""The torture notices each of these bugs: `make oracles`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .bugs import BUGS
from .run import Size, torture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..e2e.components import Components

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]
EVENTS, KILLS = 1000, 6
# What each of them does to events.
HARM = {
    "offset before effect": "lost",
    "inbox without key": "doubled",
    "relays that skip locked rows": "inverted",
    "relay beyond a cursor": "lost",
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_noticed(
    bug: str, size: Size, components: Components, no_fault_stays: None, raw: Path, note: Callable[..., None]
) -> None:
    small = size._replace(events=EVENTS, kills=KILLS)
    result = await torture(small, components, raw.with_suffix(".log"), note, bug)
    note("planted", bug=bug, verdict=str(result.verdict), kills=result.kills, events=result.events)
    print(f"{bug}: {result.verdict}")  # noqa: T201 - shows with what margin
    assert getattr(result.verdict, HARM[bug]) > 0
