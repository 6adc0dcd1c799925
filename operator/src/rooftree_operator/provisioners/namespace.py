"""The tenant's namespace with its limits, and the operator's rights inside it. The example that others copy."""

import asyncio
import time
from dataclasses import dataclass

from .. import names
from ..adapters.kubernetes import BINDING, LIMITS, NAMESPACE, QUOTA, Forbidden, Kubernetes
from ..drift import Object, pending
from ..errors import Waiting
from ..names import TenantId
from ..provisioner import Plan, done, waiting
from ..tenant import CLAIM_SIZE, Tenant

RIGHTS_WITHIN = 3.0  # seconds in which the apiserver's authorizer sees a new RoleBinding; usually milliseconds


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    namespace: Object | None = None
    binding: Object | None = None
    quota: Object | None = None
    limits: Object | None = None


class Namespace:
    """Namespace, RoleBinding, ResourceQuota, LimitRange."""

    name = "namespace"
    needs: tuple[str, ...] = ()
    condition = "NamespaceReady"

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube

    async def observe(self, tenant: Tenant) -> Seen:
        name = tenant.namespace
        namespace = await self._kube.get(NAMESPACE, name)
        if namespace is None:
            return Seen()
        binding = await self._kube.get(BINDING, names.MANAGER, name)
        if binding is None:
            return Seen(namespace)
        quota, limits = await asyncio.gather(
            self._kube.get(QUOTA, "tenant", name), self._kube.get(LIMITS, "tenant", name)
        )
        return Seen(namespace, binding, quota, limits)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        if seen.namespace and seen.namespace.get("status", {}).get("phase") == "Terminating":
            return Plan(waiting("NamespaceTerminating", "the namespace is being deleted; it is made again afterwards"))
        wanted = [_namespace(tenant), _binding(tenant), _quota(tenant), _limits(tenant)]
        return Plan(
            done("Provisioned", f"Namespace {tenant.namespace} has its limits."),
            objects=pending(wanted, [seen.namespace, seen.binding, seen.quota, seen.limits]),
            status={"namespace": tenant.namespace},
        )

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for wanted in plan.objects:
            await self._kube.apply(wanted)
            if wanted["kind"] == BINDING.kind:
                await self._await_rights(tenant.namespace)

    async def _await_rights(self, namespace: str) -> None:
        deadline = time.monotonic() + RIGHTS_WITHIN
        while True:
            try:
                await self._kube.fetch(QUOTA, "tenant", namespace)  # a watch would answer without these rights
            except Forbidden:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)
            else:
                return

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        found = await self._kube.get(NAMESPACE, names.namespace(tenant))
        if found is None:
            return
        if found["metadata"].get("labels", {}).get(names.LABEL_TENANT) != tenant.value:
            return  # a namesake that is not ours
        if "deletionTimestamp" not in found["metadata"]:
            await self._kube.delete(NAMESPACE, names.namespace(tenant), uid=found["metadata"]["uid"])
        raise Waiting("DeletingNamespace", f"namespace {names.namespace(tenant)} is being deleted", retry_in=5.0)


def _namespace(tenant: Tenant) -> Object:
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "warn", "audit")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    labels = {**names.labels(tenant.id), **security}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tenant.namespace, "labels": labels}}


def _binding(tenant: Tenant) -> Object:
    platform = tenant.platform
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _metadata(tenant, names.MANAGER),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": platform.tenant_role},
        "subjects": [{"kind": "ServiceAccount", "name": names.MANAGER, "namespace": platform.namespace}],
    }


def _quota(tenant: Tenant) -> Object:
    quota = tenant.plan.quota
    hard = {
        "pods": str(quota.pods),
        "limits.cpu": quota.cpu,
        "limits.memory": quota.memory,
        "services": "10",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
        "persistentvolumeclaims": str(tenant.platform.claims),
    }
    if tenant.platform.claims:
        hard["requests.storage"] = CLAIM_SIZE
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": _metadata(tenant, "tenant"),
        "spec": {"hard": hard},
    }


def _limits(tenant: Tenant) -> Object:
    size = tenant.plan.resources
    entry = {
        "type": "Container",
        "default": {"cpu": size.limits.cpu, "memory": size.limits.memory},
        "defaultRequest": {"cpu": size.requests.cpu, "memory": size.requests.memory},
    }
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": _metadata(tenant, "tenant"),
        "spec": {"limits": [entry]},
    }


def _metadata(tenant: Tenant, name: str) -> Object:
    return {"name": name, "namespace": tenant.namespace, "labels": names.labels(tenant.id)}
