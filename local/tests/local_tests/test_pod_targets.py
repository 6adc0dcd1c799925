"""Which pods are collected from, and with which labels."""

from __future__ import annotations

from typing import Any

from rooftree_local.pod_targets import targets


def pod(phase: str = "Running", port: str = "metrics", **labels: str) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}, {"name": port, "containerPort": 9464}]
    return {
        "metadata": {"namespace": "tenant-acme", "name": "app-1", "labels": labels},
        "spec": {"containers": [{"name": "side"}, {"name": "app", "ports": ports}]},
        "status": {"phase": phase, "podIP": "10.244.0.7"},
    }


def test_a_running_pod_with_a_port_named_metrics_is_a_target_with_its_tenant() -> None:
    labels = {"app.kubernetes.io/name": "app", "rooftree.dev/tenant": "acme-0a1b2c3d", "other": "x"}
    assert targets([pod(**labels)]) == [
        {
            "targets": ["10.244.0.7:9464"],
            "labels": {"namespace": "tenant-acme", "pod": "app-1", "tenant": "acme-0a1b2c3d", "job": "app"},
        }
    ]


def test_a_pod_of_one_module_says_of_which() -> None:
    labels = {"app.kubernetes.io/name": "identity", "rooftree.dev/tenant": "acme-0a1b2c3d"}
    (found,) = targets([pod(**labels)])
    assert (found["labels"]["module"], found["labels"]["job"]) == ("identity", "identity")


def test_a_pod_of_the_platform_has_no_module() -> None:
    (found,) = targets([pod(**{"app.kubernetes.io/name": "rooftree-operator"})])
    assert found["labels"] == {"namespace": "tenant-acme", "pod": "app-1", "job": "rooftree-operator"}


def test_a_pod_of_no_tenant_has_no_such_label_so_that_the_job_is_prometheus_own() -> None:
    assert targets([pod()])[0]["labels"] == {"namespace": "tenant-acme", "pod": "app-1"}


def test_pods_that_do_not_run_or_have_no_such_port_are_no_targets() -> None:
    fresh = pod()
    del fresh["status"]["podIP"]
    assert targets([pod(phase="Succeeded"), pod(port="other"), fresh]) == []
