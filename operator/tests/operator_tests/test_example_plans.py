"""What each example plan makes of the example brokerage, whole: a reviewer of a plan sees all that changes.

After an intended change: `ROOFTREE_GOLDENS=write pytest operator/tests/operator_tests/test_example_plans.py`.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from rooftree_operator.adapters.kubernetes import SECRET
from rooftree_operator.names import TenantId
from rooftree_operator.secret_objects import decoded

from .world import NAMESPACE, World

ROOT = Path(__file__).resolve().parents[3]
GOLDENS = Path(__file__).parent / "goldens" / "plans"
PLANS: dict[str, dict[str, Any]] = {
    item["metadata"]["name"]: item for item in yaml.safe_load_all((ROOT / "examples" / "plans.yaml").read_text())
}
ACME: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "acme.yaml").read_text())
CASES = [*((plan, "monolith") for plan in PLANS), ("enterprise", "microservices")]


async def provisioned(plan: str, topology: str) -> World:
    world = World()
    await world.release("1.0.0")
    for item in PLANS.values():
        world.kube.put(item)
    metadata = {"name": "acme-mls-credentials", "namespace": NAMESPACE, "labels": {"rooftree.dev/brokerage": "acme"}}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    world.kube.put({**ACME, "spec": {**ACME["spec"], "plan": plan, "topology": topology}})
    await world.converge("acme")
    return world


def told(world: World) -> str:
    """All that the operator declares of the tenant, by system; of secrets the names alone."""
    tenant = world.tenant("acme")
    applied = sorted((key, item) for key, item in world.kube.applied.items() if str(tenant) in str(key))
    everything = {
        "phase": world.status("acme")["phase"],
        "kubernetes": {f"{kind} {name}": _declared(item) for (kind, _, name), item in applied},
        "replicas": {
            name: item["spec"]["replicas"]
            for (kind, _, name), item in sorted(world.kube.objects.items(), key=str)
            if kind == "Deployment"
        },
        **_in_backends(world, tenant),
    }
    # By way of JSON nothing is shared, so YAML needs no anchors.
    return yaml.safe_dump(json.loads(json.dumps(everything)), sort_keys=True, width=120)


def _declared(item: dict[str, Any]) -> dict[str, Any]:
    """Without what is the same for every object, or a digest of the rest."""
    rest = {name: value for name, value in item.items() if name not in ("apiVersion", "kind", "metadata", "data")}
    rest.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", None)
    return {**rest, **({"data": sorted(item["data"])} if "data" in item else {})}


def _in_backends(world: World, tenant: TenantId) -> dict[str, Any]:
    mine = str(tenant)
    user = world.redis.users[f"{mine}.app"]
    return {
        "postgres": {
            name: {"login": role.can_login, "connections": role.connection_limit, "members": sorted(role.members)}
            for name, role in sorted(world.postgres.known_roles.items())
            if name.startswith(mine)
        },
        "kafka": {
            "quotas": world.kafka.quotas[f"{mine}.app"],
            "topics": {name: seen for name, seen in world.kafka.known.items() if name.startswith(mine)},
            "grants": sorted(
                f"{one.operation} {one.resource} {one.pattern} {one.name}" for one in world.kafka.grants[f"{mine}.app"]
            ),
        },
        "elasticsearch": {
            "role": world.elasticsearch.roles[f"{mine}.app"],
            "template": world.elasticsearch.templates[mine],
        },
        "redis": {"patterns": sorted(user.patterns), "commands": len(user.commands)},
        "s3": {"tags": world.s3.buckets[mine].tags, "policy": world.s3.buckets[mine].policy},
    }


@pytest.mark.parametrize(("plan", "topology"), CASES)
async def test_a_plan_makes_of_a_brokerage_what_is_recorded(plan: str, topology: str) -> None:
    text = told(await provisioned(plan, topology))
    golden = GOLDENS / f"{plan}-{topology}.yaml"
    if os.environ.get("ROOFTREE_GOLDENS") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_example_plan_has_a_record_and_no_record_is_of_a_plan_that_is_gone() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == {f"{plan}-{topology}" for plan, topology in CASES}


async def test_no_record_holds_a_secret() -> None:
    world = await provisioned("starter", "monolith")
    values = decoded(world.child("acme", SECRET, "app"))
    secrets = {value for name, value in values.items() if name.endswith(("password", "secret_key", "seed"))}
    assert secrets
    assert [secret for secret in secrets if secret in told(world)] == []
