"""The brokerage that suffers: two pods, the sample's listings, an owner who goes on working; and the figures.

`FAULT_SECONDS` is how long each fault lasts: 60 in `make faults`, a few when it is not set.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ..components import Components
from ..conftest import Kubectl, Tenant, fresh_name, manifest, until
from ..test_feed import Sample
from ..test_tokens import Person
from ..web_tenant import IMPORT_SECONDS, PLATFORM, SAMPLE, credentials
from .lines import Visitor
from .view import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAULT_SECONDS = float(os.environ.get("FAULT_SECONDS") or 6)
WHOLE_SECONDS = 60
READY_SECONDS = 300  # two pods, perhaps on a machine that is busy
HERE = Path(__file__).parent
_FIGURES: list[dict[str, Any]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Faults come last, so that nobody else has them; what starts slowly or only repeats is left to the whole run."""
    items.sort(key=lambda item: HERE in item.path.parents)
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("thorough") and FAULT_SECONDS < WHOLE_SECONDS:
            item.add_marker(pytest.mark.skip(reason="only in `make faults`"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for figure in _FIGURES:
        terminalreporter.write_line(json.dumps(figure))


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Keeps a line for the end of the run, and in `.bench`."""
    folder = Path(pytestconfig.rootpath) / ".bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"faults-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"

    def note(fault: str, **values: Any) -> None:
        line = {"figure": "faults", "fault": fault, "fault_seconds": FAULT_SECONDS, **values}
        _FIGURES.append(line)
        with path.open("a") as file:
            file.write(json.dumps({**line, "at": datetime.now(UTC).isoformat()}) + "\n")

    return note


@pytest.fixture(scope="session")
def components() -> Iterator[Components]:
    found = Components()
    yield found
    found.go_on()
    if missing := found.missing():
        found.start(*missing)


@pytest.fixture
def no_fault_stays(components: Components) -> Iterator[None]:
    yield
    components.go_on()
    if missing := components.missing():
        components.start(*missing)


@pytest.fixture(scope="session")
def site(kubectl: Kubectl, plans: None) -> Iterator[Site]:
    """A ready brokerage with two pods that has copied the sample, and its owner."""
    name = fresh_name("fault")
    feeds = yaml.safe_load(SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        kubectl.apply(credentials(kubectl, feed["credentialsSecretRef"]["name"], name))
    try:
        kubectl.apply(manifest(name, plan="enterprise", mls=feeds))
        yield _settled(kubectl, _ready(kubectl, name), feeds[0]["name"])
    finally:
        kubectl.delete_brokerage(name, code=None)
        kubectl.run("delete", "secrets", "-n", PLATFORM, "-l", f"rooftree.dev/brokerage={name}")


def _ready(kubectl: Kubectl, name: str) -> Tenant:
    until(
        f"{name} to be ready",
        lambda: kubectl.conditions(name).get("Ready", {}).get("status"),
        seconds=READY_SECONDS,
        enough=lambda status: status == "True",
        every=0.5,
    )
    return Tenant.of(kubectl.get("brokerage", name))


def _settled(kubectl: Kubectl, tenant: Tenant, feed: str) -> Site:
    until(
        f"the import of {tenant.name}",
        lambda: json.loads(kubectl.ask_app(tenant.namespace, "feeds").splitlines()[0]),
        enough=lambda one: one["state"] == "idle" and one["imported"],
        seconds=IMPORT_SECONDS,
        every=1,
    )
    person = Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link"))
    site = Site(kubectl, Sample(kubectl), person, Visitor(person, "", feed))
    until("the search index", site.searched, seconds=120, every=0.5)
    return site
