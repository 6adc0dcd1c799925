"""What a tenant is made of leaves no way out: roles, pods, services, the operator's own rights.

What a tenant can do to another with all that it has is the isolation matrix, `tests/isolation`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import OPERATOR, TOPOLOGY, Database, Kubectl, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def neighbour(brokerages: Callable[..., Tenant]) -> Tenant:
    return brokerages()


def test_no_role_of_a_tenant_may_become_another_or_more(superuser: Database, tenant: Tenant, neighbour: Tenant) -> None:
    rows = superuser.execute(
        """SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication FROM pg_roles
           WHERE starts_with(rolname, %s) ORDER BY rolname""",
        (tenant.id,),
    ).fetchall()
    assert [row[0] for row in rows] == [f"{tenant.id}.{role}" for role in ("app", "migrator", "owner")]
    assert not any(any(row[1:]) for row in rows)
    for role in ("app", "migrator"):
        for other in (
            f"{neighbour.id}.owner",
            f"{neighbour.id}.app",
            "rooftree_operator",
            "rooftree_template",
            "postgres",
        ):
            member = superuser.execute("SELECT pg_has_role(%s, %s, 'SET')", (f"{tenant.id}.{role}", other)).fetchone()
            assert member == (False,), f"{role} may become {other}"


def test_everything_in_the_clone_belongs_to_the_tenant(kubectl: Kubectl, superuser: Database, tenant: Tenant) -> None:
    left = superuser.execute(
        """SELECT count(*) FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.refobjid
           WHERE d.datname = %s AND r.rolname = 'rooftree_template'""",
        (tenant.database,),
    ).fetchone()
    assert left == (0,)


def test_the_server_keeps_verifiers_and_no_password(kubectl: Kubectl, superuser: Database, tenant: Tenant) -> None:
    stored = superuser.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (f"{tenant.id}.app",)).fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$4096:")


def pod(**changes: Any) -> dict[str, Any]:
    container = {
        "name": "x",
        "image": "localhost/none:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **changes.pop("container", {}),
    }
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"securityContext": security, "containers": [container], **changes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "intruder"}, "spec": spec}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "host namespaces"),
        ({"container": {"securityContext": {"privileged": True}}}, "privileged"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath"),
        ({"securityContext": {}}, "runAsNonRoot"),
        ({"hostIPC": True}, "host namespaces"),
        ({"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}}, "hostPort"),
        ({"container": {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}}, "unrestricted capabilities"),
        ({"container": {"securityContext": {"allowPrivilegeEscalation": True}}}, "allowPrivilegeEscalation"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccompProfile"),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "runAsUser=0"),
    ],
    ids=[
        "host-network",
        "host-pid",
        "privileged",
        "host-path",
        "root",
        "host-ipc",
        "host-port",
        "capabilities",
        "escalation",
        "seccomp",
        "user-0",
    ],
)
def test_a_pod_that_could_break_out_is_refused(
    kubectl: Kubectl, tenant: Tenant, changes: dict[str, Any], told: str
) -> None:
    words = ("apply", "--dry-run=server", "-n", tenant.namespace, "-f", "-")
    refused = kubectl.run(*words, content=json.dumps(pod(**changes)), code=1).stderr
    assert 'violates PodSecurity "restricted:latest"' in refused
    assert told in refused


def test_a_service_takes_no_port_of_the_node(kubectl: Kubectl, tenant: Tenant) -> None:
    spec = {"type": "NodePort", "selector": {"app.kubernetes.io/name": "app"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "out"}, "spec": spec}
    words = ("apply", "--dry-run=server", "-n", tenant.namespace, "-f", "-")
    refused = kubectl.run(*words, content=json.dumps(service), code=1).stderr
    assert "exceeded quota: tenant, requested: services.nodeports=1" in refused


def test_the_app_runs_without_a_token_of_its_own(kubectl: Kubectl, tenant: Tenant) -> None:
    spec = kubectl.items("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name=app")[0]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert [volume for volume in spec["volumes"] if "projected" in volume] == []
    account = f"system:serviceaccount:{tenant.namespace}:default"
    for verb, kind in (("get", "secrets"), ("list", "pods"), ("create", "pods")):
        assert not may(kubectl, verb, kind, "-n", tenant.namespace, account=account)


def may(kubectl: Kubectl, verb: str, kind: str, *words: str, account: str = OPERATOR) -> bool:
    answer = kubectl.run("auth", "can-i", verb, kind, *words, f"--as={account}", code=None)
    words_said = answer.stdout.strip()
    assert words_said in ("yes", "no"), answer.stderr
    return words_said == "yes"


@pytest.mark.parametrize(
    ("verb", "kind", "words"),
    [
        ("get", "secrets", ("-n", "kube-system")),
        ("list", "secrets", ("-A",)),
        ("list", "secrets", ("-n", "rooftree-system")),
        ("create", "pods", ("-n", "rooftree-system")),
        ("delete", "networkpolicies", ("-n", "rooftree-system")),
        ("patch", "networkpolicies", ("-A",)),
        ("patch", "horizontalpodautoscalers", ("-A",)),
        ("list", "configmaps", ("-A",)),
        ("bind", "clusterroles/cluster-admin", ()),
        ("escalate", "clusterroles", ()),
        ("impersonate", "users", ()),
        ("create", "clusterrolebindings", ()),
        ("patch", "brokerageplans", ()),
        ("delete", "brokerages", ()),
        ("*", "*", ()),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_operator_may_not(kubectl: Kubectl, verb: str, kind: str, words: tuple[str, ...]) -> None:
    assert not may(kubectl, verb, kind, *words)


def test_the_operator_reads_a_tenants_secrets_by_name_only(kubectl: Kubectl, tenant: Tenant) -> None:
    assert may(kubectl, "get", "secrets/app", "-n", tenant.namespace)
    assert not may(kubectl, "get", "secrets/other", "-n", tenant.namespace)
    assert not may(kubectl, "list", "secrets", "-n", tenant.namespace)


def test_a_tenants_namespace_has_its_limits(kubectl: Kubectl, tenant: Tenant) -> None:
    namespace = kubectl.get("namespace", tenant.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace["metadata"]["labels"]["rooftree.dev/tenant"] == tenant.id
    quota = kubectl.get("resourcequota", "tenant", "-n", tenant.namespace)["spec"]["hard"]
    pods, memory = {"monolith": ("6", "2Gi"), "microservices": ("24", "16Gi")}[TOPOLOGY]
    assert (quota["pods"], quota["services.nodeports"], quota["limits.memory"]) == (pods, "0", memory)
    assert kubectl.exists("limitrange", "tenant", "-n", tenant.namespace)
    for kind in ("networkpolicy/default", "networkpolicy/app", "poddisruptionbudget/app"):
        assert kubectl.get(kind, "-n", tenant.namespace)["metadata"]["labels"]["rooftree.dev/tenant"] == tenant.id
