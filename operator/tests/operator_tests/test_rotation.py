"""All credentials of a brokerage are rotated while it serves: who gets in at each moment, and what is left."""

import base64
import functools
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from rooftree_operator import generations, names, rotation
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, PLAN, POD, SECRET, Conflict
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.api.rotation import RotationPhase
from rooftree_operator.drift import Object
from rooftree_operator.names import Slot
from rooftree_operator.resolving import Resolver
from rooftree_operator.secret_objects import decoded
from rooftree_operator.tenant import Fit

from .world import PLATFORM, World, brokerage, plan

TOPOLOGIES = pytest.mark.parametrize("topology", ["monolith", "microservices"])
CALLS = 1500  # more than a whole rotation takes; the tests below check that
ROUNDS = 60
LATER = generations.SIGNED_LIFE
ENV = {
    "postgres": ("ROOFTREE_DATABASE_USER", "database_password"),
    "kafka": ("ROOFTREE_KAFKA_USER", "kafka_password"),
    "elasticsearch": ("ROOFTREE_ELASTICSEARCH_USER", "elasticsearch_password"),
    "redis": ("ROOFTREE_REDIS_USER", "redis_password"),
    "s3": ("ROOFTREE_S3_ACCESS_KEY", "s3_secret_key"),
}
Held = dict[str, tuple[str, str]]  # by backend, a login and its password


async def world_of(topology: str = "monolith", **spec: Any) -> World:
    """One brokerage, at rest."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 60}))
    world.kube.put(brokerage("acme", plan="large", topology=topology, **spec))
    await world.converge("acme")
    return world


def change(world: World, annotation: str | None = None, **spec: Any) -> None:
    """Somebody sets the annotation, or fields of the spec; None removes a field."""
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    metadata = {**item["metadata"], **({"annotations": {rotation.ANNOTATION: annotation}} if annotation else {})}
    changed = {name: value for name, value in {**item["spec"], **spec}.items() if value is not None}
    world.kube.put({**item, "metadata": metadata, "spec": changed})


def told(world: World) -> dict[str, Any]:
    return world.status("acme").get("rotation", {})


def secret(world: World, name: str = "app") -> dict[str, str]:
    return decoded(world.child("acme", SECRET, name))


def kids(document: str) -> list[str]:
    return [key["kid"] for key in json.loads(document)["keys"]]


def held(world: World, spec: Object, files: dict[str, str]) -> Held:
    """The logins that a pod has, by its environment and its files."""
    env = {one["name"]: one.get("value", "") for one in spec["containers"][0]["env"]}
    read = {name: base64.b64decode(value).decode() for name, value in files.items()}
    return {backend: (env[user], read[password]) for backend, (user, password) in ENV.items()}


def lets_in(world: World, backend: str, user: str, password: str) -> bool:
    return getattr(world, backend).lets_in(user, password)


def refused(world: World, logins: Held) -> list[str]:
    """The backends that do not let these in, or to nothing of the brokerage's."""
    tenant = world.tenant("acme")
    powerless = {
        "kafka": not world.kafka.may(logins["kafka"][0], f"{tenant}.events"),
        "postgres": not world.postgres.has_rights(logins["postgres"][0], f"{tenant}.app"),
        "s3": not world.s3.may(logins["s3"][0], "PutObject", str(tenant), "photo"),
    }
    return [one for one in logins if not lets_in(world, one, *logins[one]) or powerless.get(one, False)]


def running(world: World) -> Iterator[tuple[str, Held, list[str]]]:
    """Pods, those that are ending too, and those that a Deployment would start now: what they have, and verify by."""
    tenant = world.tenant("acme")
    for key, pod in list(world.kube.objects.items()):
        if key[0] == POD.kind:
            files = world.kube.mounted[key]
            yield key[2], held(world, pod["spec"], files), kids(base64.b64decode(files["signing_keys.json"]).decode())
        if key[0] == DEPLOYMENT.kind and key[1] == names.namespace(tenant) and item_count(pod):
            spec = pod["spec"]["template"]["spec"]
            files = world.kube.files(key[1], spec)
            signing = kids(base64.b64decode(files["signing_keys.json"]).decode())
            yield f"next {key[2]}", held(world, spec, files), signing


def strangers(world: World) -> list[tuple[str, str]]:
    """Pairs of pods, also of those that would start now, where the first one does not trust the second."""
    space = names.namespace(world.tenant("acme"))
    objects = [(key, one) for key, one in world.kube.objects.items() if key[1] == space]
    found = {key[2]: world.kube.mounted[key] for key, _ in objects if key[0] == POD.kind}
    for key, one in objects:
        if key[0] == DEPLOYMENT.kind:
            found[f"next {key[2]}"] = world.kube.files(space, one["spec"]["template"]["spec"])
    read = {who: {name: base64.b64decode(value) for name, value in files.items()} for who, files in found.items()}
    calling = {who: files for who, files in read.items() if "tls.crt" in files}
    return [
        (one, other)
        for one, mine in calling.items()
        for other, theirs in calling.items()
        if not trusts(mine["ca.crt"], theirs["tls.crt"])
    ]


@functools.cache
def trusts(bundle: bytes, certificate: bytes) -> bool:
    """As a TLS library decides: by the authority whose name is that of the issuer, and which is one alone."""
    shown = x509.load_pem_x509_certificate(certificate)
    (issuer,) = [one for one in x509.load_pem_x509_certificates(bundle) if one.subject == shown.issuer]
    try:
        shown.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    return True


def item_count(deployment: Object) -> int:
    return deployment["spec"].get("replicas", 1)


async def passes(world: World, *, check: Callable[[], None] | None = None, until: RotationPhase | None = None) -> None:
    """Passes and steps of the cluster until it rests, with the clock ahead where only time is awaited."""
    for _ in range(ROUNDS):
        try:
            outcome = await world.reconciler.reconcile("acme")
        except Exception as error:
            if "Injected" not in getattr(error, "reason", ""):
                raise
            world.settle()
            continue
        if check:
            check()
        world.settle()
        if check:
            check()
        if until is not None and told(world).get("phase") == until:
            return
        if not outcome.failed and outcome.again_in is None:
            return
        if outcome.again_in and outcome.again_in > 60:
            world.later += timedelta(seconds=outcome.again_in)
    raise AssertionError(f"not within {ROUNDS} passes: {world.status('acme')}")


@pytest.mark.timeout(600)
@TOPOLOGIES
async def test_at_every_moment_whatever_a_running_pod_has_is_accepted(topology: str) -> None:
    world = await world_of(topology)
    least = world.lowest()

    def check() -> None:
        found = list(running(world))
        assert [(who, backend) for who, logins, _ in found for backend in refused(world, logins)] == []
        signing = {verifies[0] for _, _, verifies in found}
        assert [who for who, _, verifies in found if not signing <= set(verifies)] == [], "they refuse good tokens"
        assert strangers(world) == []

    for turn in ("one", "two"):
        change(world, turn)
        await passes(world, check=check)
        assert (told(world)["id"], told(world)["phase"]) == (turn, "Completed")
    assert world.lowest() == least, "no pod was missing at any time"


async def test_afterwards_the_former_generation_is_refused_everywhere_and_gone_from_the_secrets() -> None:
    world = await world_of()
    _, before, old_keys = next(running(world))
    migrator = names.migrator_role(world.tenant("acme")), secret(world, "migrator")["database_password"]
    seed = secret(world)["owner_seed"]
    change(world, "one")
    await passes(world)
    assert refused(world, before) == list(ENV)
    assert not lets_in(world, "postgres", *migrator)
    _, after, new_keys = next(running(world))
    assert refused(world, after) == []
    assert not {*old_keys} & {*new_keys}
    assert not {password for _, password in before.values()} & {password for _, password in after.values()}
    left = {*secret(world).values(), *secret(world, "migrator").values()}
    assert not {password for _, password in [*before.values(), migrator]} & left
    assert secret(world)["owner_seed"] == seed
    tenant = world.tenant("acme")
    former = names.user(tenant)
    assert former not in world.kafka.credentials.keys() | world.kafka.grants.keys() | world.kafka.quotas.keys()
    assert former not in world.redis.users.keys() | world.elasticsearch.users.keys() | world.s3.accounts.keys()


async def test_modules_trust_the_new_authority_alone_in_the_end() -> None:
    world = await world_of("microservices")
    before, issued = secret(world, "rpc-ca"), secret(world, "rpc-identity")
    change(world, "one")
    await passes(world)
    after, bundle = secret(world, "rpc-ca"), secret(world, "rpc-identity")["ca.crt"]
    assert not set(before.values()) & set(after.values())
    assert bundle == after["b.tls.crt"]
    assert bundle not in (before["tls.crt"], issued["ca.crt"])


async def test_the_second_user_has_exactly_the_rights_of_the_first() -> None:
    world = await world_of()
    tenant = world.tenant("acme")
    change(world, "one")
    await passes(world, until=RotationPhase.ROLLING)
    first, second = names.user(tenant), names.user(tenant, Slot.B)
    assert world.kafka.grants[second] == world.kafka.grants[first]
    assert world.kafka.quotas[second] == world.kafka.quotas[first]
    one, two = world.redis.users[first], world.redis.users[second]
    assert (one.commands, one.patterns) == (two.commands, two.patterns)
    assert world.elasticsearch.users[first]["roles"] == world.elasticsearch.users[second]["roles"]
    assert {second} <= world.postgres.known_roles[first].heirs
    assert world.postgres.known_roles[second].connection_limit == world.postgres.known_roles[first].connection_limit
    assert world.postgres.known_roles[names.owner_role(tenant)].members >= {names.migrator_role(tenant, Slot.B)}


async def test_sessions_of_the_former_generation_are_ended() -> None:
    world = await world_of()
    tenant = world.tenant("acme")
    world.postgres.sessions |= {names.user(tenant), names.user(tenant, Slot.B), names.migrator_role(tenant)}
    change(world, "one")
    await passes(world, until=RotationPhase.ROLLING)
    assert names.user(tenant) in world.postgres.sessions
    await passes(world)
    assert world.postgres.sessions == {names.user(tenant, Slot.B)}


async def test_an_unchanged_brokerage_writes_nothing_before_while_it_drains_or_after() -> None:
    world = await world_of()
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    assert "rotation" not in world.status("acme")
    change(world, "one")
    for phase in (RotationPhase.DRAINING, RotationPhase.COMPLETED):
        await passes(world, until=phase)
        for _ in range(4):
            await world.reconciler.reconcile("acme")
            world.settle()
        world.forget_writes()
        outcome = await world.reconciler.reconcile("acme")
        assert told(world)["phase"] == phase
        assert world.writes() == []
        assert outcome.again_in == (None if phase is RotationPhase.COMPLETED else LATER.total_seconds())
    world.reconciler = world.restarted()
    world.forget_writes()
    await world.converge("acme")
    assert not [write for write in world.writes() if "probe" not in write]


async def test_a_value_that_was_done_already_means_nothing() -> None:
    world = await world_of()
    change(world, "one")
    await passes(world)
    values = secret(world)
    status = world.kube.objects["Brokerage", None, "acme"]["status"]
    del status["rotation"]
    await passes(world)
    assert secret(world) == values
    assert told(world)["generation"] == 2


async def test_another_value_meanwhile_is_done_afterwards() -> None:
    world = await world_of()
    change(world, "one")
    await passes(world, until=RotationPhase.ROLLING)
    change(world, "two")
    await world.reconciler.reconcile("acme")
    assert told(world)["id"] == "one"
    await passes(world)
    assert (told(world)["id"], told(world)["generation"], told(world)["phase"]) == ("two", 3, "Completed")


async def test_tokens_of_the_former_key_are_good_for_as_long_as_they_live() -> None:
    world = await world_of()
    (old,) = kids(secret(world)["signing_keys.json"])
    change(world, "one")
    await passes(world, until=RotationPhase.PREPARING)
    await world.reconciler.reconcile("acme")
    assert kids(secret(world)["signing_keys.json"])[0] == old, "the new key signs only when all pods know it"
    await passes(world, until=RotationPhase.DRAINING)
    began = datetime.fromisoformat(world.status("acme")["rotation"]["startedAt"])
    world.later = began.replace(tzinfo=None) - world.now().replace(tzinfo=None) + world.later
    for _ in range(5):
        await world.reconciler.reconcile("acme")
        world.settle()
    new, kept = kids(secret(world)["signing_keys.json"])
    assert (kept == old, new == old) == (True, False)
    assert told(world)["message"].startswith("what the former key signed is good until ")
    assert world.condition("acme", "Ready") == ("True", "Answering"), "nothing is wrong meanwhile"
    world.later += LATER - timedelta(seconds=1)
    await world.reconciler.reconcile("acme")
    assert kids(secret(world)["signing_keys.json"]) == [new, old]
    world.later += timedelta(seconds=1)
    await passes(world)
    assert kids(secret(world)["signing_keys.json"]) == [new]


async def test_former_logins_are_refused_only_when_the_last_old_pod_has_ended() -> None:
    world = await world_of()
    _, before, _ = next(running(world))
    change(world, "one")
    await passes(world, until=RotationPhase.ROLLING)
    world.settle()
    world.settle()
    held_up = world.kube.objects["Pod", names.namespace(world.tenant("acme")), "app-0"]
    ends = {"name": "slow", "annotations": {}, "deletionTimestamp": "2026-11-24T12:00:45Z"}
    old = {"metadata": {**held_up["metadata"], **ends}}
    key = ("Pod", names.namespace(world.tenant("acme")), "slow")
    for _ in range(4):
        world.settle()
        world.kube.objects[key] = {**held_up, **old}
        await world.reconciler.reconcile("acme")
    assert (told(world)["phase"], refused(world, before)) == ("Rolling", [])
    assert told(world)["message"] == "pods of before are ending: slow"
    world.later += timedelta(seconds=46)
    await world.reconciler.reconcile("acme")
    assert told(world)["phase"] == "Draining", "its node has gone: it could end no more"


@pytest.mark.parametrize(
    ("backend", "condition"),
    [
        ("postgres", "DatabaseReady"),
        ("kafka", "TopicsReady"),
        ("elasticsearch", "SearchReady"),
        ("redis", "CacheReady"),
        ("s3", "StorageReady"),
    ],
)
async def test_while_a_backend_is_away_it_waits_and_says_for_which(backend: str, condition: str) -> None:
    world = await world_of()
    getattr(world, backend).down = True
    change(world, "one")
    for _ in range(3):
        await world.reconciler.reconcile("acme")
        world.settle()
    assert told(world)["phase"] == "Pending"
    assert told(world)["message"].startswith(f"waits for {condition}: ")
    getattr(world, backend).down = False
    await passes(world, until=RotationPhase.PREPARING)
    getattr(world, backend).down = True
    _, before, _ = next(running(world))
    for _ in range(5):
        await world.reconciler.reconcile("acme")
        world.settle()
    assert told(world)["phase"] == "Preparing"
    assert told(world)["message"].startswith(f"waits for {condition}: ")
    getattr(world, backend).down = False
    assert refused(world, before) == []
    await passes(world)
    assert told(world)["phase"] == "Completed"
    assert "message" not in told(world)


@pytest.mark.parametrize(
    ("spec", "word"), [({"pause": "Changes"}, "spec.pause"), ({"managementPolicy": "Observe"}, "managementPolicy")]
)
@pytest.mark.parametrize("phase", [None, RotationPhase.PREPARING, RotationPhase.ROLLING])
async def test_nothing_rotates_while_the_operator_is_held_back(
    spec: dict[str, str], word: str, phase: RotationPhase | None
) -> None:
    world = await world_of()
    if phase:
        change(world, "one")
        await passes(world, until=phase)
    change(world, "one", **spec)
    for _ in range(6):
        await world.reconciler.reconcile("acme")
        world.settle()
    record = generations.record_of(secret(world))
    assert record.phase == (phase or RotationPhase.COMPLETED)
    assert word in told(world)["message"]
    assert [backend for _, logins, _ in running(world) for backend in refused(world, logins)] == []
    world.forget_writes()
    await world.reconciler.reconcile("acme")
    assert world.writes() == []
    change(world, "one", **dict.fromkeys(spec))
    await passes(world)
    assert told(world)["phase"] == "Completed"


async def test_a_suspended_brokerage_is_rotated_without_a_pod() -> None:
    world = await world_of()
    _, before, _ = next(running(world))
    change(world, suspend={"reason": "manual"})
    await world.converge("acme")
    change(world, "one")
    await passes(world)
    assert told(world)["phase"] == "Completed"
    assert [key for key in world.kube.objects if key[0] == POD.kind] == []
    assert refused(world, before) == list(ENV)
    change(world, suspend=None)
    await world.converge("acme")
    assert next(refused(world, logins) for _, logins, _ in running(world)) == []
    assert world.condition("acme", "Ready") == ("True", "Answering")


@pytest.mark.parametrize("phase", [RotationPhase.PREPARING, RotationPhase.ROLLING, RotationPhase.DRAINING])
async def test_an_upgrade_in_the_middle_of_a_rotation_does_no_harm(phase: RotationPhase) -> None:
    world = await world_of()
    await world.release("1.1.0", "r2", knows=("r1", "r2"))
    await world.release("1.0.0")
    change(world, "one")
    await passes(world, until=phase)
    await world.release("1.1.0", "r2", knows=("r1", "r2"))

    def check() -> None:
        assert [backend for _, logins, _ in running(world) for backend in refused(world, logins)] == []

    await passes(world, check=check)
    assert (world.status("acme")["version"], told(world)["phase"]) == ("1.1.0", "Completed")


async def test_events_and_the_operation_tell_of_it() -> None:
    world = await world_of()
    change(world, "one")
    seen: list[tuple[str, str, int]] = []

    def note() -> None:
        operation = world.status("acme")["operation"]
        entry = operation["type"], operation["step"], operation["progress"]
        if entry not in seen:
            seen.append(entry)

    await passes(world, check=note)
    steps = [("Rotate", "Preparing", 0), ("Rotate", "Rolling", 25), ("Rotate", "Draining", 50)]
    assert [entry for entry in seen if entry[0] == "Rotate"] == [
        *steps,
        ("Rotate", "Completing", 75),
        ("Rotate", "Ready", 100),
    ]
    reasons = [item["reason"] for key, item in world.kube.objects.items() if key[0] == "Event"]
    assert [reason for reason in reasons if reason.startswith("Rotation")] == ["RotationStarted", "RotationCompleted"]
    assert "DriftRepaired" not in reasons, "nobody else changed anything"


async def test_no_secret_shows_in_the_status_or_in_events() -> None:
    world = await world_of()
    change(world, "one")
    secrets: set[str] = set()

    def check() -> None:
        secrets.update(value for name in ("app", "migrator") for key, value in secret(world, name).items()
                       if "password" in key or "secret_key" in key)  # fmt: skip
        visible = str([item for key, item in world.kube.objects.items() if key[0] != SECRET.kind])
        assert [value for value in secrets if value in visible] == []

    await passes(world, check=check)


@pytest.mark.parametrize(
    "phase", [RotationPhase.PREPARING, RotationPhase.ROLLING, RotationPhase.DRAINING, RotationPhase.COMPLETED]
)
async def test_a_brokerage_that_is_deleted_meanwhile_comes_back_and_goes_on(phase: RotationPhase) -> None:
    world = await world_of()
    change(world, "one")
    await passes(world, until=phase)
    tenant, generation, in_use = world.tenant("acme"), told(world)["generation"], secret(world)
    world.retire("acme")
    await world.converge("acme")
    assert world.kept(tenant) is not None
    for slot in Slot:
        assert names.user(tenant, slot) not in world.kafka.credentials
        assert names.user(tenant, slot) not in world.elasticsearch.users.keys() | world.s3.accounts.keys()
        assert not getattr(world.redis.users.get(names.user(tenant, slot)), "enabled", False)
        for role in (names.user(tenant, slot), names.migrator_role(tenant, slot)):
            assert role not in world.postgres.known_roles or not world.postgres.known_roles[role].can_login
    world.kube.put(brokerage("acme", plan="large", tenantID=str(tenant)))
    await passes(world)
    assert world.condition("acme", "Ready") == ("True", "Answering")
    assert (told(world)["generation"], told(world)["phase"]) == (generation, "Completed")
    assert secret(world)["owner_seed"] == in_use["owner_seed"]
    assert [backend for _, logins, _ in running(world) for backend in refused(world, logins)] == []


@pytest.mark.parametrize("phase", list(RotationPhase)[1:])
async def test_nothing_is_left_of_one_that_is_deleted_with_its_data_meanwhile(phase: RotationPhase) -> None:
    world = await world_of("microservices")
    change(world, "one")
    await passes(world, until=phase)
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.traces(tenant) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
@pytest.mark.parametrize("phase", list(RotationPhase)[1:])
async def test_after_any_single_failed_call_each_phase_is_reached_with_the_same_and_nobody_is_refused(
    phase: RotationPhase, after: bool
) -> None:
    start = await world_of()
    change(start, "one")
    if phase is not RotationPhase.PREPARING:
        await passes(start, until=list(RotationPhase)[list(RotationPhase).index(phase) - 1])

    async def end(at: int) -> tuple[Any, int]:
        world = deepcopy(start)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        return await reached(world, phase), world.faults.calls

    expected, _ = await end(0)
    for at in range(1, CALLS):
        found, calls = await end(at)
        assert found == expected, f"differs after a failure of call {at}"
        if at > calls:
            return
    pytest.fail("CALLS is too small")


async def reached(world: World, phase: RotationPhase) -> Any:
    """All that there is but the Brokerage itself, at the end of the pass in which the phase is reached."""
    for _ in range(ROUNDS):
        wait = 0.0
        try:
            wait = (await world.reconciler.reconcile("acme")).again_in or 0.0
        except Exception as error:
            if "Injected" not in getattr(error, "reason", ""):
                raise
        stopped, world.faults.at = world.faults.at, None
        assert [backend for _, logins, _ in running(world) for backend in refused(world, logins)] == []
        if generations.record_of(secret(world)).phase is phase:
            seen = world.inventory()
            return {**seen, "objects": {key: one for key, one in seen["objects"].items() if key[0] != "Brokerage"}}
        world.settle()
        world.faults.at = stopped
        world.later += timedelta(seconds=wait if wait > 60 else 0)
    raise AssertionError(f"not within {ROUNDS} passes: {world.status('acme')}")


async def test_whoever_looked_at_what_is_not_so_any_more_changes_nothing() -> None:
    world = await world_of()
    change(world, "one")
    await passes(world, until=RotationPhase.PREPARING)
    part = world.reconciler.graph.by_name["rotation"]
    tenant = await tenant_of(world)
    seen = await part.observe(tenant)
    turn = part.plan(tenant, seen)
    await passes(world, until=RotationPhase.DRAINING)
    values = secret(world)
    with pytest.raises(Conflict, match="the object has changed"):
        await part.apply(tenant, turn)
    assert secret(world) == values


async def tenant_of(world: World) -> Any:
    """As a pass resolves it."""
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None

    async def known(_: Fit) -> Any:
        return world.tenant("acme")

    resolver = Resolver(world.kube, world.releases, PLATFORM, functools.partial(world.kube.get, PLAN))
    return (await resolver.tenant(item, BrokerageSpec.model_validate(item["spec"]), known))[0]


def test_what_pods_see_is_one_generation() -> None:
    for slot in Slot:
        seen = generations.files("app", slot)
        assert {"owner_seed", "signing_keys.json", "feeds.json", "database_password"} < seen.keys()
        assert generations.RECORD not in seen.values()
        assert not set(generations.keys_of("app", slot.other)) & set(seen.values())
