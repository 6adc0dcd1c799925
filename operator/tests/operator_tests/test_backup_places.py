"""What differs between backups in the object store and on a volume: who sees what, and what is left when it changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator import composition, names
from rooftree_operator.adapters.kubernetes import (
    BACKUP,
    BROKERAGE,
    CLAIM,
    JOB,
    NAMESPACE,
    OPERATION,
    POLICY,
    QUOTA,
    VOLUME,
)
from rooftree_operator.archive.manifest import parsed
from rooftree_operator.drift import Object
from rooftree_operator.operations.bucket import BucketPlace
from rooftree_operator.operations.claims import VolumePlace, claim, described, narrowed, persistent_volume
from rooftree_operator.operations.places import Way
from rooftree_operator.operations.progress import ordered
from rooftree_operator.tenant import Tenant

from .fakes.volume import SOURCE
from .test_clones import settled
from .test_operations import content, leftovers, lying, objects, restored, written_world
from .test_plans import TENANT
from .test_tenant_scenarios import ready_world
from .world import KEPT, NETWORK, World, brokerage, operation


def way(*, tenant: Tenant = TENANT, writes: bool = True) -> Way:
    item = operation("first")
    item["metadata"] |= {"uid": "u", "creationTimestamp": "2026-11-24T12:00:00Z"}
    return Way(tenant, ordered(item), tenant.id, "first", writes=writes)


def kept_on(world: World, *, volume: bool) -> None:
    """Somebody upgrades the chart: another process begins, which keeps backups there."""
    world.on_volume = volume
    world.backends = world.with_place(on_volume=volume)
    world.reconciler = world.restarted()


def found(world: World, kind: Any) -> list[Object]:
    return [item for key, item in world.kube.objects.items() if key[0] == kind.kind]


async def standing_world(kind: str = "write") -> World:
    """An operation whose Job is at work."""
    world = await written_world() if kind == "read" else await ready_world()
    world.archive.stands.add(kind)
    world.kube.put(operation("next", "Restore", backup="first") if kind == "read" else operation("next"))
    await world.operate("next", passes=3)
    return world


def prepare_again(world: World) -> None:
    """As after a crash in the first step, whose end was not written."""
    item = world.kube.find(OPERATION, "next")
    assert item is not None
    del item["status"]["steps"][0]["finishedAt"]
    item["status"]["steps"][0]["state"] = "Running"


@pytest.mark.parametrize(
    ("s3", "on_volume", "kind"),
    [(True, False, BucketPlace), (True, True, VolumePlace), (False, True, VolumePlace), (False, False, type(None))],
)
def test_an_installation_keeps_backups_in_one_place_and_on_the_volume_if_it_has_one(
    s3: bool, on_volume: bool, kind: type
) -> None:
    world = World(on_volume=on_volume)
    backends = world.backends if s3 else replace(world.backends, s3=None)
    assert type(composition.place(world.kube, backends)) is kind
    # So it is watched, and fenced for whoever has lost the Lease.
    assert (world.volume in list(backends)) is on_volume


async def test_in_the_object_store_a_tenants_own_key_opens_no_backup_and_the_jobs_only_one() -> None:
    world = await written_world()
    tenant = world.tenant("acme")
    bucket = f"{tenant}-backups"
    assert not world.s3.may(f"{tenant}.app", "GetObject", bucket, "first/manifest.json")
    assert world.s3.buckets[bucket].policy is None, "a key of that name which is made later opens nothing"
    world.archive.stands.add("write")
    world.kube.put(operation("second"))
    await world.operate("second", passes=3)
    assert world.s3.may(f"{tenant}.backup", "PutObject", bucket, "second/manifest.json")
    assert not world.s3.may(f"{tenant}.backup", "PutObject", bucket, "first/manifest.json")
    assert not world.s3.may(f"{tenant}.backup", "GetObject", bucket, "second/manifest.json")


async def test_a_clone_leaves_no_way_to_the_backup_that_it_came_from() -> None:
    world = await written_world()
    world.kube.put(brokerage("west", source={"backup": "first"}))
    await settled(world)
    assert world.s3.buckets[f"{world.tenant('acme')}-backups"].policy is None


@pytest.mark.usefixtures("on_volume")
async def test_the_job_sees_the_folder_of_its_one_backup_and_may_write_there_or_read() -> None:
    for kind, mode, backup in (("write", "ReadWriteMany", "next"), ("read", "ReadOnlyMany", "first")):
        world = await standing_world(kind)
        tenant = world.tenant("acme")
        (volume,) = found(world, VOLUME)
        spec = volume["spec"]
        assert spec["nfs"] == {"server": "10.200.0.9", "path": f"/exports/rooftree/{tenant}/{backup}"}
        assert (spec["accessModes"], spec["persistentVolumeReclaimPolicy"]) == ([mode], "Retain")
        assert spec["storageClassName"] == ""
        reference = spec["claimRef"]
        assert (reference["namespace"], reference["name"]) == (f"tenant-{tenant}", "operation")
        (claim,) = found(world, CLAIM)
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert claim["spec"]["storageClassName"] == "", "no class makes another volume for it"
        (job,) = [item for item in found(world, JOB) if item["metadata"]["name"].startswith("operation-")]
        pod = job["spec"]["template"]["spec"]
        (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "backup"]
        assert (mount["readOnly"], "subPath" in mount) == (kind == "read", False)
        assert job["spec"]["podReplacementPolicy"] == "Failed"
        assert {one["name"] for one in pod["volumes"]} == {"ca", "tmp", "app", "migrator", "operation", "backup"}


@pytest.mark.usefixtures("on_volume")
async def test_between_operations_nothing_in_the_cluster_leads_to_a_backup() -> None:
    world = await written_world()
    assert (await restored(world))["phase"] == "Succeeded"
    assert (found(world, VOLUME), found(world, CLAIM), leftovers(world)) == ([], [], [])
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    assert item["status"]["store"] == {
        "volume": "nfs 10.200.0.9 /exports/rooftree",
        "path": f"{world.tenant('acme')}/first",
    }


@pytest.mark.usefixtures("on_volume")
async def test_a_clone_sees_the_one_backup_of_the_other_tenant_and_cannot_write() -> None:
    world = await written_world()
    world.kube.put(operation("second"))
    await world.operate("second")
    world.archive.stands.add("read")
    world.kube.put(brokerage("west", source={"backup": "first"}))
    await settled(world, rounds=4)
    (volume,) = found(world, VOLUME)
    assert volume["spec"]["nfs"]["path"].endswith(f"/{world.tenant('acme')}/first")
    assert volume["spec"]["accessModes"] == ["ReadOnlyMany"]
    assert volume["spec"]["claimRef"]["namespace"] == f"tenant-{world.tenant('west')}"
    assert volume["metadata"]["labels"][names.LABEL_TENANT] == str(world.tenant("west"))
    world.archive.stands.clear()
    await settled(world)
    assert content(world, "west").rows == ["a", "b"]
    assert found(world, VOLUME) == []


@pytest.mark.usefixtures("on_volume")
async def test_a_namespace_lets_one_small_claim_in_and_nothing_more() -> None:
    world = await ready_world()
    quota = world.child("acme", QUOTA, "tenant")
    assert quota is not None
    assert quota["spec"]["hard"].items() >= {"persistentvolumeclaims": "1", "requests.storage": "1Mi"}.items()
    kept_on(world, volume=False)
    await world.converge("acme")
    quota = world.child("acme", QUOTA, "tenant")
    assert quota is not None
    assert quota["spec"]["hard"]["persistentvolumeclaims"] == "0"
    assert "requests.storage" not in quota["spec"]["hard"]


@pytest.mark.usefixtures("on_volume")
async def test_a_claim_that_the_quota_refuses_is_told_with_a_code_and_tried_again() -> None:
    world = await ready_world()
    quota = world.child("acme", QUOTA, "tenant")
    assert quota is not None
    quota["spec"]["hard"]["persistentvolumeclaims"] = "0"
    world.kube.put(operation("first"))
    status = (await world.operate("first", passes=2))["status"]
    assert (status["phase"], status["error"]["code"], status["error"]["retryable"]) == (
        "Running",
        "BackupClaimRefused",
        True,
    )
    assert "exceeded quota" in status["message"]
    quota["spec"]["hard"]["persistentvolumeclaims"] = "1"
    assert (await world.operate("first"))["status"]["phase"] == "Succeeded"


@pytest.mark.usefixtures("on_volume")
async def test_a_claim_that_an_earlier_operation_left_goes_before_another_one_is_made() -> None:
    world = await standing_world()
    (claim,) = found(world, CLAIM)
    world.kube.put({**claim, "metadata": {**claim["metadata"], "annotations": {names.LABEL_OPERATION: "another"}}})
    prepare_again(world)
    status = (await world.operate("next", passes=1))["status"]
    assert "the claim of an earlier operation goes first" in status["message"]
    assert found(world, CLAIM) == []
    world.archive.stands.clear()
    assert (await world.operate("next"))["status"]["phase"] == "Succeeded"
    assert leftovers(world) == []


@pytest.mark.usefixtures("on_volume")
@pytest.mark.parametrize("left", ["a volume that goes", "a volume whose claim was deleted"])
async def test_a_volume_that_takes_no_claim_any_more_is_made_anew(left: str) -> None:
    world = await standing_world()
    (volume,) = found(world, VOLUME)
    if left == "a volume that goes":
        volume["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    else:
        volume["spec"]["claimRef"]["uid"] = "of-a-claim-that-is-gone"
        del world.kube.objects[CLAIM.kind, f"tenant-{world.tenant('acme')}", "operation"]
    prepare_again(world)
    status = (await world.operate("next", passes=1))["status"]
    assert "goes first" in status["message"]
    for one in found(world, VOLUME):  # what Kubernetes takes away when no claim has it any more
        del world.kube.objects[VOLUME.kind, None, one["metadata"]["name"]]
    world.archive.stands.clear()
    assert (await world.operate("next"))["status"]["phase"] == "Succeeded"
    assert leftovers(world) == []


@pytest.mark.usefixtures("on_volume")
async def test_with_a_brokerage_that_is_deleted_amid_an_operation_its_way_goes_too() -> None:
    world = await standing_world()
    tenant = world.tenant("acme")
    assert len(found(world, VOLUME)) == 1
    world.delete("acme")
    for _ in range(4):
        await world.converge("acme")
        await world.operate("next", passes=2)
    assert world.kube.find(NAMESPACE, f"tenant-{tenant}") is None
    assert (found(world, VOLUME), found(world, CLAIM), found(world, BACKUP)) == ([], [], [])
    assert world.volume.files == {}


@pytest.mark.usefixtures("on_volume")
async def test_logins_that_are_revoked_take_the_way_to_backups_along() -> None:
    world = await standing_world()
    await world.reconciler.deletion.revoke(world.tenant("acme"))
    assert found(world, VOLUME) == []


@pytest.mark.usefixtures("on_volume")
async def test_without_an_object_store_database_and_keys_are_written_and_the_job_reaches_no_store() -> None:
    world = await ready_world()
    content(world).rows = ["a"]
    objects(world).clear()
    world.platform = replace(world.platform, s3_url="", s3_region="")
    world.backends = replace(world.backends, s3=None)
    peers = {name: peer for name, peer in NETWORK.peers.items() if name != "s3"}
    world.platform = replace(world.platform, network=NETWORK.model_copy(update={"peers": peers}))
    world.reconciler = world.restarted()
    await world.converge("acme")
    world.archive.stands.add("write")
    world.kube.put(operation("first"))
    await world.operate("first", passes=2)
    policy = world.child("acme", POLICY, "operation")
    assert policy is not None
    assert policy["spec"]["egress"] == []
    world.archive.stands.clear()
    assert (await world.operate("first"))["status"]["phase"] == "Succeeded"
    content(world).rows = []
    assert (await restored(world))["phase"] == "Succeeded"
    assert content(world).rows == ["a"]


@pytest.mark.parametrize("volume", [False, True], ids=["from-bucket", "from-volume"])
async def test_a_backup_in_the_other_kind_of_place_is_refused_with_a_code_and_not_touched(
    volume: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KEPT, "on_volume", volume)
    world = await written_world()
    content(world).rows = ["newer"]
    before = dict(lying(world))
    kept_on(world, volume=not volume)
    await world.converge("acme")
    status = await restored(world)
    assert (status["phase"], status["error"]["code"], status["error"]["audience"]) == (
        "Failed",
        "BackupElsewhere",
        "Platform",
    )
    assert "first lies in" in status["message"]
    world.kube.put(operation("try", "Drill"))
    assert (await world.operate("try"))["status"]["error"]["code"] == "BackupElsewhere"
    assert content(world).rows == ["newer"]
    await world.kube.delete(BACKUP, "first")
    await world.artifacts.reconcile("first")
    world.forget_writes()
    await world.artifacts.reconcile("first")
    assert world.writes() == []
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    assert "must set backups.volume and s3.secret" in item["status"]["message"]
    kept_on(world, volume=volume)
    assert lying(world) == before
    await world.artifacts.reconcile("first")
    assert (world.kube.find(BACKUP, "first"), world.backups(world.tenant("acme"))) == (None, None)


async def test_a_brokerage_whose_backups_lie_elsewhere_is_not_gone_before_these_are() -> None:
    world = await written_world()
    tenant = world.tenant("acme")
    kept_on(world, volume=True)
    await world.converge("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "BackupsElsewhere")
    assert f"bucket {tenant}-backups" in world.status("acme")["message"]
    kept_on(world, volume=False)
    await world.converge("acme")
    assert (world.kube.find(BROKERAGE, "acme"), world.backups(tenant)) == (None, None)


async def test_the_newest_backup_that_lies_here_is_drilled_and_not_a_newer_one_elsewhere() -> None:
    world = await written_world()
    kept_on(world, volume=True)
    await world.converge("acme")
    world.kube.put(operation("here"))
    await world.operate("here")
    elsewhere = world.kube.find(BACKUP, "first")
    assert elsewhere is not None
    elsewhere["status"]["takenAt"] = "2026-11-25T12:00:00.000Z"
    world.kube.put(operation("try", "Drill"))
    status = (await world.operate("try"))["status"]
    assert (status["phase"], status["result"]["backup"]) == ("Succeeded", "here")


@pytest.mark.parametrize("volume", [False, True], ids=["from-bucket", "from-volume"])
async def test_a_backup_is_given_up_whose_place_changes_while_it_is_written(
    volume: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KEPT, "on_volume", volume)
    world = await standing_world()
    kept_on(world, volume=not volume)
    await world.converge("acme")
    status = (await world.operate("next"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupElsewhere")
    world.archive.stands.clear()
    world.kube.put(operation("again"))
    assert (await world.operate("again"))["status"]["phase"] == "Succeeded"


@pytest.mark.usefixtures("on_volume")
async def test_a_job_that_closes_its_folder_or_leaves_something_else_there_has_written_no_backup() -> None:
    world = await standing_world()
    world.volume.closed.add((str(world.tenant("acme")), "next"))
    status = (await world.operate("next"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupUnusable")
    item = world.kube.find(BACKUP, "next")
    assert item is not None
    assert item["status"]["phase"] == "Failed"


@pytest.mark.usefixtures("either_place")
@pytest.mark.parametrize("extra", ["next/{}/00000002", "next/{}/more"])
async def test_more_or_less_than_the_manifest_says_is_no_backup(extra: str) -> None:
    world = await standing_world()
    world.archive.stands.clear()
    world.settle()
    made = parsed(lying(world)["next/manifest.json"])
    lying(world)[extra.format(made.attempt)] = b"planted"
    status = (await world.operate("next", passes=4))["status"]
    assert (status["step"], status["message"]) == ("Record", "not all that was written is seen yet")
    world.later = timedelta(seconds=91)
    status = (await world.operate("next"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupFailed")


@pytest.mark.usefixtures("either_place")
async def test_what_lies_there_of_a_backup_that_was_forgotten_is_never_taken_for_a_new_one() -> None:
    world = await written_world()
    before = dict(lying(world))
    for kind in (BACKUP, OPERATION):
        del world.kube.objects[kind.kind, None, "first"]  # somebody took the finalizer away
    content(world).rows = ["newer"]
    world.kube.put(operation("first"))
    status = (await world.operate("first"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupExists")
    assert (lying(world), world.kube.find(BACKUP, "first")) == (before, None)


@pytest.mark.usefixtures("either_place")
async def test_what_a_client_of_nfs_sees_late_is_waited_for() -> None:
    world = await standing_world()
    world.archive.stands.clear()
    world.settle()
    (segment,) = [name for name in lying(world) if not name.endswith(".json")]
    content_ = lying(world).pop(segment)
    assert (await world.operate("next", passes=4))["status"]["step"] == "Record"
    world.later = timedelta(seconds=60)
    lying(world)[segment] = content_
    assert (await world.operate("next"))["status"]["phase"] == "Succeeded"


@pytest.mark.usefixtures("either_place")
async def test_what_a_backup_that_failed_has_written_gives_its_room_back_and_no_other_one_does() -> None:
    world = await written_world()
    kept = {name for name in lying(world) if name.startswith("first/")}
    world.archive.stands.add("write")
    world.kube.put(operation("half"))
    await world.operate("half", passes=3)
    lying(world)["half/try1/00000001"] = b"half of it"
    (job,) = [item for item in found(world, JOB) if item["metadata"]["labels"].get(names.LABEL_OPERATION) == "half"]
    world.archive._fail(job, '{"error": "StoreError", "message": "No space left on device"}')
    status = (await world.operate("half"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupFailed")
    assert "No space left on device" in status["error"]["message"]
    item = world.kube.find(BACKUP, "half")
    assert item is not None
    assert item["status"]["phase"] == "Failed"
    assert set(lying(world)) == kept
    assert (await restored(world))["phase"] == "Succeeded"


@pytest.mark.usefixtures("either_place")
async def test_a_manifest_of_another_tenant_or_backup_is_refused() -> None:
    world = await standing_world()
    world.archive.stands.clear()
    world.settle()
    made = parsed(lying(world)["next/manifest.json"])
    lying(world)["next/manifest.json"] = replace(made, tenant="west-0a1b2c3d").encoded()
    status = (await world.operate("next"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupUnusable")


@pytest.mark.parametrize(
    ("source", "narrow", "rest"),
    [
        (
            {"nfs": {"server": "s", "path": "/exports"}, "mountOptions": ["hard"]},
            {"nfs": {"server": "s", "path": "/exports/{}"}, "mountOptions": ["hard"]},
            "",
        ),
        ({"hostPath": {"path": "/srv/"}}, {"hostPath": {"path": "/srv/{}"}}, ""),
        ({"nfs": {"server": "s", "path": "/"}}, {"nfs": {"server": "s", "path": "/{}"}}, ""),
        ({"csi": {"driver": "d", "volumeHandle": "v"}}, {"csi": {"driver": "d", "volumeHandle": "v"}}, "{}"),
    ],
    ids=["nfs", "hostPath", "nfs-root", "csi"],
)
def test_a_volume_begins_at_the_backups_own_folder_where_its_source_can(source: Any, narrow: Any, rest: str) -> None:
    path = f"{TENANT.id}/first"
    made, left = narrowed(source, way())
    assert (str(made), left) == (str(narrow).replace("{}", path), rest.format(path))
    assert described(source)


@pytest.mark.parametrize(("writes", "mode"), [(True, "ReadWriteMany"), (False, "ReadOnlyMany")])
def test_of_a_source_without_paths_the_pod_mounts_the_one_folder_only(writes: bool, mode: str) -> None:
    world = World()
    world.volume.source = {"csi": {"driver": "d", "volumeHandle": "v"}}
    entrance = VolumePlace(world.kube, world.volume).entrance(way(writes=writes))
    assert entrance.mount == {
        "name": "backup",
        "mountPath": "/var/lib/rooftree/backup",
        "readOnly": not writes,
        "subPath": f"{TENANT.id}/first",
    }
    assert persistent_volume(world.volume.source, way(writes=writes))["spec"]["accessModes"] == [mode]
    assert claim(way(writes=writes))["spec"]["accessModes"] == [mode]


def test_the_fakes_volume_is_one_that_a_chart_could_name() -> None:
    assert described(SOURCE) == "nfs 10.200.0.9 /exports/rooftree"
