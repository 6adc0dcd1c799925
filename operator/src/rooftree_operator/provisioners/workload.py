"""The tenant app: one Deployment and its Service. No apply of ours ever contains `replicas`."""

import hashlib
import json
from dataclasses import dataclass

from .. import names, pods
from ..adapters.kubernetes import DEPLOYMENT, SECRET, SERVICE, Forbidden, Kubernetes
from ..drift import Object, pending
from ..errors import Waiting
from ..names import TenantId
from ..provisioner import Plan, Verdict, blocked, done, waiting
from ..release import Release
from ..tenant import Tenant

ANNOTATION_SECRETS = f"{names.GROUP}/secrets"

GRACE = 45  # seconds that a pod has to end


@dataclass(frozen=True)
class Seen:
    """What is there now. `secrets` changes with the values that the app reads at its start."""

    secrets: str
    deployment: Object | None
    service: Object | None


@dataclass(frozen=True)
class Scale:
    """Set the first number of pods, which afterwards belongs to whoever scales."""

    replicas: int


class Workload:
    """Deployment `app` and Service `app`."""

    name = "workload"
    needs = ("migrations", "topics", "search", "cache", "storage", "policies")
    condition = "WorkloadReady"

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        secret = await self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace) or {}
        digest = hashlib.sha256(json.dumps(secret.get("data"), sort_keys=True).encode()).hexdigest()[:16]
        deployment = await self._kube.get(DEPLOYMENT, pods.APP, tenant.namespace)
        return Seen(digest, deployment, await self._kube.get(SERVICE, pods.APP, tenant.namespace))

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        wanted = [build_service(tenant), build_deployment(tenant, seen.secrets)]
        objects = pending(wanted, [seen.service, seen.deployment])
        minimum = tenant.plan.replicas.min
        # Only with the creation: later counts are the autoscaler's, which also lifts a count that a crash left at one.
        actions = (Scale(minimum),) if seen.deployment is None and minimum != 1 else ()
        changing = any(item["kind"] == DEPLOYMENT.kind for item in objects)
        if changing or seen.deployment is None:
            return Plan(waiting("RollingOut", "the app is starting"), objects, actions)
        return Plan(rollout(tenant, seen.deployment), objects, actions, reported(tenant, seen.deployment))

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


def rollout(tenant: Tenant, deployment: Object) -> Verdict:
    """How far the Deployment is."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        advice = f"a platform admin must look at the pods in {tenant.namespace}"
        return blocked("RolloutStuck", f"the app of version {tenant.release.version} does not become ready: {advice}")
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return blocked("PodsRefused", f"{failure.get('message')}: a platform admin must look at quota and policies")
    current = status.get("observedGeneration") == deployment["metadata"].get("generation")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    # Pods that an autoscaler adds beyond the plan's least are no reason to call a brokerage that answers not ready.
    least = min(wanted, tenant.plan.replicas.min)
    if not current or min(updated, available) < least or status.get("replicas", 0) > updated:
        return waiting("RollingOut", f"{min(updated, available)} of {wanted} pods of the app are available")
    return done("Available", f"{available} of {wanted} pods of the app are available.")


def reported(tenant: Tenant, deployment: Object) -> dict[str, object]:
    """What the Brokerage's status says of it; the version only once all pods run it."""
    report: dict[str, object] = {"replicas": deployment.get("status", {}).get("availableReplicas", 0)}
    return (
        {**report, "version": tenant.release.version} if rollout(tenant, deployment).reason == "Available" else report
    )


def build_deployment(tenant: Tenant, secrets: str) -> Object:
    release, size = tenant.release, tenant.plan.resources
    labels = {**names.labels(tenant.id), "app.kubernetes.io/name": pods.APP}
    container: Object = {
        "name": pods.APP,
        "image": release.image,
        "command": list(release.serve),
        "env": pods.environment(pods.app_values(tenant)),
        "ports": _ports(release),
        "resources": {"requests": size.requests.model_dump(), "limits": size.limits.model_dump()},
        # 60 tries: a start on a busy node may be slow, and a database that is down must not cause restarts.
        "startupProbe": _probe(release.startup, release.port, failures=60),
        "readinessProbe": _probe(release.ready, release.port, failures=2),
        # A minute: a pod that gets no CPU answers late, and a restart would need more of it.
        "livenessProbe": {**_probe(release.live, release.port, failures=6), "periodSeconds": 10, "timeoutSeconds": 5},
    }
    template = {
        "metadata": {"labels": labels, "annotations": {ANNOTATION_SECRETS: secrets}},
        # The app drains for 3 s, then ends its requests (20 s at most) and its jobs (8 s); an idle one ends at once.
        "spec": {**pods.pod_spec(container, secret=pods.APP_SECRET), "terminationGracePeriodSeconds": GRACE},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": pods.APP, "namespace": tenant.namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": pods.APP}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": 120,
            "revisionHistoryLimit": 2,
            "template": template,
        },
    }


def build_service(tenant: Tenant) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": pods.APP, "namespace": tenant.namespace, "labels": names.labels(tenant.id)},
        "spec": {
            "selector": {"app.kubernetes.io/name": pods.APP},
            "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _ports(release: Release) -> list[Object]:
    """What the container serves; Prometheus scrapes every port that is called `metrics`."""
    ports = {"http": release.port, "metrics": release.metrics_port}
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items() if port]


def _probe(path: str, port: int, *, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
