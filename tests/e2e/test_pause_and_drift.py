"""What others change is set back and named, in Kubernetes at once, in backends within a minute; pauses hold and say so.

Nothing here asks the operator to look: it finds out by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rooftree_operator.adapters.kafka import Grant, Kafka, Server

from .conftest import (
    GONE_SECONDS,
    TOPOLOGY,
    Edge,
    Kubectl,
    Tenant,
    awaited,
    fresh_name,
    inventory,
    manifest,
    plan_manifest,
    required,
    until,
)
from .test_backends import delete_in_search, lose_the_cache_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]

# The operator acts within a second or two; the rest is for a machine that is busy otherwise.
AT_ONCE_SECONDS = 20
WITHIN_SECONDS = 60
NOTICED_SECONDS = 30
LEVELS = [
    pytest.param({"pause": "Changes"}, id="changes", marks=pytest.mark.thorough),
    pytest.param({"pause": "Everything"}, id="everything"),
    pytest.param({"managementPolicy": "Observe"}, id="observe", marks=pytest.mark.thorough),
]


@pytest.fixture(scope="module")
def changed(brokerages: Callable[..., Tenant]) -> Tenant:
    """A brokerage that these tests change by hand. It has an autoscaler, as others would not."""
    return brokerages(autoscaling={"mode": "hpa"})


def notes(kubectl: Kubectl, tenant: Tenant, reason: str = "DriftRepaired") -> list[str]:
    """What events of this reason say of the brokerage, in their order."""
    uid = kubectl.get("brokerage", tenant.name)["metadata"]["uid"]
    found = kubectl.items("events.events.k8s.io", "-n", "default")
    about = [event for event in found if event.get("regarding", {}).get("uid") == uid]
    ordered = sorted(about, key=lambda event: event["eventTime"])
    return [event["note"] for event in ordered if event["reason"] == reason]


def settle(kubectl: Kubectl, tenant: Tenant) -> None:
    """Waits until nothing is under way any more: else a change of ours would be one among others."""

    def settled() -> bool:
        status = kubectl.get("brokerage", tenant.name)["status"]
        return status["phase"] == "Ready" and "applied" in status

    until("the brokerage is at rest", settled, seconds=120)


def patch(kubectl: Kubectl, tenant: Tenant, **spec: Any) -> None:
    kubectl.run("patch", "brokerage", tenant.name, "--type=merge", "-p", json.dumps({"spec": spec}))


# Kind, name, a change of it as a merge patch, and the field that the event names; None: it is only deleted.
CHILDREN: tuple[tuple[str, str, dict[str, Any] | None, str], ...] = (
    ("Deployment", "app", {"spec": {"minReadySeconds": 1, "progressDeadlineSeconds": 77}}, ".spec.progressDeadlineSec"),
    ("Service", "app", {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}}, ".spec.selector"),
    ("HTTPRoute", "app", {"spec": {"hostnames": ["elsewhere.example"]}}, ".spec.hostnames"),
    ("NetworkPolicy", "default", {"spec": {"policyTypes": ["Ingress"]}}, ".spec.policyTypes"),
    ("ResourceQuota", "tenant", {"spec": {"hard": {"pods": "99"}}}, ".spec.hard.pods"),
    ("LimitRange", "tenant", {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "9"}}]}}, ".spec.limits"),
    ("HorizontalPodAutoscaler", "app", {"spec": {"maxReplicas": 19}}, ".spec.maxReplicas"),
    ("PodDisruptionBudget", "app", {"spec": {"maxUnavailable": 2}}, ".spec.maxUnavailable"),
    (
        "RoleBinding",
        "rooftree-operator",
        {"metadata": {"labels": {"rooftree.dev/tenant": "other"}}},
        ".metadata.labels",
    ),
)
SAMPLE = (("Deployment", "app"), ("Service", "app"))
UNWATCHED = (("ConfigMap", "backends-ca"), ("Secret", "app"), ("Secret", "migrator"))


def sampled(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Those of a few kinds each time, the others in `make full`."""
    return [pytest.param(*row, id=row[0], marks=() if row[:2] in SAMPLE else pytest.mark.thorough) for row in rows]


@pytest.mark.parametrize(("kind", "name", "change", "field"), sampled(CHILDREN))
def test_a_child_that_was_changed_by_hand_is_set_back_at_once_and_named(
    kubectl: Kubectl, changed: Tenant, kind: str, name: str, change: dict[str, Any], field: str
) -> None:
    settle(kubectl, changed)
    where = (kind, name, "-n", changed.namespace)
    before, told = kubectl.get(*where).get("spec"), len(notes(kubectl, changed))
    by = ("--type=merge", "--field-manager=somebody", "-p", json.dumps(change))
    kubectl.run("patch", *where, *by)
    new = until(
        f"an event about {kind} {name}",
        lambda: [note for note in notes(kubectl, changed)[told:] if f"{kind} {name}: {field}" in note],
        seconds=AT_ONCE_SECONDS,
    )
    assert "somebody" in new[0]
    if kind != "Deployment":  # what nobody declares, such as minReadySeconds, stays
        until(f"{kind} as before", lambda: kubectl.get(*where).get("spec") == before, seconds=AT_ONCE_SECONDS)


@pytest.mark.parametrize(("kind", "name"), sampled([*(row[:2] for row in CHILDREN), *UNWATCHED]))
def test_a_child_that_was_deleted_is_there_again_and_named(
    kubectl: Kubectl, changed: Tenant, kind: str, name: str
) -> None:
    settle(kubectl, changed)
    seconds = WITHIN_SECONDS if (kind, name) in UNWATCHED else AT_ONCE_SECONDS
    told = len(notes(kubectl, changed))
    kubectl.run("delete", kind, name, "-n", changed.namespace, "--wait=false")
    until(
        f"an event about {kind} {name}",
        lambda: [note for note in notes(kubectl, changed)[told:] if f"{kind} {name}: missing" in note],
        seconds=seconds,
    )
    assert kubectl.exists(kind, name, "-n", changed.namespace)
    kubectl.wait_ready(changed.name)


def raise_the_limit(tenant: Tenant) -> None:
    with psycopg.connect(required("ROOFTREE_TEST_POSTGRES"), autocommit=True) as superuser:
        role = sql.Identifier(f"{tenant.id}.app")
        superuser.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 499").format(role))


def revoke_a_grant(tenant: Tenant) -> None:
    dsn = make_conninfo(required("ROOFTREE_TEST_POSTGRES"), dbname=tenant.database)
    with psycopg.connect(dsn, autocommit=True) as superuser:
        role = sql.Identifier(f"{tenant.id}.app")
        superuser.execute(sql.SQL("REVOKE USAGE ON SCHEMA identity FROM {}").format(role))


def delete_an_acl(tenant: Tenant) -> None:
    server = Server(
        bootstrap=required("ROOFTREE_TEST_KAFKA_BOOTSTRAP"),
        user=required("ROOFTREE_TEST_KAFKA_USER"),
        password=required("ROOFTREE_TEST_KAFKA_PASSWORD"),
        ca_file=required("ROOFTREE_CA_FILE"),
    )
    kafka = Kafka(server)
    try:
        awaited(kafka.disallow(f"{tenant.id}.app", [Grant("topic", f"{tenant.id}.", "prefixed", "write")]))
    finally:
        kafka.close()


def delete_the_template(tenant: Tenant) -> None:
    assert delete_in_search(f"_index_template/{tenant.id}").is_success


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        pytest.param(raise_the_limit, "Role {id}.app: connection limit", marks=pytest.mark.thorough),
        pytest.param(revoke_a_grant, "Database {id}: rights of {id}.app in identity", marks=pytest.mark.thorough),
        pytest.param(delete_an_acl, "User {id}.app in Kafka: lacks write on topic {id}.", marks=pytest.mark.thorough),
        pytest.param(delete_the_template, "Index template {id} in Elasticsearch: missing", marks=pytest.mark.thorough),
        pytest.param(lose_the_cache_user, "User {id}.app in Redis: missing", marks=pytest.mark.thorough),
    ],
)
def test_what_a_backend_lost_is_back_within_a_minute_and_named(
    kubectl: Kubectl, changed: Tenant, lose: Callable[[Tenant], None], words: str
) -> None:
    settle(kubectl, changed)
    told, wanted = len(notes(kubectl, changed)), words.format(id=changed.id)
    lose(changed)
    until(
        f"an event says {wanted!r}",
        lambda: [note for note in notes(kubectl, changed)[told:] if wanted in note],
        seconds=WITHIN_SECONDS,
    )
    kubectl.wait_ready(changed.name)


@pytest.mark.thorough
def test_nothing_of_an_ordinary_life_is_told_as_drift(kubectl: Kubectl, brokerages: Callable[..., Tenant]) -> None:
    quiet = brokerages()
    patch(kubectl, quiet, displayName="Another name")
    settle(kubectl, quiet)
    kubectl.run("rollout", "restart", "deployment/rooftree-operator", "-n", "rooftree-system")
    kubectl.run("rollout", "status", "deployment/rooftree-operator", "-n", "rooftree-system", "--timeout=90s")
    patch(kubectl, quiet, timeZone="America/Denver")
    until(
        "the operator that came after",
        lambda: (
            (found := kubectl.get("brokerage", quiet.name))["status"]["observedGeneration"]
            == found["metadata"]["generation"]
        ),
        seconds=90,
    )
    settle(kubectl, quiet)
    assert notes(kubectl, quiet) == []


@pytest.fixture
def resting(kubectl: Kubectl, brokerages: Callable[..., Tenant]) -> Iterator[Tenant]:
    """A brokerage that a test pauses; it goes on afterwards, or could not be deleted. Then it makes room."""
    made = brokerages()
    settle(kubectl, made)
    yield made
    if kubectl.exists("brokerage", made.name):
        patch(kubectl, made, pause=None, managementPolicy="Manage")
        kubectl.delete_brokerage(made.name)


def environment(kubectl: Kubectl, tenant: Tenant) -> str:
    found = kubectl.get("deployment", "app", "-n", tenant.namespace)
    return json.dumps(found["spec"]["template"]["spec"]["containers"][0]["env"])


@pytest.mark.parametrize("level", LEVELS)
def test_a_pause_is_seen_holds_what_is_declared_and_lets_it_go_when_it_ends(
    kubectl: Kubectl, resting: Tenant, edge: Edge, level: dict[str, str]
) -> None:
    (word,) = level.values()
    condition = "Observed" if word == "Observe" else "Paused"
    before = environment(kubectl, resting)
    patch(kubectl, resting, **level, displayName="While it rests")

    def seen() -> tuple[str, str]:
        found = kubectl.conditions(resting.name).get(condition, {})
        return found.get("status", ""), found.get("reason", "")

    until(f"{condition} says so", seen, enough=lambda it: it == ("True", word), seconds=NOTICED_SECONDS)
    if word != "Everything":
        held = until(
            "the condition says what is held",
            lambda: kubectl.conditions(resting.name),
            enough=lambda it: it["WorkloadReady"]["reason"] == it["Ready"]["reason"] == "ChangesHeld",
            seconds=NOTICED_SECONDS,
        )
        assert "Deployment app: .spec.template.spec.containers[0].env" in held["WorkloadReady"]["message"]
    # Somebody's change of what would be rolled out is left alone, too: that is what a pause is for.
    kubectl.run("patch", "pdb", "app", "-n", resting.namespace, "--type=merge", "-p", '{"spec":{"maxUnavailable":2}}')
    assert environment(kubectl, resting) == before
    assert edge.get(resting.host, "/version").json()["tenant_id"] == resting.id
    assert kubectl.get("pdb", "app", "-n", resting.namespace)["spec"]["maxUnavailable"] == 2
    patch(kubectl, resting, pause=None, managementPolicy="Manage")
    until("the change is there", lambda: "While it rests" in environment(kubectl, resting), seconds=NOTICED_SECONDS)
    kubectl.wait_ready(resting.name)
    until("the condition is gone", lambda: condition not in kubectl.conditions(resting.name), seconds=NOTICED_SECONDS)
    for reason in (condition, "HoldEnded"):  # events follow the status
        until(f"{reason} is told", lambda reason=reason: notes(kubectl, resting, reason), seconds=NOTICED_SECONDS)
        assert len(notes(kubectl, resting, reason)) == 1


@pytest.mark.thorough
def test_logins_are_kept_up_while_changes_are_paused_and_not_while_it_is_observed(
    kubectl: Kubectl, resting: Tenant
) -> None:
    def users() -> list[dict[str, Any]]:
        return [item for item in inventory(resting.id)["items"] if item["system"] == "redis" and item["kind"] == "user"]

    there = users()
    assert there
    patch(kubectl, resting, pause="Changes")
    until("it is paused", lambda: "Paused" in kubectl.conditions(resting.name), seconds=NOTICED_SECONDS)
    lose_the_cache_user(resting)
    until("the user is back", users, enough=lambda it: it == there, seconds=WITHIN_SECONDS)
    patch(kubectl, resting, pause=None, managementPolicy="Observe")
    until("it is observed", lambda: "Observed" in kubectl.conditions(resting.name), seconds=NOTICED_SECONDS)
    lose_the_cache_user(resting)
    cache = until(
        "the condition names it",
        lambda: kubectl.conditions(resting.name)["CacheReady"],
        enough=lambda it: it["reason"] == "ChangesHeld",
        seconds=WITHIN_SECONDS,
    )
    assert f"User {resting.id}.app in Redis: missing" in cache["message"]
    assert users() == []
    patch(kubectl, resting, managementPolicy="Manage")
    until("the user is back", users, enough=lambda it: it == there, seconds=NOTICED_SECONDS)
    kubectl.wait_ready(resting.name)


def test_a_deletion_waits_while_everything_is_paused_and_says_so(kubectl: Kubectl, resting: Tenant, edge: Edge) -> None:
    patch(kubectl, resting, pause="Everything")
    kubectl.delete_brokerage(resting.name, wait=False)
    ready = until(
        "Ready says that the deletion is held",
        lambda: kubectl.conditions(resting.name)["Ready"],
        enough=lambda it: it["reason"] == "DeletionHeld",
        seconds=NOTICED_SECONDS,
    )
    assert "spec.pause is Everything" in ready["message"]
    assert edge.get(resting.host, "/version").json()["tenant_id"] == resting.id
    patch(kubectl, resting, pause=None)
    kubectl.run("wait", f"brokerage/{resting.name}", "--for=delete", f"--timeout={GONE_SECONDS}s")
    assert inventory(resting.id)["items"] == []


@pytest.mark.thorough
def test_an_observed_brokerage_that_is_deleted_runs_on_and_is_taken_over_by_its_id(
    kubectl: Kubectl, resting: Tenant, edge: Edge
) -> None:
    patch(kubectl, resting, managementPolicy="Observe")
    until("it is observed", lambda: "Observed" in kubectl.conditions(resting.name), seconds=NOTICED_SECONDS)
    before = {item["system"] for item in inventory(resting.id)["items"]}
    kubectl.delete_brokerage(resting.name)
    assert {item["system"] for item in inventory(resting.id)["items"]} >= before - {"kubernetes"}
    assert edge.get(resting.host, "/version").json()["tenant_id"] == resting.id
    kubectl.apply(manifest(resting.name, tenantID=resting.id))
    taken = Tenant.of(kubectl.wait_ready(resting.name))
    assert (taken.id, taken.namespace, taken.database) == (resting.id, resting.namespace, resting.database)


def test_a_new_observed_brokerage_is_only_an_object(kubectl: Kubectl, plans: None) -> None:
    name = fresh_name("watched")
    kubectl.apply(manifest(name, managementPolicy="Observe"))
    until("it says so", lambda: "Observed" in kubectl.conditions(name), seconds=NOTICED_SECONDS)
    found = kubectl.get("brokerage", name)
    assert "finalizers" not in found["metadata"]
    assert "tenantID" not in found["status"]
    assert {item["kind"] for item in inventory(name)["items"]} == {"Brokerage.rooftree.dev"}
    kubectl.run("delete", "brokerage", name, f"--timeout={NOTICED_SECONDS}s")


@pytest.mark.skipif(TOPOLOGY != "monolith", reason="figures are those of one kind of pods")
def test_a_smaller_plan_that_the_brokerage_does_not_fit_into_is_refused_with_figures(
    kubectl: Kubectl, brokerages: Callable[..., Tenant]
) -> None:
    large, small = fresh_name("large"), fresh_name("small")
    kubectl.apply(plan_manifest(large, replicas={"min": 3, "max": 3}))
    kubectl.apply(plan_manifest(small, replicas={"min": 1, "max": 3}, quota={"pods": 3, "cpu": "32", "memory": "16Gi"}))
    tenant = brokerages(plan=large)
    settle(kubectl, tenant)
    patch(kubectl, tenant, plan=small)
    told = until(
        "PlanApplied says so",
        lambda: kubectl.conditions(tenant.name).get("PlanApplied", {}),
        enough=lambda it: it.get("reason") == "PlanTooSmall",
        seconds=NOTICED_SECONDS,
    )["message"]
    assert "quota.pods is 3, and what runs now, with one new pod, needs 4" in told
    assert kubectl.get("resourcequota", "tenant", "-n", tenant.namespace)["spec"]["hard"]["pods"] == "24"
    patch(kubectl, tenant, plan=large)
    kubectl.wait_ready(tenant.name)
    kubectl.run("delete", "brokerageplan", small)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"replicas": {"min": 3, "max": 3}, "quota": {"pods": 3}}, "spec.quota.pods"),
        ({"replicas": {"min": 3, "max": 3}, "quota": {"cpu": "3500m"}}, "spec.quota.cpu"),
        ({"quota": {"memory": "512Mi"}}, "spec.quota.memory"),
    ],
)
def test_a_plan_that_can_never_work_is_refused_by_the_api_server(
    kubectl: Kubectl, values: dict[str, Any], field: str
) -> None:
    plan = plan_manifest(fresh_name("never"))
    spec = {key: value for key, value in plan["spec"].items() if key != "quota"} | values
    content = json.dumps({**plan, "spec": spec})
    refused = kubectl.run("apply", "--dry-run=server", "-f", "-", content=content, code=1).stderr
    assert field in refused
