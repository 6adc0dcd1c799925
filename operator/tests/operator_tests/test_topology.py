"""A Deployment for each module: how a tenant gets them, changes to them and back, and what proves who they are."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from rooftree_operator import pods, rpc_certificates, serving
from rooftree_operator.adapters.kubernetes import BROKERAGE, BUDGET, DEPLOYMENT, POLICY, SECRET, SERVICE
from rooftree_operator.conditions import State
from rooftree_operator.drift import Object
from rooftree_operator.names import Slot
from rooftree_operator.provisioners import certificates, modules
from rooftree_operator.rpc_certificates import LIFE, RENEW_BEFORE, Pair, is_authority, is_good, issue, new_authority
from rooftree_operator.secret_objects import decoded

from .test_plans import APART, NOBODY
from .world import World, brokerage, now, plan

LARGE = plan("large", database={"connections": 40})


async def world_of(topology: str) -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(LARGE)
    world.kube.put(brokerage("acme", plan="large", topology=topology))
    await world.converge("acme")
    assert world.condition("acme", "Ready")[0] == "True", world.status("acme")
    return world


def change(world: World, **spec: Any) -> None:
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    world.kube.put({**item, "spec": {**item["spec"], **spec}})


def events(world: World, reason: str) -> list[str]:
    return [item["note"] for key, item in world.kube.objects.items() if key[0] == "Event" and item["reason"] == reason]


def command(world: World, name: str) -> list[str] | None:
    """What the pods of a Deployment run beyond the app's own command."""
    found = world.child("acme", DEPLOYMENT, name)
    return found["spec"]["template"]["spec"]["containers"][0]["command"][3:] if found else None


def secrets_mark(world: World, name: str) -> str:
    """Changes with what the pods of a Deployment read at their start."""
    found = world.child("acme", DEPLOYMENT, name)
    assert found is not None
    return found["spec"]["template"]["metadata"]["annotations"][serving.ANNOTATION_SECRETS]


def environment(deployment: Object) -> dict[str, str]:
    return {e["name"]: e["value"] for e in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}


def pair(world: World, name: str) -> Pair:
    values = decoded(world.child("acme", SECRET, name))
    return Pair(values["tls.crt"], values["tls.key"])


async def test_each_module_has_pods_an_address_and_a_certificate_of_its_own() -> None:
    world = await world_of("microservices")
    assert command(world, "app") == ["--modules", "gateway"]
    for module in ("identity", "property"):
        assert command(world, module) == ["--modules", module]
        service = world.child("acme", SERVICE, module)
        assert service is not None
        assert (service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]) == ("None", 9443)
        assert is_good(pair(world, "rpc-ca"), pair(world, f"rpc-{module}"), module, now())
        budget = world.child("acme", BUDGET, module)
        assert budget is not None
        assert budget["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": module}
    deployment = world.child("acme", DEPLOYMENT, "property")
    assert deployment is not None
    told = environment(deployment)
    where = f"tenant-{world.tenant('acme')}.svc"
    assert told["ROOFTREE_RPC_ADDRESSES"] == f'{{"identity": "dns:///identity.{where}:9443"}}'
    assert told["ROOFTREE_RPC_PORT"] == "9443"
    gateway = world.child("acme", DEPLOYMENT, "app")
    assert gateway is not None
    assert "ROOFTREE_RPC_PORT" not in environment(gateway)
    volumes = {one["name"]: one for one in gateway["spec"]["template"]["spec"]["volumes"]}
    assert volumes["rpc"]["secret"]["secretName"] == "rpc-gateway"
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_a_monolith_has_none_of_it() -> None:
    world = await world_of("monolith")
    assert command(world, "app") == []
    for kind, name in (
        (DEPLOYMENT, "identity"),
        (SERVICE, "identity"),
        (SECRET, "rpc-ca"),
        (POLICY, "identity"),
        (BUDGET, "identity"),
    ):
        assert world.child("acme", kind, name) is None


async def test_modules_serve_before_the_app_becomes_the_gateway() -> None:
    world = await world_of("monolith")
    change(world, topology="microservices")
    await world.reconciler.reconcile("acme")
    assert command(world, "identity") == ["--modules", "identity"]
    assert command(world, "app") == []
    await world.reconciler.reconcile("acme")
    assert command(world, "app") == [], "no pod of identity is available yet"
    await world.converge("acme")
    assert command(world, "app") == ["--modules", "gateway"]
    assert world.condition("acme", "Ready")[0] == "True"


def starting(world: World) -> set[str]:
    """The modules whose pods are not available yet."""
    found = {name: world.child("acme", DEPLOYMENT, name) for name in ("identity", "property")}
    return {name for name, one in found.items() if one and not one.get("status", {}).get("availableReplicas")}


async def test_modules_start_one_after_the_other_while_the_app_serves() -> None:
    world = await world_of("monolith")
    change(world, topology="microservices")
    for module, others in (("identity", {"property": None}), ("property", {"identity": ["--modules", "identity"]})):
        await world.reconciler.reconcile("acme")
        assert starting(world) == {module}
        assert {name: command(world, name) for name in others} == others
        world.kube.settle()
    await world.converge("acme")
    assert command(world, "app") == ["--modules", "gateway"]


async def test_a_module_whose_turn_to_start_has_not_come_is_not_scaled_either() -> None:
    world = await world_of("monolith")
    world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 60}))
    await world.converge("acme")
    change(world, topology="microservices")
    for _ in range(10):
        assert not (await world.reconciler.reconcile("acme")).failed
        world.settle()
    counts = [world.child("acme", DEPLOYMENT, name) for name in ("identity", "property")]
    assert [one and one["spec"]["replicas"] for one in counts] == [2, 2]
    assert world.condition("acme", "Ready")[0] == "True"


async def test_modules_of_a_new_brokerage_start_at_once() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(LARGE)
    world.kube.put(brokerage("acme", plan="large", topology="microservices"))
    await world.begun("acme")
    assert starting(world) == {"identity", "property"}


async def test_a_module_that_does_not_become_ready_keeps_the_others_as_they_are_and_can_be_mended() -> None:
    world = await world_of("monolith")
    change(world, topology="microservices")
    await world.reconciler.reconcile("acme")
    stuck = world.child("acme", DEPLOYMENT, "identity")
    assert stuck is not None
    await world.reconciler.reconcile("acme")
    assert command(world, "property") is None
    world.kube.objects["Secret", f"tenant-{world.tenant('acme')}", pods.APP_SECRET]["data"]["owner_seed"] = "bmV3"
    await world.reconciler.reconcile("acme")
    assert world.child("acme", DEPLOYMENT, "identity") != stuck
    assert command(world, "property") is None


async def test_modules_stay_until_the_app_has_them_all_again() -> None:
    world = await world_of("microservices")
    change(world, topology="monolith")
    await world.reconciler.reconcile("acme")
    assert command(world, "app") == []
    assert command(world, "identity") == ["--modules", "identity"]
    await world.reconciler.reconcile("acme")
    assert command(world, "identity") is not None, "the pods of the gateway still call it"
    policy = world.child("acme", POLICY, "app")
    assert policy is not None
    assert "identity" in str(policy["spec"]["egress"])
    await world.converge("acme")
    assert (command(world, "identity"), world.child("acme", SERVICE, "identity")) == (None, None)
    assert world.condition("acme", "Ready")[0] == "True"


async def test_modules_stay_as_long_as_a_gateway_that_ends_may_call_them() -> None:
    world = await world_of("microservices")
    space = f"tenant-{world.tenant('acme')}"
    ending = world.kube.objects["Pod", space, "app-0"]
    ending = {**ending, "metadata": {**ending["metadata"], "name": "app-ending", "deletionTimestamp": "now"}}
    change(world, topology="monolith")
    for _ in range(12):
        await world.reconciler.reconcile("acme")
        world.settle()
        world.kube.objects["Pod", space, "app-ending"] = ending
    assert command(world, "app") == []
    assert {(kind.kind, module) for kind in (DEPLOYMENT, SERVICE) for module in MODULES} <= set(theirs(world))
    world.forget_writes()
    outcome = await world.reconciler.reconcile("acme")
    assert (world.writes(), outcome.again_in) == ([], serving.STILL_ENDING)
    assert world.condition("acme", "Ready") == ("True", "Answering")
    del world.kube.objects["Pod", space, "app-ending"]
    await world.converge("acme")
    assert theirs(world) == []


MODULES = ("identity", "property")
# All that is there only where modules have pods of their own.
THEIRS = (
    *((kind, module) for kind in (DEPLOYMENT, SERVICE, POLICY, BUDGET) for module in MODULES),
    *((SECRET, f"rpc-{name}") for name in ("ca", "gateway", *MODULES)),
)


def theirs(world: World) -> list[tuple[str, str]]:
    return [(kind.kind, name) for kind, name in THEIRS if world.child("acme", kind, name)]


async def test_nothing_of_modules_is_left_when_one_process_serves_again() -> None:
    world = await world_of("microservices")
    assert len(theirs(world)) == len(THEIRS)
    change(world, topology="monolith")
    await world.converge("acme")
    assert theirs(world) == []
    policy = world.child("acme", POLICY, "app")
    assert policy is not None
    assert "identity" not in str(policy["spec"]["egress"])
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    assert events(world, "DriftRepaired") == []


async def test_what_modules_need_stays_until_the_last_of_their_pods_has_ended() -> None:
    world = await world_of("microservices")
    space = f"tenant-{world.tenant('acme')}"
    ending = world.kube.objects["Pod", space, "property-0"]
    change(world, topology="monolith")
    for _ in range(12):
        await world.reconciler.reconcile("acme")
        world.settle()
        world.kube.objects["Pod", space, "property-0"] = ending
    assert command(world, "property") is None
    left = [(kind, name) for kind, name in theirs(world) if kind not in ("Deployment", "Service")]
    assert len(left) == len(THEIRS) - 4
    assert world.condition("acme", "Ready") == ("True", "Answering")
    world.forget_writes()
    outcome = await world.reconciler.reconcile("acme")
    assert (world.writes(), outcome.again_in) == ([], serving.STILL_ENDING)
    del world.kube.objects["Pod", space, "property-0"]
    await world.converge("acme")
    assert theirs(world) == []


async def test_on_the_way_to_modules_and_there_again_nothing_of_theirs_goes() -> None:
    world = await world_of("microservices")
    for topology, count in (("monolith", 0), ("microservices", len(THEIRS))):
        change(world, topology=topology)
        world.kube.writes.clear()
        assert (await world.converge("acme")).again_in is None, "it is at rest"
        assert len(theirs(world)) == count
        removed = [write for write in world.kube.writes if write.startswith("delete")]
        assert bool(removed) == (topology == "monolith")
    assert is_good(pair(world, "rpc-ca"), pair(world, "rpc-identity"), "identity", now())


async def test_one_that_turns_back_halfway_keeps_its_modules_and_all_that_is_theirs() -> None:
    world = await world_of("microservices")
    authority = pair(world, "rpc-ca")
    change(world, topology="monolith")
    for _ in range(2):
        await world.reconciler.reconcile("acme")
        world.settle()
    change(world, topology="microservices")
    await world.converge("acme")
    assert len(theirs(world)) == len(THEIRS)
    assert pair(world, "rpc-ca") == authority
    assert world.condition("acme", "Ready")[0] == "True"


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_after_a_crash_at_any_removal_the_next_pass_removes_the_rest(after: bool) -> None:
    start = await world_of("microservices")
    change(start, topology="monolith")
    while command(start, "property"):
        await start.reconciler.reconcile("acme")
        start.settle()
    for at in range(1, 200):
        world = deepcopy(start)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        assert theirs(world) == [], f"something stays after a failure of call {at}"
        if at > world.faults.calls:
            return
    pytest.fail("there are more calls than that")


async def test_a_suspended_brokerage_that_goes_back_to_one_process_keeps_nothing_of_modules_either() -> None:
    world = await world_of("microservices")
    change(world, suspend={"reason": "manual"})
    await world.converge("acme")
    change(world, topology="monolith")
    await world.converge("acme")
    assert theirs(world) == []


async def test_modules_are_reached_by_those_that_call_them_and_nobody_else() -> None:
    world = await world_of("microservices")
    policy = world.child("acme", POLICY, "identity")
    assert policy is not None
    (calls,) = policy["spec"]["ingress"]
    names = [peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in calls["from"]]
    assert names == ["app", "property"]
    assert calls["ports"] == [{"protocol": "TCP", "port": 9443}]
    other = world.child("acme", POLICY, "property")
    assert other is not None
    assert [peer["podSelector"]["matchLabels"] for peer in other["spec"]["ingress"][0]["from"]] == [
        {"app.kubernetes.io/name": "app"}
    ]


async def test_a_lost_or_foreign_certificate_is_issued_again_and_its_module_rolled_out() -> None:
    world = await world_of("microservices")
    before = world.child("acme", DEPLOYMENT, "identity")
    untouched = world.child("acme", DEPLOYMENT, "property")
    assert before is not None
    key = ("Secret", f"tenant-{world.tenant('acme')}", "rpc-identity")
    world.kube.objects[key]["data"] = world.kube.objects[(key[0], key[1], "rpc-property")]["data"]
    await world.converge("acme")
    assert is_good(pair(world, "rpc-ca"), pair(world, "rpc-identity"), "identity", now())
    after = world.child("acme", DEPLOYMENT, "identity")
    assert after is not None
    marks = [one["spec"]["template"]["metadata"]["annotations"] for one in (before, after)]
    assert marks[0] != marks[1]
    assert world.child("acme", DEPLOYMENT, "property") == untouched


async def test_certificates_are_renewed_long_before_their_end_and_their_modules_rolled_out() -> None:
    world = await world_of("microservices")
    modules, names = ("gateway", "identity", "property"), ("app", "identity", "property")
    old = {module: pair(world, f"rpc-{module}") for module in modules}
    before = {name: secrets_mark(world, name) for name in names}
    world.later = LIFE - RENEW_BEFORE - timedelta(seconds=1)
    world.forget_writes()
    await world.converge("acme")
    assert [write for write in world.kube.writes if "rpc" in write] == []
    world.later = LIFE - RENEW_BEFORE
    await world.converge("acme")
    for module in modules:
        renewed = pair(world, f"rpc-{module}")
        assert renewed != old[module]
        assert is_good(pair(world, "rpc-ca"), renewed, module, world.now())
        # Pods that have the older one are still taken for what they are, until the last of them is gone.
        assert x509.load_pem_x509_certificate(old[module].certificate.encode()).not_valid_after_utc > world.now()
    assert all(secrets_mark(world, name) != before[name] for name in names)
    assert world.condition("acme", "Ready")[0] == "True"
    world.forget_writes()
    await world.converge("acme")
    assert [write for write in world.kube.writes if "rpc" in write] == []


async def test_without_its_authority_all_certificates_are_new() -> None:
    world = await world_of("microservices")
    old = pair(world, "rpc-identity")
    del world.kube.objects["Secret", f"tenant-{world.tenant('acme')}", "rpc-ca"]
    await world.converge("acme")
    authority = pair(world, "rpc-ca")
    assert not is_good(authority, old, "identity", now())
    for module in ("gateway", "identity", "property"):
        assert is_good(authority, pair(world, f"rpc-{module}"), module, now())
        assert decoded(world.child("acme", SECRET, f"rpc-{module}"))["ca.crt"] == authority.certificate


def test_a_certificate_is_its_modules_its_authoritys_and_young() -> None:
    authority, stranger = new_authority("acme", now()), new_authority("acme", now())
    issued = issue(authority, "crm", now())
    assert is_good(authority, issued, "crm", now())
    assert not is_good(authority, issued, "identity", now())
    assert not is_good(stranger, issued, "crm", now())
    assert not is_good(authority, replace(issued, key=issue(authority, "crm", now()).key), "crm", now())
    assert is_good(authority, issued, "crm", now() + LIFE - RENEW_BEFORE - timedelta(seconds=1))
    assert not is_good(authority, issued, "crm", now() + LIFE - RENEW_BEFORE)
    for broken in (Pair("", ""), Pair("nonsense", "nonsense"), replace(issued, certificate=authority.certificate)):
        assert not is_good(authority, broken, "crm", now())
    assert is_authority(authority, now())
    assert not is_authority(authority, now() + rpc_certificates.AUTHORITY_LIFE - LIFE)
    assert not is_authority(replace(authority, key=stranger.key), now())
    assert issued.key not in repr(issued)


def test_a_certificate_serves_and_calls_and_its_authority_issues_no_other() -> None:
    authority = x509.load_pem_x509_certificate(new_authority("acme", now()).certificate.encode())
    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.value.ca, basic.value.path_length, basic.critical) == (True, 0, True)
    issued = x509.load_pem_x509_certificate(issue(new_authority("acme", now()), "crm", now()).certificate.encode())
    uses = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {use.dotted_string for use in uses} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_plans_show_no_key() -> None:
    seen = certificates.Seen({Slot.A: new_authority("acme", now())}, frozenset())
    assert "PRIVATE" not in repr(certificates.Certificates(NOBODY, now).plan(APART, seen)) + repr(seen)


@pytest.mark.parametrize(
    ("tenant", "reason", "words"),
    [
        (
            replace(
                APART,
                plan=APART.plan.model_copy(
                    update={"database": APART.plan.database.model_copy(update={"connections": 12})}
                ),
            ),
            "PlanTooSmall",
            "raise database.connections of plan starter to at least 36",
        ),
        (replace(APART, release=replace(APART.release, rpc_port=None)), "TopologyUnknown", "set spec.topology"),
        (replace(APART, release=replace(APART.release, calls={})), "TopologyUnknown", "set spec.topology"),
    ],
    ids=["connections", "older release", "no calls"],
)
def test_what_cannot_be_is_said_with_who_must_act(tenant: Any, reason: str, words: str) -> None:
    made = modules.Modules(NOBODY).plan(
        tenant, modules.Seen(None, dict.fromkeys(tenant.modules, serving.Reading("")), {}, {})
    )
    assert (made.verdict.state, made.verdict.reason) == (State.BLOCKED, reason)
    assert words in made.verdict.message
    assert (made.objects, made.actions) == ((), ())
