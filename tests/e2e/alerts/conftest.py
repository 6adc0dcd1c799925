"""The alerts under proof: the brokerages that suffer, who looks on, and the figures.

`CLEAN_MINUTES` is how long the calm lasts (0: there is none); unset, nothing here is run. `ALERTS` names some.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import Kubectl, Tenant, fresh_name, manifest, plan_manifest, until
from ..faults.conftest import READY_SECONDS
from ..faults.conftest import components as components
from ..faults.conftest import site as site
from .course import Course
from .prometheus import Prometheus
from .rules import waits
from .table import Chosen, chosen
from .watch import Watch
from .world import PLANS, SITE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

HERE = Path(__file__).parent
CALM = HERE / "test_a_calm_hour.py"
MINUTES = os.environ.get("CLEAN_MINUTES")
WANTED = [name for name in os.environ.get("ALERTS", "").replace(",", " ").split() if name]
GONE_SECONDS = 400
_FIGURES = pytest.StashKey[list[dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The calm comes before everything that disturbs it: long windows remember."""
    items.sort(key=lambda item: HERE in item.path.parents and item.path != CALM)
    for item in items:
        if MINUTES is None and HERE in item.path.parents and item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.skip(reason="only in `make alerts`"))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(json.dumps(line))


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Keeps a figure for the end of the run, and in `.bench`."""
    folder = Path(pytestconfig.rootpath) / ".bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"alerts-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
    lines = pytestconfig.stash.setdefault(_FIGURES, [])

    def keep(figure: str, **values: Any) -> None:
        line = {"figure": figure, **values}
        lines.append(line)
        with path.open("a") as file:
            file.write(json.dumps({**line, "at": datetime.now(UTC).isoformat()}) + "\n")

    return keep


@pytest.fixture(scope="session")
def prometheus() -> Iterator[Prometheus]:
    found = Prometheus()
    yield found
    found.close()


@pytest.fixture(scope="session")
def selected() -> Chosen:
    return chosen(WANTED)


@pytest.fixture(scope="session")
def course(
    request: pytest.FixtureRequest, selected: Chosen, kubectl: Kubectl, plans: None, admin_dsn: str
) -> Iterator[Course]:
    """All faults have been made and taken back."""
    roles = selected.roles()
    sample = request.getfixturevalue("site") if SITE in roles else None
    parts = request.getfixturevalue("components"), request.getfixturevalue("prometheus")
    names = {role: fresh_name(role) for role in sorted(roles - {SITE})}
    with ExitStack() as stack:
        stack.callback(_leave, kubectl, names)
        world = World(kubectl, *parts, admin_dsn, _tenants(kubectl, names), sample)
        with Watch(world.prometheus.alerts) as watch:
            made = Course(world, watch, waits())
            made.run(selected)
        yield made


def _tenants(kubectl: Kubectl, names: Mapping[str, str]) -> dict[str, Tenant]:
    """Ready brokerages by their roles, each on a plan of its own name."""
    for role, name in names.items():
        kubectl.apply(plan_manifest(name, **PLANS[role]), manifest(name, plan=name))
    for name in names.values():
        until(
            f"{name} to be ready",
            lambda name=name: kubectl.conditions(name).get("Ready", {}).get("status"),
            seconds=READY_SECONDS,
            enough=lambda status: status == "True",
            every=0.5,
        )
    return {role: Tenant.of(kubectl.get("brokerage", name)) for role, name in names.items()}


def _leave(kubectl: Kubectl, names: Mapping[str, str]) -> None:
    gone: Collection[str] = names.values()
    kubectl.delete_brokerage(*gone, wait=False, code=None)
    until(
        "the brokerages to be gone",
        lambda: [name for name in gone if kubectl.exists("brokerage", name)],
        enough=lambda left: not left,
        seconds=GONE_SECONDS,
        every=1,
    )
    if gone:
        kubectl.run("delete", "brokerageplan", *gone, "--ignore-not-found")
