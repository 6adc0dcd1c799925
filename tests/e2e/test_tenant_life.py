"""The life of a tenant on a real cluster: applied, ready, changed, in trouble, healed, deleted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PLAN, Edge, Kubectl, ObjectStore, Tenant, fresh_name, inventory, manifest, until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

CONDITIONS = (
    "Ready",
    "NamespaceReady",
    "NetworkReady",
    "DatabaseReady",
    "TopicsReady",
    "SearchReady",
    "CacheReady",
    "StorageReady",
    "MigrationsApplied",
    "WorkloadReady",
    "RouteReady",
    "VersionApplied",
)
NOTICED_SECONDS = 30
HEALED_SECONDS = 30


def test_a_ready_brokerage_answers_on_its_own_host_with_our_certificate(tenant: Tenant, edge: Edge) -> None:
    answer = edge.get(tenant.host, "/version")
    assert answer.status_code == 200
    assert answer.json() == {"version": tenant.version, "tenant_id": tenant.id}
    assert tenant.url == f"https://{tenant.host}:8443"


def test_every_condition_is_true_and_up_to_date(kubectl: Kubectl, tenant: Tenant) -> None:
    brokerage = kubectl.get("brokerage", tenant.name)
    generation = brokerage["metadata"]["generation"]
    seen = {c["type"]: (c["status"], c["observedGeneration"]) for c in brokerage["status"]["conditions"]}
    assert seen == dict.fromkeys(CONDITIONS, ("True", generation))
    assert brokerage["status"]["observedGeneration"] == generation


def test_a_second_apply_changes_nothing_and_a_diff_is_clean(kubectl: Kubectl, tenant: Tenant) -> None:
    content = json.dumps(manifest(tenant.name))
    assert "unchanged" in kubectl.run("apply", "-f", "-", content=content).stdout
    assert kubectl.run("diff", "-f", "-", content=content, code=0).stdout == ""


def test_days_of_rotation_tell_when_the_next_one_is_due_and_start_no_pod_again(
    kubectl: Kubectl, tenant: Tenant
) -> None:
    def rotation() -> dict[str, Any]:
        return kubectl.get("brokerage", tenant.name)["status"].get("rotation", {})

    def declare(days: int | None) -> None:
        spec = {"rotation": None if days is None else {"everyDays": days}}
        kubectl.run("patch", "brokerage", tenant.name, "--type=merge", "-p", json.dumps({"spec": spec}))

    created = datetime.fromisoformat(kubectl.get("brokerage", tenant.name)["metadata"]["creationTimestamp"])
    template = kubectl.get("deployment", "app", "-n", tenant.namespace)["spec"]["template"]
    declare(30)
    try:
        until("the next rotation has its time", lambda: "dueAt" in rotation(), seconds=NOTICED_SECONDS)
        found = rotation()
        late = datetime.fromisoformat(found["dueAt"]) - created - timedelta(days=30)
        assert timedelta() <= late < timedelta(days=1)
        assert (found["phase"], found["generation"]) == ("Completed", 1)
        assert kubectl.get("deployment", "app", "-n", tenant.namespace)["spec"]["template"] == template
        assert (
            "everyDays"
            in kubectl.run(
                "patch",
                "brokerage",
                tenant.name,
                "--type=merge",
                "-p",
                '{"spec":{"rotation":{"everyDays":366}}}',
                code=1,
            ).stderr
        )
    finally:
        declare(None)
    until("none is due by itself", lambda: "dueAt" not in rotation(), seconds=NOTICED_SECONDS)


def test_the_operator_writes_no_annotation_and_no_spec_on_the_brokerage(kubectl: Kubectl, tenant: Tenant) -> None:
    brokerage = kubectl.get("brokerage", tenant.name, "--show-managed-fields")
    assert set(brokerage["metadata"]["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    ours = [entry for entry in brokerage["metadata"]["managedFields"] if entry["manager"] == "rooftree-operator"]
    assert ours
    touched = {name for entry in ours for name in entry["fieldsV1"]}
    assert touched <= {"f:status", "f:metadata"}


def test_the_columns_tell_what_matters(kubectl: Kubectl, tenant: Tenant) -> None:
    narrow = kubectl.run("get", "bkr", tenant.name).stdout.split("\n")
    assert narrow[0].split() == ["NAME", "PLAN", "PHASE", "READY", "VERSION", "URL", "AGE"]
    assert narrow[1].split()[:6] == [tenant.name, PLAN, "Ready", "True", tenant.version, tenant.url]
    wide = kubectl.run("get", "rooftree", "-o", "wide").stdout
    assert tenant.database in wide
    assert f"The brokerage answers on {tenant.url}." in wide


def test_transitions_are_told_as_events(kubectl: Kubectl, tenant: Tenant) -> None:
    uid = kubectl.get("brokerage", tenant.name)["metadata"]["uid"]

    def untold() -> set[str]:
        events = kubectl.items("events.events.k8s.io", "-n", "default")
        ours = [event for event in events if event.get("regarding", {}).get("uid") == uid]
        together = " ".join(event["note"] for event in ours if event["reason"] == "PartsReady")
        reasons = {event["reason"] for event in ours}
        parts = {one for one in CONDITIONS if f"{one}: " in together} - {"Ready"}
        return {*CONDITIONS, "Ready"} - reasons - parts

    # Events follow the status.
    until("all transitions are told", untold, enough=lambda left: not left, seconds=NOTICED_SECONDS)


@pytest.mark.parametrize("host", ["nobody.rooftree.localhost", "elsewhere.example"])
def test_an_unknown_host_gets_the_page_that_says_so(edge: Edge, host: str, plans: None) -> None:
    answer = edge.get(host, "/some/path")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "No brokerage here" in answer.text
    assert host in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_two_tenants_answer_each_for_itself(brokerages: Callable[..., Tenant], tenant: Tenant, edge: Edge) -> None:
    other = brokerages()
    assert edge.get(other.host, "/version").json()["tenant_id"] == other.id
    assert edge.get(tenant.host, "/version").json()["tenant_id"] == tenant.id


FEED = {"name": "a", "url": "http://x.example", "tokenURL": "http://x.example/t", "credentialsSecretRef": {"name": "s"}}


@pytest.mark.parametrize(
    ("name", "spec", "field", "rule"),
    [
        ("two--hyphens", {}, "metadata.name", "must not contain two hyphens in a row"),
        ("admin", {}, "metadata.name", "is a reserved word"),
        ("1st", {}, "metadata.name", "must match ^[a-z][a-z0-9-]{1,28}[a-z0-9]$"),
        ("rules", {"currency": "dollars"}, "spec.currency", "should match '^[A-Z]{3}$'"),
        ("rules", {"owner": {"email": "nobody"}}, "spec.owner.email", "should match"),
        ("rules", {"plan": "Big Plan"}, "spec.plan", "should match"),
        (
            "rules",
            {"mls": [{**FEED, "url": "ftp://x.example"}]},
            "spec.mls[0].url",
            "must be an absolute http or https URL",
        ),
        ("rules", {"mls": [FEED, FEED]}, "spec.mls[1]", "Duplicate value"),
        ("rules", {"tenantID": "other-00000000"}, "spec.tenantID", "must be metadata.name, a hyphen and 8 hexadecimal"),
        ("rules", {"surprise": 1}, "spec.surprise", "unknown field"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_a_brokerage_that_breaks_a_rule_is_refused_with_field_and_rule(
    kubectl: Kubectl, name: str, spec: dict[str, Any], field: str, rule: str
) -> None:
    content = json.dumps(manifest(name, **spec))
    refused = kubectl.run("apply", "--dry-run=server", "-f", "-", content=content, code=1).stderr
    assert field in refused
    assert rule in refused


def test_the_tenant_id_cannot_be_set_later(kubectl: Kubectl, tenant: Tenant) -> None:
    patch = json.dumps({"spec": {"tenantID": tenant.id}})
    refused = kubectl.run("patch", "brokerage", tenant.name, "--type=merge", "-p", patch, code=1).stderr
    assert "spec.tenantID is immutable" in refused


def test_a_plan_that_does_not_exist_is_said_and_who_must_act(kubectl: Kubectl, plans: None) -> None:
    name = fresh_name()
    kubectl.apply(manifest(name, plan="nowhere"))
    try:
        ready = until(
            "Ready says PlanUnknown",
            lambda: (
                kubectl.conditions(name).get("Ready", {}).get("reason") == "PlanUnknown" and kubectl.conditions(name)
            ),
            seconds=NOTICED_SECONDS,
        )["Ready"]
        assert "there is no BrokeragePlan 'nowhere': set spec.plan to one that exists" in ready["message"]
    finally:
        kubectl.delete_brokerage(name)


def test_what_somebody_removed_comes_back(brokerages: Callable[..., Tenant], kubectl: Kubectl, edge: Edge) -> None:
    # One of its own: while it heals its conditions are not those of a brokerage at rest.
    robbed = brokerages()
    kubectl.run("delete", "httproute", "app", "-n", robbed.namespace)
    until("the route is back", lambda: kubectl.exists("httproute", "app", "-n", robbed.namespace), seconds=15)
    until("it answers again", lambda: edge.get(robbed.host, "/version").status_code == 200, seconds=HEALED_SECONDS)
    kubectl.wait_ready(robbed.name)


def test_deleting_leaves_nothing_but_the_tombstone(
    brokerages: Callable[..., Tenant], kubectl: Kubectl, edge: Edge
) -> None:
    gone = brokerages()
    assert ObjectStore.tenant(kubectl, gone).ask("PUT", f"/{gone.id}/photos/1", b"a picture").is_success
    before = inventory(gone.name)
    assert {item["system"] for item in before["items"]} == {*before["looked_at"]}
    kubectl.delete_brokerage(gone.name)
    left = inventory(gone.id)
    assert left["items"] == []
    assert [(stone["id"], stone["state"]) for stone in left["tombstones"]] == [(gone.id, "deleted")]
    until("the edge forgets the host", lambda: edge.get(gone.host).status_code == 404, seconds=10)
