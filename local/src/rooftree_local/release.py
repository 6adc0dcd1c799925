"""The platform in the cluster: what it needs beforehand, its definitions, its chart."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any

from rooftree_local import hashing, kubectl, paths, postgres, sources
from rooftree_local.addresses import EDGE_DOMAIN, EDGE_PORT, NODE_IP, POSTGRES_PORT

if TYPE_CHECKING:
    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

NAMESPACE = "rooftree-system"
CHART = "charts/rooftree"


def crds_missing() -> str | None:
    """Why there is nothing to define, if so."""
    return None if list((paths.repository() / "crds").glob("*.yaml")) else "there is nothing in crds/ yet"


def chart_missing() -> str | None:
    """Why the platform cannot be installed, if so."""
    if not (paths.repository() / CHART / "Chart.yaml").is_file():
        return f"there is no {CHART}/Chart.yaml yet"
    needed = (sources.OPERATOR, sources.EDGE, sources.TENANT)
    return next((image.missing for image in needed if image.missing), None)


def secret(name: str, namespace: str, values: dict[str, str], **more: Any) -> dict[str, Any]:
    """A Secret as server-side apply takes it."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data} | more


def namespace(name: str) -> dict[str, Any]:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def as_list(*objects: dict[str, Any]) -> str:
    """Several objects for one apply."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def prerequisites(target: Stack, work: Work) -> None:
    """The namespace, how PostgreSQL is reached, the edge's certificate and the authority to trust."""
    authority = (target.pki / "ca.crt").read_text()
    server = {
        "host": NODE_IP,
        "port": str(POSTGRES_PORT),
        "user": postgres.OPERATOR_ROLE,
        "password": postgres.operator_password(target),
        "database": postgres.PLATFORM_DATABASE,
        "ca.crt": authority,
    }
    # The chain, so that a client that knows only the authority is content, and one that pins it can see it.
    edge = {
        "tls.crt": (target.pki / "edge.crt").read_text() + authority,
        "tls.key": (target.pki / "edge.key").read_text(),
    }
    metadata = {"name": "rooftree-ca", "namespace": NAMESPACE}
    trust = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}}
    objects = as_list(
        namespace(NAMESPACE),
        secret("rooftree-postgres", NAMESPACE, server),
        secret("rooftree-edge-tls", NAMESPACE, edge, type="kubernetes.io/tls"),
        trust,
    )
    kubectl.apply(target, work, content=objects)


def definitions(target: Stack, folder: str, work: Work) -> None:
    """Custom resource definitions, applied and established."""
    kubectl.apply(target, work, "-f", folder)
    wait = ["wait", "customresourcedefinitions", "--all", "--for=condition=Established", "--timeout=60s"]
    work.command(kubectl.argv(target, *wait))


def manifest(work: Work) -> str:
    """What the operator must know of the tenant app, from the app's own sources."""
    command = [sys.executable, "-m", "rooftree.manifest"]
    return work.command(command, env={"ROOFTREE_VERSION": sources.TENANT.version})


def values(manifest_text: str) -> dict[str, Any]:
    """The chart's values in a local stack."""
    version = sources.TENANT.version
    return {
        "image": {"operator": sources.OPERATOR.reference, "edge": sources.EDGE.reference},
        "release": {"version": version, "image": sources.TENANT.reference, "manifest": manifest_text},
        "channels": {"stable": version},
        "edge": {"port": EDGE_PORT, "domain": EDGE_DOMAIN},
        "postgres": {"host": NODE_IP, "port": POSTGRES_PORT},
    }


def fingerprint() -> str:
    """Changes when the chart or one of its images does."""
    chart = hashing.of_trees(paths.repository(), CHART)
    return hashing.of_text(chart, *(image.reference for image in (sources.OPERATOR, sources.EDGE, sources.TENANT)))


def install(target: Stack, work: Work) -> None:
    """Installs or upgrades the chart and waits until it is ready; what a hand changed on its objects gives way."""
    chart = paths.repository() / CHART
    words = ["upgrade", "--install", "--force-conflicts", "rooftree", str(chart), f"--namespace={NAMESPACE}"]
    options = ["--values=-", "--wait", "--timeout=180s", "--history-max=3"]
    content = json.dumps(values(manifest(work)))
    with kubectl.explained(target, work, NAMESPACE):
        work.command(kubectl.helm(target, *words, *options), content=content)
