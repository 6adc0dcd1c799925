"""The platform in the cluster: what it needs beforehand, its definitions, its chart."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rooftree_local import elasticsearch, hashing, kafka, kubectl, paths, postgres, redis, services, sources, standby
from rooftree_local.addresses import (
    APISERVER_PORT,
    EDGE_DOMAIN,
    EDGE_PORT,
    ELASTICSEARCH_PORT,
    KAFKA_PORT,
    NODE_IP,
    OTLP_PORT,
    POD_CIDR,
    POD_GATEWAY,
    POSTGRES_PORT,
    PROMETHEUS_PORT,
    REDIS_PORT,
    S3_PORT,
    SERVICE_CIDR,
    SMTP_PORT,
    STANDBY_PORT,
    STATE,
)

if TYPE_CHECKING:
    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

NAMESPACE = "rooftree-system"
BACKUPS = "backups"  # of the state folder
POD_USER = 10001  # as whom our pods and those of brokerages run
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
    """The namespace, how the backends are reached, the edge's certificate and the authority to trust."""
    authority = (target.pki / "ca.crt").read_text()
    # The chain, so that a client that knows only the authority is content, and one that pins it can see it.
    edge = {
        "tls.crt": (target.pki / "edge.crt").read_text() + authority,
        "tls.key": (target.pki / "edge.key").read_text(),
    }
    metadata = {"name": "rooftree-ca", "namespace": NAMESPACE}
    trust = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}}
    objects = as_list(
        namespace(NAMESPACE),
        *(
            secret(f"rooftree-{backend}", NAMESPACE, {**entrance, "ca.crt": authority})
            for backend, entrance in entrances(target).items()
        ),
        secret("rooftree-edge-tls", NAMESPACE, edge, type="kubernetes.io/tls"),
        trust,
    )
    kubectl.apply(target, work, content=objects)


def entrances(target: Stack) -> dict[str, dict[str, str]]:
    """How the operator reaches each backend as its administrator."""
    return {
        "postgres": {
            "host": NODE_IP,
            "port": str(POSTGRES_PORT),
            "user": postgres.OPERATOR_ROLE,
            "password": postgres.operator_password(target),
            "database": postgres.PLATFORM_DATABASE,
        },
        "kafka": {"bootstrap": kafka.BOOTSTRAP, "user": kafka.ADMIN, "password": kafka.password(target)},
        "elasticsearch": {
            "url": elasticsearch.URL,
            "user": elasticsearch.ADMIN,
            "password": elasticsearch.password(target),
        },
        "redis": {
            "host": NODE_IP,
            "port": str(REDIS_PORT),
            "user": redis.ADMIN,
            "password": redis.password(target),
        },
        "s3": {
            "url": services.S3_URL,
            "region": services.S3_REGION,
            "user": services.S3_USER,
            "password": services.s3_secret(target),
        },
    }


def definitions(target: Stack, folder: str, work: Work) -> None:
    """Custom resource definitions, applied and established."""
    kubectl.apply(target, work, "-f", folder)
    wait = ["wait", "customresourcedefinitions", "--all", "--for=condition=Established", "--timeout=60s"]
    work.command(kubectl.argv(target, *wait))


def manifest(work: Work) -> str:
    """What the operator must know of the tenant app, from the app's own sources."""
    command = [sys.executable, "-m", "rooftree.manifest"]
    return work.command(command, env={"ROOFTREE_VERSION": sources.TENANT.version})


def values(manifest_text: str, *, has_standby: bool = False) -> dict[str, Any]:
    """The chart's values in a local stack."""
    version = sources.TENANT.version
    return {
        "image": {"operator": sources.OPERATOR.reference, "edge": sources.EDGE.reference},
        "release": {"version": version, "image": sources.TENANT.reference, "manifest": manifest_text},
        "channels": {"stable": version},
        "edge": {"port": EDGE_PORT, "domain": EDGE_DOMAIN},
        "postgres": {
            "host": NODE_IP,
            "port": POSTGRES_PORT,
            **({"standby": {"host": NODE_IP, "port": STANDBY_PORT}} if has_standby else {}),
        },
        "elasticsearch": {"replicas": 0},
        "s3": {"secret": "rooftree-s3"},
        "telemetry": {"otlpEndpoint": f"http://{NODE_IP}:{OTLP_PORT}"},
        "scaling": {"prometheusUrl": f"http://{NODE_IP}:{PROMETHEUS_PORT}"},
        "smtp": {"host": NODE_IP, "port": SMTP_PORT, "from": f"rooftree@{EDGE_DOMAIN}"},
        "network": network(has_standby=has_standby),
    }


def _values(target: Stack, manifest_text: str) -> dict[str, Any]:
    return values(manifest_text, has_standby=standby.is_there(target))


def network(*, has_standby: bool = False) -> dict[str, Any]:
    """Who may speak to whom: what is no pod has the node's address, and its calls to pods come from their bridge."""

    def node(*ports: int, protocol: str = "TCP") -> dict[str, Any]:
        listed = [{"protocol": protocol, "port": port} for port in ports]
        return {"to": [{"ipBlock": {"cidr": f"{NODE_IP}/32"}}], "ports": listed}

    dns = node(53, protocol="UDP")
    dns["ports"] += node(53)["ports"]
    host = [{"ipBlock": {"cidr": f"{address}/32"}} for address in (NODE_IP, POD_GATEWAY)]
    return {
        "peers": {
            "dns": dns,
            "postgres": node(POSTGRES_PORT),
            **({"standby": node(STANDBY_PORT)} if has_standby else {}),
            "kafka": node(KAFKA_PORT),
            "elasticsearch": node(ELASTICSEARCH_PORT),
            "redis": node(REDIS_PORT),
            "s3": node(S3_PORT),
            "telemetry": node(OTLP_PORT),
            "smtp": node(SMTP_PORT),
        },
        "apiserver": node(APISERVER_PORT),
        "prometheus": node(PROMETHEUS_PORT),
        "edge": host,
        "monitoring": host,
        "clusterRanges": [POD_CIDR, SERVICE_CIDR, f"{NODE_IP}/32"],
    }


def fingerprint(target: Stack) -> str:
    """Changes when the chart or its values do, and with them its images."""
    return hashing.of_text(hashing.of_trees(paths.repository(), CHART), json.dumps(_values(target, "")))


def backups_volume() -> dict[str, Any]:
    """Value `backups.volume` of the chart: with it backups lie in a folder of the stack, not in its object store."""
    return {"hostPath": {"path": f"{STATE}/{BACKUPS}"}}


def make_backups_folder(target: Stack) -> None:
    """The folder of `backups_volume`, as the chart wants it."""
    folder = target.state / BACKUPS
    folder.mkdir(exist_ok=True)
    os.chown(folder, POD_USER, POD_USER)
    folder.chmod(0o2771)


def install(target: Stack, work: Work) -> None:
    """Installs or upgrades the chart and waits until it is ready; what a hand changed on its objects gives way."""
    make_backups_folder(target)
    chart = paths.repository() / CHART
    words = ["upgrade", "--install", "--force-conflicts", "rooftree", str(chart), f"--namespace={NAMESPACE}"]
    options = ["--values=-", "--wait", "--timeout=180s", "--history-max=3"]
    content = json.dumps(_values(target, manifest(work)))
    with kubectl.explained(target, work, NAMESPACE):
        work.command(kubectl.helm(target, *words, *options), content=content)
