"""What the node's own helpers may do in the cluster, and how the metrics API reaches its server. Pure."""

from __future__ import annotations

import base64
from typing import Any

from rooftree_local.addresses import METRICS_SERVER_PORT, NODE_IP
from rooftree_local.render import document

RBAC = "rbac.authorization.k8s.io"
LOOK = ["list", "watch"]
READ = ["get", *LOOK]


def manifests(authority: str) -> dict[str, str]:
    """File names and contents; `authority` is the PEM certificate that the metrics server's is signed by."""
    return {
        "coredns.yaml": coredns(),
        "kube-router.yaml": kube_router(),
        "prometheus.yaml": prometheus(),
        "metrics-server.yaml": metrics_server(authority),
    }


def _rule(verbs: list[str], resources: list[str], group: str = "") -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _role(name: str, *rules: dict[str, Any]) -> list[dict[str, Any]]:
    """A cluster role and its one user, both named `rooftree:<name>`."""
    whole = {"name": f"rooftree:{name}"}
    api = {"apiVersion": f"{RBAC}/v1"}
    return [
        {**api, "kind": "ClusterRole", "metadata": whole, "rules": list(rules)},
        {
            **api,
            "kind": "ClusterRoleBinding",
            "metadata": whole,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", **whole},
            "subjects": [_user(name)],
        },
    ]


def _user(name: str) -> dict[str, Any]:
    return {"apiGroup": RBAC, "kind": "User", "name": f"rooftree:{name}"}


def _documents(*objects: dict[str, Any]) -> str:
    return "---\n".join(document(content) for content in objects)


def coredns() -> str:
    """Names of Services and pods."""
    slices = _rule(LOOK, ["endpointslices"], "discovery.k8s.io")
    return _documents(*_role("coredns", _rule(LOOK, ["namespaces", "pods", "services"]), slices))


def kube_router() -> str:
    """Policies, and which addresses they speak of."""
    core = _rule(READ, ["namespaces", "pods", "services", "nodes", "endpoints"])
    policies = _rule(READ, ["networkpolicies"], "networking.k8s.io")
    slices = _rule(READ, ["endpointslices"], "discovery.k8s.io")
    return _documents(*_role("kube-router", core, policies, slices))


def prometheus() -> str:
    """Which pods there are to collect from."""
    return _documents(*_role("prometheus", _rule(READ, ["pods"])))


def metrics_server(authority: str) -> str:
    """The resource metrics API: what its server may ask, and where in the API it is found."""
    rules = (
        _rule(["get"], ["nodes/metrics"]),
        _rule(READ, ["pods", "nodes"]),
        _rule(["create"], ["tokenreviews"], "authentication.k8s.io"),
        _rule(["create"], ["subjectaccessreviews"], "authorization.k8s.io"),
    )
    reader = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "rooftree:metrics-server", "namespace": "kube-system"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
        "subjects": [_user("metrics-server")],
    }
    return _documents(*_role("metrics-server", *rules), reader, *_metrics_api(authority))


def _metrics_api(authority: str) -> list[dict[str, Any]]:
    """The Service of a server that is no pod, and the part of the API that it answers."""
    name = "metrics-server"
    here = {"name": name, "namespace": "kube-system"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": here,
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": METRICS_SERVER_PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**here, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": METRICS_SERVER_PORT}],
            "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "service": here,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": base64.b64encode(authority.encode()).decode(),
            },
        },
    ]
