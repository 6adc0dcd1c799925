"""The client that the operator's speed is measured by makes what the operator makes, no less and no more."""

from dataclasses import is_dataclass
from functools import partial
from typing import Any, cast

from bench_operator import bare
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import BROKERAGE, PLAN, SECRET
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.names import TenantId
from rooftree_operator.resolving import Resolver
from rooftree_operator.secret_objects import decoded
from rooftree_operator.tenant import Fit

from .world import PLATFORM, World, brokerage

EXPECTED = {"Namespace", "NetworkPolicy", "Secret", "Deployment", "HTTPRoute", "ReferenceGrant"}
# What controllers make beside what was asked for.
FOLLOWING = {"Pod", "EndpointSlice"}


async def original(world: World, name: str) -> bare.Original:
    """As the benchmark reads it from an apiserver."""
    known = world.tenant(name)
    found = world.kube.find(BROKERAGE, name)
    assert found is not None
    resolver = Resolver(world.kube, world.releases, PLATFORM, partial(world.kube.get, PLAN))

    async def id_(_: Fit) -> TenantId:
        return known

    tenant, _ = await resolver.tenant(found, BrokerageSpec.model_validate(found["spec"]), id_)
    labels: dict[str, str | None] = {names.LABEL_TENANT: known.value}
    objects = [item for kind in bare.MADE for item in await world.kube.list(kind, labels=labels)]
    secrets = {item["metadata"]["name"]: decoded(item) for item in objects if item["kind"] == SECRET.kind}
    return bare.Original(tenant, tuple(objects), secrets)


def of_tenant(world: World, tenant: TenantId) -> dict[str, Any]:
    """Whatever there is of it in any system, without its name, and without who looks after it."""
    found = {name: _with(parts, tenant.value) for name, parts in world.inventory().items() if name != "objects"}
    for (kind, space, name), item in world.kube.objects.items():
        is_ours = item["metadata"].get("labels", {}).get(names.LABEL_TENANT) == tenant.value
        if is_ours and kind not in FOLLOWING:
            metadata = {key: item["metadata"].get(key) for key in ("labels", "annotations")}
            rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
            found[f"{kind} {space} {name}"] = {**rest, "metadata": metadata}
    return _plain(found, {tenant.value: "ID", tenant.slug: "SLUG", bare.OWN: names.MANAGER})


def _with(node: Any, text: str) -> Any:
    """Those parts of a tree of dictionaries whose names have this text, at whatever depth."""
    if isinstance(node, list):
        return [item for item in cast("list[Any]", node) if text in str(item)]
    if not isinstance(node, dict):
        return None
    inner = {key: value if text in key else _with(value, text) for key, value in cast("dict[str, Any]", node).items()}
    return {key: value for key, value in inner.items() if text in key or value}


def _plain(node: Any, renamed: dict[str, str]) -> Any:
    """The tree out of dictionaries, lists and texts, all texts with other names in them."""
    if is_dataclass(node) and not isinstance(node, type):
        return _plain(vars(node), renamed)
    if isinstance(node, dict):
        whole = cast("dict[Any, Any]", node)
        return {_plain(key, renamed): _plain(value, renamed) for key, value in whole.items()}
    if isinstance(node, set | frozenset | list | tuple):
        items = [_plain(item, renamed) for item in cast("list[Any]", node)]
        return items if isinstance(node, list | tuple) else sorted(items, key=str)
    text = str(node)
    for ours, plain in renamed.items():
        text = text.replace(ours, plain)
    return text


async def made() -> tuple[World, TenantId, TenantId, list[str]]:
    """A world with a tenant of the operator's and one of the bare client's, and what that one wrote."""
    world = World()
    await world.release("1.0")
    world.kube.put(brokerage("pilot"))
    await world.converge("pilot")
    assert world.condition("pilot", "Ready")[0] == "True"
    first = await original(world, "pilot")
    world.forget_writes()
    client = bare.Bare(cast("Any", world.kube), world.backends, world.registry, first, "edge:8443")
    tenant = await client.make("pilot-copy")
    return world, world.tenant("pilot"), tenant.id, world.writes()


async def test_the_bare_client_makes_the_same_in_every_system() -> None:
    world, ours, copy, _ = await made()
    wanted, found = of_tenant(world, ours), of_tenant(world, copy)
    kinds = {key.split(" ")[0] for key in wanted}
    assert kinds >= EXPECTED | {"roles", "databases", "content", "kafka", "elasticsearch", "redis", "s3", "registry"}
    assert found == wanted


async def test_the_bare_client_sends_each_write_once_and_proves_nothing() -> None:
    world, _, copy, writes = await made()
    objects = [write for write in writes if write.startswith("create ") and not write.startswith("create database")]
    assert len(writes) == len(set(writes))
    assert not [write for write in writes if "probe" in write or "status" in write]
    assert len([write for write in objects if not write.startswith(("create topic", "create bucket"))]) == len(
        [key for key in of_tenant(world, copy) if " " in key]
    )


def test_namespaces_come_first_and_pods_last() -> None:
    assert (bare.MADE[0].kind, bare.MADE[-1].kind) == ("Namespace", "Deployment")
