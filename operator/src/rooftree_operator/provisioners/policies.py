"""What the tenant's pods may connect to and who may connect to them; everything else is refused in both directions.

The policies go with the namespace, which goes after the pods: no pod of a tenant is ever without them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import names, pods
from ..adapters.kubernetes import POLICY, Kubernetes
from ..conditions import Report, State
from ..drift import Object, pending
from ..names import TenantId
from ..network import Peers
from ..outbound import feed_rules, plan_rules
from ..provisioner import Action, Plan, done
from ..release import GATEWAY
from ..tenant import Tenant

CONDITION_OUTBOUND = "OutboundReady"
DEFAULT = "default"
# Every pod needs these; a migration needs no more.
FOR_ALL = ("dns", "postgres")


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    default: Object | None
    app: Object | None
    modules: dict[str, Object] = field(default_factory=dict[str, Object])
    """Of the modules that have pods of their own."""


@dataclass(frozen=True)
class Remove(Action):
    """This installation makes no policies any more."""

    name: str

    def words(self, tenant: TenantId) -> str:
        return f"NetworkPolicy {self.name}: this installation makes none"


class Policies:
    """NetworkPolicies `default` (all pods), `app`, and one for each module that has pods of its own."""

    name = "policies"
    needs = ("namespace",)
    condition = "NetworkReady"

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        wanted = (DEFAULT, pods.APP, *tenant.release.called)
        default, app, *found = await asyncio.gather(
            *(self._kube.get(POLICY, name, tenant.namespace) for name in wanted)
        )
        modules = {name: policy for name, policy in zip(tenant.release.called, found, strict=True) if policy}
        return Seen(default, app, modules)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if not tenant.platform.network.enabled:
            policies = (seen.default, seen.app, *seen.modules.values())
            present = [policy["metadata"]["name"] for policy in policies if policy]
            verdict = done("Disabled", "This installation makes no network policies.")
            return Plan(verdict, actions=tuple(Remove(name) for name in present))
        feeds, refusals = feed_rules(tenant)
        # Those of modules that had pods of their own stay, as their pods do until nobody calls them any more.
        calls = _calls(tenant, GATEWAY, {*tenant.modules, *seen.modules})
        wanted = [build_default(tenant), build_app(tenant, feeds, calls)]
        wanted += [build_module(tenant, module, feeds) for module in tenant.modules]
        have = [seen.default, seen.app, *(seen.modules.get(module) for module in tenant.modules)]
        return Plan(
            done("Provisioned", "Connections are refused in both directions, except those that are granted."),
            objects=pending(wanted, have),
            also=_outbound(refusals),
        )

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)
        for action in plan.actions:
            if isinstance(action, Remove):
                await self._kube.delete(POLICY, action.name, tenant.namespace)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """Policies go with the namespace."""


def build_default(tenant: Tenant) -> Object:
    """All pods: nothing in, and out only to names and the database."""
    return _policy(tenant, DEFAULT, {}, [], _granted(tenant, FOR_ALL))


def build_app(tenant: Tenant, feeds: list[Object], calls: Sequence[Object] = ()) -> Object:
    """Serving pods: in from the edge, the activator and monitoring; out to the backends, the feeds and what the plan
    grants."""
    network, release = tenant.platform.network, tenant.release
    visitors: Peers = [*network.edge, _activator(tenant)]
    ingress = [*_admit(visitors, release.port), *_admit(network.monitoring, release.metrics_port)]
    return _policy(tenant, pods.APP, _pods_of(pods.APP), ingress, [*_outside(tenant, feeds), *calls])


def build_module(tenant: Tenant, module: str, feeds: list[Object]) -> Object:
    """A module's pods: in from the modules that call it and monitoring; out as all, and to those that it calls."""
    release = tenant.release
    callers = [name for name, others in sorted(release.calls.items()) if module in others]
    peers: Peers = [{"podSelector": _pods_of(pods.APP if name == GATEWAY else name)} for name in callers]
    ingress = [*_admit(peers, release.rpc_port), *_admit(tenant.platform.network.monitoring, release.metrics_port)]
    egress = [*_outside(tenant, feeds), *_calls(tenant, module, set(tenant.modules))]
    return _policy(tenant, module, _pods_of(module), ingress, egress)


def _outside(tenant: Tenant, feeds: list[Object]) -> list[Object]:
    """The backends, the feeds and what the plan grants."""
    backends = _granted(tenant, (name for name in sorted(tenant.platform.network.peers) if name not in FOR_ALL))
    return [*backends, *feeds, *plan_rules(tenant)]


def _calls(tenant: Tenant, module: str, having_pods: set[str]) -> list[Object]:
    """Egress to the pods of the modules that it calls."""
    called = [other for other in tenant.release.calls.get(module, ()) if other in having_pods]
    ports = [{"protocol": "TCP", "port": tenant.release.rpc_port}]
    return [{"to": [{"podSelector": _pods_of(other)} for other in called], "ports": ports}] if called else []


def _pods_of(name: str) -> Object:
    return {"matchLabels": {names.LABEL_NAME: name}}


def _activator(tenant: Tenant) -> Object:
    """Who wakes it hands requests on to it, until the edge does."""
    namespace = {"kubernetes.io/metadata.name": tenant.platform.namespace}
    return {"namespaceSelector": {"matchLabels": namespace}, "podSelector": _pods_of(names.ACTIVATOR)}


def _granted(tenant: Tenant, wanted: Iterable[str]) -> list[Object]:
    return [tenant.platform.network.peers[name].model_dump() for name in wanted]


def _admit(peers: Peers, port: int | None) -> list[Object]:
    """One ingress rule; none without peers, since an empty list would mean everybody."""
    return [{"from": peers, "ports": [{"protocol": "TCP", "port": port}]}] if peers and port else []


def _outbound(refusals: list[str]) -> tuple[Report, ...]:
    if not refusals:
        return ()
    advice = "whoever applied the feed must give it a public host or ask for a grant; all else goes on without it"
    return (Report(CONDITION_OUTBOUND, State.BLOCKED, "FeedHostRefused", f"{'; '.join(refusals)}: {advice}"),)


def _policy(tenant: Tenant, name: str, selector: Object, ingress: list[Object], egress: list[Object]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }
