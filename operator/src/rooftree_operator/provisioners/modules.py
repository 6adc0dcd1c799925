"""The modules of the tenant app that have a Deployment each, beside the gateway's, in topology `microservices`.

Coming from a monolith they serve before `app` becomes the gateway, for which `workload` waits; going back they stay
until the last pod of `app` that calls them has ended. So nobody notices either way. For the same reason they start one
after the other while `app` serves: starting takes a second of CPU, and several at once would take it from requests.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .. import fitting, names, pods, serving
from ..adapters.kubernetes import DEPLOYMENT, POD, SECRET, SERVICE, Kind, Kubernetes
from ..api.scaling import ScalingMode
from ..conditions import State
from ..drift import Object, pending
from ..names import TenantId
from ..provisioner import Action, Plan, Verdict, blocked, done, waiting
from ..scaling import limits
from ..serving import Reading
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now, by module. `secrets`: what a module's pods read at their start; `callers`: pods that call
    modules which are to go."""

    app: Object | None
    secrets: dict[str, Reading]
    deployments: dict[str, Object]
    services: dict[str, Object]
    callers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remove(Action):
    """The module has no Deployment of its own any more, once the pods of `app` have it."""

    module: str
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"Deployment and Service {self.module}: wanted no more"


@dataclass(frozen=True)
class Scale(Action):
    """Set the number of a module's pods, which is the plan's least."""

    module: str
    replicas: int

    def words(self, tenant: TenantId) -> str:
        return f"Deployment {self.module}: .spec.replicas"


class Modules:
    """A Deployment and a headless Service for each module that others call."""

    name = "modules"
    needs = ("migrations", "topics", "search", "cache", "storage", "policies", "certificates")
    condition = None

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        called, where = tenant.release.called, tenant.namespace
        app, shared = await asyncio.gather(
            self._kube.get(DEPLOYMENT, pods.APP, where), self._kube.get(SECRET, pods.APP_SECRET, where)
        )
        # Of one that goes: a watch would not tell of what has lost our label, and then it would stay for ever.
        goes = not tenant.modules and await self._kube.get(SECRET, serving.RPC_AUTHORITY, where) is not None
        deployments = await self._found(DEPLOYMENT, called, where, ask=goes)
        services = await self._found(SERVICE, called, where, ask=goes)
        own = await self._found(SECRET, [serving.rpc_secret(module) for module in tenant.modules], where)
        read = {module: own.get(serving.rpc_secret(module), Object()).get("data") for module in tenant.modules}
        secrets = {module: serving.reading(shared, data) for module, data in read.items()}
        return Seen(app, secrets, deployments, services, await self._callers(tenant) if goes and deployments else ())

    async def _callers(self, tenant: Tenant) -> tuple[str, ...]:
        """Also those that are ending, of which the Deployment tells no more: the edge may still lead to them."""
        own = {names.LABEL_TENANT: tenant.id.value, names.LABEL_NAME: pods.APP}
        found = await self._kube.list(POD, tenant.namespace, labels=own)
        return tuple(one["metadata"]["name"] for one in found if not serving.has_all_modules(one))

    async def _found(
        self, kind: Kind, wanted: Sequence[str], namespace: str, *, ask: bool = False
    ) -> dict[str, Object]:
        """By name, those that are there; `ask`: now, at the API server."""
        get = self._kube.fetch if ask else self._kube.get
        found = await asyncio.gather(*(get(kind, name, namespace) for name in wanted))
        return {name: item for name, item in zip(wanted, found, strict=True) if item is not None}

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if refusal := refused(tenant):
            return Plan(refusal)
        unwanted = sorted((seen.deployments.keys() | seen.services.keys()) - set(tenant.modules))
        removals = tuple(Remove(module) for module in unwanted) if tenant.modules or _needs_none(tenant, seen) else ()
        wanted = [item for module in tenant.modules for item in build(tenant, module, seen.secrets[module])]
        have = [one.get(module) for module in tenant.modules for one in (seen.services, seen.deployments)]
        differing, least = pending(wanted, have), tenant.plan.replicas.min
        if tenant.spec.suspend or tenant.is_asleep:
            objects = serving.without_starts(differing, seen.deployments)
            return Plan(serving.at_rest(tenant, seen.deployments.values()), objects, removals)
        objects = _in_turn(tenant, seen, differing) if _app_serves(seen) else differing
        there = seen.deployments.keys() | _changing(objects)
        counts = {name: serving.replicas(seen.deployments.get(name) or {"spec": {}}) for name in tenant.modules}
        # Those that are counted by load are only lifted here.
        most = math.inf if limits.mode(tenant) is ScalingMode.LOAD_TUNED else least
        wrong = (name for name, count in counts.items() if count and not least <= count <= most)
        scales = tuple(Scale(name, least) for name in wrong if name in there)
        return Plan(_verdict(tenant, seen, objects), objects, (*scales, *removals))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)
        for action in plan.actions:
            match action:
                case Scale(module, replicas):
                    await self._kube.scale(module, tenant.namespace, replicas)
                case Remove(module):
                    await self._kube.delete(SERVICE, module, tenant.namespace)
                    await self._kube.delete(DEPLOYMENT, module, tenant.namespace)
                case _:
                    raise TypeError(action)

    async def revoke(self, tenant: TenantId) -> None:
        """Pods stay until all logins are closed."""

    async def delete(self, tenant: TenantId) -> None:
        """They go with the namespace: which modules there are is known of a release, and not of a tenant that goes."""


def refused(tenant: Tenant) -> Verdict | None:
    """Why the modules cannot have Deployments of their own."""
    if tenant.spec.topology != "microservices":
        return None
    if tenant.release.rpc_port is None or not tenant.modules:
        advice = "set spec.topology to monolith or spec.version to a newer one"
        return blocked("TopologyUnknown", f"version {tenant.release.version} cannot run as microservices: {advice}")
    least = fitting.connections(tenant, tenant.plan.replicas.min)
    if tenant.plan.database.connections < least:
        advice = f"a platform admin must raise database.connections of plan {tenant.spec.plan} to at least {least}"
        return blocked("PlanTooSmall", f"microservices need more connections than the plan grants: {advice}")
    return None


def build(tenant: Tenant, module: str, secrets: Reading) -> tuple[Object, Object]:
    """Service and Deployment of a module."""
    deployment = serving.build_deployment(tenant, module, secrets, module=module)
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": module, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            # Callers spread their calls over all pods themselves.
            "clusterIP": "None",
            "selector": {names.LABEL_NAME: module},
            "ports": [{"name": "rpc", "port": tenant.release.rpc_port, "targetPort": "rpc", "protocol": "TCP"}],
        },
    }
    return service, deployment


def _app_serves(seen: Seen) -> bool:
    return bool((seen.app or {}).get("status", {}).get("availableReplicas"))


def _in_turn(tenant: Tenant, seen: Seen, differing: tuple[Object, ...]) -> tuple[Object, ...]:
    """Without the Deployments that have to wait for one whose pods are starting; that one itself is never kept back."""
    starting = {name for name, one in seen.deployments.items() if serving.rollout(tenant, one).state is not State.DONE}
    turn = [one["metadata"]["name"] for one in differing if one["kind"] == DEPLOYMENT.kind]
    first = next((name for name in turn if name in starting), None if starting else next(iter(turn), None))
    return tuple(one for one in differing if one["kind"] != DEPLOYMENT.kind or one["metadata"]["name"] == first)


def _verdict(tenant: Tenant, seen: Seen, objects: tuple[Object, ...]) -> Verdict:
    if not tenant.modules:
        whole = done("Monolith", "All modules are in the pods of the app.")
        return replace(whole, retry_in=serving.STILL_ENDING) if seen.callers and _app_has_all(tenant, seen) else whole
    if changing := _changing(objects):
        return waiting("RollingOut", f"modules are starting: {', '.join(sorted(changing))}")
    verdicts = [serving.rollout(tenant, one) for one in map(seen.deployments.get, tenant.modules) if one is not None]
    if unfinished := next((one for one in verdicts if one.state is not State.DONE), None):
        return unfinished
    return done("Available", "All modules are available.")


def _changing(objects: tuple[Object, ...]) -> set[str]:
    """The modules whose Deployments are among these."""
    return {item["metadata"]["name"] for item in objects if item["kind"] == DEPLOYMENT.kind}


def _needs_none(tenant: Tenant, seen: Seen) -> bool:
    return not seen.callers and _app_has_all(tenant, seen)


def _app_has_all(tenant: Tenant, seen: Seen) -> bool:
    """Whether all new pods of `app` have all modules."""
    if seen.app is None:
        return True
    (container,) = seen.app["spec"]["template"]["spec"]["containers"]
    is_whole = list(container["command"]) == list(tenant.release.serve)
    return is_whole and serving.rollout(tenant, seen.app).state is State.DONE
