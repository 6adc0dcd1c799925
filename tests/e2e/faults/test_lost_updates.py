"""The last spec wins on a real API server: edits in bursts, an operator that hangs meanwhile, history that is gone."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from ..conftest import READY_SECONDS, Kubectl, Tenant, fresh_name, manifest, plan_manifest, until
from . import etcd
from .conftest import FAULT_SECONDS, WHOLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..components import Components

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800, func_only=True), pytest.mark.usefixtures("no_fault_stays")]
IS_WHOLE = FAULT_SECONDS >= WHOLE_SECONDS
BURSTS = 20 if IS_WHOLE else 2
EDITS = (5, 9)
PLATFORM = "rooftree-system"
PLAN = "lost-updates"
# Of a suspended brokerage no pod has to be started for each edit; all else of it is made as of any other.
RESTING: dict[str, Any] = {"suspend": {"reason": "manual"}, "plan": PLAN}
CONVERGED_SECONDS = 30
AFTER_A_DEAD_WATCH_SECONDS = 90
# Shorter than the Lease lasts, and longer: then the operator ends itself, and its successor begins with a list.
HANGS = (5.0, 20.0) if IS_WHOLE else (5.0,)
SEED = 20261129


@pytest.fixture(scope="module")
def resting(kubectl: Kubectl) -> Iterator[Tenant]:
    name = fresh_name("burst")
    kubectl.apply(plan_manifest(PLAN))
    kubectl.apply(manifest(name, **RESTING))
    try:
        found = until(f"{name} to be suspended", lambda: _suspended(kubectl, name), seconds=READY_SECONDS)
        id_, namespace, database = (found["status"][key] for key in ("tenantID", "namespace", "database"))
        yield Tenant(name, id_, namespace, database, url="", version="")
    finally:
        kubectl.delete_brokerage(name, code=None)
        kubectl.run("delete", "brokerageplan", PLAN, code=None)


def _suspended(kubectl: Kubectl, name: str) -> dict[str, Any] | None:
    """Once its page is shown: the phase says so from the start, while all the rest is still being made."""
    found = kubectl.get("brokerage", name)
    shown = [one["type"] for one in found.get("status", {}).get("conditions", []) if one["status"] == "True"]
    return found if "Suspended" in shown else None


def burst(kubectl: Kubectl, tenant: Tenant, dice: random.Random) -> str:
    """Several edits within one pass of the operator; returns what the last one says."""
    message = ""
    for number in range(dice.randint(*EDITS)):
        message = f"edit {number} of {dice.getrandbits(32):08x}"
        spec = {"suspend": {"reason": dice.choice(["manual", "billing"]), "message": message}}
        kubectl.run("patch", "brokerage", tenant.name, "--type=merge", "-p", json.dumps({"spec": spec}))
    return message


def is_so(kubectl: Kubectl, tenant: Tenant, message: str) -> bool:
    """Whether the address shows this message, the status is of the present spec, and the operator says it is done."""
    brokerage = kubectl.get("brokerage", tenant.name)
    route = json.dumps(kubectl.get("httproute", "app", "-n", tenant.namespace)["spec"])
    told = brokerage["status"].get("observedGeneration") == brokerage["metadata"]["generation"]
    # As the route carries it to the page.
    return told and quote(message, safe="") in route


def converges(kubectl: Kubectl, tenant: Tenant, message: str, seconds: float) -> float:
    began = time.monotonic()
    until(f"the page says {message!r}", lambda: is_so(kubectl, tenant, message), seconds=seconds)
    return time.monotonic() - began


def test_the_last_of_a_burst_of_edits_wins(kubectl: Kubectl, resting: Tenant, figure: Callable[..., None]) -> None:
    dice = random.Random(SEED)
    took = [converges(kubectl, resting, burst(kubectl, resting, dice), CONVERGED_SECONDS) for _ in range(BURSTS)]
    figure("edits in bursts", lost=0, bursts=len(took), slowest_seconds=round(max(took), 2), seed=SEED)


@pytest.mark.parametrize("seconds", HANGS)
def test_edits_while_the_operator_hangs_and_whose_history_is_gone_are_not_lost(
    kubectl: Kubectl, components: Components, resting: Tenant, figure: Callable[..., None], seconds: float
) -> None:
    dice = random.Random(SEED)
    process = operator_process(kubectl)
    os.kill(process, signal.SIGSTOP)
    try:
        end = time.monotonic() + seconds
        message = burst(kubectl, resting, dice)
        revision = etcd.compact()
        # What its watch had not read is lost with the connection, and the version that it goes on from with history.
        components.kill("apiserver")
        components.start("apiserver")
        until("the time to pass", lambda: time.monotonic() > end, seconds=seconds + 5)
    finally:
        if Path(f"/proc/{process}").exists():
            os.kill(process, signal.SIGCONT)
    took = converges(kubectl, resting, message, AFTER_A_DEAD_WATCH_SECONDS)
    figure("operator hangs, history is gone", lost=0, hang_seconds=seconds, compacted=revision, seconds=round(took, 2))


def operator_process(kubectl: Kubectl) -> int:
    """The one that acts, as the node sees it."""
    holder = kubectl.get("lease", "rooftree-operator", "-n", PLATFORM)["spec"]["holderIdentity"]
    uid = kubectl.get("pod", holder, "-n", PLATFORM)["metadata"]["uid"]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group, command = (folder / "cgroup").read_text(), (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if (uid in group or uid.replace("-", "_") in group) and b"rooftree_operator" in command:
            return int(folder.name)
    pytest.fail(f"no process of pod {holder} is seen from here")
