"""A platform out of fakes as the plugin meets it: with the operator's Deployment, pods, logs and kubectl."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

import yaml
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import KINDS, ApiError
from rooftree_operator.drift import Object
from rooftree_operator.plugin import main
from rooftree_operator.plugin.problems import Problem

from .fakes.kubernetes import FakeKubernetes
from .world import CA, NAMESPACE, NETWORK, PLATFORM, World

SECRETS: dict[str, dict[str, str]] = {
    "postgres": {"host": PLATFORM.postgres_host, "port": str(PLATFORM.postgres_port), "password": "admins-own"},
    "kafka": {"bootstrap": PLATFORM.kafka_bootstrap},
    "elasticsearch": {"url": PLATFORM.elasticsearch_url},
    "redis": {"host": PLATFORM.redis_host, "port": str(PLATFORM.redis_port)},
    "s3": {"url": PLATFORM.s3_url, "region": PLATFORM.s3_region},
}


class FakeCluster:
    """What the verbs have. `logs` are by pod; `became` is what kubectl went on as."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.logs: dict[tuple[str, bool], list[str]] = {}
        self.files: dict[str, str] = {}
        self.became: tuple[str, ...] = ()
        self.ran: list[tuple[str, ...]] = []
        self.knows_suspend = True

    @property
    def kube(self) -> FakeKubernetes:
        return self.world.kube

    async def log(self, namespace: str, pod: str, *, lines: int, previous: bool) -> list[str]:
        if (pod, previous) not in self.logs:
            raise ApiError(400, f"container in pod {pod} is waiting to start")
        return self.logs[pod, previous][-lines:]

    def run(self, *words: str, content: str | None = None) -> str:
        self.ran.append(words)
        match words:
            case ("apply", "--dry-run=server", "--filename", file, "--output=json"):
                return self._dry_run(content if file == "-" else self.files[file])
            case ("patch", what, "--type=merge", patch, "--output=json"):
                return self._patched(what.partition("/")[2], json.loads(patch.removeprefix("--patch=")))
            case ("create", "--filename", "-", "--output=json"):
                return json.dumps(self.kube.put(json.loads(content or "")))
            case ("wait", what, "--for=jsonpath={.status.finishedAt}", _):
                # kubectl is a process of its own, beside the loop that waits for it.
                with ThreadPoolExecutor(1) as beside:
                    beside.submit(asyncio.run, self.world.operate(what.partition("/")[2])).result()
                return ""
            case ("get", what, "--output=json"):
                return json.dumps(self.kube.objects["BrokerageOperation", None, what.partition("/")[2]])
            case ("exec", *_):
                return "https://acme.rooftree.localhost:8443/invite/once\n"
            case _:
                raise Problem(f"unknown command {words[0]!r}")

    def become(self, *words: str) -> NoReturn:
        self.became = words
        raise SystemExit(0)

    def _dry_run(self, text: str | None) -> str:
        """What the API server would store: fields that are not given go, metadata stays."""
        items = [self._stored(document) for document in yaml.safe_load_all(text or "") if document]
        return json.dumps(items[0] if len(items) == 1 else {"kind": "List", "items": items})

    def _stored(self, document: Object) -> Object:
        kind = KINDS.get((document["apiVersion"], document["kind"]))
        live = deepcopy(kind and self.kube.find(kind, document["metadata"]["name"])) or {}
        metadata = {"generation": 1, "uid": "dry-run", **live.get("metadata", {}), **document["metadata"]}
        return {**live, **document, "metadata": metadata}

    def _patched(self, name: str, patch: dict[str, Any]) -> str:
        item = deepcopy(self.kube.objects["Brokerage", None, name])
        annotations = patch.get("metadata", {}).get("annotations", {})
        item["metadata"]["annotations"] = {**item["metadata"].get("annotations", {}), **annotations}
        if self.knows_suspend:
            spec = {**item["spec"], **patch.get("spec", {})}
            item["spec"] = {key: value for key, value in spec.items() if value is not None}
            self.kube.put(item)
        return json.dumps(item)


def installed(world: World) -> FakeCluster:
    """Puts there what the chart installs, as far as the plugin reads it."""
    from rooftree_operator.secret_objects import base64

    settings = {
        "DOMAIN": PLATFORM.domain,
        "EDGE_PORT": str(PLATFORM.edge_port),
        "MOST_CALLS": '{"kafka": 3}',
        "IMAGE": PLATFORM.image,
        "PROMETHEUS_URL": "http://prometheus.example:9090",
    }
    volumes: list[Object] = [{"name": "network", "configMap": {"name": "rooftree-network"}}]
    for backend, values in SECRETS.items():
        data = {
            key: base64.b64encode(f"{value}\n".encode()).decode() for key, value in {**values, "ca.crt": CA}.items()
        }
        metadata = {"name": f"rooftree-{backend}", "namespace": NAMESPACE}
        world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        volumes.append({"name": backend, "secret": {"secretName": metadata["name"]}})
    metadata = {"name": "rooftree-network", "namespace": NAMESPACE}
    data = {"network.json": NETWORK.model_dump_json(by_alias=True)}
    world.kube.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    env = [{"name": f"ROOFTREE_OPERATOR_{name}", "value": value} for name, value in settings.items()]
    pod = {"containers": [{"name": "operator", "image": "localhost/operator:1", "env": env}], "volumes": volumes}
    metadata = {"name": names.MANAGER, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": names.MANAGER}}
    status = {"availableReplicas": 1}
    spec = {"replicas": 1, "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod}}
    world.kube.put(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}
    )
    return FakeCluster(world)


def pod(world: World, name: str, *, module: str = "app", brokerage: str = "acme", **status: Any) -> Object:
    """A pod of the app, as the kubelet would tell of it; beside none that nobody asked for."""
    tenant = world.tenant(brokerage)
    space = names.namespace(tenant)
    for key in [key for key in world.kube.objects if key[:2] == ("Pod", space) and key[2] == f"{module}-0"]:
        del world.kube.objects[key]
    labels = {**names.labels(tenant), "app.kubernetes.io/name": module}
    limits = {"cpu": "1", "memory": "320Mi"}
    return world.kube.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": space, "labels": labels},
            "spec": {"containers": [{"name": "app", "resources": {"limits": limits}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], **status},
        }
    )


def said(cluster: FakeCluster, capsys: Any, *words: str) -> tuple[int, str, str]:
    """Runs a command line against the cluster: its code, what it wrote and what it complained of."""
    capsys.readouterr()  # what the operator logged meanwhile
    try:
        code = main.carried_out(cluster, main.parser().parse_args(words))
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
