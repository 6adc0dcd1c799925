"""`tree`: all that belongs to a brokerage in Kubernetes, with the state of each, and its names in the backends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import names
from ..adapters.kubernetes import (
    AUTOSCALER,
    BINDING,
    BUDGET,
    CONFIG,
    DEPLOYMENT,
    JOB,
    LIMITS,
    NAMESPACE,
    POD,
    POLICY,
    QUOTA,
    ROUTE,
    SECRET,
    SERVICE,
    ApiError,
    Kind,
)
from ..api.rotation import RotationPhase
from ..drift import Object
from ..generations import Record
from ..names import Slot, TenantId
from . import brokerages as b
from . import pod_causes
from .cluster import Cluster
from .output import PLAIN, Answer, Style

KINDS = (
    ROUTE, DEPLOYMENT, SERVICE, AUTOSCALER, BUDGET, JOB, SECRET, CONFIG, POLICY, QUOTA, LIMITS, BINDING,
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """Something that belongs to a brokerage."""

    kind: str
    name: str
    state: str = ""
    fine: bool = True
    children: "list[Node]" = field(default_factory=list["Node"])

    def as_data(self) -> dict[str, Any]:
        known = {"kind": self.kind, "name": self.name, "state": self.state, "fine": self.fine}
        return known | ({"children": [child.as_data() for child in self.children]} if self.children else {})


async def tree(cluster: Cluster, name: str, *, wide: bool, style: Style = PLAIN) -> Answer:
    root = await observed(cluster, await b.one(cluster.kube, name))
    return Answer("\n".join(rendered(root, wide=wide, style=style)), root.as_data(), root.fine)


async def observed(cluster: Cluster, brokerage: Object) -> Node:
    """Reads what is there. What the reader has no right to see is said to be hidden, and is no problem."""
    status = b.status_of(brokerage)
    ready, phase = b.is_ready(brokerage), status.get("phase", "Pending")
    identity = status.get("tenantID")
    if identity is None:
        return Node("Brokerage", b.name_of(brokerage), f"{phase}; nothing of it has been made yet", ready)
    tenant = TenantId(identity)
    turn = status.get("rotation", Object())
    slots = Record(turn.get("generation", 1), RotationPhase(turn.get("phase", "Completed"))).accepted
    children = [await _namespace(cluster, tenant), *backends(tenant, slots, has_bucket="bucket" in status)]
    return Node("Brokerage", b.name_of(brokerage), phase, ready, children)


async def _namespace(cluster: Cluster, tenant: TenantId) -> Node:
    space = names.namespace(tenant)
    found = await cluster.kube.get(NAMESPACE, space)
    if found is None:
        return Node("Namespace", space, "missing", fine=False)
    owned: dict[str, str | None] = {names.LABEL_TENANT: tenant.value}
    pods = await _owned(cluster, POD, space, {**owned, names.LABEL_NAME: None})
    inside = [node for kind in KINDS for node in await _nodes(cluster, kind, space, owned, pods)]
    phase = found.get("status", {}).get("phase", "Active")
    return Node("Namespace", space, phase, phase == "Active", inside)


async def _nodes(
    cluster: Cluster, kind: Kind, space: str, owned: dict[str, str | None], pods: list[Object] | None
) -> list[Node]:
    found = await _owned(cluster, kind, space, owned)
    if found is None:
        return [Node(kind.kind, "*", "hidden: you may not list them")]
    return [_node(kind, one, pods or []) for one in sorted(found, key=b.name_of)]


async def _owned(cluster: Cluster, kind: Kind, space: str, owned: dict[str, str | None]) -> list[Object] | None:
    try:
        return await cluster.kube.list(kind, space, labels=owned)
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def _node(kind: Kind, item: Object, pods: list[Object]) -> Node:
    state, fine = STATES.get(kind.kind, lambda _: ("", True))(item)
    name = item["metadata"]["name"]
    own = [pod for pod in pods if kind is DEPLOYMENT and pod["metadata"]["labels"][names.LABEL_NAME] == name]
    children = [Node("Pod", pod["metadata"]["name"], *pod_causes.state(pod)) for pod in own]
    return Node(kind.kind, name, state, fine, children)


def _deployment(item: Object) -> tuple[str, bool]:
    wanted, available = item["spec"].get("replicas", 1), item.get("status", {}).get("availableReplicas", 0)
    return f"{available}/{wanted} available", available >= wanted


def _job(item: Object) -> tuple[str, bool]:
    status = item.get("status", {})
    failed = any(c["type"] == "Failed" and c["status"] == "True" for c in status.get("conditions", []))
    return ("failed", False) if failed else ("succeeded" if status.get("succeeded") else "running", True)


def _route(item: Object) -> tuple[str, bool]:
    parents = item.get("status", {}).get("parents", [])
    told = [c for parent in parents for c in parent.get("conditions", []) if c["type"] == "Accepted"]
    accepted = bool(told) and all(c["status"] == "True" for c in told)
    return f"{', '.join(item['spec'].get('hostnames', []))} {'accepted' if accepted else 'not accepted'}", accepted


def _autoscaler(item: Object) -> tuple[str, bool]:
    spec, now = item["spec"], item.get("status", {}).get("currentReplicas", 0)
    return f"{spec.get('minReplicas', 1)} to {spec['maxReplicas']} pods, now {now}", True


def _quota(item: Object) -> tuple[str, bool]:
    hard, used = item["spec"].get("hard", {}), item.get("status", {}).get("used", {})
    told = [f"{name} {used[name]}/{hard[name]}" for name in ("pods", "limits.cpu", "limits.memory") if name in used]
    return ", ".join(told), True


STATES: dict[str, Callable[[Object], tuple[str, bool]]] = {
    DEPLOYMENT.kind: _deployment,
    JOB.kind: _job,
    ROUTE.kind: _route,
    AUTOSCALER.kind: _autoscaler,
    QUOTA.kind: _quota,
}


def backends(tenant: TenantId, slots: Sequence[Slot], *, has_bucket: bool) -> list[Node]:
    """What it is called where Kubernetes cannot look; `slots` are those of the logins that get in."""
    user = ", ".join(names.user(tenant, slot) for slot in slots)
    logins = [login for slot in slots for login in (names.migrator_role(tenant, slot), names.user(tenant, slot))]
    roles = ", ".join(dict.fromkeys((names.owner_role(tenant), *logins, names.app_role(tenant))))
    found = [
        Node("PostgreSQL", names.database(tenant), f"roles {roles}"),
        Node("Kafka", f"{names.prefix(tenant)}*", f"user {user}"),
        Node("Elasticsearch", names.index_pattern(tenant), f"role {names.app_role(tenant)}, user {user}"),
        Node("Redis", f"{names.prefix(tenant)}*", f"user {user}"),
    ]
    return [*found, Node("S3", names.bucket(tenant), f"key {user}")] if has_bucket else found


def rendered(root: Node, *, wide: bool, style: Style = PLAIN) -> Iterator[str]:
    """Lines of the tree. What is in order and says nothing of itself is put together unless `wide`."""
    yield _line("", root, style)
    yield from _branches(root, "", wide, style)


def _branches(node: Node, lead: str, wide: bool, style: Style) -> Iterator[str]:
    shown = node.children if wide else _together(node.children)
    for child in shown:
        last = child is shown[-1]
        yield _line(f"{lead}{'└─ ' if last else '├─ '}", child, style)
        yield from _branches(child, f"{lead}{'   ' if last else '│  '}", wide, style)


def _line(lead: str, node: Node, style: Style) -> str:
    mark = "" if not node.state else style("faint" if node.fine else "bad", f"  {node.state}")
    return f"{lead}{node.kind} {node.name}{mark}"


def _together(nodes: list[Node]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        last = found[-1] if found else None
        if last and last.kind == node.kind and not (last.state or node.state or last.children or node.children):
            found[-1] = Node(node.kind, f"{last.name}, {node.name}")
        else:
            found.append(node)
    return found
