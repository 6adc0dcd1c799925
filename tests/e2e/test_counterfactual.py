"""A brokerage's last minutes, as the Prometheus of a live stack knows them, replayed by the page's own process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Edge, Kubectl, Tenant, required, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

PATIENCE = 180  # seconds: a minute has to be measured, and the operator has to be read


@pytest.fixture(scope="module")
def replays() -> Iterator[str]:
    """The page's URL, in the stack's network."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    told = {"HOST": "127.0.0.1", "PORT": str(port), "PROMETHEUS_URL": required("ROOFTREE_TEST_PROMETHEUS_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "rooftree_operator.counterfactual"],
        env={**os.environ, **{f"ROOFTREE_COUNTERFACTUAL_{name}": value for name, value in told.items()}},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def ask(url: str, **parameters: str) -> dict[str, Any]:
    """What it says; nothing while there is nothing to replay, or it is not there yet."""
    query = urllib.parse.urlencode(parameters)
    asked = urllib.request.Request(f"{url}/?{query}", headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 404:
            pytest.fail(refusal.read().decode())
        return {}
    except urllib.error.URLError:
        return {}


def test_the_last_minutes_of_a_brokerage_are_replayed(replays: str, kubectl: Kubectl, edge: Edge) -> None:
    acme = Tenant.of(kubectl.wait_ready("acme"))

    def look() -> dict[str, Any]:
        for _ in range(20):
            assert edge.get(acme.host, "/version").status_code == 200
        return ask(replays, tenant=acme.id, hours="0.25")

    found = until("a replay of requests", look, seconds=PATIENCE, every=1.0, enough=has_requests)
    rows = {row["name"]: row for row in found["policies"]}
    assert {"as it was", "ours", "HPA 50%", "HPA 70%", "HPA 80%", "KEDA 0.7", "Knative 70%", "bound"} <= set(rows)
    was = rows["as it was"]
    assert len({row["requests"] for row in rows.values()}) == 1
    assert was["coreHours"] >= round(found["secondsMeasured"] / 3600, 4)
    app = kubectl.get("deployment", "app", "-n", acme.namespace)
    limits = json.loads(app["metadata"]["annotations"]["rooftree.dev/scaling"])
    assert found["assumed"]["objectiveSeconds"] == limits["objectiveMilliseconds"] / 1000
    assert (found["assumed"]["floor"], found["assumed"]["ceiling"]) == (limits["floor"], limits["ceiling"])
    assert 0 < found["assumed"]["demandSeconds"] < 5
    assert found["until"] == pytest.approx(time.time(), abs=30)


def has_requests(found: dict[str, Any]) -> bool:
    return any(row["name"] == "as it was" and row["requests"] > 0 for row in found.get("policies", []))


def test_of_a_tenant_that_nobody_measured_there_is_nothing_to_replay(replays: str) -> None:
    until("the page", lambda: listens(replays), seconds=30, every=0.1)
    assert ask(replays, tenant="nobody-0a1b2c3d") == {}


def listens(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/livez", timeout=5) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False
