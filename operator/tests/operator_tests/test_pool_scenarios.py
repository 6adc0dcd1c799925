"""The warm pool over fakes that keep state: spares are made, taken, made anew and removed."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator.adapters.kubernetes import CONFIG, DEPLOYMENT, PLAN, QUOTA, ROUTE, SECRET
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.reconcile import Outcome
from rooftree_operator.secret_objects import decoded
from rooftree_operator.spares import QUIET, Spare, SpareState

from .world import NAMESPACE as PLATFORM_NAMESPACE
from .world import World, brokerage, plan


async def warm_world(warm: int = 1, **spec: Any) -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(plan("starter", warm=warm, **spec))
    await world.fill()
    return world


def spares(world: World, *states: SpareState) -> list[Spare]:
    return [spare for spare in world.spares.rows.values() if spare.state in (states or (SpareState.READY,))]


async def plans_of(world: World) -> list[str]:
    return await world.pool.plans(await world.spares.found())


def only(world: World) -> TenantId:
    (spare,) = spares(world)
    return spare.id


def wanted(world: World, name: str = "starter", **spec: Any) -> None:
    """Somebody edits the plan."""
    world.kube.put(plan(name, **spec))


async def new(world: World, name: str = "acme", **spec: Any) -> TenantId:
    world.kube.put(brokerage(name, **spec))
    await world.converge(name)
    return world.tenant(name)


def objects_of(world: World, tenant: TenantId) -> list[Object]:
    spaces = (None, f"tenant-{tenant}", PLATFORM_NAMESPACE)
    return [
        item
        for (_, space, _), item in world.kube.objects.items()
        if space in spaces and item["metadata"].get("labels", {}).get("rooftree.dev/tenant") == str(tenant)
    ]


def secrets_of(world: World, tenant: TenantId) -> list[dict[str, str]]:
    return [decoded(world.child_of(tenant, SECRET, name)) for name in ("app", "migrator")]


def traces(world: World, id_: str, words: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Whatever there is of a tenant, without its id and these words; each in its words, as sets have no order."""
    told = set[tuple[str, ...]]()
    for path in world.traces(TenantId(id_)):
        for word in (id_, *words):
            path = path.replace(word, "NAME")
        told.add(tuple(sorted(re.findall(r"[\w.@/-]+", path))))
    return told


async def test_a_plan_has_as_many_spares_ready_as_it_wants() -> None:
    world = await warm_world(3)
    assert len(spares(world)) == 3
    assert {spare.version for spare in spares(world)} == {"1.0.0"}


async def test_a_plan_that_says_nothing_has_no_spare() -> None:
    world = World()
    await world.release("1.0.0")
    await world.fill()
    assert world.spares.rows == {}
    assert await plans_of(world) == []


async def test_a_spare_has_its_place_in_every_backend_and_neither_pods_nor_a_route() -> None:
    world = await warm_world()
    spare = only(world)
    found = world.inventory()
    assert str(spare) in world.postgres.known
    assert str(spare) in found["s3"]["buckets"]
    assert f"{spare}.events" in found["kafka"]["topics"]
    users = (found["kafka"]["users"], found["elasticsearch"]["users"], found["redis"]["users"], found["s3"]["keys"])
    assert all(f"{spare}.app" in there for there in users)
    kinds = {item["kind"] for item in objects_of(world, spare)}
    assert {"Namespace", "Secret", "NetworkPolicy", "ResourceQuota"} <= kinds
    assert not kinds & {DEPLOYMENT.kind, ROUTE.kind, "Service", "ReferenceGrant", "Job"}


async def test_a_spare_names_no_brokerage() -> None:
    world = await warm_world()
    assert [
        item for item in objects_of(world, only(world)) if "rooftree.dev/brokerage" in item["metadata"]["labels"]
    ] == []


async def test_a_second_pass_over_a_pool_that_lacks_nothing_writes_nothing() -> None:
    world = await warm_world(2)
    world.forget_writes()
    await world.fill()
    assert world.writes() == []


async def test_a_new_brokerage_takes_a_spare_and_makes_nothing_again() -> None:
    world = await warm_world()
    spare = only(world)
    world.forget_writes()
    assert await new(world) == spare
    assert world.status("acme")["phase"] == "Ready"
    assert world.status("acme")["url"] == "https://acme.rooftree.localhost:8443"
    assert world.registry.rows[spare].slug == "acme"
    backends = [world.postgres, world.kafka, world.redis, world.elasticsearch, world.s3]
    assert [write for backend in backends for write in backend.writes] == ["register acme"]
    assert spares(world) == []


async def test_every_object_of_a_spare_that_was_taken_names_its_brokerage() -> None:
    world = await warm_world()
    tenant = await new(world)
    found = objects_of(world, tenant)
    assert {item["metadata"]["labels"].get("rooftree.dev/brokerage") for item in found} == {"acme"}


async def test_a_brokerage_on_a_spare_has_what_any_other_has() -> None:
    world = await warm_world()
    tenant = str(await new(world))
    world.kube.put(brokerage("birch"))
    await world.converge("birch")
    other = str(world.tenant("birch"))
    assert tenant.startswith("pool-")
    assert other.startswith("birch-")

    assert traces(world, tenant, ("acme", "Acme")) == traces(world, other, ("birch", "Birch"))


async def test_a_second_pass_over_a_brokerage_on_a_spare_writes_nothing() -> None:
    world = await warm_world()
    await new(world)
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_what_a_brokerage_changes_of_its_spare_is_not_told_as_drift() -> None:
    world = await warm_world()
    await new(world)
    told = [item["reason"] for (kind, _, _), item in world.kube.objects.items() if kind == "Event"]
    assert "Ready" in told
    assert "DriftRepaired" not in told


async def test_each_spare_has_secrets_of_its_own_and_its_brokerage_keeps_them() -> None:
    world = await warm_world(2)
    one, other = (secrets_of(world, spare.id) for spare in spares(world))
    shared = set(one[0].values()) & set(other[0].values()) | set(one[1].values()) & set(other[1].values())
    assert shared == {"[]"}, "only the empty list of feeds is the same"
    tenant = await new(world)
    assert secrets_of(world, tenant) == one


async def test_brokerages_that_come_together_get_a_spare_each_and_who_finds_none_is_made_as_ever() -> None:
    world = await warm_world(2)
    there = {spare.id for spare in spares(world)}
    names = ("acme", "birch", "cedar")
    for name in names:
        world.kube.put(brokerage(name))
    await asyncio.gather(*(world.converge(name) for name in names))
    got = {name: world.tenant(name) for name in names}
    assert there < set(got.values())
    (late,) = set(got.values()) - there
    assert late.value[:-9] in names
    assert {world.status(name)["phase"] for name in names} == {"Ready"}


async def test_a_spare_that_is_half_made_is_not_taken_and_is_finished() -> None:
    world = World()
    await world.release("1.0.0")
    wanted(world, warm=1)
    world.kafka.down = True
    await world.fill()
    (half,) = world.spares.rows.values()
    assert half.state is SpareState.MAKING
    world.kafka.down = False
    assert (await new(world)).value.startswith("acme-")
    await world.fill()
    assert only(world) == half.id


@pytest.mark.parametrize("spec", [{"plan": "large"}, {"version": "1.1.0"}], ids=["plan", "version"])
async def test_a_spare_is_not_taken_where_it_does_not_fit(spec: dict[str, str]) -> None:
    world = World()
    await world.release("1.1.0", "r2")
    await world.release("1.0.0")
    wanted(world, "large")
    wanted(world, warm=1)
    await world.fill()
    assert (await new(world, **spec)).value.startswith("acme-")
    assert len(spares(world)) == 1


async def test_a_brokerage_that_is_only_observed_or_refused_takes_no_spare() -> None:
    world = await warm_world(2)
    spare = await new(world, "acme")
    world.retire("acme")
    await world.converge("acme")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    assert world.condition("acme", "Ready") == ("False", "SlugTaken")
    assert f"spec.tenantID: {spare}" in world.status("acme")["message"]
    world.kube.put(brokerage("birch", managementPolicy="Observe"))
    await world.converge("birch")
    assert len(spares(world)) == 1


async def test_a_place_is_filled_again_when_the_pods_of_the_brokerage_have_had_their_time() -> None:
    world = await warm_world()
    await new(world)
    await world.fill()
    assert spares(world) == []
    world.later += timedelta(seconds=QUIET)
    await world.fill()
    assert len(spares(world)) == 1
    assert len(world.spares.rows) == 2


async def test_spares_of_an_older_version_go_and_those_of_the_new_one_come() -> None:
    world = await warm_world(2)
    old = [spare.id for spare in spares(world)]
    await world.release("1.1.0", "r2")
    await world.fill()
    assert [spare.version for spare in spares(world)] == ["1.1.0", "1.1.0"]
    assert [trace for one in old for trace in world.traces(one)] == []
    assert {world.spares.rows[one].state for one in old} == {SpareState.GONE}
    tenant = await new(world)
    assert world.status("acme")["version"] == "1.1.0"
    assert tenant not in old


async def test_a_changed_plan_reaches_its_spares_before_anybody_gets_them() -> None:
    world = await warm_world()
    spare = only(world)
    wanted(world, warm=1, quota={"pods": 9})
    await world.pool.reconcile("starter")
    quota = world.child_of(spare, QUOTA, "tenant")
    assert quota is not None
    assert quota["spec"]["hard"]["pods"] == "9"
    assert only(world) == spare
    world.forget_writes()
    await world.fill()
    assert world.writes() == []


async def test_another_number_of_spares_touches_neither_brokerages_nor_the_spares_that_stay() -> None:
    world = await warm_world(2)
    await new(world)
    world.later += timedelta(seconds=QUIET)
    wanted(world, warm=1)
    world.forget_writes()
    await world.fill()
    await world.converge("acme")
    assert world.writes() == []
    assert len(spares(world)) == 1


@pytest.mark.parametrize("change", ["fewer", "none", "gone"])
async def test_spares_that_are_wanted_no_more_leave_nothing(change: str) -> None:
    world = await warm_world(3)
    before = {spare.id for spare in spares(world)}
    if change == "gone":
        del world.kube.objects[PLAN.kind, None, "starter"]
    else:
        wanted(world, warm={"fewer": 1, "none": 0}[change])
    assert await plans_of(world) == ["starter"]
    await world.fill()
    left = {spare.id for spare in spares(world)}
    assert len(left) == (1 if change == "fewer" else 0)
    assert [trace for one in before - left for trace in world.traces(one)] == []
    assert await plans_of(world) == (["starter"] if change == "fewer" else [])


async def test_of_too_many_spares_those_go_first_that_are_not_ready() -> None:
    world = await warm_world()
    ready = only(world)
    wanted(world, warm=2)
    world.redis.down = True
    await world.fill()
    world.redis.down = False
    wanted(world, warm=1)
    await world.fill()
    assert only(world) == ready


async def test_a_spare_that_a_brokerage_takes_meanwhile_is_neither_removed_nor_worked_on() -> None:
    world = await warm_world()
    stale = await world.spares.found()
    tenant = await new(world)
    world.forget_writes()

    async def as_before() -> list[Spare]:
        return stale

    changes: list[dict[str, Any]] = [{"warm": 0}, {"warm": 1, "quota": {"pods": 9}}]
    for change in changes:
        wanted(world, **change)
        world.spares.found = as_before  # type: ignore[method-assign]
        assert (await world.pool.reconcile("starter")).again_in == 0.0
        del world.spares.found  # type: ignore[method-assign]
    assert [write for write in world.writes() if not write.startswith("spare")] == []
    assert world.spares.rows[tenant].state is SpareState.TAKEN


async def test_an_operator_that_acts_no_more_removes_no_spare() -> None:
    world = await warm_world()
    spare = only(world)
    wanted(world, warm=0)
    world.lease.lost_after = 0
    assert (await world.pool.reconcile("starter")).failed
    assert str(spare) in world.postgres.known
    assert f"nologin {spare}.app" not in world.postgres.writes
    assert spares(world) == [], "but nobody gets it any more"
    world.lease.lost_after = None
    await world.fill()
    assert world.traces(spare) == []


async def test_a_pool_waits_for_its_backends_and_fills_by_itself() -> None:
    world = World()
    await world.release("1.0.0")
    wanted(world, warm=1)
    world.elasticsearch.down = True
    await world.pool.reconcile("starter")
    assert (await world.pool.reconcile("starter")).failed
    assert spares(world) == []
    world.elasticsearch.down = False
    await world.fill()
    assert len(spares(world)) == 1


async def test_a_channel_that_leads_nowhere_leaves_the_pool_as_it_is() -> None:
    world = await warm_world()
    before = only(world)
    del world.kube.objects[CONFIG.kind, PLATFORM_NAMESPACE, "channels"]
    outcome = await world.pool.reconcile("starter")
    assert (outcome.failed, outcome.again_in) == (False, None)
    assert only(world) == before


async def test_a_brokerage_on_a_spare_that_is_deleted_leaves_nothing() -> None:
    world = await warm_world()
    tenant = await new(world)
    world.delete("acme")
    await world.converge("acme")
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def test_a_brokerage_on_a_spare_that_is_kept_comes_back_by_its_id() -> None:
    world = await warm_world()
    tenant = await new(world)
    before = secrets_of(world, tenant)
    world.retire("acme")
    await world.converge("acme")
    kept = world.kept(tenant)
    assert kept is not None
    assert kept["metadata"]["labels"]["rooftree.dev/kept"] == "acme"
    assert await new(world, tenantID=str(tenant)) == tenant
    assert world.status("acme")["phase"] == "Ready"
    assert secrets_of(world, tenant) == before


async def test_a_brokerage_on_a_spare_that_is_kept_is_purged_when_its_time_is_over() -> None:
    world = await warm_world()
    tenant = await new(world)
    world.retire("acme")
    await world.converge("acme")
    world.later += timedelta(days=31)
    await world.purges()
    assert world.traces(tenant) == []
    assert world.registry.state(tenant) == "deleted"


async def looked_at(world: World) -> None:
    """Each ready spare has its turn."""
    for spare in spares(world):
        assert await world.pool.look(str(spare.id)) == Outcome()


async def test_a_look_at_a_spare_that_lacks_nothing_writes_nothing_not_even_after_a_restart() -> None:
    world = await warm_world(2)
    world.forget_writes()
    await looked_at(world)
    world.reconciler = world.restarted()
    await looked_at(world)
    assert world.writes() == []
    assert len(spares(world)) == 2


def without_topic(world: World, spare: TenantId) -> None:
    del world.kafka.known[f"{spare}.events"]


def without_login(world: World, spare: TenantId) -> None:
    world.redis.users.clear()


def without_index_template(world: World, spare: TenantId) -> None:
    world.elasticsearch.templates.clear()


def without_role(world: World, spare: TenantId) -> None:
    roles, name = world.postgres.known_roles, f"{spare}.app"
    roles[name] = replace(roles[name], can_login=False)


def without_bucket(world: World, spare: TenantId) -> None:
    world.s3.buckets.clear()


def without_policy(world: World, spare: TenantId) -> None:
    del world.kube.objects["NetworkPolicy", f"tenant-{spare}", "default"]


def without_password(world: World, spare: TenantId) -> None:
    del world.kube.objects["Secret", f"tenant-{spare}", "app"]["data"]["redis_password"]


@pytest.mark.parametrize(
    "lose",
    [
        without_topic,
        without_login,
        without_index_template,
        without_role,
        without_bucket,
        without_policy,
        without_password,
    ],
)
async def test_a_ready_spare_that_lost_something_is_kept_from_brokerages_until_it_is_whole_again(
    lose: Callable[[World, TenantId], None],
) -> None:
    world = await warm_world()
    spare = only(world)
    whole = traces(world, str(spare))
    lose(world, spare)
    assert traces(world, str(spare)) != whole
    world.forget_writes()
    await looked_at(world)
    assert world.writes() == [f"spare {spare} making"], "whoever takes it just now is not disturbed"
    assert await new(world) != spare
    await world.fill()
    assert only(world) == spare
    assert traces(world, str(spare)) == whole


async def test_a_spare_that_a_brokerage_takes_meanwhile_is_left_to_it() -> None:
    world = await warm_world()
    spare = only(world)
    without_topic(world, spare)
    run = world.pool.graph.run

    async def meanwhile(*words: Any, **more: Any) -> Any:
        seen = await run(*words, **more)
        await new(world)
        return seen

    world.pool.graph.run = meanwhile  # type: ignore[method-assign]
    assert await world.pool.look(str(spare)) == Outcome()
    assert world.spares.rows[spare].state is SpareState.TAKEN
    assert world.tenant("acme") == spare


@pytest.mark.parametrize("backend", ["postgres", "kafka", "redis", "elasticsearch", "s3"])
async def test_an_outage_takes_no_spare_away(backend: str) -> None:
    world = await warm_world()
    spare = only(world)
    getattr(world, backend).down = True
    world.forget_writes()
    with suppress(Unavailable):
        await world.pool.look(str(spare))
    assert (world.writes(), world.spares.rows[spare].state) == ([], SpareState.READY)


async def test_what_is_no_ready_spare_any_more_has_no_turn_and_an_old_one_is_the_pools() -> None:
    world = await warm_world()
    spare = only(world)
    await world.release("1.1.0", "r2", knows=("r1", "r2"))
    world.forget_writes()
    assert await world.pool.look(str(spare)) == Outcome()
    world.kube.objects["ConfigMap", PLATFORM_NAMESPACE, "channels"]["data"].clear()
    assert await world.pool.look(str(spare)) == Outcome()
    assert world.writes() == []
    wanted(world, warm=0)
    await world.fill()
    assert await world.pool.look(str(spare)) == Outcome(gone=True)


async def test_a_metric_tells_how_many_spares_a_plan_wants_also_when_there_can_be_none() -> None:
    def count() -> float | None:
        return REGISTRY.get_sample_value("rooftree_operator_spares_wanted", {"plan": "starter"})

    world = await warm_world(2)
    assert count() == 2.0
    wanted(world, warm=3)
    world.kube.objects["ConfigMap", PLATFORM_NAMESPACE, "channels"]["data"].clear()
    await world.fill()
    assert count() == 3.0
    await world.kube.delete(PLAN, "starter")
    await world.fill()
    assert count() == 0.0


async def test_a_metric_counts_spares_by_plan_and_state() -> None:
    def counted(state: str) -> float | None:
        return REGISTRY.get_sample_value("rooftree_operator_spares", {"plan": "starter", "state": state})

    world = await warm_world(2)
    assert (counted("making"), counted("ready"), counted("going")) == (0.0, 2.0, 0.0)
    wanted(world, warm=0)
    await world.fill()
    assert (counted("making"), counted("ready"), counted("going")) == (0.0, 0.0, 0.0)


CALLS = 250  # more than one spare takes; the tests check that


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_filling_after_any_single_failed_call_ends_with_one_whole_spare(after: bool) -> None:
    expected, reached = parts_of(await warm_world()), 0
    for at in range(1, CALLS):
        world = World()
        await world.release("1.0.0")
        wanted(world, warm=1)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.fill()
        reached = world.faults.calls
        assert parts_of(world) == expected, f"differs after a failure of call {at}"
        if at > reached:
            break
    assert reached < CALLS


def parts_of(world: World) -> set[tuple[str, ...]]:
    """All that its one spare has, and the states of all others that there ever were."""
    one = only(world)
    others = {(str(spare.state),) for spare in world.spares.rows.values() if spare.id != one}
    return traces(world, str(one)) | others


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_taking_after_any_single_failed_call_ends_ready_on_that_one_spare(after: bool) -> None:
    reached = 0
    for at in range(1, CALLS):
        world = await warm_world()
        spare = only(world)
        world.kube.put(brokerage("acme"))
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.converge("acme")
        reached = world.faults.calls
        assert world.tenant("acme") == spare, f"differs after a failure of call {at}"
        assert world.status("acme")["phase"] == "Ready"
        assert len(world.spares.rows) == len(world.registry.rows) == 1
        if at > reached:
            break
    assert reached < CALLS


@pytest.mark.parametrize("after", [False, True], ids=["call-fails", "answer-is-lost"])
async def test_removing_after_any_single_failed_call_leaves_nothing(after: bool) -> None:
    reached = 0
    for at in range(1, CALLS):
        world = await warm_world()
        spare = only(world)
        wanted(world, warm=0)
        world.faults.calls, world.faults.at, world.faults.after = 0, at, after
        await world.fill()
        reached = world.faults.calls
        assert world.traces(spare) == [], f"left after a failure of call {at}"
        assert world.spares.rows[spare].state is SpareState.GONE
        if at > reached:
            break
    assert reached < CALLS
