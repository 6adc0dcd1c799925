"""Deleted brokerages over fakes that keep state: kept, had back, purged; and what comes in between."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, SECRET
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.secret_objects import decoded

from .world import NAMESPACE, World, brokerage, plan

MOST_CALLS = 250
DAY = timedelta(days=1)
SECRETS = ("app", "migrator")


async def ready_world() -> World:
    """A ready brokerage with something of its own in each backend."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    tenant = str(world.tenant("acme"))
    world.redis.keys.add(f"{tenant}.session")
    world.s3.buckets[tenant].objects["photos/1"] = b"a picture"
    world.elasticsearch.known.add(f"{tenant}.properties-1")
    return world


async def kept_world() -> tuple[World, TenantId]:
    """A brokerage that was ready and is deleted, with its data kept."""
    world = await ready_world()
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme")
    return world, tenant


async def undelete(world: World, tenant: TenantId) -> None:
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.converge("acme")


def secrets(world: World) -> dict[str, dict[str, str]]:
    return {name: decoded(world.child("acme", SECRET, name)) for name in SECRETS}


def annotate(world: World, tenant: TenantId, text: str) -> None:
    secret = world.kept(tenant)
    assert secret is not None
    annotations = {**secret["metadata"]["annotations"], "rooftree.dev/purge": text}
    world.kube.put({**secret, "metadata": {**secret["metadata"], "annotations": annotations}})


def data_of(world: World, tenant: TenantId) -> dict[str, Any]:
    name = str(tenant)
    return {
        "database": name in world.postgres.known,
        "content": vars(world.postgres.content[name]),
        "topics": {topic: found for topic, found in world.kafka.known.items() if topic.startswith(name)},
        "indices": {index for index in world.elasticsearch.known if index.startswith(name)},
        "keys": {key for key in world.redis.keys if key.startswith(name)},
        "objects": dict(world.s3.buckets[name].objects),
    }


async def test_a_deleted_brokerage_is_gone_from_the_cluster_and_its_data_stays_closed_to_everybody() -> None:
    world = await ready_world()
    tenant, before = world.tenant("acme"), data_of(world, world.tenant("acme"))
    world.retire("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kube.of_tenants() == []
    assert data_of(world, tenant) == before
    user = f"{tenant}.app"
    assert not any(world.postgres.known_roles[f"{tenant}.{role}"].can_login for role in ("app", "migrator"))
    logins = [*world.kafka.credentials, *world.elasticsearch.users, *world.s3.accounts]
    assert user not in logins
    assert not world.redis.users[user].enabled
    assert world.registry.state(tenant) == "kept"


async def test_the_secret_of_a_kept_tenant_tells_a_person_whose_it_is_and_until_when() -> None:
    world, tenant = await kept_world()
    secret = world.kept(tenant)
    assert secret is not None
    assert secret["metadata"]["labels"] == {
        "rooftree.dev/kept": "acme",
        "rooftree.dev/tenant": str(tenant),
        "app.kubernetes.io/managed-by": "rooftree-operator",
    }
    assert secret["metadata"]["annotations"] == {
        "rooftree.dev/display-name": "Acme",
        "rooftree.dev/plan": "starter",
        "rooftree.dev/version": "1.0.0",
        "rooftree.dev/deleted-at": "2026-11-24T12:00:00Z",
        "rooftree.dev/purge-after": "2026-12-24T12:00:00Z",
    }
    assert world.registry.rows[tenant].purge_after == world.now() + 30 * DAY


async def test_what_is_kept_is_what_was_made_once_and_nothing_of_others() -> None:
    feed = {"name": "ames", "url": "http://f.example", "tokenURL": "http://f.example/t"}
    world = World()
    await world.release("1.0.0")
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": {"rooftree.dev/brokerage": "acme"}}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    world.kube.put(brokerage("acme", mls=[{**feed, "credentialsSecretRef": {"name": "feed"}}]))
    await world.converge("acme")
    tenant, own = world.tenant("acme"), secrets(world)
    assert '"client_secret": "secret"' in own["app"].pop("feeds.json")
    world.retire("acme")
    await world.converge("acme")
    kept = decoded(world.kept(tenant))
    assert kept == {f"{name}.{key}": value for name in SECRETS for key, value in own[name].items()}
    visible = str([item for key, item in world.kube.objects.items() if key[0] != SECRET.kind])
    told = visible + str((world.kept(tenant) or {})["metadata"])
    assert [value for value in kept.values() if value in told] == []


async def test_an_undeleted_tenant_has_its_secrets_its_data_and_all_its_logins_again() -> None:
    world = await ready_world()
    tenant, before, own = world.tenant("acme"), data_of(world, world.tenant("acme")), secrets(world)
    passwords, accounts = dict(world.elasticsearch.passwords), deepcopy(world.s3.accounts)
    world.retire("acme")
    await world.converge("acme")
    await undelete(world, tenant)
    assert world.status("acme")["phase"] == "Ready"
    assert world.tenant("acme") == tenant
    assert secrets(world) == own
    assert data_of(world, tenant) == before
    assert world.postgres.known_roles[f"{tenant}.app"].can_login
    assert f"{tenant}.app" in world.kafka.credentials
    assert (world.elasticsearch.passwords, world.s3.accounts) == (passwords, accounts)
    assert world.redis.users[f"{tenant}.app"].enabled
    assert world.kept(tenant) is None
    assert world.registry.state(tenant) == "live"


async def test_a_second_pass_over_an_undeleted_tenant_writes_nothing() -> None:
    world, tenant = await kept_world()
    await undelete(world, tenant)
    world.forget_writes()
    await world.converge("acme")
    await world.purges()
    assert world.writes() == []


async def test_looking_at_a_kept_tenant_whose_time_is_not_over_writes_nothing() -> None:
    world, tenant = await kept_world()
    world.later = 30 * DAY - timedelta(seconds=1)
    world.forget_writes()
    await world.purges()
    assert world.writes() == []
    assert world.registry.state(tenant) == "kept"


async def test_the_kept_secret_stays_until_the_tenant_that_comes_back_is_ready() -> None:
    world, tenant = await kept_world()
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    for _ in range(3):
        await world.reconciler.reconcile("acme")  # and no pod comes up
    assert world.condition("acme", "WorkloadReady")[0] == "False"
    assert secrets(world)["app"]["signing_keys.json"]
    assert world.kept(tenant) is not None
    await world.converge("acme")
    assert world.kept(tenant) is None


async def test_an_operator_that_lost_the_lease_leaves_the_secret_of_a_tenant_that_is_back_to_its_successor() -> None:
    world, tenant = await kept_world()
    world.lease.lost_after = 0
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    assert (await world.converge("acme")).failed
    assert world.status("acme")["phase"] == "Ready"
    assert world.kept(tenant) is not None
    world.lease.lost_after = None
    await world.converge("acme")
    assert world.kept(tenant) is None


@pytest.mark.parametrize("lost", [None, "app.signing_keys.json"], ids=["no-secret", "a-key-lacks"])
async def test_without_what_was_kept_nothing_is_generated_and_the_platform_is_told(lost: str | None) -> None:
    world, tenant = await kept_world()
    secret = deepcopy(world.kept(tenant))
    assert secret is not None
    if lost is None:
        del world.kube.objects["Secret", NAMESPACE, f"kept-{tenant}"]
    else:
        del world.kube.objects["Secret", NAMESPACE, f"kept-{tenant}"]["data"][lost]
    await undelete(world, tenant)
    assert world.condition("acme", "Ready") == ("False", "KeptSecretMissing")
    assert f"{NAMESPACE}/kept-{tenant}" in world.status("acme")["message"]
    assert (lost or "migrator.database_password") in world.status("acme")["message"]
    assert [world.child("acme", SECRET, name) for name in SECRETS] == [None, None]
    assert not world.postgres.known_roles[f"{tenant}.app"].can_login
    world.kube.put(secret)
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_a_tenant_that_came_back_and_later_loses_its_secret_gets_a_new_one_like_any_other() -> None:
    world, tenant = await kept_world()
    await undelete(world, tenant)
    del world.kube.objects["Secret", f"tenant-{tenant}", "app"]
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_a_tenant_whose_time_is_over_is_removed_from_all_systems() -> None:
    world, tenant = await kept_world()
    world.later = 30 * DAY
    await world.purges()
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def test_the_plan_at_the_time_of_the_deletion_says_how_long_a_tenant_is_kept() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.kube.put(plan("starter", retention={"days": 7}))
    world.retire("acme")
    await world.converge("acme")
    world.kube.put(plan("starter", retention={"days": 90}))
    world.later = 7 * DAY
    await world.purges()
    assert world.registry.state(tenant) == "deleted"


async def test_a_brokerage_whose_plan_is_gone_is_kept_for_the_usual_time() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    del world.kube.objects["BrokeragePlan", None, "starter"]
    world.retire("acme")
    await world.converge("acme")
    assert world.registry.rows[tenant].purge_after == world.now() + 30 * DAY


async def test_a_person_purges_a_kept_tenant_by_its_id_and_by_nothing_else() -> None:
    world, tenant = await kept_world()
    annotate(world, tenant, "acme")
    await world.purges()
    assert world.registry.state(tenant) == "kept"
    annotate(world, tenant, str(tenant))
    await world.purges()
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def test_who_claims_a_tenant_right_before_its_purge_has_it() -> None:
    world, tenant = await kept_world()
    annotate(world, tenant, str(tenant))
    before = data_of(world, tenant)
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    world.lease.meanwhile = lambda: world.begun("acme")
    world.forget_writes()
    await world.purges()
    assert world.registry.state(tenant) == "live"
    assert world.postgres.known_roles[f"{tenant}.app"].can_login
    assert [write for write in world.writes() if write.startswith(("delete", "drop", "nologin", "unlink"))] == []
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert data_of(world, tenant) == before


async def test_who_claims_a_tenant_that_is_being_purged_is_told_so_and_the_slug_becomes_free() -> None:
    world, tenant = await kept_world()
    annotate(world, tenant, str(tenant))
    world.s3.down = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.purge.reconcile(str(tenant))
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "ClaimRefused")
    assert "is being purged, which cannot be undone" in world.status("acme")["message"]
    world.retire("acme")
    await world.converge("acme")
    world.kube.put(brokerage("acme"))
    assert (await world.reconciler.reconcile("acme")).again_in == 5.0
    assert world.condition("acme", "Ready") == ("False", "SlugBeingFreed")
    world.s3.down = False
    await world.purges()
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert world.tenant("acme") != tenant
    assert world.traces(tenant) == []


async def test_a_purge_stops_where_another_operator_took_over_and_goes_on_afterwards() -> None:
    world, tenant = await kept_world()
    world.later = 30 * DAY
    world.lease.lost_after = 0
    assert (await world.purge.reconcile(str(tenant))).failed
    assert world.registry.state(tenant) == "kept"
    world.lease.lost_after = 1 + 1 + len(("route", "workload", "namespace", "backups", "topics"))
    assert (await world.purge.reconcile(str(tenant))).failed
    assert world.registry.state(tenant) == "purging"
    assert str(tenant) in world.postgres.known
    assert [topic for topic in world.kafka.known if topic.startswith(str(tenant))] == []
    world.lease.lost_after = None
    await world.purges()
    assert world.traces(tenant) == []


async def test_nothing_is_purged_while_the_deletion_has_not_come_to_its_end() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.kube.put(plan("starter", retention={"days": 0}))
    world.retire("acme")
    leaving = deepcopy(world.kube.find(BROKERAGE, "acme"))
    assert leaving is not None
    await world.converge("acme")
    # As if the finalizer had not gone, for its patch failed.
    world.kube.objects["Brokerage", None, "acme"] = leaving
    await world.purges()
    assert world.registry.state(tenant) == "kept"
    await world.converge("acme")
    await world.purges()
    assert world.traces(tenant) == []


async def test_a_purge_touches_nothing_of_a_neighbour() -> None:
    world, tenant = await kept_world()
    world.kube.put(brokerage("acme-west"))
    await world.converge("acme-west")
    neighbour = world.tenant("acme-west")
    before = world.traces(neighbour)
    annotate(world, tenant, str(tenant))
    await world.purges()
    assert world.traces(neighbour) == before
    assert world.registry.state(neighbour) == "live"


async def test_a_slug_is_refused_while_its_tenant_is_kept_with_what_can_be_done() -> None:
    world, tenant = await kept_world()
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "SlugTaken")
    message = world.status("acme")["message"]
    assert f"spec.tenantID: {tenant}" in message
    assert f"kubectl annotate secret kept-{tenant} -n {NAMESPACE} rooftree.dev/purge={tenant}" in message


async def test_a_brokerage_that_never_got_its_secrets_leaves_nothing_that_would_hold_its_slug() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.reconciler._hold(world.kube.objects["Brokerage", None, "acme"])
    uid = world.kube.objects["Brokerage", None, "acme"]["metadata"]["uid"]
    tenant = await world.registry.register("acme", uid, None)
    world.retire("acme")
    await world.converge("acme")
    assert world.registry.state(tenant) == "deleted"
    assert world.traces(tenant) == []


async def test_a_tenant_that_comes_back_only_halfway_and_is_deleted_again_keeps_all_for_a_whole_time() -> None:
    world, tenant = await kept_world()
    kept = decoded(world.kept(tenant))
    world.later = 20 * DAY
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    world.faults.calls, world.faults.at = 0, 12
    await world.reconciler.reconcile("acme")
    assert world.registry.state(tenant) == "live"
    annotate(world, tenant, str(tenant))  # meant for the tenant as it was kept before
    world.retire("acme")
    await world.converge("acme")
    assert decoded(world.kept(tenant)) == kept
    await world.purges()
    assert world.registry.rows[tenant].purge_after == world.now() + 30 * DAY
    await undelete(world, tenant)
    assert world.status("acme")["phase"] == "Ready"


async def test_a_deletion_waits_where_what_is_to_be_kept_may_not_be_read() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    binding = world.kube.objects.pop(("RoleBinding", f"tenant-{tenant}", "rooftree-operator"))
    world.retire("acme")
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "SecretsForbidden")
    assert f"tenant-{tenant}" in str(world.kube.of_tenants())
    world.kube.put(binding)
    await world.converge("acme")
    assert world.registry.state(tenant) == "kept"
    assert "app.signing_keys.json" in decoded(world.kept(tenant))


async def test_a_tenant_that_the_registry_has_forgotten_is_held_until_somebody_looks() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    row = world.registry.rows.pop(tenant)
    world.retire("acme")
    assert (await world.converge("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "RegistryRefused")
    assert world.kept(tenant) is not None
    world.registry.rows[tenant] = row
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.registry.state(tenant) == "kept"


async def test_the_policy_may_change_while_a_brokerage_is_being_deleted_and_the_new_one_holds() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.reconciler.reconcile("acme")
    assert "its data is kept" in world.status("acme")["message"]
    world.delete("acme")
    await world.converge("acme")
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def test_a_pass_that_began_under_another_policy_destroys_nothing() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.delete("acme")
    old = deepcopy(world.kube.find(BROKERAGE, "acme"))
    world.kube.objects["Brokerage", None, "acme"]["spec"]["deletionPolicy"] = "Retain"
    world.forget_writes()
    assert (await world.reconciler._delete(old or Object())).failed
    assert world.writes() == []
    assert str(tenant) in world.postgres.known


async def test_deleting_with_all_data_takes_the_secret_of_an_earlier_deletion_along() -> None:
    world, tenant = await kept_world()
    world.kube.put(brokerage("acme", tenantID=str(tenant)))
    await world.reconciler.reconcile("acme")
    assert world.kept(tenant) is not None
    world.delete("acme")
    await world.converge("acme")
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def after_each_failure(start: World, after: bool, go: Any) -> list[World]:
    """The worlds that come of `start` when call 1, 2, … of `go` fails; the last one is without a failure."""
    ends: list[World] = []
    for at in range(1, MOST_CALLS):
        world = deepcopy(start)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await go(world)
        ends.append(world)
        if at > world.faults.calls:
            return ends
    raise AssertionError("more calls than expected")


FAILING = pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])


@FAILING
async def test_keeping_after_any_single_failed_call_ends_equal(after: bool) -> None:
    start = await ready_world()
    tenant, own = start.tenant("acme"), secrets(start)
    start.retire("acme")
    ends = await after_each_failure(start, after, lambda world: world.converge("acme"))
    assert len(ends) > 20
    wanted = {f"{name}.{key}": own[name][key] for name in SECRETS for key in own[name] if key != "feeds.json"}
    for at, world in enumerate(ends, 1):
        assert world.inventory() == ends[-1].inventory(), f"differs after a failure of call {at}"
        assert decoded(world.kept(tenant)) == wanted, f"differs after a failure of call {at}"
        assert world.registry.state(tenant) == "kept"


@FAILING
async def test_undeleting_after_any_single_failed_call_ends_equal(after: bool) -> None:
    ready = await ready_world()
    tenant, own = ready.tenant("acme"), secrets(ready)
    start = deepcopy(ready)
    start.retire("acme")
    await start.converge("acme")
    start.kube.put(brokerage("acme", tenantID=str(tenant)))
    ends = await after_each_failure(start, after, lambda world: world.converge("acme"))
    assert len(ends) > 60
    for at, world in enumerate(ends, 1):
        assert world.status("acme")["phase"] == "Ready", f"not ready after a failure of call {at}"
        assert secrets(world) == own, f"differs after a failure of call {at}"
        assert world.kept(tenant) is None, f"kept after a failure of call {at}"
        assert world.inventory() == ends[-1].inventory(), f"differs after a failure of call {at}"


@FAILING
async def test_purging_after_any_single_failed_call_leaves_nothing(after: bool) -> None:
    start, tenant = await kept_world()
    start.later = 30 * DAY
    ends = await after_each_failure(start, after, lambda world: world.purges())
    assert len(ends) > 20
    for at, world in enumerate(ends, 1):
        assert world.traces(tenant) == [], f"left after a failure of call {at}"
        assert world.registry.state(tenant) == "deleted"
