"""Backup and restore over fakes that keep state: a brokerage is written, loses data, and has all of it again."""

import base64
import os
from dataclasses import replace
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, CLAIM, JOB, OPERATION, POLICY, SECRET, VOLUME
from rooftree_operator.archive.envelope import Cipher, KeyPair, data_key, seal
from rooftree_operator.archive.manifest import parsed
from rooftree_operator.names import Slot
from rooftree_operator.secret_objects import decoded

from .test_tenant_scenarios import ready_world
from .world import NAMESPACE, World, brokerage, operation

pytestmark = pytest.mark.usefixtures("either_place")
STRIDE = 1 if os.environ.get("THOROUGH") else 41  # all calls in `make full`
CALLS = 600  # more than an operation takes; the tests check that


def content(world: World, name: str = "acme") -> Any:
    return world.postgres.content[str(world.tenant(name))]


def objects(world: World, name: str = "acme") -> dict[str, bytes]:
    return world.s3.buckets[str(world.tenant(name))].objects


def lying(world: World, name: str = "acme") -> dict[str, bytes]:
    """All that lies there as backups of a brokerage."""
    found = world.backups(world.tenant(name))
    assert found is not None
    return found


async def written_world(*, rows: tuple[str, ...] = ("a", "b")) -> World:
    """A brokerage with rows, a photo, and a backup of them called `first`."""
    world = await ready_world()
    content(world).rows = list(rows)
    objects(world)["photos/1"] = b"a house"
    world.kube.put(operation("first"))
    done = await world.operate("first")
    assert done["status"]["phase"] == "Succeeded", done["status"]
    return world


async def restored(world: World, name: str = "back", backup: str = "first") -> dict[str, Any]:
    world.kube.put(operation(name, "Restore", backup=backup))
    return (await world.operate(name))["status"]


def leftovers(world: World) -> list[str]:
    """What operations make for a time only."""
    tenant = world.tenant("acme")
    space = f"tenant-{tenant}"
    made = [key for key in world.kube.objects if key[1] == space and key[2].startswith("operation") and key[0] != "Pod"]
    made += [key for key in world.kube.objects if key[0] == VOLUME.kind]
    keys = [name for name in world.s3.accounts if name.endswith(".backup")]
    return [*map(str, made), *keys, *(name for name in world.postgres.known if ".r-" in name)]


def neighbour(world: World) -> dict[str, Any]:
    """All of the brokerage `west`, everywhere."""
    found = world.inventory()
    objects = {key: item for key, item in found["objects"].items() if "west" in str(key)}
    return {
        "objects": objects,
        "rows": content(world, "west").rows,
        "topics": [t for t in world.kafka.known if "west" in t],
    }


async def test_a_backup_is_written_and_tells_what_it_holds() -> None:
    world = await written_world()
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    status = item["status"]
    assert (status["phase"], status["rows"], status["objects"]) == ("Complete", 2, 1)
    assert (status["version"], status["migrations"], status["outboxPosition"]) == ("1.0.0", ["r1"], 7)
    assert item["spec"] == {"brokerage": "acme", "tenantID": str(world.tenant("acme"))}
    done = world.kube.find(OPERATION, "first")
    assert done is not None
    assert done["status"]["result"]["backup"] == "first"
    assert [step["state"] for step in done["status"]["steps"]] == ["Done"] * 4
    assert (done["status"]["progress"], done["status"]["conditions"][0]["type"]) == (100, "Complete")
    assert leftovers(world) == []


async def test_nothing_of_the_tenant_lies_there_in_clear() -> None:
    world = await written_world(rows=("Nora Quinn",))
    assert len(lying(world)) == 2
    assert all(b"Nora" not in found and b"house" not in found for found in lying(world).values())


async def test_a_step_that_is_begun_again_makes_no_second_key_and_no_second_backup() -> None:
    world = await ready_world()
    world.archive.stands.add("write")
    world.kube.put(operation("first"))
    await world.operate("first", passes=2)
    item = world.kube.find(OPERATION, "first")
    assert item is not None
    # A crash came before anybody could write that the first step is done.
    item["status"]["steps"][0] |= {"state": "Running"}
    del item["status"]["steps"][1]["startedAt"]
    world.forget_writes()
    await world.operations.reconcile("first")
    again = [write for write in world.writes() if "key" in write or "create" in write]
    assert again == []


async def test_the_private_key_stays_beside_the_operator() -> None:
    world = await ready_world()
    world.archive.stands.add("write")
    world.kube.put(operation("first"))
    await world.operate("first", passes=3)
    ring = decoded(world.kube.find(SECRET, "backup-keys", NAMESPACE))
    private = ring[ring["current"]]
    assert KeyPair(bytes.fromhex(private)).id == ring["current"]
    elsewhere = [item for key, item in world.kube.objects.items() if key[1:] != (NAMESPACE, "backup-keys")]
    told = [decoded(item) if item["kind"] == SECRET.kind else item for item in elsewhere]
    assert private not in str(told)


async def test_a_restored_brokerage_has_all_that_it_lost_and_a_neighbour_notices_nothing() -> None:
    world = await written_world()
    world.kube.put(brokerage("west"))
    await world.converge("west")
    content(world, "west").rows = ["w"]
    content(world).rows = []
    objects(world).clear()
    world.elasticsearch.known.add(f"{world.tenant('acme')}.properties-1")
    before = neighbour(world)
    status = await restored(world)
    assert status["phase"] == "Succeeded", status
    assert (content(world).rows, objects(world)) == (["a", "b"], {"photos/1": b"a house"})
    assert world.status("acme")["phase"] == "Ready"
    assert neighbour(world) == before
    assert leftovers(world) == []
    assert status["result"]["rows"] == 2
    assert "closedSeconds" in status["result"]


async def test_what_tells_of_the_time_after_the_backup_is_gone_and_known_events_are_sent_again() -> None:
    world = await written_world()
    tenant = world.tenant("acme")
    world.elasticsearch.known.add(f"{tenant}.properties-1")
    world.redis.keys.add(f"{tenant}.page")
    world.forget_writes()
    await restored(world)
    assert f"{tenant}.properties-1" not in world.elasticsearch.known
    assert f"{tenant}.page" not in world.redis.keys
    assert any("delete" in write and f"{tenant}.events" in write for write in world.kafka.writes)
    assert not any("delete" in write and f"{tenant}.dead-letter" in write for write in world.kafka.writes)
    assert content(world).sent_again


@pytest.mark.parametrize("suspend", [None, {"reason": "manual"}], ids=["serving", "suspended"])
async def test_what_a_restore_takes_away_is_told_of_as_nobody_elses_work(suspend: Any) -> None:
    world = await written_world()
    if suspend:
        item = world.kube.find(BROKERAGE, "acme")
        assert item is not None
        world.kube.put({**item, "spec": {**item["spec"], "suspend": suspend}})
        await world.converge("acme")
    world.kube.put(operation("back", "Restore", backup="first"))
    for _ in range(30):
        await world.operate("back", passes=1)
        await world.converge("acme")
    assert (world.kube.find(OPERATION, "back") or {})["status"]["phase"] == "Succeeded"
    told = [item for key, item in world.kube.objects.items() if key[0] == "Event"]
    assert [item for item in told if item["reason"] == "DriftRepaired"] == []
    assert f"{world.tenant('acme')}.events" in world.kafka.known


async def test_people_go_on_working_until_the_backup_is_loaded_and_then_see_the_page() -> None:
    world = await written_world()
    world.archive.stands.add("read")
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", passes=4)
    await world.converge("acme")
    assert world.edge.visit("acme.rooftree.localhost") == (200, "app")
    assert world.status("acme")["operation"]["type"] == "Restore"
    world.archive.stands.clear()
    world.settle()
    await world.operations.reconcile("back")
    await world.converge("acme")
    assert world.edge.visit("acme.rooftree.localhost") == (503, "page")
    assert world.status("acme")["phase"] == "Suspended"
    assert "operation back" in world.status("acme")["message"]
    assert (await world.operate("back"))["status"]["phase"] == "Succeeded"
    assert world.edge.visit("acme.rooftree.localhost") == (200, "app")


async def test_the_replaced_database_stays_until_the_operation_is_deleted() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    await restored(world)
    (aside,) = [name for name in world.postgres.known if ".b-" in name]
    assert world.postgres.content[aside].rows == ["newer"]
    item = world.kube.find(OPERATION, "back")
    assert item is not None
    item["metadata"]["deletionTimestamp"] = "2026-11-24T13:00:00Z"
    await world.operations.reconcile("back")
    assert world.kube.find(OPERATION, "back") is None
    assert [name for name in world.postgres.known if ".b-" in name] == []
    assert content(world).rows == ["a", "b"]


async def test_a_backup_that_cannot_be_loaded_changes_nothing_and_says_why() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    world.archive.fails.add("read")
    status = await restored(world)
    assert (status["phase"], status["error"]["code"]) == ("Failed", "RestoreFailed")
    assert "the disk is full" in status["error"]["message"]
    assert [step["state"] for step in status["steps"]] == ["Done", "Failed", *["Skipped"] * 3, "Done"]
    assert content(world).rows == ["newer"]
    assert world.status("acme")["phase"] == "Ready"
    assert leftovers(world) == []


async def test_an_app_that_does_not_start_on_the_restored_database_has_its_former_one_back() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    world.kube.put(operation("back", "Restore", backup="first"))
    while not (world.kube.find(OPERATION, "back") or {}).get("status", {}).get("closed"):
        await world.operate("back", passes=1)
    world.kube.broken.add("localhost/app:1.0.0")
    while content(world).rows == ["newer"]:
        await world.operate("back", passes=1)
    await world.operate("back", passes=3)
    assert world.status("acme")["phase"] != "Ready"
    world.later = world.later.__class__(seconds=700)
    status = (await world.operate("back"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "RestoreFailed")
    assert content(world).rows == ["newer"]
    world.kube.broken.clear()
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_a_loaded_database_that_is_gone_before_the_swap_is_no_restore() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    world.postgres.busy.add(str(world.tenant("acme")))
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", passes=12)
    (loaded,) = [name for name in world.postgres.known if ".r-" in name]
    del world.postgres.known[loaded], world.postgres.content[loaded]
    status = (await world.operate("back"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "RestoreFailed")
    assert "was taken away" in status["message"]
    assert content(world).rows == ["newer"]
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_a_backup_that_was_changed_in_the_store_is_refused() -> None:
    world = await written_world()
    files = lying(world)
    (segment,) = [name for name in files if not name.endswith(".json")]
    files[segment] = files[segment][:-1] + bytes([files[segment][-1] ^ 1])
    content(world).rows = ["newer"]
    status = await restored(world)
    assert (status["phase"], content(world).rows) == ("Failed", ["newer"])
    assert "damaged" in status["error"]["message"]


async def test_a_backup_whose_manifest_is_another_one_is_refused_before_anything_is_done() -> None:
    world = await written_world()
    files = lying(world)
    files["first/manifest.json"] = files["first/manifest.json"].replace(b'"checksum": "', b'"checksum": "0')
    status = await restored(world)
    assert status["error"]["code"] == "BackupUnusable"
    assert status["steps"][0]["state"] == "Failed"


async def test_whoever_writes_to_the_store_and_knows_the_public_key_passes_nothing_off_as_a_backup() -> None:
    world = await written_world()
    files = lying(world)
    made = parsed(files["first/manifest.json"])
    ring = decoded(world.kube.find(SECRET, "backup-keys", NAMESPACE))
    public, key = KeyPair(bytes.fromhex(ring[ring["current"]])).public, data_key()
    forged = replace(made, sealed_key=base64.b64encode(seal(public, key, made.about)).decode())
    (segment,) = [name for name in files if not name.endswith(".json")]
    files[segment] = Cipher(key, made.about).encrypt(1, b"{}", last=True)
    files["first/manifest.json"] = forged.encoded()
    content(world).rows = ["newer"]
    status = await restored(world)
    assert (status["error"]["code"], content(world).rows) == ("BackupUnusable", ["newer"])
    assert status["steps"][0]["state"] == "Failed"


async def test_nobody_is_brought_back_to_a_backup_of_another_brokerage() -> None:
    world = await written_world()
    world.kube.put(brokerage("west"))
    await world.converge("west")
    world.kube.put(operation("theft", "Restore", of="west", backup="first"))
    status = (await world.operate("theft"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupOfAnother")
    assert status["error"]["audience"] == "Reseller"


@pytest.mark.parametrize(("backup", "code"), [("nothing", "BackupUnknown"), ("half", "BackupUnusable")])
async def test_a_backup_that_is_not_there_or_not_whole_is_refused(backup: str, code: str) -> None:
    world = await written_world()
    world.archive.fails.add("write")
    world.kube.put(operation("half"))
    assert (await world.operate("half"))["status"]["error"]["code"] == "BackupFailed"
    item = world.kube.find(BACKUP, "half")
    assert item is not None
    assert item["status"]["phase"] == "Failed"
    assert (await restored(world, backup=backup))["error"]["code"] == code


async def test_a_backup_is_never_written_over_another_one() -> None:
    world = await written_world()
    before = dict(lying(world))
    del world.kube.objects[OPERATION.kind, None, "first"]
    world.kube.put(operation("first"))
    status = (await world.operate("first"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BackupExists")
    assert lying(world) == before
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    assert item["status"]["phase"] == "Complete"


async def test_a_lost_key_is_said_and_nothing_is_done() -> None:
    world = await written_world()
    del world.kube.objects[SECRET.kind, NAMESPACE, "backup-keys"]
    status = await restored(world)
    assert (status["error"]["code"], status["error"]["audience"]) == ("BackupKeyMissing", "Platform")


async def test_operations_on_one_brokerage_come_one_after_the_other_and_say_for_which_they_wait() -> None:
    world = await ready_world()
    world.archive.stands.add("write")
    world.kube.put(operation("a"))
    world.kube.put(operation("b"))
    await world.operate("a", passes=2)
    await world.operate("b", passes=2)
    waiting = world.kube.find(OPERATION, "b")
    assert waiting is not None
    assert (waiting["status"]["phase"], waiting["status"]["message"]) == (
        "Pending",
        "waits for operation a, which works on acme",
    )
    world.archive.stands.clear()
    assert (await world.operate("a"))["status"]["phase"] == "Succeeded"
    assert (await world.operate("b"))["status"]["phase"] == "Succeeded"


async def test_an_operation_waits_while_the_operator_is_held_back() -> None:
    world = await ready_world()
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    item["spec"]["pause"] = "Everything"
    world.kube.put(operation("first"))
    status = (await world.operate("first", passes=3))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Pending", "ChangesHeld")
    del item["spec"]["pause"]
    assert (await world.operate("first"))["status"]["phase"] == "Succeeded"


async def test_an_operation_on_a_brokerage_that_does_not_exist_fails() -> None:
    world = await ready_world()
    world.kube.put(operation("ghost", of="nobody"))
    status = (await world.operate("ghost"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "BrokerageUnknown")


async def test_an_outage_is_said_and_the_step_is_done_when_it_is_over() -> None:
    world = await ready_world()
    world.kube.put(operation("first"))
    place, code = (world.volume, "VolumeUnreachable") if world.on_volume else (world.s3, "S3Unreachable")
    place.down = True
    status = (await world.operate("first", passes=2))["status"]
    assert (status["phase"], status["error"]["code"], status["error"]["retryable"]) == ("Running", code, True)
    assert world.status("acme")["operation"]["state"] == "Waiting"
    place.down = False
    status = (await world.operate("first"))["status"]
    assert status["phase"] == "Succeeded"
    assert "error" not in status


async def test_an_operation_is_deleted_when_its_time_is_over_and_the_backup_stays() -> None:
    world = await written_world()
    world.later = world.later.__class__(seconds=86_401)
    await world.operations.reconcile("first")
    await world.operations.reconcile("first")
    assert world.kube.find(OPERATION, "first") is None
    assert world.kube.find(BACKUP, "first") is not None


async def test_with_a_backup_goes_what_lies_in_the_store() -> None:
    world = await written_world()
    world.kube.put(operation("second"))
    await world.operate("second")
    await world.kube.delete(BACKUP, "first")
    await world.artifacts.reconcile("first")
    assert world.kube.find(BACKUP, "first") is None
    left = lying(world)
    assert {name.partition("/")[0] for name in left} == {"second"}


async def test_an_operation_that_is_deleted_while_it_loads_leaves_everything_as_it_was() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    world.archive.stands.add("read")
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", passes=3)
    item = world.kube.find(OPERATION, "back")
    assert item is not None
    item["metadata"]["deletionTimestamp"] = "2026-11-24T13:00:00Z"
    await world.operate("back")
    assert world.kube.find(OPERATION, "back") is None
    assert leftovers(world) == []
    assert content(world).rows == ["newer"]
    assert world.status("acme")["operation"]["state"] == "Failed"


def has_way(world: World) -> bool:
    """Whether a Job of the brokerage gets to a backup."""
    if world.on_volume:
        return world.child("acme", CLAIM, "operation") is not None
    return f"{world.tenant('acme')}.backup" in world.s3.accounts


async def test_an_old_operation_that_goes_takes_nothing_from_one_that_is_at_work() -> None:
    world = await written_world()
    world.archive.stands.add("write")
    world.kube.put(operation("second"))
    await world.operate("second", passes=2)
    world.later = world.later.__class__(seconds=86_401)
    for _ in range(2):
        await world.operations.reconcile("first")
    assert world.kube.find(OPERATION, "first") is None
    assert world.child("acme", POLICY, "operation") is not None
    assert has_way(world)
    world.archive.stands.clear()
    assert (await world.operate("second"))["status"]["phase"] == "Succeeded"
    assert leftovers(world) == []


async def test_databases_change_places_only_for_the_operator_that_acts() -> None:
    world = await written_world()
    content(world).rows = ["newer"]
    world.kube.put(operation("back", "Restore", backup="first"))
    world.lease.lost_after = 0
    await world.operate("back", passes=8)
    assert content(world).rows == ["newer"]
    world.lease.lost_after = None
    assert (await world.operate("back"))["status"]["phase"] == "Succeeded"
    assert content(world).rows == ["a", "b"]


async def test_an_operation_that_is_held_back_in_its_middle_goes_on_as_the_same_one() -> None:
    world = await written_world()
    world.archive.stands.add("read")
    world.kube.put(operation("back", "Restore", backup="first"))
    await world.operate("back", passes=3)
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    item["spec"]["pause"] = "Changes"
    status = (await world.operate("back", passes=2))["status"]
    assert (status["phase"], status["step"], status["error"]["code"]) == ("Running", "Load", "ChangesHeld")
    del item["spec"]["pause"]
    world.archive.stands.clear()
    assert (await world.operate("back"))["status"]["phase"] == "Succeeded"


async def test_a_database_that_somebody_comes_back_into_is_waited_for() -> None:
    world = await written_world()
    world.postgres.busy.add(str(world.tenant("acme")))
    world.kube.put(operation("back", "Restore", backup="first"))
    status = (await world.operate("back", passes=10))["status"]
    assert (status["step"], "somebody is connected" in status["message"]) == ("Swap", True)
    world.postgres.busy.clear()
    assert (await world.operate("back"))["status"]["phase"] == "Succeeded"


async def test_a_drill_proves_the_newest_backup_and_nobody_notices() -> None:
    world = await written_world()
    content(world).rows, objects(world)["photos/1"] = ["newer"], b"another house"
    world.kube.put(operation("try", "Drill"))
    before = world.inventory()["databases"]
    status = (await world.operate("try"))["status"]
    assert (status["phase"], status["result"]["backup"], status["result"]["rows"]) == ("Succeeded", "first", 2)
    assert (content(world).rows, objects(world)["photos/1"]) == (["newer"], b"another house")
    assert world.inventory()["databases"] == before
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    assert item["status"]["provenAt"] == "2026-11-24T12:00:00.000Z"
    assert leftovers(world) == []


async def test_a_drill_of_a_damaged_backup_says_so_on_the_backup() -> None:
    world = await written_world()
    files = lying(world)
    (segment,) = [name for name in files if not name.endswith(".json")]
    files[segment] = b"x" + files[segment][1:]
    world.kube.put(operation("try", "Drill", backup="first"))
    status = (await world.operate("try"))["status"]
    assert (status["phase"], status["error"]["code"]) == ("Failed", "DrillFailed")
    item = world.kube.find(BACKUP, "first")
    assert item is not None
    assert "damaged" in item["status"]["message"]
    assert "disprovenAt" in item["status"]
    assert item["status"]["phase"] == "Complete"


async def test_a_backup_of_a_release_that_knows_more_is_no_use_for_this_one() -> None:
    world = await ready_world()
    content(world).heads = frozenset({"r9"})
    world.kube.put(operation("first"))
    await world.operate("first")
    world.kube.put(operation("try", "Drill"))
    status = (await world.operate("try"))["status"]
    assert status["error"]["code"] == "DrillFailed"
    assert "r9" in status["error"]["message"]


async def test_a_drill_without_a_backup_fails_at_once() -> None:
    world = await ready_world()
    world.kube.put(operation("try", "Drill"))
    assert (await world.operate("try"))["status"]["error"]["code"] == "BackupUnknown"


async def test_an_operation_that_is_over_causes_no_writes_and_neither_does_its_brokerage() -> None:
    world = await written_world()
    await restored(world)
    await world.converge("acme")
    world.forget_writes()
    for name in ("first", "back"):
        await world.operations.reconcile(name)
    await world.converge("acme")
    assert world.writes() == []


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
@pytest.mark.parametrize("kind", ["Backup", "Restore"])
async def test_an_operation_after_any_single_failed_call_ends_equal(kind: str, after: bool) -> None:
    reached = 0
    for at in range(1, CALLS, STRIDE):
        world = await written_world()
        content(world).rows = ["newer"] if kind == "Restore" else ["a", "b"]
        spec = {"backup": "first"} if kind == "Restore" else {}
        world.kube.put(operation("next", kind, **spec))
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        status = (await world.operate("next", passes=100))["status"]
        reached = world.faults.calls
        world.faults.at = None
        await world.converge("acme")
        assert status["phase"] == "Succeeded", f"after a failure of call {at}: {status}"
        assert (content(world).rows, leftovers(world)) == (["a", "b"], []), f"after a failure of call {at}"
        assert world.status("acme")["phase"] == "Ready"
        if at > reached:
            break
    assert reached < CALLS


def test_the_job_reaches_the_store_and_the_database_only_and_fits_the_smallest_quota() -> None:
    from rooftree_operator.operations import jobs
    from rooftree_operator.operations.progress import ordered

    from .test_plans import TENANT

    item = operation("first")
    item["metadata"] |= {"uid": "u", "creationTimestamp": "2026-11-24T12:00:00Z"}
    made = jobs.job(TENANT, Slot.A, ordered(item), "write", {"A": "b"})
    pod = made["spec"]["template"]
    assert made["spec"]["template"]["metadata"]["labels"].keys() & {"app.kubernetes.io/name"} == set()
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "1", "memory": "384Mi"}
    mounts = {mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert {"/etc/rooftree/secrets/app", "/etc/rooftree/secrets/migrator", "/etc/rooftree/secrets/operation"} <= mounts


def test_the_job_has_the_logins_of_one_generation_and_nothing_of_the_other() -> None:
    from rooftree_operator.operations import jobs
    from rooftree_operator.operations.progress import ordered

    from .test_plans import TENANT

    item = operation("first")
    item["metadata"] |= {"uid": "u", "creationTimestamp": "2026-11-24T12:00:00Z"}
    values = jobs.values(TENANT, Slot.B, "first", "some-database")
    pod = jobs.job(TENANT, Slot.B, ordered(item), "write", values)["spec"]["template"]["spec"]
    volumes = {one["name"]: one["secret"].get("items") for one in pod["volumes"] if "secret" in one}
    assert volumes["migrator"] == [{"key": "b.database_password", "path": "database_password"}]
    keys = {one["path"]: one["key"] for one in volumes["app"]}
    assert (keys["s3_secret_key"], keys["owner_seed"]) == ("b.s3_secret_key", "owner_seed")
    assert volumes["operation"] is None
    environment = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    assert environment["ROOFTREE_DATABASE_USER"] == f"{TENANT.id}.migrator-b"
    assert environment["ROOFTREE_S3_ACCESS_KEY"] == f"{TENANT.id}.app-b"


async def test_the_way_to_the_store_is_open_for_the_job_only_and_closed_afterwards() -> None:
    world = await ready_world()
    world.archive.stands.add("write")
    world.kube.put(operation("first"))
    await world.operate("first", passes=2)
    policy = world.child("acme", POLICY, "operation")
    assert policy is not None
    assert policy["spec"]["podSelector"]["matchExpressions"] == [
        {"key": "rooftree.dev/operation", "operator": "Exists"}
    ]
    assert [rule["ports"][0]["port"] for rule in policy["spec"]["egress"]] == [7070]
    assert policy["spec"]["ingress"] == []
    assert [key for key in world.kube.objects if key[0] == JOB.kind and key[1] != NAMESPACE]
    world.archive.stands.clear()
    await world.operate("first")
    assert world.child("acme", POLICY, "operation") is None
