"""`kubectl brokerage` as people have it: the real plugin, by the stack's own kubectl, against a real tenant."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import GONE_SECONDS, PLAN, TOPOLOGY, Kubectl, Tenant, fresh_name, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NOTICED_SECONDS = 30
# Starting Python and kubectl, one request, and a machine on which other tests run.
LIST_SECONDS = 3
VERBS = {"list", "status", "why", "tree", "events", "top", "diff", "plan", "logs", "open", "suspend", "resume"}


@pytest.fixture(scope="module")
def lost(kubectl: Kubectl, plans: None) -> Iterator[str]:
    """A brokerage whose plan does not exist, of which the operator has said so."""
    name = fresh_name("lost")
    kubectl.apply(manifest(name, plan="nowhere"))
    until("it is seen", lambda: kubectl.conditions(name).get("Ready"), seconds=NOTICED_SECONDS)
    yield name
    kubectl.run("delete", "brokerage", name, f"--timeout={GONE_SECONDS}s")


def test_the_list_comes_at_once_and_tells_who_acts(kubectl: Kubectl, tenant: Tenant, lost: str) -> None:
    def seconds() -> float:
        begun = time.monotonic()
        kubectl.run("brokerage", "list")
        return time.monotonic() - begun

    # What else the machine does only makes it slower.
    assert min(seconds() for _ in range(3)) < LIST_SECONDS
    lines = kubectl.run("brokerage", "list").stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    assert rows[tenant.name][1:6] == [PLAN, "Ready", "-", "-", tenant.version]
    assert rows[lost][1:5] == ["nowhere", "Pending", "PlanUnknown", "Reseller"]


def test_the_status_as_json_is_the_resources_own(kubectl: Kubectl, tenant: Tenant) -> None:
    told = json.loads(kubectl.run("brokerage", "status", tenant.name, "-o", "json").stdout)
    status = kubectl.get("brokerage", tenant.name)["status"]
    assert (told["name"], told["ready"], told["tenantID"]) == (tenant.name, True, tenant.id)
    assert told["conditions"] == status["conditions"]
    assert (told["operation"]["type"], told["operation"]["state"]) == ("Create", "Succeeded")
    assert "errors" not in status


def test_why_of_a_ready_brokerage_says_since_when(kubectl: Kubectl, tenant: Tenant) -> None:
    assert kubectl.run("brokerage", "why", tenant.name).stdout.startswith(f"{tenant.name} is ready for ")


def test_why_of_an_unknown_plan_ends_in_the_next_command(kubectl: Kubectl, lost: str) -> None:
    told = kubectl.run("brokerage", "why", lost, code=1).stdout
    assert "Ready is False: PlanUnknown" in told
    assert "looked for BrokeragePlan 'nowhere'" in told
    assert PLAN in told
    assert "who acts    Reseller (whoever applied it); not retried until something changes" in told
    assert f"next        kubectl get brokerageplans && kubectl edit brokerage {lost}" in told
    assert max(map(len, told.splitlines())) <= 80


def test_the_tree_has_all_that_belongs_to_it(kubectl: Kubectl, tenant: Tenant) -> None:
    told = kubectl.run("brokerage", "tree", tenant.name).stdout
    pods = kubectl.items("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name=app")
    for part in (tenant.namespace, "HTTPRoute app", "Deployment app", "NetworkPolicy app", tenant.database):
        assert part in told
    assert all(f"Pod {pod['metadata']['name']}" in told for pod in pods)


def test_events_and_logs_are_its_own(kubectl: Kubectl, tenant: Tenant) -> None:
    assert (
        f"The brokerage answers on {tenant.url}."
        in kubectl.run("brokerage", "events", tenant.name, "-o", "wide").stdout
    )
    pods = {pod["metadata"]["name"] for pod in kubectl.items("pods", "-n", tenant.namespace)}
    lines = kubectl.run("brokerage", "logs", tenant.name, "--tail", "1").stdout.splitlines()
    assert any(line.startswith("[pod/app-") for line in lines), lines
    assert {line.split("/")[1] for line in lines} <= pods


def test_open_prints_the_address_and_the_owners_link(kubectl: Kubectl, tenant: Tenant) -> None:
    assert kubectl.run("brokerage", "open", tenant.name).stdout == f"{tenant.url}\n"
    assert kubectl.run("brokerage", "open", tenant.name, "--link").stdout.startswith(f"{tenant.url}/invite/")


def test_a_tenant_at_rest_differs_in_nothing(kubectl: Kubectl, tenant: Tenant) -> None:
    told = kubectl.run("brokerage", "diff", tenant.name, code=None)
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, f"{tenant.name}: nothing differs in Kubernetes"), told


def plan_file(kubectl: Kubectl, folder: Path, **spec: Any) -> str:
    """The plan under test with other limits, as a file."""
    found = kubectl.get("brokerageplan", PLAN)
    wanted = {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": {"name": PLAN},
        "spec": {**found["spec"], **spec},
    }
    file = folder / "plan.json"
    file.write_text(json.dumps(wanted))
    return str(file)


def test_a_plan_says_what_an_apply_would_do_and_does_nothing(kubectl: Kubectl, tenant: Tenant, tmp_path: Path) -> None:
    before = kubectl.get("brokerageplan", PLAN)
    size = before["spec"]["resources"]
    larger = {**size, "limits": {**size["limits"], "memory": "777Mi"}}
    connections = before["spec"]["database"]["connections"]
    file = plan_file(kubectl, tmp_path, resources=larger, database={"connections": connections + 4})
    told = kubectl.run("brokerage", "plan", "-f", file).stdout
    ours = told.split(f"Brokerage {tenant.name}: ")[1].split("\nBrokerage ")[0]
    assert ours.startswith("changed, its pods are replaced one after the other")
    assert f"plan.resources.limits.memory: {size['limits']['memory']} → 777Mi   pods roll" in ours
    assert "Deployment app: changed" in ours
    assert f"PostgreSQL: ensure role {tenant.id}.app: connection_limit {connections} → {connections + 4}" in ours
    assert kubectl.get("brokerageplan", PLAN)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_a_new_brokerage_is_planned_and_not_made(kubectl: Kubectl, tenant: Tenant, tmp_path: Path) -> None:
    name = fresh_name("new")
    file = tmp_path / "new.json"
    file.write_text(json.dumps(manifest(name)))
    told = kubectl.run("brokerage", "plan", "-f", str(file)).stdout
    assert told.startswith(f"Brokerage {name}: created")
    assert "Deployment app: made" in told
    assert not kubectl.exists("brokerage", name)


def test_top_tells_cpu_and_memory_once_they_are_measured(kubectl: Kubectl, tenant: Tenant) -> None:
    def measured() -> list[dict[str, Any]]:
        told = json.loads(kubectl.run("brokerage", "top", tenant.name, "-o", "json", code=None).stdout)
        return [pod for pod in told[0]["pods"] if pod["memoryBytes"]]

    assert until("pods are measured", measured, seconds=120)[0]["limits"]["memory"]


def test_tab_proposes_verbs_and_brokerages(kubectl: Kubectl, tenant: Tenant) -> None:
    assert set(kubectl.run("__complete", "brokerage", "").stdout.splitlines()) >= VERBS
    assert tenant.name in kubectl.run("__complete", "brokerage", "why", "").stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("why", "nobody-here"), 1, "error: there is no brokerage 'nobody-here'"),
        (("wat",), 2, "invalid choice: 'wat'"),
        (("list", "--context=nowhere"), 1, 'error: context "nowhere" does not exist'),
    ],
    ids=["absent", "misused", "context"],
)
def test_an_error_is_one_line_with_a_code(kubectl: Kubectl, words: tuple[str, ...], code: int, said: str) -> None:
    done = kubectl.run("brokerage", *words, code=code)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert said in done.stderr


def test_an_apply_is_answered_with_what_the_plan_costs(kubectl: Kubectl, tenant: Tenant) -> None:
    plan = kubectl.get("brokerageplan", PLAN)["spec"]
    price = plan["price"]["amount"]
    memory, of = plan["resources"]["requests"]["memory"], " of each module" if TOPOLOGY == "microservices" else ""
    expected = f"plan {PLAN}: memory {memory} a pod awake ("
    content = json.dumps(manifest(fresh_name(), plan=PLAN))
    warned = until(
        "an apply warns of the cost",
        lambda: kubectl.run("apply", "--dry-run=server", "-f", "-", content=content).stderr,
        seconds=NOTICED_SECONDS,
        enough=lambda text: expected in text,
    )
    assert f"pods{of}), 0 asleep; {price // 100}.{price % 100:02} USD a month" in warned
    assert warned.count("a month") == 1
    # What changes nothing about the cost is no reason to tell it again.
    again = kubectl.run("apply", "--dry-run=server", "-f", "-", content=json.dumps(manifest(tenant.name))).stderr
    assert "a month" not in again
