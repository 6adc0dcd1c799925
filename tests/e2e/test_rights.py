"""The operator's rights against what it did: every right that it has is used, and it is refused nothing that it needs.

The API server's audit log tells what was done since the stack came up. A life of a tenant of the test's own sees to
everything that such a life can cause; `RARE` lists what it cannot, with the reason.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import (
    GONE_SECONDS,
    OPERATOR,
    PLATFORM,
    READY_SECONDS,
    TOPOLOGY,
    Kubectl,
    fresh_name,
    manifest,
    plan_manifest,
    required,
    until,
)

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(900)]

CHANGED_SECONDS = 30


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, of one name if the rule names it. `role` is what grants it."""

    role: str
    verb: str
    resource: str
    name: str = ""


@dataclass(frozen=True)
class Request:
    """One request of the operator's that the API server decided on."""

    verb: str
    resource: str
    namespace: str
    name: str
    status: int


# Rights that no ordinary run uses, and why they are needed all the same.
RARE = {
    # The audit log leaves Leases out.
    **dict.fromkeys([("own", verb, "leases.coordination.k8s.io") for verb in ("create", "get", "update")], "lease"),
    # A live tenant is brought to another release by a Job; here there is one release only.
    **dict.fromkeys([("tenant", verb, "jobs.batch") for verb in ("create", "get", "patch")], "upgrade"),
    # Else a kept tenant's Secret is written once.
    ("own", "update", "secrets"): "a tenant that came back only halfway is deleted again",
    # An installation that makes no policies any more takes away those that it made.
    ("tenant", "delete", "networkpolicies.networking.k8s.io"): "network.enabled is switched off",
}


@pytest.fixture(scope="module", autouse=True)
def life(kubectl: Kubectl) -> None:
    """A tenant comes, changes its plan, is suspended and resumed, has all modules in one process, and goes;
    it is kept and comes back, is written, and goes for good."""
    plan, name = f"rights-{secrets.token_hex(3)}", fresh_name("rights")
    kubectl.apply(plan_manifest(plan, replicas={"min": 2, "max": 3}))
    kubectl.apply(manifest(name, plan=plan, autoscaling={"mode": "hpa"}))
    namespace = kubectl.wait_ready(name)["status"]["namespace"]
    scaler = ("horizontalpodautoscaler", "app", "-n", namespace)
    limits = kubectl.get(*scaler)["spec"]
    assert (limits["minReplicas"], limits["maxReplicas"]) == (2, 3)
    assert kubectl.get("poddisruptionbudget", "app", "-n", namespace)["spec"]["maxUnavailable"] == 1
    fixed = json.dumps({"spec": {"replicas": {"min": 1, "max": 1}}})
    kubectl.run("patch", "brokerageplan", plan, "--type=merge", "-p", fixed)
    until("the autoscaler is gone", lambda: not kubectl.exists(*scaler), seconds=CHANGED_SECONDS)
    deployment = ("deployment", "app", "-n", namespace)
    until("one pod is wanted", lambda: kubectl.get(*deployment)["spec"]["replicas"] == 1, seconds=CHANGED_SECONDS)
    for suspend, ready in (({"reason": "manual"}, "Suspended"), (None, "Answering")):
        kubectl.run("patch", "brokerage", name, "--type=merge", "-p", json.dumps({"spec": {"suspend": suspend}}))
        until(
            f"Ready tells {ready}",
            lambda: kubectl.conditions(name)["Ready"]["reason"],
            seconds=READY_SECONDS,
            enough=lambda told, ready=ready: told == ready,
        )
    whole = json.dumps({"spec": {"topology": "monolith"}})
    kubectl.run("patch", "brokerage", name, "--type=merge", "-p", whole)
    until("no module has pods of its own", lambda: deployments(kubectl, namespace) == {"app"}, seconds=READY_SECONDS)
    until("nothing is left of modules", lambda: left_of_modules(kubectl, namespace) == set(), seconds=READY_SECONDS)
    tenant = kubectl.get("brokerage", name)["status"]["tenantID"]
    kubectl.run("patch", "brokerage", name, "--type=merge", "-p", json.dumps({"spec": {"deletionPolicy": "Retain"}}))
    kubectl.run("delete", "brokerage", name, f"--timeout={GONE_SECONDS}s")
    kubectl.apply(manifest(name, plan=plan, tenantID=tenant))
    kubectl.wait_ready(name)
    secret = ("secret", f"kept-{tenant}", "-n", PLATFORM)
    until("nothing is kept any more", lambda: not kubectl.exists(*secret), seconds=CHANGED_SECONDS)
    written(kubectl, name)
    kubectl.delete_brokerage(name)
    kubectl.run("delete", "brokerageplan", plan)


def written(kubectl: Kubectl, brokerage: str) -> None:
    """A backup is ordered by the schedule; it goes with the brokerage."""
    for backup in ({"schedule": "* * * * *"}, None):
        kubectl.run("patch", "brokerage", brokerage, "--type=merge", "-p", json.dumps({"spec": {"backup": backup}}))
        if backup:
            what = ("brokerage", brokerage, "-o", "jsonpath={.status.backups.newest}")
            until("a backup is there", lambda what=what: kubectl.run("get", *what).stdout, seconds=READY_SECONDS + 120)
    order = {"apiVersion": "rooftree.dev/v1alpha1", "kind": "BrokerageOperation"}
    spec = {"brokerage": brokerage, "type": "Drill", "ttlSecondsAfterFinished": 1}
    kubectl.apply({**order, "metadata": {"name": f"{brokerage}-tried"}, "spec": spec})
    gone = "the operation has gone when its time was over"
    until(gone, lambda: not kubectl.exists("brokerageoperation", f"{brokerage}-tried"), seconds=READY_SECONDS + 120)


def deployments(kubectl: Kubectl, namespace: str) -> set[str]:
    return {item["metadata"]["name"] for item in kubectl.items("deployments", "-n", namespace)}


def left_of_modules(kubectl: Kubectl, namespace: str) -> set[str]:
    """What only modules with pods of their own have, by name."""
    kinds = ("networkpolicies", "poddisruptionbudgets", "secrets")
    found = {item["metadata"]["name"] for kind in kinds for item in kubectl.items(kind, "-n", namespace)}
    return found & apart(kubectl)


def apart(kubectl: Kubectl) -> set[str]:
    """Names of what a tenant has only if its modules have pods of their own."""
    modules = kubectl.modules()
    return {*modules, "rpc-ca", *(f"rpc-{module}" for module in modules)}


def granted(kubectl: Kubectl) -> set[Right]:
    """Every right that the operator has, name by name."""
    places = {
        "everywhere": ("clusterrole", "rooftree-operator"),
        "tenant": ("clusterrole", "rooftree-tenant-manager"),
        "own": ("role", "rooftree-operator", "-n", PLATFORM),
        "events": ("role", "rooftree-operator-events", "-n", "default"),
    }
    return {
        Right(role, verb, f"{resource}.{group}".rstrip("."), name)
        for role, words in places.items()
        for rule in kubectl.get(*words)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def requests() -> list[Request]:
    """What the operator asked for since the stack came up."""
    folder = Path(required("ROOFTREE_CA_FILE")).parents[1] / "logs"
    files = sorted(folder.glob("audit*.log"))
    if not files:
        pytest.fail(f"there is no audit log in {folder}")
    lines = (line for file in files for line in file.read_text().splitlines() if OPERATOR in line)
    return [found for line in lines if (found := request(json.loads(line))) is not None]


def request(event: dict[str, Any]) -> Request | None:
    """The request of an audit event, if it is one of the operator's on an object."""
    about = event.get("objectRef")
    if event["user"]["username"] != OPERATOR or about is None:
        return None
    kind = "/".join(part for part in (about["resource"], about.get("subresource")) if part)
    resource = f"{kind}.{about.get('apiGroup', '')}".rstrip(".")
    status = event.get("responseStatus", {}).get("code", 0)
    # The audit log says that a namespace lies in itself.
    namespace = "" if kind == "namespaces" else about.get("namespace", "")
    return Request(event["verb"], resource, namespace, about.get("name", ""), status)


def role_of(right: Right, asked: Request) -> bool:
    """Whether the role reaches where the request went."""
    reach = {
        "everywhere": True,
        "tenant": asked.namespace.startswith("tenant-"),
        "own": asked.namespace == PLATFORM,
        "events": asked.namespace == "default",
    }
    return reach[right.role]


def uses(right: Right, asked: Request) -> bool:
    """Whether the request needed the right. A server-side apply that makes an object is a patch that also creates."""
    if right.verb == "bind":
        made = (asked.resource, asked.status) == ("rolebindings.rbac.authorization.k8s.io", 201)
        return made and right.resource == "clusterroles.rbac.authorization.k8s.io"
    verbs = {asked.verb, "create"} if (asked.verb, asked.status) == ("patch", 201) else {asked.verb}
    same = right.verb in verbs and right.resource == asked.resource and role_of(right, asked)
    return same and right.name in ("", asked.name) and asked.status < 400


def test_every_right_of_the_operator_was_used(kubectl: Kubectl) -> None:
    asked = set(requests())
    rights = granted(kubectl)
    assert len(rights) > 40
    unused = [right for right in sorted(rights) if not any(uses(right, request) for request in asked)]
    expected = apart(kubectl) if TOPOLOGY == "monolith" else set()
    rare = [right for right in unused if (right.role, right.verb, right.resource) in RARE or right.name in expected]
    # What a watch tells of is asked for only while that watch is not heard.
    told = {right.resource for right in rights if right.verb == "watch"}
    rare += [right for right in unused if right.verb == "get" and right.resource in told]
    assert [right for right in unused if right not in rare] == []


def test_the_list_of_rare_rights_names_only_what_is_granted(kubectl: Kubectl) -> None:
    known = {(right.role, right.verb, right.resource) for right in granted(kubectl)}
    assert set(RARE) - known == set()


def test_the_operator_is_refused_nothing_outside_of_tenants() -> None:
    """Inside, its rights come and go with the namespace."""
    refused = {found for found in requests() if found.status == 403 and not found.namespace.startswith("tenant-")}
    assert refused == set()


def test_no_right_is_a_wildcard_or_a_way_up(kubectl: Kubectl) -> None:
    rights = granted(kubectl)
    assert {right for right in rights if "*" in (right.verb, right.resource, right.name)} == set()
    assert {right for right in rights if right.verb in ("escalate", "impersonate", "deletecollection")} == set()
    bound = {(right.resource, right.name) for right in rights if right.verb == "bind"}
    assert bound == {("clusterroles.rbac.authorization.k8s.io", "rooftree-tenant-manager")}


def test_secrets_of_tenants_are_reached_by_their_names_only(kubectl: Kubectl) -> None:
    about = [right for right in granted(kubectl) if right.resource == "secrets" and right.verb != "create"]
    assert {right.name for right in about if right.role == "tenant"} - apart(kubectl) == {
        "app",
        "migrator",
        "operation",
    }
    assert {right.role for right in about} == {"tenant", "own"}
    # Feed credentials have names that the Brokerages choose, Secrets of kept tenants bear their ids. Which of them may
    # be changed and deleted, an admission policy says.
    assert {right.verb for right in about if right.role == "own"} == {"get", "update", "delete"}
