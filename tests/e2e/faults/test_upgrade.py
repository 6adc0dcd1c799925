"""A brokerage is brought to another version and back under load; one that does not work is taken back by itself."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import until
from .lines import READINESS, Writer
from .load import Client, Line, Load
from .trial import CALM_SECONDS, Judgement, Trial, all_good, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..conftest import Kubectl
    from .view import Site

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(1200, func_only=True)]
SYSTEM = "rooftree-system"
REQUESTS = 10_000
WRITERS = 8
VISITORS = 3
UPGRADED_SECONDS = 120
# Kubernetes gives a Deployment 120 s to make progress.
RETURNED_SECONDS = 240


@pytest.fixture
def offer(kubectl: Kubectl, site: Site) -> Iterator[Callable[..., str]]:
    """Offers the release that runs under another version, with another image if one is given."""
    offered: list[str] = []

    def make(suffix: str, image: str | None = None) -> str:
        release = kubectl.get("configmap", f"release-{site.tenant.version}", "-n", SYSTEM)
        version = f"{site.tenant.version}.{suffix}"
        told: dict[str, Any] = json.loads(release["data"]["tenant_manifest.json"]) | {"version": version}
        name = f"release-{version}"
        labels = {"rooftree.dev/release": version}
        data = {"image": image or release["data"]["image"], "tenant_manifest.json": json.dumps(told)}
        metadata = {"name": name, "namespace": SYSTEM, "labels": labels}
        kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        offered.append(name)
        return version

    yield make
    want(kubectl, site, None)
    until_running(kubectl, site, site.tenant.version)
    kubectl.run("delete", "configmap", "-n", SYSTEM, *offered)


def want(kubectl: Kubectl, site: Site, version: str | None) -> None:
    patch = json.dumps({"spec": {"version": version}})
    kubectl.run("patch", "brokerage", site.tenant.name, "--type=merge", "-p", patch)


def until_running(kubectl: Kubectl, site: Site, version: str) -> None:
    def looks() -> tuple[object, ...]:
        brokerage = kubectl.get("brokerage", site.tenant.name)
        status, conditions = brokerage["status"], kubectl.conditions(site.tenant.name)
        current = status["observedGeneration"] == brokerage["metadata"]["generation"]
        return status["version"], current, conditions["VersionApplied"]["status"], conditions["Ready"]["status"]

    until(
        f"{version} to run",
        looks,
        seconds=UPGRADED_SECONDS,
        enough=lambda seen: seen == (version, True, "True", "True"),
    )


def test_ten_thousand_requests_do_not_notice_upgrades(
    site: Site, kubectl: Kubectl, offer: Callable[..., str], figure: Callable[..., None]
) -> None:
    visitor = site.arrive()
    writers = [Writer(site.person) for _ in range(WRITERS)]
    lines = (*(line for _ in range(VISITORS) for line in visitor.lines()), *(Line(0.2, one.refresh) for one in writers))
    upgrades, versions = 0, (offer("next"), site.tenant.version)
    with Load(Client(site.tenant.url), lines) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        trial.begins()
        while len(load.answers) < REQUESTS:
            version = versions[upgrades % 2]
            want(kubectl, site, version)
            until_running(kubectl, site, version)
            upgrades += 1
            pause(CALM_SECONDS)
        trial.is_back()
        trial.recovers({"search": site.searched, "events": lambda: site.unsent() == 0})
    acknowledged = [token for writer in writers for token in writer.acknowledged]
    stored = site.stored_tokens([hashlib.sha256(token.encode()).digest() for token in acknowledged])
    figure(
        "upgrades",
        upgrades=upgrades,
        seconds=round(trial.back - trial.began, 1),
        acknowledged_writes=len(acknowledged),
        lost_writes=len(acknowledged) - stored,
        **Judgement.of(trial, "nothing").figures(trial),
    )
    # A pod that is about to end says so to whoever asks whether it is ready.
    all_good(one for one in load.answers if one.kind != READINESS)
    assert stored == len(acknowledged)


def test_a_version_whose_image_does_not_exist_is_taken_back_and_nobody_notices(
    site: Site, kubectl: Kubectl, offer: Callable[..., str], figure: Callable[..., None]
) -> None:
    visitor = site.arrive()
    version = offer("broken", image="localhost/rooftree-tenant:there-is-none")
    with Load(Client(site.tenant.url), visitor.lines()) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        trial.begins()
        want(kubectl, site, version)
        returned = until(
            "the return to the version before",
            lambda: kubectl.conditions(site.tenant.name).get("VersionApplied", {}),
            seconds=RETURNED_SECONDS,
            enough=lambda condition: condition["reason"] == "UpgradeReturned",
        )
        until(
            "the brokerage to be ready as before",
            lambda: kubectl.conditions(site.tenant.name)["Ready"]["status"] == "True",
            seconds=UPGRADED_SECONDS,
        )
        trial.is_back()
        trial.recovers({"search": site.searched})
    status = kubectl.get("brokerage", site.tenant.name)["status"]
    figure(
        "upgrade taken back",
        seconds=round(trial.back - trial.began, 1),
        **Judgement.of(trial, "nothing").figures(trial),
    )
    assert status["version"] == site.tenant.version
    assert (status["upgrade"]["version"], status["upgrade"]["instead"]) == (version, site.tenant.version)
    assert "rooftree.dev/retry-upgrade" in returned["message"]
    assert kubectl.conditions(site.tenant.name)["Stalled"]["reason"] == "UpgradeReturned"
    all_good(one for one in load.answers if one.kind != READINESS)
