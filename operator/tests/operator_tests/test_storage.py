"""A tenant's place in S3 over a fake that keeps state."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, SECRET
from rooftree_operator.backends import Backends
from rooftree_operator.composition import graph
from rooftree_operator.secret_objects import decoded

from .fakes.s3 import Account, Bucket
from .test_tenant_scenarios import ready_world
from .world import CA, NAMESPACE, PLATFORM, World, brokerage, now

BUCKET = "acme-00000001"
USER = f"{BUCKET}.app"
LOOKALIKE = "acme-000000012"  # begins like the tenant, and is not
PAGES = 25


def without_storage() -> World:
    """A world whose installation has no object storage."""
    world = World()
    world.backends = Backends(world.postgres, world.kafka, world.elasticsearch, world.redis, None)
    parts = graph(world.kube, world.backends, CA, now, NAMESPACE)
    world.reconciler = replace(world.reconciler, graph=parts, platform=replace(PLATFORM, s3_url="", s3_region=""))
    return world


def environment(world: World) -> dict[str, str]:
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"] if "_S3_" in entry["name"]}


async def test_storage_is_ready_when_the_tenant_has_put_and_read_an_object_in_its_bucket() -> None:
    world = await ready_world()
    assert world.condition("acme", "StorageReady") == ("True", "Provisioned")
    assert world.s3.buckets[BUCKET].tags == {"rooftree.dev/tenant": BUCKET}
    assert world.s3.accounts[USER].role == "user"
    assert world.s3.writes == [
        f"key {USER}",
        f"create bucket {BUCKET}",
        f"policy {BUCKET}",
        f"probe {BUCKET}/rooftree/probe",
    ]


async def test_the_app_is_told_its_bucket_and_its_key_and_finds_the_secret_in_its_files() -> None:
    world = await ready_world()
    assert environment(world) == {
        "ROOFTREE_S3_ENDPOINT": "https://10.200.0.1:7070",
        "ROOFTREE_S3_REGION": "us-east-1",
        "ROOFTREE_S3_BUCKET": BUCKET,
        "ROOFTREE_S3_ACCESS_KEY": USER,
    }
    secret = decoded(world.child("acme", SECRET, "app"))["s3_secret_key"]
    assert len(secret) > 40
    assert secret == world.s3.accounts[USER].secret
    assert secret not in str(world.inventory())


async def test_a_key_may_use_the_objects_of_its_own_bucket_and_no_more() -> None:
    world = await ready_world()
    world.kube.put(brokerage("acme-west"))
    await world.converge("acme-west")
    west = str(world.tenant("acme-west"))
    for action in ("GetObject", "PutObject", "DeleteObject"):
        assert world.s3.may(USER, action, BUCKET, "photos/1")
        assert not world.s3.may(USER, action, west, "photos/1")
    for action in ("DeleteBucket", "PutBucketPolicy", "PutBucketAcl", "PutBucketTagging", "CreateBucket"):
        assert f"s3:{action}" not in str(world.s3.buckets[BUCKET].policy)


async def test_an_installation_without_object_storage_says_so_and_is_ready_all_the_same() -> None:
    world = without_storage()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert world.condition("acme", "StorageReady") == ("True", "NotConfigured")
    assert environment(world) == {}
    assert [backend.name for backend in world.backends] == ["postgres", "kafka", "elasticsearch", "redis"]
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None


async def test_a_restarted_operator_logs_in_once_and_changes_nothing() -> None:
    world = await ready_world()
    restarted = replace(world.reconciler, graph=graph(world.kube, world.backends, CA, now, NAMESPACE))
    world.forget_writes()
    for _ in range(3):
        await restarted.reconcile("acme")
    assert world.writes() == []
    assert world.s3.logins == [USER]


async def test_what_a_probe_that_died_has_left_goes_with_the_next_login() -> None:
    world = await ready_world()
    world.s3.buckets[BUCKET].objects = {"rooftree/probe": b"rooftree", "rooftree/probe-notes": b"the app's"}
    restarted = replace(world.reconciler, graph=graph(world.kube, world.backends, CA, now, NAMESPACE))
    await restarted.reconcile("acme")
    assert world.s3.buckets[BUCKET].objects == {"rooftree/probe-notes": b"the app's"}


def _no_policy(world: World) -> None:
    world.s3.buckets[BUCKET].policy = None


def _for_everybody(world: World) -> None:
    policy = world.s3.buckets[BUCKET].policy
    assert policy is not None
    policy["Statement"][0]["Principal"] = {"AWS": ["*"]}


def _other_secret(world: World) -> None:
    world.s3.accounts[USER] = Account("chosen by somebody")


def _administrator(world: World) -> None:
    world.s3.accounts[USER].role = "admin"


@pytest.mark.parametrize(
    "drift",
    [
        lambda world: world.s3.buckets.pop(BUCKET),
        lambda world: world.s3.buckets[BUCKET].tags.clear(),
        _no_policy,
        _for_everybody,
        lambda world: world.s3.accounts.pop(USER),
        _other_secret,
        _administrator,
    ],
    ids=["no-bucket", "no-mark", "no-policy", "public", "no-key", "other-secret", "administrator"],
)
async def test_each_drift_is_repaired_and_proven_again(drift: Callable[[World], object]) -> None:
    world = await ready_world()
    before, accounts = world.inventory(), {name: account.secret for name, account in world.s3.accounts.items()}
    drift(world)
    world.forget_writes()
    await world.converge("acme")
    assert world.inventory() == before
    assert {name: account.secret for name, account in world.s3.accounts.items()} == accounts
    assert len([write for write in world.s3.writes if "probe" in write]) == 1
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


def told(world: World) -> list[str]:
    """Notes of the events about repairs."""
    events = [item for (kind, _, _), item in world.kube.objects.items() if kind == "Event"]
    return [event["note"] for event in events if (event["type"], event["reason"]) == ("Warning", "DriftRepaired")]


def _everything(world: World) -> None:
    world.s3.buckets.clear()
    world.s3.accounts.clear()


@pytest.mark.parametrize(
    ("loss", "note"),
    [
        (lambda world: world.s3.buckets.clear(), [f"Bucket {BUCKET}: missing with its objects"]),
        (lambda world: world.s3.accounts.clear(), [f"Access key {USER}: missing"]),
        (_everything, [f"Bucket {BUCKET}: missing with its objects", f"Access key {USER}: missing"]),
        (_no_policy, [f"Bucket {BUCKET}: its policy"]),
    ],
    ids=["bucket", "key", "everything", "policy"],
)
@pytest.mark.parametrize("away", [False, True], ids=["at-once", "after-an-outage"])
async def test_a_loss_is_named_in_one_event_and_nothing_is_told_of_a_first_time(
    loss: Callable[[World], object], note: list[str], away: bool
) -> None:
    world = await ready_world()
    assert told(world) == []
    if away:
        world.s3.down = True
        await world.reconciler.reconcile("acme")
        world.s3.down = False
    loss(world)
    for _ in range(2):
        await world.converge("acme")
        (event,) = told(world)
        assert event.startswith("changed by others and set back: ")
        assert [words for words in note if words not in event] == []
    assert world.status("acme")["bucket"] == BUCKET


async def test_a_bucket_that_is_lost_while_the_declaration_changes_is_named_all_the_same() -> None:
    world = await ready_world()
    world.s3.buckets.clear()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    world.kube.put({**item, "spec": {**item["spec"], "displayName": "Acme West"}})
    await world.converge("acme")
    (event,) = told(world)
    assert (
        event == f"changed by others and set back: Bucket {BUCKET}: missing with its objects, made again without them"
    )


async def test_a_key_that_may_make_buckets_loses_that_when_it_is_probed() -> None:
    world = await ready_world()
    world.s3.accounts[USER].role = "userplus"
    _no_policy(world)
    await world.converge("acme")
    assert world.s3.accounts[USER].role == "user"
    assert world.status("acme")["phase"] == "Ready"


async def test_tags_that_others_put_on_the_bucket_stay_beside_the_mark() -> None:
    world = await ready_world()
    world.s3.buckets[BUCKET].tags = {"cost-centre": "7"}
    await world.converge("acme")
    assert world.s3.buckets[BUCKET].tags == {"cost-centre": "7", "rooftree.dev/tenant": BUCKET}
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_a_bucket_with_the_mark_of_another_tenant_is_neither_used_nor_deleted() -> None:
    world = World()
    await world.release("1.0.0")
    foreign = Bucket({"rooftree.dev/tenant": "bravo-0a1b2c3d"}, objects={"photo": b"theirs"})
    world.s3.buckets[BUCKET] = foreign
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.condition("acme", "StorageReady") == ("False", "BucketTaken")
    assert "bravo-0a1b2c3d" in world.status("acme")["message"]
    assert world.s3.writes == []
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.s3.buckets == {BUCKET: foreign}
    assert foreign.objects == {"photo": b"theirs"}


async def test_an_object_store_that_is_away_leaves_the_other_parts_and_the_running_pods_alone() -> None:
    world = await ready_world()
    world.s3.down = True
    world.forget_writes()
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "StorageReady") == ("False", "S3Unreachable")
    others = ("DatabaseReady", "TopicsReady", "SearchReady", "CacheReady")
    assert {world.condition("acme", other)[0] for other in others} == {"True"}
    assert [write for write in world.writes() if "Brokerage/status" not in write and "create Event" not in write] == []
    world.s3.down = False
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_the_key_goes_first_and_the_objects_go_after_the_namespace() -> None:
    world = await ready_world()
    world.s3.buckets[BUCKET].objects = {"photos/1": b"x"}
    world.s3.buckets[BUCKET].uploads = {"photos/2"}
    world.s3.buckets[LOOKALIKE] = Bucket({"rooftree.dev/tenant": LOOKALIKE}, objects={"photos/1": b"x"})
    world.s3.accounts[f"{LOOKALIKE}.app"] = Account("x")
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    assert USER not in world.s3.accounts
    assert world.s3.buckets[BUCKET].objects, "the namespace is still there"
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert list(world.s3.buckets) == [LOOKALIKE], "who only looks alike stays"
    assert list(world.s3.accounts) == [f"{LOOKALIKE}.app"]
    assert world.s3.buckets[LOOKALIKE].objects == {"photos/1": b"x"}


async def test_a_large_bucket_is_emptied_in_steps_and_everybody_sees_how_far_it_is() -> None:
    world = await ready_world()
    world.s3.buckets[BUCKET].objects = {f"photos/{number:05}": b"x" for number in range(PAGES * 1000 + 1)}
    world.delete("acme")
    told: list[str] = []
    for _ in range(20):
        outcome = await world.reconciler.reconcile("acme")
        world.settle()
        if world.kube.find(BROKERAGE, "acme") is None:
            break
        assert not outcome.failed
        told.append(world.status("acme")["message"].rpartition(": ")[2])
    assert BUCKET not in world.s3.buckets
    assert [words for words in told if "objects" in words] == [
        "10000 objects of its bucket are deleted so far",
        "20000 objects of its bucket are deleted so far",
    ]


async def test_objects_that_stay_although_they_were_deleted_are_said_and_not_tried_for_ever() -> None:
    world = await ready_world()
    world.s3.buckets[BUCKET].objects = {"odd\ufffd": b"x"}
    world.s3.stubborn = {"odd\ufffd"}
    world.delete("acme")
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "S3Refused")
    assert "a platform admin must delete them" in world.status("acme")["message"]
    world.s3.stubborn.clear()
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None


async def test_a_deletion_waits_for_the_object_store_while_the_other_logins_are_closed() -> None:
    world = await ready_world()
    world.delete("acme")
    world.s3.down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "S3Unreachable")
    assert not world.postgres.known_roles[USER].can_login
    world.s3.down = False
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
