"""Every field of a Brokerage that can be changed: it has its effect, no pod is missing meanwhile, then all is quiet."""

import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import AUTOSCALER, BROKERAGE, DEPLOYMENT, QUOTA, SECRET
from rooftree_operator.api.brokerage import SPEC_RULES, BrokerageSpec
from rooftree_operator.api.generate import brokerage as crd
from rooftree_operator.drift import Object
from rooftree_operator.secret_objects import decoded

from .test_hands import change
from .test_tenant_scenarios import FEED
from .world import NAMESPACE, World, brokerage, plan

DELETION_RULES = (
    pathlib.Path(__file__).resolve().parents[3] / "charts" / "rooftree" / "templates" / "deletion-policies.yaml"
)
ROOMY: dict[str, Any] = {
    "database": {"connections": 60},
    "replicas": {"min": 2, "max": 3},
    "quota": {"pods": 20, "cpu": "20", "memory": "8Gi"},
}


def environment(world: World) -> dict[str, str]:
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def quota(world: World) -> str:
    found = world.child("acme", QUOTA, "tenant")
    assert found is not None
    return found["spec"]["hard"]["pods"]


def declared(world: World) -> Object:
    found = world.kube.find(BROKERAGE, "acme")
    assert found is not None
    return found


def is_protected(world: World) -> bool:
    """The API server asks for a confirmation, by a rule of the chart; the operator itself has no part in it."""
    (rule,) = re.findall(r"name: isProtected\n +expression: (.+)", DELETION_RULES.read_text())
    return rule == "has(oldObject.spec.deletionProtection) && oldObject.spec.deletionProtection" and declared(world)[
        "spec"
    ].get("deletionProtection", False)


# Field: what it becomes, and its effect.
FIELDS: dict[str, tuple[Any, Callable[[World], bool]]] = {
    "displayName": ("Acme West", lambda world: environment(world)["ROOFTREE_DISPLAY_NAME"] == "Acme West"),
    "owner": (
        {"email": "new@acme.example", "name": "Nora"},
        lambda world: environment(world)["ROOFTREE_OWNER_EMAIL"] == "new@acme.example",
    ),
    "plan": ("large", lambda world: quota(world) == "30"),
    "version": ("1.1.0", lambda world: world.status("acme")["version"] == "1.1.0"),
    "topology": ("microservices", lambda world: world.child("acme", DEPLOYMENT, "identity") is not None),
    "timeZone": ("America/Denver", lambda world: environment(world)["ROOFTREE_TIME_ZONE"] == "America/Denver"),
    "currency": ("CAD", lambda world: environment(world)["ROOFTREE_CURRENCY"] == "CAD"),
    "mls": ([FEED], lambda world: "feed.example" in decoded(world.child("acme", SECRET, "app"))["feeds.json"]),
    "autoscaling": ({"mode": "hpa"}, lambda world: world.child("acme", AUTOSCALER, "app") is not None),
    "suspend": ({"reason": "manual"}, lambda world: world.condition("acme", "Suspended") == ("True", "Manual")),
    "sleep": ("never", lambda world: declared(world)["spec"].get("sleep") == "never"),
    "deletionPolicy": ("Delete", lambda world: "database" in world.reconciler.deletion.steps(declared(world))),
    "deletionProtection": (True, lambda world: is_protected(world)),
    "backup": (
        {"schedule": "0 3 * * *"},
        lambda world: world.status("acme").get("backups", {}).get("next", "").startswith("2026-11-25T03:"),
    ),
    "rotation": ({"everyDays": 30}, lambda world: "dueAt" in world.status("acme").get("rotation", {})),
    "pause": ("Changes", lambda world: world.condition("acme", "Paused") == ("True", "Changes")),
    "managementPolicy": ("Observe", lambda world: world.condition("acme", "Observed") == ("True", "Observe")),
}
IMMUTABLE = {"tenantID": 0, "source": 1}  # with the rule that says so
# The fewest pods, and what it is called afterwards; any other field leaves it ready with all of them.
RESTING = {"suspend": (0, "Suspended")}


async def world_with_everything() -> World:
    world = World()
    await world.release("1.1.0", "r2")
    await world.release("1.0.0")
    world.kube.put(plan("starter", **ROOMY))
    world.kube.put(plan("large", **{**ROOMY, "quota": {**ROOMY["quota"], "pods": 30}}))
    labels = {"rooftree.dev/brokerage": "acme"}
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": labels}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    return world


def test_every_field_that_can_be_changed_is_in_the_table() -> None:
    fields = set(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])
    assert fields == FIELDS.keys() | IMMUTABLE.keys(), "a new field wants a row here that shows its effect"
    assert len(fields) == len(BrokerageSpec.model_fields)


@pytest.mark.parametrize("name", sorted(IMMUTABLE))
def test_what_cannot_be_changed_is_refused_by_the_api_server(name: str) -> None:
    spec = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    about = [rule for rule in spec["x-kubernetes-validations"] if f"self.{name} == oldSelf.{name}" in rule["rule"]]
    (rule,) = about
    assert f"has(self.{name}) == has(oldSelf.{name})" in rule["rule"]
    assert rule["message"].startswith(f"spec.{name} is immutable")
    assert rule == SPEC_RULES[IMMUTABLE[name]].as_dict()


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_a_changed_field_has_its_effect_with_all_pods_there_and_then_nothing_is_written(name: str) -> None:
    world = await world_with_everything()
    namespace = f"tenant-{world.tenant('acme')}"
    value, has_effect = FIELDS[name]
    assert not has_effect(world)
    before = world.lowest()[namespace, "app"]
    change(world, **{name: value})
    await world.converge("acme")
    assert has_effect(world)
    assert before == 2
    assert (world.lowest()[namespace, "app"], world.status("acme")["phase"]) == RESTING.get(name, (2, "Ready"))
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_pods_that_are_missing_meanwhile_would_be_noticed() -> None:
    world = await world_with_everything()
    namespace = f"tenant-{world.tenant('acme')}"
    await world.kube.delete(DEPLOYMENT, "app", namespace)
    await world.converge("acme")
    assert world.lowest()[namespace, "app"] == 0
