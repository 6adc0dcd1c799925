"""The matrix notices holes in the cluster: policies that are missing or too wide, and a right for a tenant's account.

Each hole is made by the administrator, looked at with the same sweeps, and taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..e2e.conftest import until
from . import test_kubernetes, test_network
from .test_network import listeners

if TYPE_CHECKING:
    from ..e2e.conftest import Kubectl, Tenant
    from .cells import Matrix
    from .conftest import Family

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(300, func_only=True), pytest.mark.usefixtures("no_operator")]
_ = listeners  # a fixture
SETTLED_SECONDS = 30


@pytest.mark.usefixtures("listeners")
@pytest.mark.parametrize("gone", ["app", "default"])
def test_a_network_policy_that_opens_its_namespace(notes: Matrix, kubectl: Kubectl, family: Family, gone: str) -> None:
    """`app`: one beside it lets everything in and out. `default`: there is none any more."""
    attacker, neighbour = family.west.tenant, family.double.tenant
    address = test_network.pod_address(kubectl, attacker.namespace, "app")
    places = test_network.beside_the_operator(kubectl, neighbour, family.inner.tenant)
    allowed = set(test_network.TRUTH["open"]["app"])

    def seen() -> set[str]:
        return test_network.look(address, places)

    policies = [_policy(kubectl, tenant, name) for tenant in (attacker, neighbour) for name in ("app", "default")]
    if gone == "app":
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": spec}
        kubectl.apply(
            *({**kind, "metadata": {"name": "wide", "namespace": t.namespace}} for t in (attacker, neighbour))
        )
    else:
        for tenant in (attacker, neighbour):
            kubectl.run("delete", "networkpolicies", "app", "default", "-n", tenant.namespace)
    there = {"neighbour's app", "neighbour's service", "kubelet"}
    try:
        found = until("the hole is there", seen, enough=lambda names: there <= names, seconds=SETTLED_SECONDS, every=1)
    finally:
        for tenant in (attacker, neighbour):
            kubectl.run("delete", "networkpolicy", "wide", "-n", tenant.namespace, "--ignore-not-found")
        kubectl.apply(*policies)
    until("the hole is closed", seen, enough=lambda names: names == allowed, seconds=SETTLED_SECONDS, every=1)
    test_network.judge(notes, "app", found, places, allowed)
    assert len(notes.red()) > 10


def _policy(kubectl: Kubectl, tenant: Tenant, name: str) -> dict[str, Any]:
    found = kubectl.get("networkpolicy", name, "-n", tenant.namespace)
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": found["spec"]}


def test_a_tenants_account_with_a_right(notes: Matrix, kubectl: Kubectl, family: Family) -> None:
    attacker, victim = family.plain, family.inner
    token = kubectl.run("create", "token", "default", "-n", attacker.tenant.namespace).stdout.strip()
    account = test_kubernetes.Api(f"https://{test_kubernetes.NODE}:6443", token)
    name = ("rolebinding", "isolation-hole", "-n", victim.tenant.namespace)
    subject = f"--serviceaccount={attacker.tenant.namespace}:default"
    kubectl.run("create", *name, "--clusterrole=view", subject)
    try:
        until(
            "the right is there",
            lambda: account.get(f"/api/v1/namespaces/{victim.tenant.namespace}/pods").status_code == 200,
            seconds=SETTLED_SECONDS,
        )
        test_kubernetes.sweep(notes, kubectl, account, attacker, victim)
    finally:
        kubectl.run("delete", *name)
        account.close()
    assert len(notes.red()) > 10
    assert all(victim.tenant.namespace in line for line in notes.red())
