"""`top`: CPU and memory of a brokerage's pods beside what they may use, and how many of them there are."""

from decimal import Decimal
from typing import Any

from .. import names
from ..adapters.kubernetes import AUTOSCALER, DEPLOYMENT, POD, ApiError, Kind
from ..drift import Object, quantity
from . import brokerages as b
from .cluster import Cluster
from .output import PLAIN, Answer, Style, table

METRICS = Kind("metrics.k8s.io/v1beta1", "PodMetrics", "pods")
NO_METRICS = "There is no metrics API (metrics.k8s.io): install metrics-server to see CPU and memory."
MIB = 1024 * 1024


async def top(cluster: Cluster, wanted: list[str], *, wide: bool, style: Style = PLAIN) -> Answer:
    """Of the brokerages named, or of all."""
    measured, found = True, list[dict[str, Any]]()
    for one in await b.some(cluster.kube, wanted):
        if space := b.status_of(one).get("namespace"):
            usage = await _usage(cluster, space)
            measured = measured and usage is not None
            found.append(await _of(cluster, one, space, usage or {}))
    head = ("BROKERAGE", "POD", "CPU", "MEMORY", "CPU LIMIT", "MEMORY LIMIT", "REPLICAS")
    rows = [row for entry in found for row in _rows(entry)]
    shown = [row if wide else [*row[:4], row[6]] for row in rows]
    text = table(head if wide else (*head[:4], head[6]), shown, style) or "There are no pods."
    return Answer(text if measured else f"{text}\n{NO_METRICS}", found, measured)


async def _usage(cluster: Cluster, space: str) -> dict[str, dict[str, Decimal]] | None:
    """By pod, CPU in cores and memory in bytes; None without a metrics API."""
    try:
        listed = await cluster.kube.list(METRICS, space, labels={})
    except ApiError as error:
        if error.status in (404, 503):
            return None
        raise
    return {
        one["metadata"]["name"]: {
            kind: sum((amount(part["usage"].get(kind)) for part in one["containers"]), Decimal(0))
            for kind in ("cpu", "memory")
        }
        for one in listed
    }


async def _of(cluster: Cluster, brokerage: Object, space: str, usage: dict[str, dict[str, Decimal]]) -> dict[str, Any]:
    owned = {names.LABEL_TENANT: b.status_of(brokerage)["tenantID"]}
    scalers = {one["metadata"]["name"]: one["spec"] for one in await cluster.kube.list(AUTOSCALER, space, labels=owned)}
    deployments = [
        {
            "name": one["metadata"]["name"],
            "available": one.get("status", {}).get("availableReplicas", 0),
            "wanted": one["spec"].get("replicas", 1),
            **_range(scalers.get(one["metadata"]["name"])),
        }
        for one in await cluster.kube.list(DEPLOYMENT, space, labels=owned)
    ]
    pods = [_pod(one, usage) for one in await cluster.kube.list(POD, space, labels={**owned, names.LABEL_NAME: None})]
    return {"name": b.name_of(brokerage), "deployments": deployments, "pods": pods}


def _range(scaler: Object | None) -> dict[str, int]:
    return {"min": scaler.get("minReplicas", 1), "max": scaler["maxReplicas"]} if scaler else {}


def _pod(pod: Object, usage: dict[str, dict[str, Decimal]]) -> dict[str, Any]:
    metadata, (container, *_) = pod["metadata"], pod["spec"]["containers"]
    limits = container.get("resources", {}).get("limits", {})
    used = usage.get(metadata["name"])
    return {
        "name": metadata["name"],
        "module": metadata["labels"][names.LABEL_NAME],
        "cpuMillicores": int(used["cpu"] * 1000) if used else None,
        "memoryBytes": int(used["memory"]) if used else None,
        "limits": limits,
    }


def _rows(entry: dict[str, Any]) -> list[list[str]]:
    counts = {one["name"]: _count(one) for one in entry["deployments"]}
    rows: list[list[str]] = []
    for pod in entry["pods"]:
        cpu, memory = pod["cpuMillicores"], pod["memoryBytes"]
        shown = ["" if cpu is None else f"{cpu}m", "" if memory is None else f"{memory // MIB}Mi"]
        limits = [str(pod["limits"].get(kind, "")) for kind in ("cpu", "memory")]
        rows.append([entry["name"], pod["name"], *shown, *limits, counts.get(pod["module"], "")])
    idle = counts.keys() - {pod["module"] for pod in entry["pods"]}
    return rows + [[entry["name"], f"({name})", "", "", "", "", counts[name]] for name in sorted(idle)]


def _count(deployment: dict[str, Any]) -> str:
    limits = f" ({deployment['min']} to {deployment['max']})" if "max" in deployment else ""
    return f"{deployment['available']}/{deployment['wanted']}{limits}"


def amount(value: str | None) -> Decimal:
    """The number behind a quantity of the metrics API, which also has nano and micro: 1234567n."""
    text = value or "0"
    if text[-1] in "nu":
        return Decimal(text[:-1]) / (10**9 if text[-1] == "n" else 10**6)
    return quantity(text) or Decimal(0)
