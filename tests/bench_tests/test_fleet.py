"""What a watch tells of Brokerages, and what the bare client makes of a tenant's objects."""

from __future__ import annotations

from typing import Any

import pytest
from bench_operator.bare import OWN, copied
from bench_operator.fleet import Seen
from rooftree_operator.names import TenantId

ORIGINAL, COPY = TenantId("bench-abc-01234567"), TenantId("bench-abc-a-7-89abcdef")


def brokerage(generation: int, observed: int | None, ready: str = "False") -> dict[str, Any]:
    found: dict[str, Any] = {"metadata": {"name": "acme", "generation": generation}}
    if observed is not None:
        found["status"] = {"observedGeneration": observed, "conditions": [{"type": "Ready", "status": ready}]}
    return found


def test_first_status_and_first_ready_are_noted_once() -> None:
    seen = Seen()
    for at, now in enumerate([brokerage(1, None), brokerage(1, 1), brokerage(1, 1, "True"), brokerage(1, 1, "True")]):
        seen.take(now, float(at))
    assert seen.first_status == {"acme": 1}
    assert seen.ready == {"acme": 2}


def test_ready_as_it_was_declared_before_is_not_ready() -> None:
    seen = Seen()
    seen.take(brokerage(2, 1, "True"), 0.0)
    assert seen.ready == {}


def test_an_edit_is_observed_when_the_status_speaks_of_it_or_of_a_later_one() -> None:
    seen = Seen()
    seen.take(brokerage(3, 1), 1.0)
    seen.take(brokerage(4, 3), 2.0)
    seen.take(brokerage(4, 4), 3.0)
    assert seen.observed_at("acme", 2) == 2
    assert seen.observed_at("acme", 4) == 3
    assert seen.observed_at("acme", 5) is None
    assert seen.observed_at("other", 1) is None


def item(kind: str, **more: Any) -> dict[str, Any]:
    metadata = {
        "name": "app",
        "namespace": f"tenant-{ORIGINAL}",
        "labels": {"app.kubernetes.io/managed-by": "rooftree-operator", "rooftree.dev/tenant": ORIGINAL.value},
        "annotations": {"rooftree.dev/applied": "abc", "deployment.kubernetes.io/revision": "1"},
        "uid": "1",
        "resourceVersion": "7",
        "managedFields": [{"manager": "rooftree-operator"}],
        "creationTimestamp": "2026-11-29T12:00:00Z",
        "generation": 2,
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "status": {"phase": "Active"}, **more}


def test_a_copy_is_another_tenants_and_not_the_operators() -> None:
    spec = {"hostnames": [f"{ORIGINAL.slug}.rooftree.localhost"], "value": f"{ORIGINAL}.app"}
    copy = copied(item("HTTPRoute", spec=spec), ORIGINAL, COPY)
    assert copy == {
        "apiVersion": "v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": "app",
            "namespace": f"tenant-{COPY}",
            "labels": {"app.kubernetes.io/managed-by": OWN, "rooftree.dev/tenant": COPY.value},
            "annotations": {"rooftree.dev/applied": "abc"},
        },
        "spec": {"hostnames": [f"{COPY.slug}.rooftree.localhost"], "value": f"{COPY}.app"},
    }


@pytest.mark.parametrize(("address", "kept"), [("10.96.0.7", False), ("None", True)])
def test_a_copied_service_gets_an_address_of_its_own_if_it_has_one(address: str, kept: bool) -> None:
    spec = {"clusterIP": address, "clusterIPs": [address], "ports": []}
    copy = copied(item("Service", spec=spec), ORIGINAL, COPY)
    assert ("clusterIP" in copy["spec"]) is kept
    assert copy["spec"]["ports"] == []


def test_a_copied_namespace_has_no_finalizers_of_the_original() -> None:
    assert "spec" not in copied(item("Namespace", spec={"finalizers": ["kubernetes"]}), ORIGINAL, COPY)
