"""A brokerage whose requests go to the activator, without the operator: put to sleep by hand, and asked for."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from .conftest import EDGE, PLATFORM, Edge, Kubectl, Tenant, required, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTIVATOR = "rooftree-activator"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OWN_PODS = "app.kubernetes.io/name"  # the label of what serves


@dataclass(frozen=True)
class Asked:
    """What came of a request: the tenant that answered, or what went wrong; and after how many seconds."""

    answer: str
    seconds: float


@contextmanager
def led_to_activator(kubectl: Kubectl, tenant: Tenant) -> Iterator[None]:
    """The operator leaves it alone meanwhile, and its route leads to the activator."""
    patch(kubectl, ("brokerage", tenant.name), {"spec": {"pause": "Everything"}})
    try:
        # A pass that began before would set the route back.
        until("it is paused", lambda: "Paused" in kubectl.conditions(tenant.name), seconds=30)
        _lead(kubectl, tenant)
        yield
    finally:
        patch(kubectl, ("brokerage", tenant.name), {"spec": {"pause": None}})


def _lead(kubectl: Kubectl, tenant: Tenant) -> None:
    modules = [name for name in deployments(kubectl, tenant) if name != "app"]
    told = {"X-Rooftree-Namespace": tenant.namespace, **({"X-Rooftree-Modules": ",".join(modules)} if modules else {})}
    headers = [{"name": name, "value": value} for name, value in told.items()]
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": headers}}],
        "backendRefs": [{"name": ACTIVATOR, "namespace": PLATFORM, "port": 8080}],
    }
    patch(kubectl, ("httproute", "app", "-n", tenant.namespace), {"spec": {"rules": [rule]}})


def patch(kubectl: Kubectl, what: tuple[str, ...], change: dict[str, Any]) -> None:
    kubectl.run("patch", *what, "--type=merge", "-p", json.dumps(change))


def deployments(kubectl: Kubectl, tenant: Tenant) -> list[str]:
    found = kubectl.items("deployments", "-n", tenant.namespace, "-l", OWN_PODS)
    return [one["metadata"]["name"] for one in found]


def scale(kubectl: Kubectl, tenant: Tenant, replicas: int) -> None:
    kubectl.run("scale", "-n", tenant.namespace, f"--replicas={replicas}", "deployment", *deployments(kubectl, tenant))


def put_to_sleep(kubectl: Kubectl, edge: Edge, tenant: Tenant) -> None:
    """It has no pods, and the edge leads to the activator."""
    scale(kubectl, tenant, 0)
    own = ("pods", "-n", tenant.namespace, "-l", OWN_PODS)
    until("it has no pods", lambda: not kubectl.items(*own), seconds=120)
    until(
        "the edge leads to the activator", lambda: told(edge, tenant), seconds=30, enough=lambda code: code == "asleep"
    )


def told(edge: Edge, tenant: Tenant) -> str:
    """The problem that a crawler gets."""
    answer = edge.get(tenant.host, "/", **{"User-Agent": BOT})
    kind = answer.headers.get("content-type", "")
    return answer.json()["type"].rpartition("/")[2] if kind == "application/problem+json" else f"{answer.status_code}"


async def first_requests(host: str, number: int) -> list[Asked]:
    """So many requests at once."""
    context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(verify=context, timeout=60, trust_env=False, limits=limits) as client:
        return await asyncio.gather(*(_ask(client, host) for _ in range(number)))


async def _ask(client: httpx2.AsyncClient, host: str) -> Asked:
    began = time.monotonic()
    try:
        answer = await client.get(
            f"https://{EDGE}/version", headers={"Host": f"{host}:8443"}, extensions={"sni_hostname": host}
        )
    except httpx2.HTTPError as error:
        words = repr(error)
    else:
        words = answer.json()["tenant_id"] if answer.is_success else f"{answer.status_code} {answer.text[:200]}"
    return Asked(words, time.monotonic() - began)
