"""A brokerage gives its modules pods of their own and takes them back under load, which costs no request."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from rooftree_local.kubectl import is_ready

from ..conftest import until
from .lines import READINESS, Writer
from .load import Client, Line, Load
from .trial import CALM_SECONDS, Judgement, Trial, all_good, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Kubectl
    from .view import Site

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(900, func_only=True)]
WRITERS = 4
CHANGED_SECONDS = 240


def test_modules_get_pods_of_their_own_and_lose_them_without_a_request_lost(
    site: Site, kubectl: Kubectl, figure: Callable[..., None]
) -> None:
    visitor = site.arrive()
    writers = [Writer(site.person) for _ in range(WRITERS)]
    lines = (*visitor.lines(), *(Line(0.3, writer.refresh) for writer in writers))
    with Load(Client(site.tenant.url), lines) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        trial.begins()
        change(kubectl, site, "microservices")
        settled(kubectl, site, {"app", *kubectl.modules()} - {"gateway"})
        pause(CALM_SECONDS)
        change(kubectl, site, "monolith")
        settled(kubectl, site, {"app"})
        trial.is_back()
        trial.recovers({"search": site.searched, "events": lambda: site.unsent() == 0})
    acknowledged = [token for writer in writers for token in writer.acknowledged]
    stored = site.stored_tokens([hashlib.sha256(token.encode()).digest() for token in acknowledged])
    figure(
        "topology there and back",
        seconds=round(trial.back - trial.began, 1),
        acknowledged_writes=len(acknowledged),
        lost_writes=len(acknowledged) - stored,
        **Judgement.of(trial, "nothing").figures(trial),
    )
    # A pod that is about to end says so to whoever asks whether it is ready.
    all_good(one for one in load.answers if one.kind != READINESS)
    assert stored == len(acknowledged)


def change(kubectl: Kubectl, site: Site, topology: str) -> None:
    patch = json.dumps({"spec": {"topology": topology}})
    kubectl.run("patch", "brokerage", site.tenant.name, "--type=merge", "-p", patch)


def settled(kubectl: Kubectl, site: Site, wanted: set[str]) -> None:
    """Waits until these Deployments are all, their pods of the newest kind only, and the brokerage is ready."""

    def left() -> list[str]:
        space = ("-n", site.tenant.namespace)
        found = {item["metadata"]["name"]: item for item in kubectl.items("deployments", *space)}
        pods = {item["metadata"]["name"]: item for item in kubectl.items("pods", *space)}
        unwanted = [name for name in pods if name.rsplit("-", 2)[0] not in wanted]
        leaving = [name for name, pod in pods.items() if not is_ready(pod)]
        ready = kubectl.conditions(site.tenant.name)["Ready"]
        generation = kubectl.get("brokerage", site.tenant.name)["metadata"]["generation"]
        told = ready["status"] == "True" and ready["observedGeneration"] == generation
        return [*sorted(found.keys() ^ wanted), *leaving, *unwanted, *([] if told else [ready["message"]])]

    until("the modules' pods", left, seconds=CHANGED_SECONDS, enough=lambda missing: not missing, every=0.5)
