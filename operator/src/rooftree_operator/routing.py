"""A tenant's HTTPRoute: where it leads and what the edge says of it; and when the app can be led to. Pure.

It leads to the app or, while the brokerage is suspended, to the page of the Service `unknown-host` in the operator's
namespace, with headers that say what to show. It is one object either way: the edge changes over at once, and whoever
sends such a header is overruled.

A reference to another namespace's Service needs a ReferenceGrant there. A grant names the namespace that it is for, as
Gateway API knows none for all: so each tenant has its own, for the two Services there. It is made with the tenant and
not when it is needed, since nothing tells when the edge knows a grant, and until then it would answer 500. A Service
without a selector in the tenant's namespace would need no grant, but somebody to bring it each new address of the
page's pods.
"""

from typing import cast

from . import host_pages, names, pods, serving
from .activator import sleepers
from .drift import Object
from .names import TenantId
from .provisioner import Verdict, done, waiting
from .tenant import Tenant

LABEL_HOST = f"{names.GROUP}/host"
PAGE = "unknown-host"
PORT = 8080


def build_route(tenant: Tenant) -> Object:
    """Where the host of the tenant shall lead."""
    platform = tenant.platform
    parent = {"name": platform.gateway, "namespace": platform.namespace, "sectionName": platform.gateway_section}
    rule: Object = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": pods.APP,
            "namespace": tenant.namespace,
            "labels": {**names.labels(tenant.id), LABEL_HOST: tenant.host},
        },
        "spec": {"parentRefs": [parent], "hostnames": [tenant.host], "rules": [rule | _target(tenant)]},
    }


def _target(tenant: Tenant) -> Object:
    suspend = tenant.spec.suspend
    if suspend is None:
        app: Object = {"backendRefs": [{"name": pods.APP, "port": PORT}]}
        return _of_activator(tenant) if wants_activator(tenant) else app
    told = host_pages.Suspension(suspend.reason.value, tenant.spec.display_name, suspend.message or "")
    headers = host_pages.headers_of(told)
    change: Object = {"set": [{"name": name, "value": value} for name, value in headers.items()]}
    if unsaid := [name for name in (host_pages.HEADER_NAME, host_pages.HEADER_MESSAGE) if name not in headers]:
        change["remove"] = unsaid  # or a visitor's own would be shown
    return {
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": change}],
        "backendRefs": [{"name": PAGE, "namespace": tenant.platform.namespace, "port": PORT}],
    }


def wants_activator(tenant: Tenant) -> bool:
    """Whether its requests are to wait in the activator."""
    return tenant.spec.suspend is None and tenant.sleep is not None and not tenant.is_waking


def _of_activator(tenant: Tenant) -> Object:
    told = sleepers.headers_of(sleepers.Sleeper(tenant.namespace, tenant.modules))
    change: Object = {"set": [{"name": name, "value": value} for name, value in told.items()]}
    if unsaid := [name for name in sleepers.HEADERS if name not in told]:
        change["remove"] = unsaid  # or a visitor's own would be believed
    return {
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": change}],
        "backendRefs": [{"name": names.ACTIVATOR, "namespace": tenant.platform.namespace, "port": PORT}],
    }


def leads_to_page(route: Object | None) -> bool:
    """Whether visitors are led to the page of a suspended brokerage."""
    return _leads_to(PAGE, route)


def leads_to_activator(route: Object | None) -> bool:
    """Whether requests wait in the activator."""
    return _leads_to(names.ACTIVATOR, route)


def _leads_to(name: str, route: Object | None) -> bool:
    rules = (route or {}).get("spec", {}).get("rules", [])
    return any(target["name"] == name for rule in rules for target in rule.get("backendRefs", []))


def accepted(tenant: Tenant, route: Object) -> Verdict:
    """What the edge says of the route."""
    generation = route["metadata"].get("generation")
    for parent in route.get("status", {}).get("parents", []):
        told = {c["type"]: c for c in parent.get("conditions", []) if c.get("observedGeneration") == generation}
        # The Service comes with the workload, which is made at the same time.
        bad = [c for c in told.values() if c["status"] == "False" and c["reason"] != "BackendNotFound"]
        if bad:
            text = f"the edge refuses {tenant.host} ({bad[0]['reason']}): {bad[0].get('message', '')}"
            return waiting("RouteRefused", text, retry_in=5.0)
        if all(told.get(name, {}).get("status") == "True" for name in ("Accepted", "ResolvedRefs")):
            return done("Accepted", f"The edge serves {tenant.host}.")
    return waiting("RouteChanging", f"the edge is learning {tenant.host}")


def grant_name(tenant: TenantId) -> str:
    """Of the ReferenceGrant in the operator's namespace."""
    return names.namespace(tenant)


def build_grant(tenant: Tenant) -> Object:
    """Lets routes of the tenant's namespace refer to the page and to the activator."""
    origin = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": tenant.namespace}
    metadata = {
        "name": grant_name(tenant.id),
        "namespace": tenant.platform.namespace,
        "labels": names.labels(tenant.id),
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": metadata,
        "spec": {
            "from": [origin],
            "to": [{"group": "", "kind": "Service", "name": name} for name in (PAGE, names.ACTIVATOR)],
        },
    }


def is_available(app: Object | None, modules: dict[str, Object], called: tuple[str, ...]) -> bool:
    """Whether the app has pods that serve, and the modules that it calls, too, if it is a gateway."""
    if app is None or not serving.serves(app):
        return False
    return serving.is_whole(app) or all(name in modules and serving.serves(modules[name]) for name in called)


def is_published(slices: list[Object]) -> bool:
    """Whether the edge can know the address of a pod that is ready, from the Service's EndpointSlices."""
    endpoints = (one for found in slices for one in cast("list[Object]", found.get("endpoints") or []))
    return any(one.get("conditions", {}).get("ready") for one in endpoints)
