"""Kubernetes: a tenant's account, with the token that its pods are not given, against every resource; and no token.

From the pods themselves neither the API server nor the kubelet is reached (`test_network`); here they are asked from
the node, so that a hole in the network would not be the only thing in the way.
"""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import yaml

from ..e2e.conftest import required, until
from .conftest import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..e2e.conftest import Kubectl
    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "kubernetes"
NODE = "10.200.0.1"
# Telling who one is, and what one may: the API server lets everybody with a name ask that.
ALLOWED = {
    ("create", "selfsubjectaccessreviews"),
    ("create", "selfsubjectrulesreviews"),
    ("create", "selfsubjectreviews"),
}


class Api:
    """The API server or the kubelet, with a token or without."""

    def __init__(self, url: str, token: str = "") -> None:
        context = ssl.create_default_context(cafile=_authority())
        context.check_hostname = False
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.Client(base_url=url, verify=context, headers=headers, timeout=20, trust_env=False)

    def get(self, path: str) -> httpx2.Response:
        return self._client.get(path)

    def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return self._client.post(path, json=body)

    def close(self) -> None:
        self._client.close()


def _authority() -> str:
    """The cluster's, from the stack's kubeconfig."""
    cluster = yaml.safe_load(Path(required("KUBECONFIG")).read_text())["clusters"][0]["cluster"]
    file = Path(required("ROOFTREE_CA_FILE")).with_name("isolation-cluster-ca.crt")
    file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return str(file)


@pytest.fixture(scope="module")
def tokens(kubectl: Kubectl, family: Family) -> dict[str, str]:
    """By id of the tenant: what a pod would get that asked for one."""
    return {
        member.id: kubectl.run("create", "token", "default", "-n", member.tenant.namespace).stdout.strip()
        for member in family.members
    }


@pytest.fixture(scope="module")
def accounts(tokens: dict[str, str]) -> Iterator[dict[str, Api]]:
    found = {tenant: Api(f"https://{NODE}:6443", token) for tenant, token in tokens.items()}
    yield found
    for client in found.values():
        client.close()


def resources(kubectl: Kubectl) -> list[tuple[str, str, bool]]:
    """Group, name and whether it lies in a namespace: all resources of the cluster with their subresources."""
    found: list[tuple[str, str, bool]] = []
    listed = yaml.safe_load(kubectl.run("get", "--raw", "/apis").stdout)["groups"]
    paths = {"": "/api/v1", **{item["name"]: f"/apis/{item['preferredVersion']['groupVersion']}" for item in listed}}
    for group, path in paths.items():
        # An aggregated API, as that of metrics, may not answer for a moment.
        told = until(path, lambda path=path: kubectl.run("get", "--raw", path, code=None).stdout, seconds=30)
        content = yaml.safe_load(told)
        found += [(group, item["name"], item["namespaced"]) for item in content["resources"]]
    assert ("rooftree.dev", "brokerages", False) in found
    assert ("", "pods/exec", True) in found
    return found


VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SPECIAL = (
    ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ("impersonate", "", "users"),
    ("impersonate", "", "serviceaccounts"),
    ("approve", "certificates.k8s.io", "signers"),
    ("*", "*", "*"),
)


def ask(
    matrix: Matrix, account: Api, who: str, attributes: dict[str, str], paths: dict[str, str] | None = None
) -> None:
    """Whether the account may; the API server says so by its own authorizer."""
    spec = {"nonResourceAttributes": paths} if paths else {"resourceAttributes": attributes}
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    answer = account.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", kind)
    assert answer.status_code == 201, answer.text
    status = answer.json()["status"]
    fine = (attributes.get("verb"), attributes.get("resource")) in ALLOWED
    matrix.tried(AREA, f"{who} {paths or attributes}", accepted=status["allowed"] and not fine, answer=str(status))


def sweep(matrix: Matrix, kubectl: Kubectl, account: Api, attacker: Member, victim: Member) -> None:
    """Every verb on every resource: in the own namespace, in those of others and the system, and everywhere."""
    places = (attacker.tenant.namespace, victim.tenant.namespace, PLATFORM, "kube-system")
    for group, name, namespaced in resources(kubectl):
        resource, _, part = name.partition("/")
        for namespace in places if namespaced else ("",):
            for verb in VERBS:
                asked = {"verb": verb, "group": group, "resource": resource, "subresource": part}
                ask(matrix, account, attacker.id, {**asked, "namespace": namespace})
    for verb, group, resource in SPECIAL:
        ask(matrix, account, attacker.id, {"verb": verb, "group": group, "resource": resource})


def test_the_account_of_a_tenant_may_nothing(
    matrix: Matrix, kubectl: Kubectl, family: Family, accounts: dict[str, Api]
) -> None:
    sweep(matrix, kubectl, accounts[family.plain.id], family.plain, family.inner)
    for path in ("/metrics", "/logs", "/debug/pprof/", "/configz"):
        ask(matrix, accounts[family.plain.id], family.plain.id, {}, {"verb": "get", "path": path})
    assert matrix.red() == []


def test_what_it_asks_for_is_refused_and_tells_nothing(
    matrix: Matrix, family: Family, accounts: dict[str, Api]
) -> None:
    """The requests themselves, not only what the authorizer says of them."""
    for attacker, victim in family.pairs():
        account, namespace = accounts[attacker.id], victim.tenant.namespace
        for path in (
            "/api/v1/namespaces",
            "/api/v1/nodes",
            "/api/v1/secrets",
            "/api/v1/pods",
            f"/api/v1/namespaces/{attacker.tenant.namespace}/secrets/app",
            f"/api/v1/namespaces/{namespace}",
            f"/api/v1/namespaces/{namespace}/secrets",
            f"/api/v1/namespaces/{namespace}/secrets/app",
            f"/api/v1/namespaces/{namespace}/pods",
            f"/api/v1/namespaces/{PLATFORM}/secrets",
            f"/apis/rooftree.dev/v1alpha1/brokerages/{victim.tenant.name}",
            "/apis/rooftree.dev/v1alpha1/brokerages",
            "/apis/gateway.networking.k8s.io/v1/httproutes",
            f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods",
            f"/api/v1/namespaces/{namespace}/services/app:8080/proxy/version",
            "/api/v1/nodes/local/proxy/pods",
        ):
            _get(matrix, account, f"{attacker.id} GET {path}", path, {403}, family.marks(attacker))
        told = account.post(
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": namespace}}
        ).json()["status"]["resourceRules"]
        allowed = {(verb, name) for rule in told for verb in rule["verbs"] for name in rule["resources"]}
        matrix.tried(AREA, f"rules of {attacker.id} in {namespace}", accepted=allowed != ALLOWED, answer=str(told))
    assert matrix.red() == []


def _get(matrix: Matrix, api: Api, what: str, path: str, refusals: set[int], marks: list[str]) -> None:
    answer = api.get(path)
    accepted = answer.status_code not in refusals
    matrix.tried(
        AREA,
        what,
        accepted=accepted,
        answer=f"{answer.status_code} {answer.text}",
        sent=path,
        marks=[mark for mark in marks if mark not in path],
    )


def test_whoever_has_no_token_or_a_strange_one_is_told_nothing(
    matrix: Matrix, family: Family, tokens: dict[str, str]
) -> None:
    token = tokens[family.plain.id]
    strange = {"no token": "", "half a token": token[: len(token) // 2], "another signature": f"{token[:-8]}AAAAAAAA"}
    marks = [member.id for member in family.members]
    for name, given in strange.items():
        api = Api(f"https://{NODE}:6443", given)
        for path in ("/api/v1/namespaces", "/api/v1/secrets", "/apis", "/openapi/v2", "/metrics", "/logs/"):
            _get(matrix, api, f"{name}: API server {path}", path, {401, 403}, marks)
        api.close()
    assert matrix.red() == []


def test_the_kubelet_answers_no_tenant(matrix: Matrix, family: Family, tokens: dict[str, str]) -> None:
    victim = family.inner.tenant
    for name, given in {"no token": "", **tokens}.items():
        marks = [member.id for member in family.members if not name.startswith(member.id)]
        api = Api(f"https://{NODE}:10250", given)
        for path in (
            "/pods",
            "/runningpods/",
            "/metrics",
            "/metrics/cadvisor",
            "/stats/summary",
            "/configz",
            "/logs/",
            f"/containerLogs/{victim.namespace}/app/app",
            f"/exec/{victim.namespace}/app/app?command=id&input=1&output=1&tty=1",
            f"/run/{victim.namespace}/app/app",
            f"/portForward/{victim.namespace}/app",
            "/debug/pprof/",
        ):
            _get(matrix, api, f"{name}: kubelet {path}", path, {401, 403}, marks)
        api.close()
    assert matrix.red() == []
