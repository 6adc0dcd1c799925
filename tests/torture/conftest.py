"""The stack that suffers, and the figures. Sized by `TORTURE_` `EVENTS`, `KILLS`, `RATE` (a second) and `SEED`."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..e2e.faults.conftest import components as components
from ..e2e.faults.conftest import no_fault_stays as no_fault_stays
from .run import Size

if TYPE_CHECKING:
    from collections.abc import Callable

_FIGURES = pytest.StashKey[list[dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(json.dumps(line))


@pytest.fixture(scope="session")
def size() -> Size:
    def given(name: str, otherwise: int) -> int:
        return int(os.environ.get(f"TORTURE_{name}") or otherwise)

    return Size(given("EVENTS", 3000), given("KILLS", 10), given("RATE", 60), given("SEED", 20261128))


@pytest.fixture(scope="session", autouse=True)
def administrators_are_calm() -> None:
    """Kafka's administrator stays connected the whole time, and says twice a second that the broker is away."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


@pytest.fixture(scope="session")
def raw(pytestconfig: pytest.Config) -> Path:
    """Where raw trials go; the workers' log lies beside it."""
    folder = Path(pytestconfig.rootpath) / ".bench"
    folder.mkdir(exist_ok=True)
    return folder / f"torture-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"


@pytest.fixture
def note(raw: Path, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keeps a raw trial."""

    def keep(trial: str, **values: Any) -> None:
        with raw.open("a") as file:
            line = {"trial": trial, **values, "of": request.node.name, "at": datetime.now(UTC).isoformat()}
            file.write(json.dumps(line) + "\n")

    return keep


@pytest.fixture
def figure(pytestconfig: pytest.Config, note: Callable[..., None]) -> Callable[..., None]:
    """Keeps a line for the end of the run, and a trial of it."""

    def tell(name: str, value: float, **values: Any) -> None:
        line = {"figure": name, "value": value, **values}
        pytestconfig.stash[_FIGURES].append(line)
        note(**{"trial": "figure", **line})

    return tell
