"""Every query of every panel, asked of the Prometheus of a live stack: each answers, and each finds something.

A brokerage that is asked now and then has all that a dashboard shows of one: what did not happen is told as 0.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from dashboards.targets import Target, boards, expanded, targets
from dashboards.written import GENERATED

from .conftest import Edge, Kubectl, Tenant, required, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

FOUND = [one for board in boards(GENERATED).values() for one in targets(board)]
RANGE, STEP = 1800, 30  # seconds
# What was just begun is collected twice, and the rules have had their turns.
PATIENCE = 120


def ask(path: str, **parameters: Any) -> Any:
    """Prometheus' answer; the test fails with its words when it refuses."""
    address = f"{required('ROOFTREE_TEST_PROMETHEUS_URL')}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(address, timeout=30) as response:
            return json.load(response)["data"]
    except urllib.error.HTTPError as error:
        pytest.fail(f"{parameters}: {error.read().decode()}")


def numbers(query: str, *, instant: bool) -> list[float]:
    """What the panel would show; what is no number, such as the quantile of nothing, is not shown."""
    now = time.time()
    if instant:
        found = [series["value"] for series in ask("query", query=query, time=now)["result"]]
    else:
        answer = ask("query_range", query=query, start=now - RANGE, end=now, step=STEP)
        found = [value for series in answer["result"] for value in series["values"]]
    return [number for _, text in found if math.isfinite(number := float(text))]


@pytest.fixture(scope="module")
def acme(kubectl: Kubectl, edge: Edge) -> str:
    """Its id. It is ready, and was asked a moment ago."""
    tenant = Tenant.of(kubectl.wait_ready("acme"))
    for path in ("/", "/version", "/api/v1/properties"):
        assert edge.get(tenant.host, path).status_code < 500
    return tenant.id


@pytest.mark.parametrize("one", FOUND, ids=lambda one: one.name)
def test_every_query_of_every_panel_finds_something(one: Target, acme: str, edge: Edge) -> None:
    query = expanded(one.expr, {"tenant": acme, "datasource": "prometheus"})

    def look() -> list[float]:
        edge.get("acme.rooftree.localhost", "/version")
        return numbers(query, instant=one.instant)

    until(f"something is found by {query}", look, seconds=PATIENCE, every=1.0)


def test_a_tenant_can_be_chosen(acme: str) -> None:
    found = ask("label/tenant/values", **{"match[]": "rooftree_operator_brokerage_info"})
    assert acme in found
