"""The tenant app: one Deployment and its Service. No apply of ours ever contains `replicas`."""

from dataclasses import dataclass

from .. import names, pods, serving
from ..adapters.kubernetes import DEPLOYMENT, SECRET, SERVICE, Forbidden, Kubernetes
from ..drift import Object, pending
from ..errors import Waiting
from ..names import TenantId
from ..provisioner import Action, Plan, waiting
from ..release import GATEWAY
from ..serving import Reading
from ..tenant import Tenant


@dataclass(frozen=True)
class Seen:
    """What is there now. `secrets`: what the app reads at its start."""

    secrets: Reading
    deployment: Object | None
    service: Object | None


@dataclass(frozen=True)
class Scale(Action):
    """Set the first number of pods, which afterwards belongs to whoever scales."""

    replicas: int
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"Deployment {pods.APP}: {self.replicas} pods to begin with"


class Workload:
    """Deployment `app` and Service `app`: all modules, or the gateway if the others have their own."""

    name = "workload"
    needs = ("migrations", "topics", "search", "cache", "storage", "policies", "modules")
    condition = "WorkloadReady"

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        read = (pods.APP_SECRET, serving.rpc_secret(GATEWAY)) if tenant.modules else (pods.APP_SECRET,)
        app, *others = [await self._kube.get(SECRET, name, tenant.namespace) or {} for name in read]
        secrets = serving.reading(app, *(secret.get("data") for secret in others))
        deployment = await self._kube.get(DEPLOYMENT, pods.APP, tenant.namespace)
        if deployment is None:
            # A watch knows of none that has lost our label: that one does not begin anew, with the least of pods.
            deployment = await self._kube.fetch(DEPLOYMENT, pods.APP, tenant.namespace)
        return Seen(secrets, deployment, await self._kube.get(SERVICE, pods.APP, tenant.namespace))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        module = GATEWAY if tenant.modules else None
        wanted = [build_service(tenant), serving.build_deployment(tenant, pods.APP, seen.secrets, module=module)]
        objects = pending(wanted, [seen.service, seen.deployment])
        if tenant.spec.suspend or tenant.is_asleep:
            have = {pods.APP: seen.deployment} if seen.deployment else {}
            count = {"replicas": serving.available(seen.deployment or {})}
            return Plan(serving.at_rest(tenant, have.values()), serving.without_starts(objects, have), status=count)
        minimum = tenant.plan.replicas.min
        # Only with the creation: later counts are the autoscaler's, which also lifts a count that a crash left at one;
        # what a suspension took comes back with it.
        actions = (Scale(minimum),) if seen.deployment is None and minimum != 1 else ()
        changing = any(item["kind"] == DEPLOYMENT.kind for item in objects)
        if changing or seen.deployment is None:
            return Plan(waiting("RollingOut", "the app is starting"), objects, actions)
        return Plan(serving.rollout(tenant, seen.deployment), objects, actions, reported(tenant, seen.deployment))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)
        for action in plan.actions:
            if isinstance(action, Scale):
                await self._kube.scale(pods.APP, tenant.namespace, action.replicas)

    async def revoke(self, tenant: TenantId) -> None:
        """Pods stay until all logins are closed."""

    async def delete(self, tenant: TenantId) -> None:
        namespace = names.namespace(tenant)
        try:
            found = await self._kube.get(DEPLOYMENT, pods.APP, namespace)
        except Forbidden:
            return  # our rights go with the namespace: it is gone or going, or nothing was ever made in it
        if found is None:
            return
        if "deletionTimestamp" not in found["metadata"]:
            uid = found["metadata"]["uid"]
            await self._kube.delete(DEPLOYMENT, pods.APP, namespace, uid=uid, propagation="Foreground")
        # A namespace with pods in it is looked at again only after half of their grace period, so they end before.
        raise Waiting("StoppingWorkload", "the app is being stopped", retry_in=1.0)


def reported(tenant: Tenant, deployment: Object) -> dict[str, object]:
    """What the Brokerage's status says of it; the version only once all pods run it."""
    report: dict[str, object] = {"replicas": serving.available(deployment)}
    return (
        {**report, "version": tenant.release.version}
        if serving.rollout(tenant, deployment).reason == "Available"
        else report
    )


def build_service(tenant: Tenant) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": pods.APP, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "selector": {names.LABEL_NAME: pods.APP},
            "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}],
        },
    }
