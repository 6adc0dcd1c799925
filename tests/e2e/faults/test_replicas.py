"""Pods that die or are replaced under load: no acknowledged write is lost, and a planned restart costs no request."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import until
from .lines import READINESS, Writer
from .load import Client, Line, Load, show
from .trial import CALM_SECONDS, Judgement, Trial, all_good, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..conftest import Kubectl
    from .view import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400, func_only=True)]
PODS = 2
WRITERS = 8
LEAST_WRITES = 100
SETTLED_SECONDS = 120


@pytest.mark.parametrize("how", ["process killed", pytest.param("pod removed by force", marks=pytest.mark.thorough)])
def test_no_acknowledged_write_is_lost_with_one_of_two_pods(
    site: Site, kubectl: Kubectl, figure: Callable[..., None], how: str
) -> None:
    both_ready(site)
    visitor = site.arrive()
    writers = [Writer(site.person) for _ in range(WRITERS)]
    lines = (*visitor.lines(), *(Line(0.3, writer.refresh) for writer in writers))
    with Load(Client(site.tenant.url), lines) as load:
        trial = Trial(load)
        until("writes", lambda: sum(len(one.acknowledged) for one in writers) >= LEAST_WRITES, seconds=60)
        all_good(load.answers)
        victim, pod = next(iter(site.pods().items()))
        process = app_process(pod["uid"])
        trial.begins()
        if how == "process killed":
            os.kill(process, signal.SIGKILL)
        else:
            kubectl.run("delete", "pod", victim, "-n", site.tenant.namespace, "--force", "--grace-period=0")
        trial.is_back()
        pause(CALM_SECONDS)
        trial.recovers({"pods": lambda: is_whole(site, victim, pod)})
    acknowledged = [token for writer in writers for token in writer.acknowledged]
    stored = site.stored_tokens([hashlib.sha256(token.encode()).digest() for token in acknowledged])
    judged = Judgement.of(trial, "a pod")
    figure(
        f"one of two pods: {how}",
        acknowledged_writes=len(acknowledged),
        lost_writes=len(acknowledged) - stored,
        unanswered_writes=sum(writer.lost for writer in writers),
        failed_requests=len(judged.unneeded),
        **judged.figures(trial),
    )
    assert stored == len(acknowledged) >= 2 * LEAST_WRITES
    # What was under way in that pod is lost; what comes after goes to the other one.
    under_way = [one for one in judged.unneeded if one.began > trial.began + 1]
    assert not under_way, show(under_way)


def test_a_rolling_restart_costs_no_request(site: Site, kubectl: Kubectl, figure: Callable[..., None]) -> None:
    both_ready(site)
    visitor, before = site.arrive(), site.pods()
    writers = [Writer(site.person) for _ in range(WRITERS // 2)]
    lines = (*visitor.lines(), *(Line(0.3, writer.refresh) for writer in writers))
    deployment = ("deployment/app", "-n", site.tenant.namespace)
    with Load(Client(site.tenant.url), lines) as load:
        trial = Trial(load)
        pause(CALM_SECONDS)
        trial.begins()
        kubectl.run("rollout", "restart", *deployment)
        kubectl.run("rollout", "status", *deployment, f"--timeout={SETTLED_SECONDS}s")
        until("the old pods to be gone", lambda: not before.keys() & names(kubectl, site), seconds=SETTLED_SECONDS)
        trial.is_back()
        trial.recovers({"pods": lambda: len(site.pods()) >= PODS})
    acknowledged = [token for writer in writers for token in writer.acknowledged]
    stored = site.stored_tokens([hashlib.sha256(token.encode()).digest() for token in acknowledged])
    judged = Judgement.of(trial, "a pod")
    figure(
        "rolling restart",
        rollout_seconds=round(trial.back - trial.began, 1),
        acknowledged_writes=len(acknowledged),
        lost_writes=len(acknowledged) - stored,
        **judged.figures(trial),
    )
    # A pod that is about to end says so to whoever asks whether it is ready.
    all_good(one for one in load.answers if one.kind != READINESS)
    assert stored == len(acknowledged)


def both_ready(site: Site) -> None:
    def settled() -> bool:
        found = site.pods()
        return len(found) >= PODS and all(pod["ready"] for pod in found.values())

    until("two ready pods", settled, seconds=SETTLED_SECONDS)


def names(kubectl: Kubectl, site: Site) -> set[str]:
    """Of all pods, those on their way out, too."""
    listed = kubectl.items("pods", "-n", site.tenant.namespace, "-l", "app.kubernetes.io/name=app")
    return {pod["metadata"]["name"] for pod in listed}


def is_whole(site: Site, victim: str, before: Mapping[str, Any]) -> bool:
    """Two ready pods again, with a new process or pod in the victim's place."""
    found = site.pods()
    ready = [pod for pod in found.values() if pod["ready"]]
    return len(ready) >= PODS and found.get(victim) != before


def app_process(pod: str, program: bytes = b"rooftree.main") -> int:
    """The process of `program` in the pod with this uid, as the node sees it."""
    uid, deadline = pod.replace("-", "_"), time.monotonic() + 5
    while time.monotonic() < deadline:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                group, command = (folder / "cgroup").read_text(), (folder / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if (pod in group or uid in group) and program in command:
                return int(folder.name)
    pytest.fail(f"no process of pod {pod} is seen from here")
