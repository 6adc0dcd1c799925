"""The life of tenants over fakes that keep state."""

from copy import deepcopy
from dataclasses import replace

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, JOB, PLAN, ROUTE, SECRET
from rooftree_operator.deletion import DATA, RUNNING
from rooftree_operator.secret_objects import decoded

from .world import NAMESPACE, World, brokerage, plan

CALLS_OF_A_TENANT = 250  # more than one whole life takes; the test below checks that


async def ready_world(name: str = "acme", **spec: object) -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage(name, **spec))
    await world.converge(name)
    return world


async def test_a_new_brokerage_becomes_ready_with_all_its_conditions() -> None:
    world = await ready_world()
    status = world.status("acme")
    assert status["phase"] == "Ready"
    assert status["url"] == "https://acme.rooftree.localhost:8443"
    assert (status["version"], status["replicas"], status["observedGeneration"]) == ("1.0.0", 1, 1)
    assert status["namespace"] == f"tenant-{status['tenantID']}"
    assert status["database"] == status["tenantID"]
    kinds = ("Ready", "NamespaceReady", "DatabaseReady", "MigrationsApplied", "WorkloadReady", "RouteReady")
    assert {kind: world.condition("acme", kind)[0] for kind in kinds} == dict.fromkeys(kinds, "True")
    assert world.condition("acme", "Reconciling") == ("absent", "absent")


async def test_a_new_brokerage_is_told_its_tenant_before_anything_is_made_of_it() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    world.forget_writes()
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.again_in == 0
    assert (world.status("acme")["phase"], world.condition("acme", "Ready")) == (
        "Provisioning",
        ("False", "Registered"),
    )
    assert world.status("acme")["tenantID"] in world.status("acme")["message"]
    assert [write for write in world.writes() if "Brokerage" not in write] == ["register acme"]


async def test_a_second_pass_over_an_unchanged_tenant_writes_nothing() -> None:
    world = await ready_world()
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_a_new_tenant_needs_no_migration_job_because_it_is_cloned() -> None:
    world = await ready_world()
    assert [key for key in world.kube.objects if key[0] == JOB.kind and key[1] != NAMESPACE] == []


async def test_passwords_stay_when_the_operator_looks_again() -> None:
    world = await ready_world()
    before = decoded(world.child("acme", SECRET, "app"))
    world.kube.put({**plan("starter"), "spec": {**plan("starter")["spec"], "database": {"connections": 20}}})
    await world.converge("acme")
    assert decoded(world.child("acme", SECRET, "app")) == before
    assert world.postgres.known_roles[f"{world.tenant('acme')}.app"].connection_limit == 20


async def test_a_new_version_is_migrated_by_a_job_before_the_app_changes() -> None:
    world = await ready_world()
    await world.release("1.1.0", "r2")
    await world.reconciler.reconcile("acme")
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/app:1.0.0"
    assert world.condition("acme", "MigrationsApplied") == ("False", "Migrating")
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.1.0"
    assert world.status("acme")["phase"] == "Ready"


async def test_the_first_number_of_pods_comes_from_the_plan_and_is_then_left_alone() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("large", replicas={"min": 2, "max": 4}))
    world.kube.put(brokerage("acme", plan="large"))
    await world.converge("acme")
    deployment = world.child("acme", DEPLOYMENT, "app")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2
    deployment["spec"]["replicas"] = 4
    await world.converge("acme")
    assert deployment["spec"]["replicas"] == 4
    assert not any("replicas" in item.get("spec", {}) for item in world.kube.applied.values())


async def test_postgres_down_shows_in_the_condition_and_heals_by_itself() -> None:
    world = await ready_world()
    world.postgres.down = True
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.failed
    assert world.condition("acme", "DatabaseReady") == ("False", "PostgresUnreachable")
    assert world.condition("acme", "Ready") == ("False", "PostgresUnreachable")
    assert world.condition("acme", "NamespaceReady")[0] == "True"
    assert world.status("acme")["phase"] == "Degraded"
    world.postgres.down = False
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_without_the_registry_no_new_tenant_starts() -> None:
    world = World()
    await world.release("1.0.0")
    world.postgres.down = True
    world.kube.put(brokerage("acme"))
    outcome = await world.reconciler.reconcile("acme")
    assert outcome.failed
    assert world.condition("acme", "DatabaseReady") == ("False", "PostgresUnreachable")
    assert world.status("acme")["phase"] == "Pending"
    assert world.kube.of_tenants() == []


async def test_deleting_leaves_nothing_but_the_tombstone() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kube.of_tenants() == []
    assert [name for name in world.postgres.known_roles if name.startswith(str(tenant))] == []
    assert str(tenant) not in world.postgres.known
    assert [(str(entry.id), entry.state) for entry in world.registry.rows.values()] == [(str(tenant), "deleted")]


async def test_logins_go_first_and_data_goes_after_the_namespace() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.forget_writes()
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    assert not any(world.postgres.known_roles[f"{tenant}.{role}"].can_login for role in ("app", "migrator"))
    assert str(tenant) in world.postgres.known, "the namespace is still there"
    await world.converge("acme")
    assert world.postgres.writes.index(f"nologin {tenant}.app") < world.postgres.writes.index(f"drop database {tenant}")


async def test_deletion_waits_for_postgres_and_says_so_once() -> None:
    world = await ready_world()
    world.delete("acme")
    world.postgres.down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.kube.writes[-1] == "apply Brokerage/status acme"
    world.forget_writes()
    for _ in range(3):
        assert (await world.reconciler.reconcile("acme")).failed
        assert world.status("acme")["phase"] == "Deleting"
        assert world.condition("acme", "Ready") == ("False", "PostgresUnreachable")
    assert world.writes() == []
    world.postgres.down = False
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None


@pytest.mark.parametrize("wanted", [False, True], ids=["obsolete", "of-a-release"])
async def test_a_template_whose_drop_was_interrupted_is_dropped_and_made_again_only_if_wanted(wanted: bool) -> None:
    world = World()
    await world.release("1.0.0")
    if not wanted:
        del world.kube.objects["ConfigMap", NAMESPACE, "release-1.0.0"]
    name = "template-1.0.0"
    world.postgres.known[name] = replace(world.postgres.known[name], usable=False, is_template=False)
    for _ in range(3):
        await world.templates.reconcile("1.0.0")
        world.settle()
    assert (name in world.postgres.known) is wanted
    assert f"drop database {name}" in world.postgres.writes
    assert not wanted or world.postgres.known[name].is_template


async def test_a_namespace_is_deleted_only_when_the_app_has_ended() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.delete("acme")
    for _ in range(2):
        outcome = await world.reconciler.reconcile("acme")
        assert (outcome.failed, outcome.again_in) == (False, 1.0)
    assert world.kube.writes.count("delete Deployment app") == 1
    assert f"delete Namespace tenant-{tenant}" not in world.kube.writes
    world.settle()
    await world.reconciler.reconcile("acme")
    assert f"delete Namespace tenant-{tenant}" in world.kube.writes


async def test_a_deletion_stops_where_another_operator_took_over() -> None:
    world = await ready_world()
    tenant = world.tenant("acme")
    world.delete("acme")
    world.lease.lost_after = 0
    world.forget_writes()
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.postgres.writes == []
    world.lease.lost_after = None
    while f"tenant-{tenant}" in str(world.kube.of_tenants()):
        await world.reconciler.reconcile("acme")
        world.settle()
    world.lease.lost_after = len(RUNNING + DATA)  # logins and all parts but the last: the database
    assert (await world.reconciler.reconcile("acme")).failed
    assert str(tenant) in world.postgres.known
    assert world.kube.find(BROKERAGE, "acme") is not None


@pytest.mark.parametrize("change", [{"uid": "another"}, {"deletionTimestamp": None}], ids=["namesake", "not-deleted"])
async def test_nothing_is_destroyed_for_a_snapshot_that_is_no_longer_true(change: dict[str, str | None]) -> None:
    world = await ready_world()
    world.delete("acme")
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    old = deepcopy(item)
    item["metadata"] = {name: value for name, value in {**item["metadata"], **change}.items() if value is not None}
    world.forget_writes()
    assert (await world.reconciler._delete(old)).failed
    assert world.postgres.writes == []


async def test_deleting_one_tenant_touches_nothing_of_its_neighbour() -> None:
    world = await ready_world("acme")
    world.kube.put(brokerage("acme-west"))
    await world.converge("acme-west")
    before = {key: item for key, item in world.inventory()["objects"].items() if "acme-west" in str(key)}
    world.delete("acme")
    await world.converge("acme")
    after = {key: item for key, item in world.inventory()["objects"].items() if "acme-west" in str(key)}
    assert before == after
    assert str(world.tenant("acme-west")) in world.postgres.known


async def test_the_same_name_again_gets_a_new_id_after_a_deletion() -> None:
    world = await ready_world()
    first = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.tenant("acme") != first


async def test_the_older_route_keeps_the_host() -> None:
    world = World()
    await world.release("1.0.0")
    labels = {"rooftree.dev/host": "acme.rooftree.localhost"}
    metadata = {
        "name": "theirs",
        "namespace": "elsewhere",
        "labels": labels,
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    spec = {"hostnames": ["acme.rooftree.localhost"]}
    world.kube.put({"apiVersion": ROUTE.api_version, "kind": ROUTE.kind, "metadata": metadata, "spec": spec})
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.condition("acme", "RouteReady") == ("False", "HostTaken")
    assert world.condition("acme", "Stalled") == ("True", "HostTaken")
    assert "elsewhere/theirs" in world.status("acme")["message"]


@pytest.mark.parametrize(
    ("spec", "reason", "told"),
    [
        ({"plan": "gone"}, "PlanUnknown", "set spec.plan"),
        ({"version": "9.9.9"}, "ReleaseUnknown", "set spec.version"),
    ],
)
async def test_what_somebody_must_change_is_said_in_ready(spec: dict[str, str], reason: str, told: str) -> None:
    world = await ready_world(**spec)
    assert world.condition("acme", "Ready") == ("False", reason)
    assert world.condition("acme", "Stalled")[0] == "True"
    assert told in world.status("acme")["message"]


FEED = {
    "name": "ames",
    "url": "http://feed.example/odata",
    "tokenURL": "http://feed.example/token",
    "credentialsSecretRef": {"name": "feed"},
}


async def test_feed_credentials_are_copied_only_from_a_secret_that_is_labelled_for_the_brokerage() -> None:
    world = World()
    await world.release("1.0.0")
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": {"rooftree.dev/brokerage": "other"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    secret["data"] = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put(secret)
    world.kube.put(brokerage("acme", mls=[FEED]))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "FeedCredentialsMissing")
    metadata["labels"]["rooftree.dev/brokerage"] = "acme"
    world.kube.put(secret)
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert '"client_secret": "secret"' in decoded(world.child("acme", SECRET, "app"))["feeds.json"]


async def test_a_feed_without_its_secret_is_waited_for_while_the_tenant_goes_on() -> None:
    world = await ready_world(mls=[FEED])
    outcome = await world.reconciler.reconcile("acme")
    assert (outcome.failed, outcome.again_in) == (False, 5.0)
    assert world.condition("acme", "FeedsReady") == ("False", "FeedCredentialsMissing")
    assert world.condition("acme", "Ready") == ("False", "FeedCredentialsMissing")
    assert world.condition("acme", "Stalled") == ("absent", "absent")
    parts = ("DatabaseReady", "MigrationsApplied", "WorkloadReady", "RouteReady")
    assert {world.condition("acme", part)[0] for part in parts} == {"True"}
    assert decoded(world.child("acme", SECRET, "app"))["feeds.json"] == "[]"
    labels = {"rooftree.dev/brokerage": "acme"}
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": labels}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    assert world.condition("acme", "FeedsReady") == ("True", "Provisioned")


async def test_a_live_tenant_that_loses_the_secret_of_a_feed_is_still_brought_to_a_new_version() -> None:
    world = World()
    await world.release("1.0.0")
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": {"rooftree.dev/brokerage": "acme"}}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    world.kube.put(brokerage("acme", mls=[FEED]))
    await world.converge("acme")
    del world.kube.objects["Secret", NAMESPACE, "feed"]
    await world.release("1.1.0", "r2")
    await world.converge("acme")
    assert world.status("acme")["version"] == "1.1.0"
    assert "feed" in world.status("acme")["message"]


async def test_no_secret_shows_in_status_events_or_labels() -> None:
    world = await ready_world()
    secrets = {
        *decoded(world.child("acme", SECRET, "app")).values(),
        *decoded(world.child("acme", SECRET, "migrator")).values(),
    }
    visible = str([item for key, item in world.kube.objects.items() if key[0] != SECRET.kind]) + str(
        world.postgres.known_roles
    )
    assert [secret for secret in secrets if len(secret) > 8 and secret in visible] == []


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_converging_after_any_single_failed_call_ends_equal(after: bool) -> None:
    expected = (await ready_world()).inventory()
    reached = 0
    for at in range(1, CALLS_OF_A_TENANT):
        world = World()
        await world.release("1.0.0")
        world.kube.put(brokerage("acme"))
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        reached = world.faults.calls
        assert world.inventory() == expected, f"differs after a failure of call {at}"
        if at > reached:
            break
    assert reached < CALLS_OF_A_TENANT


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_deleting_after_any_single_failed_call_leaves_nothing(after: bool) -> None:
    reached = 0
    for at in range(1, CALLS_OF_A_TENANT):
        world = await ready_world()
        tenant = world.tenant("acme")
        world.delete("acme")
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        reached = world.faults.calls
        left = [key for key in world.inventory()["objects"] if "acme" in str(key)]
        assert left == [], f"left after a failure of call {at}"
        assert [name for name in world.postgres.known_roles if name.startswith(str(tenant))] == []
        assert "acme" not in str([world.inventory()["kafka"], world.inventory()["redis"]])
        if at > reached:
            break
    assert reached < CALLS_OF_A_TENANT


async def test_a_plan_that_is_written_differently_but_means_the_same_causes_no_writes() -> None:
    world = await ready_world()
    sizes = {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"cpu": "1000m", "memory": "320Mi"}}
    world.kube.put({**plan("starter"), "spec": {**plan("starter")["spec"], "resources": sizes}})
    await world.converge("acme")
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    assert world.kube.find(PLAN, "starter") is not None
