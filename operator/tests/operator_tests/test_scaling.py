"""Who counts a brokerage's pods, and how what Prometheus tells becomes a number of pods."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator.adapters.kubernetes import AUTOSCALER, BROKERAGE, DEPLOYMENT, ApiError
from rooftree_operator.adapters.prometheus import NoAnswer
from rooftree_operator.drift import Object
from rooftree_operator.health import LONGEST_PASS, Health, Unhealthy
from rooftree_operator.names import ANNOTATION_SCALING, LABEL_TENANT
from rooftree_operator.scaling import idle, signals
from rooftree_operator.scaling.erlang import queueing
from rooftree_operator.scaling.idleness import Watch
from rooftree_operator.scaling.scaler import TICK, Scaler
from rooftree_operator.scaling.share import Cell
from rooftree_operator.shards import keeper
from rooftree_operator.workqueue import WorkQueue
from structlog.testing import capture_logs

from .fakes.followed import FollowedKubernetes
from .fakes.kubernetes import FakeKubernetes
from .test_hands import change
from .world import World, brokerage, plan

PLAN: dict[str, Any] = {
    "replicas": {"min": 1, "max": 5},
    "database": {"connections": 60},
    "quota": {"pods": 20, "cpu": "20", "memory": "8Gi"},
}
TICKS = "rooftree_scaling_tick_seconds_count"
SERVES = 0.02  # seconds that a request takes


@dataclass
class Load:
    """What Prometheus tells of each workload, and its clock."""

    world: World
    arrivals: dict[str, float] = field(default_factory=dict[str, float])
    waits: dict[str, float] = field(default_factory=dict[str, float])
    streams: float = 0.0
    due: float = math.inf
    without_due: str = ""
    residence: float = SERVES
    age: float = 0.5
    unread: int = 0
    has_queues: bool = False
    is_away: bool = False
    now: float = 0.0
    asked: list[str] = field(default_factory=list[str])
    looked_at: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        watch = Watch(self.world.reconciler.wishes)
        self.scaler = Scaler(
            self.world.kube,
            self,
            is_ours=lambda one: keeper(one) == "",
            watch=watch,
            look_at=self.looked_at.append,
            clock=lambda: self.now,
            now=lambda: self.world.reconciler.now().timestamp() + self.now,
        )
        self.scaler.keep(["acme", "birch"])

    async def query(self, text: str) -> bytes:
        self.asked.append(text)
        if self.is_away:
            raise NoAnswer("Prometheus does not answer")
        samples = [{"metric": labels, "value": [self.now, str(value)]} for labels, value in self._samples()]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": samples}}).encode()

    def _samples(self) -> list[tuple[dict[str, str], float]]:
        return [sample for name in self.arrivals for sample in self._of(name)]

    def _of(self, name: str) -> list[tuple[dict[str, str], float]]:
        tenant, _, module = name.partition("/")
        labels = {"tenant": self.world.tenant(tenant).value, **({"module": module} if module else {})}
        arrivals, residence = self.arrivals[name], self.residence
        ready = deployment(self.world, module or "app", tenant)["status"].get("availableReplicas", 0)
        if self.has_queues:
            residence *= 1.0 + queueing(ready, min(0.95, arrivals * residence / ready))
        told = {
            "arrivals": arrivals,
            "recent": arrivals,
            "in_flight": arrivals * residence,
            "streams": self.streams,
            "due": math.nan if name == self.without_due else self.due,
            "age": self.age,
            "measured": float(ready - self.unread),
            "residence": residence if arrivals else float("nan"),
        }
        return [
            *(({**labels, "signal": signal}, value) for signal, value in told.items()),
            *(({**labels, "signal": "waits", "part": part}, share) for part, share in self.waits.items()),
        ]

    async def ticks(self, count: int = 1) -> None:
        """So many ticks, each with pods that are ready at once."""
        for _ in range(count):
            self.now += 2.0
            await self.scaler.tick()
            self.world.settle()


async def loaded(cluster: type[FakeKubernetes] = FakeKubernetes, **spec: Any) -> Load:
    world = World(cluster=cluster)
    await world.release("1.0.0")
    world.kube.put(plan("starter", **PLAN))
    world.kube.put(brokerage("acme", **spec))
    await world.converge("acme")
    world.forget_writes()
    return Load(world, {"acme": 0.0})


def deployment(world: World, name: str = "app", tenant: str = "acme") -> Object:
    found = world.child(tenant, DEPLOYMENT, name)
    assert found is not None
    return found


def replicas(load: Load, name: str = "app") -> int:
    return deployment(load.world, name)["spec"].get("replicas", 1)


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def changes(tenant: str) -> list[Any]:
    """The series of changes of its `app`."""
    families = (one for one in REGISTRY.collect() if one.name == "rooftree_scaling_changes")
    own = (tenant, "app")
    return [one for family in families for one in family.samples if (one.labels["tenant"], one.labels["module"]) == own]


async def test_a_rush_brings_pods_at_once_and_calm_takes_them_after_a_while() -> None:
    load = await loaded()
    load.arrivals["acme"] = 150.0
    await load.ticks(2)
    busy = replicas(load)
    assert 3 <= busy <= 5
    load.arrivals["acme"] = 1.0
    await load.ticks(5)
    assert replicas(load) == busy, "they went at the first calm moment"
    await load.ticks(30)
    assert replicas(load) == 1


async def test_the_plan_s_most_is_never_exceeded_and_its_least_is_kept() -> None:
    load = await loaded()
    load.arrivals["acme"] = 10_000.0
    await load.ticks(10)
    assert replicas(load) == 5
    load.world.kube.put(plan("starter", **{**PLAN, "replicas": {"min": 2, "max": 3}}))
    await load.world.converge("acme")
    await load.ticks(1)
    assert replicas(load) == 3
    load.arrivals["acme"] = 0.0
    await load.ticks(60)
    assert replicas(load) == 2


async def test_what_quota_and_connections_cannot_bear_is_no_ceiling() -> None:
    load = await loaded()
    load.world.kube.put(plan("starter", **{**PLAN, "database": {"connections": 12}}))
    await load.world.converge("acme")
    load.arrivals["acme"] = 10_000.0
    await load.ticks(5)
    assert replicas(load) == 2, "four connections each, and four for a new pod while one is replaced"


async def test_when_the_cell_is_full_pods_are_where_they_spare_the_most_late_requests_and_stay_a_while() -> None:
    load = await loaded()
    load.world.kube.put(brokerage("birch"))
    await load.world.converge("birch")
    load.scaler.cell, load.has_queues = Cell(6), True
    load.arrivals |= {"acme": 170.0, "birch": 60.0}
    counts = list[tuple[int, int]]()
    for number in range(40):
        load.arrivals["birch"] = 60.0 + 3 * (number % 2)
        await load.ticks(1)
        counts.append((replicas(load), deployment(load.world, tenant="birch")["spec"].get("replicas", 1)))
    assert all(sum(one) <= 6 for one in counts)
    assert counts[-1] == (4, 2)
    assert len(set(counts[5:])) == 1, "it goes up and down"
    tenant = load.world.tenant("acme").value
    assert told("rooftree_scaling_held", tenant=tenant, module="app", reason="cell") == 1.0
    load.is_away = True
    await load.ticks(30)
    assert (replicas(load), deployment(load.world, tenant="birch")["spec"]["replicas"]) == (4, 2)


@pytest.mark.parametrize("trouble", ["away", "old", "missing"])
async def test_without_fresh_numbers_nothing_changes(trouble: str) -> None:
    load = await loaded()
    load.arrivals["acme"] = 150.0
    await load.ticks(2)
    busy = replicas(load)
    match trouble:
        case "away":
            load.is_away = True
        case "old":
            load.age = 10.0
        case _:
            del load.arrivals["acme"]
    await load.ticks(60)
    assert replicas(load) == busy
    tenant = load.world.tenant("acme").value
    reason = "stale" if trouble == "old" else "missing"
    assert told("rooftree_scaling_held", tenant=tenant, module="app", reason=reason) == 1.0


async def test_a_slow_database_is_not_answered_with_pods() -> None:
    load = await loaded()
    load.arrivals["acme"] = 30.0
    await load.ticks(10)
    before = replicas(load)
    load.residence, load.waits = 2.0, {"database": 0.9, "search": 0.02}
    with capture_logs() as lines:
        await load.ticks(20)
    assert replicas(load) == before
    (why,) = [one["why"] for one in lines if one["event"] == "held"]
    assert "waited for the database" in why
    tenant = load.world.tenant("acme").value
    assert told("rooftree_scaling_held", tenant=tenant, module="app", reason="bottleneck") == 1.0


async def test_one_question_a_tick_serves_all_tenants() -> None:
    load = await loaded()
    load.world.kube.put(brokerage("birch"))
    await load.world.converge("birch")
    load.arrivals |= {"acme": 150.0, "birch": 1.0}
    await load.ticks(3)
    assert load.asked == [signals.QUERY] * 3
    assert replicas(load) > 1
    other = load.world.child("birch", DEPLOYMENT, "app")
    assert other is not None
    assert other["spec"].get("replicas", 1) == 1


async def test_each_module_is_counted_by_what_arrives_at_it() -> None:
    load = await loaded(topology="microservices")
    load.world.kube.put(plan("starter", **{**PLAN, "database": {"connections": 100}}))
    await load.world.converge("acme")
    load.arrivals = {"acme": 1.0, "acme/property": 150.0, "acme/identity": 1.0}
    await load.ticks(3)
    assert (replicas(load), replicas(load, "identity")) == (1, 1)
    assert replicas(load, "property") > 1
    await load.world.converge("acme")
    assert replicas(load, "property") > 1, "a pass took them back"


@pytest.mark.parametrize(
    "spec",
    [{"pause": "Everything"}, {"managementPolicy": "Observe"}, {"suspend": {"reason": "manual"}}],
    ids=["paused", "observed", "suspended"],
)
async def test_whoever_holds_the_operator_back_holds_scaling_back(spec: Mapping[str, Any]) -> None:
    load = await loaded()
    change(load.world, **spec)
    load.arrivals["acme"] = 150.0
    await load.ticks(5)
    assert replicas(load) == 1


async def test_a_brokerage_that_is_being_deleted_is_not_scaled() -> None:
    load = await loaded()
    found = load.world.kube.find(BROKERAGE, "acme")
    assert found is not None
    found["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    load.arrivals["acme"] = 150.0
    await load.ticks(5)
    assert replicas(load) == 1


async def test_a_brokerage_of_another_operator_is_not_scaled() -> None:
    load = await loaded()
    load.scaler.keep(["birch"])
    load.arrivals["acme"] = 150.0
    await load.ticks(5)
    assert replicas(load) == 1


async def test_one_that_is_new_does_not_wait_for_a_round_and_one_that_left_is_left_alone() -> None:
    load = await loaded()
    load.scaler.keep([])
    load.scaler.note("acme", is_ours=True)
    load.arrivals["acme"] = 150.0
    await load.ticks(2)
    assert (busy := replicas(load)) > 1
    load.scaler.note("acme", is_ours=False)
    load.arrivals["acme"] = 0.0
    await load.ticks(60)
    assert replicas(load) == busy


async def test_no_pods_are_somebody_s_will() -> None:
    load = await loaded()
    deployment(load.world)["spec"]["replicas"] = 0
    load.arrivals["acme"] = 150.0
    await load.ticks(5)
    assert replicas(load) == 0


async def test_a_count_that_somebody_changes_meanwhile_is_not_overwritten() -> None:
    load = await loaded()
    load.arrivals["acme"] = 150.0
    asked = load.world.kube.get

    async def get(*where: Any) -> Object | None:
        await load.world.kube.scale("app", deployment(load.world)["metadata"]["namespace"], 0)
        return await asked(*where)

    load.world.kube.get = get  # type: ignore[method-assign]
    await load.scaler.tick()
    assert replicas(load) == 0


class Refusing(FollowedKubernetes):
    """Refuses once to scale, as if somebody had changed the object meanwhile; no watch has anything to tell."""

    refusals = 1

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        if self.refusals:
            self.refusals -= 1
            self.watched.writes(DEPLOYMENT.plural, f"{DEPLOYMENT.path(name, namespace)}/scale")
            raise ApiError(409, "the object has been modified")
        await super().scale(name, namespace, replicas, version=version)


async def test_a_change_that_was_refused_is_made_at_the_next_tick_though_no_watch_tells_of_anything() -> None:
    load = await loaded(Refusing)
    load.arrivals["acme"] = 150.0
    for _ in range(2):
        load.now += TICK
        await load.scaler.tick()
    assert replicas(load) > 1


async def test_a_tenant_whose_scale_is_refused_does_not_stop_the_others() -> None:
    load = await loaded()
    load.world.kube.put(brokerage("birch"))
    await load.world.converge("birch")
    load.arrivals |= {"acme": 150.0, "birch": 150.0}
    scale, refused = load.world.kube.scale, f"tenant-{load.world.tenant('acme')}"

    async def refuses(name: str, namespace: str, count: int, *, version: str | None = None) -> None:
        if namespace == refused:
            raise ApiError(403, "forbidden")
        await scale(name, namespace, count, version=version)

    load.world.kube.scale = refuses  # type: ignore[method-assign]
    await load.ticks(2)
    other = load.world.child("birch", DEPLOYMENT, "app")
    assert other is not None
    assert other["spec"]["replicas"] > 1


@pytest.mark.parametrize("spoilt", ["label", "containers", "limits"])
async def test_an_object_that_somebody_has_spoilt_does_not_stop_the_others(spoilt: str) -> None:
    load = await loaded()
    load.world.kube.put(brokerage("birch"))
    await load.world.converge("birch")
    load.arrivals |= {"acme": 150.0, "birch": 150.0}
    acme = deployment(load.world)
    if spoilt == "label":
        del acme["metadata"]["labels"][LABEL_TENANT]
    elif spoilt == "limits":
        spoilt_limits = '{"floor": 1, "ceiling": 1e999, "objectiveMilliseconds": 300}'
        acme["metadata"]["annotations"][ANNOTATION_SCALING] = spoilt_limits
    else:
        acme["spec"]["template"]["spec"]["containers"] = []
    load.now += TICK
    await load.scaler.tick()
    assert deployment(load.world, tenant="birch")["spec"]["replicas"] > 1
    assert (replicas(load) > 1) is (spoilt == "label"), "its namespace tells whose it is"


async def test_a_tick_that_fails_counts_as_none_and_one_without_an_end_is_noticed() -> None:
    load = await loaded()
    assert told("rooftree_scaling_enabled") == 1.0
    health, beats, counted = Health(WorkQueue(lambda: 0.0), lambda: load.now), 0, told(TICKS)
    tick, stuck = load.scaler.tick, asyncio.Event()

    async def fails() -> None:
        nonlocal beats
        beats += 1
        load.now += TICK
        if beats == 1:
            raise ValueError("a bug")
        if beats == 2:
            await tick()
        else:
            stuck.set()
            await asyncio.Event().wait()

    load.scaler.tick = fails  # type: ignore[method-assign]
    run = asyncio.create_task(load.scaler.run(health))
    try:
        async with asyncio.timeout(10):
            await stuck.wait()
        assert told(TICKS) == (counted or 0.0) + 1.0
        load.now += LONGEST_PASS + 1.0
        with pytest.raises(Unhealthy, match="scaling"):
            health.workers()
    finally:
        run.cancel()


async def test_what_is_gone_is_told_no_more() -> None:
    load = await loaded()
    load.arrivals["acme"] = 150.0
    await load.ticks(2)
    tenant = load.world.tenant("acme").value
    assert changes(tenant)
    load.arrivals["acme"] = 0.0
    await load.ticks(60)
    assert told("rooftree_scaling_replicas", tenant=tenant, module="app", kind="wanted") == 1.0
    assert told("rooftree_scaling_objective_seconds", tenant=tenant, module="app") == 0.3
    del load.world.kube.objects["Deployment", f"tenant-{tenant}", "app"]
    await load.ticks(1)
    assert told("rooftree_scaling_replicas", tenant=tenant, module="app", kind="wanted") is None
    assert told("rooftree_scaling_objective_seconds", tenant=tenant, module="app") is None
    assert not changes(tenant)


async def test_the_limits_stand_on_the_deployment_and_its_pods_are_not_replaced_for_them() -> None:
    load = await loaded()
    before = deployment(load.world)["spec"]["template"]
    found = json.loads(deployment(load.world)["metadata"]["annotations"][ANNOTATION_SCALING])
    assert found == {"floor": 1, "ceiling": 5, "objectiveMilliseconds": 300}
    load.world.kube.put(plan("starter", **{**PLAN, "autoscaling": {"objectiveMilliseconds": 100}}))
    await load.world.converge("acme")
    found = json.loads(deployment(load.world)["metadata"]["annotations"][ANNOTATION_SCALING])
    assert found["objectiveMilliseconds"] == 100
    assert deployment(load.world)["spec"]["template"] == before


@pytest.mark.parametrize("mode", ["hpa", "fixed"])
async def test_another_mode_takes_the_pods_out_of_our_hands(mode: str) -> None:
    load = await loaded()
    load.arrivals["acme"] = 150.0
    await load.ticks(2)
    busy = replicas(load)
    change(load.world, autoscaling={"mode": mode})
    await load.world.converge("acme")
    await load.ticks(3)
    assert (load.world.child("acme", AUTOSCALER, "app") is not None) is (mode == "hpa")
    assert replicas(load) == (busy if mode == "hpa" else 1)
    change(load.world, autoscaling={"mode": "loadTuned"})
    await load.world.converge("acme")
    assert load.world.child("acme", AUTOSCALER, "app") is None


def sleeps(load: Load) -> bool:
    wish = load.world.reconciler.wishes.of("acme")
    return wish is not None and wish.sleeps


async def quiet(**spec: Any) -> Load:
    """Nobody has used it for longer than anybody stays awake."""
    load = await loaded(**spec)
    load.world.kube.put(plan("starter", **PLAN, sleep={"enabled": True}))
    await load.world.converge("acme")
    await load.ticks(int(idle.LONGEST / TICK) + 2)
    return load


@pytest.mark.parametrize("mode", ["loadTuned", "hpa", "fixed"])
async def test_who_is_not_used_falls_asleep_whoever_counts_its_pods_and_no_tick_gives_it_one(mode: str) -> None:
    load = await quiet(autoscaling={"mode": mode})
    assert (sleeps(load), load.looked_at) == (True, ["acme"])
    await load.world.converge("acme")
    load.arrivals.clear()
    await load.ticks(30)
    assert (replicas(load), sleeps(load), load.looked_at) == (0, True, ["acme"])


async def test_one_whose_habits_are_not_known_stays_awake_as_long_as_its_plan_says() -> None:
    load = await loaded()
    load.world.kube.put(plan("starter", **PLAN, sleep={"enabled": True, "afterSeconds": 60}))
    await load.world.converge("acme")
    load.arrivals["acme"] = 1.0
    await load.ticks(1)
    load.arrivals["acme"] = 0.0
    await load.ticks(29)
    assert not sleeps(load)
    await load.ticks(2)
    assert sleeps(load)


async def test_an_open_page_or_a_job_or_figures_that_do_not_tell_keep_it_awake() -> None:
    load = await quiet()
    soon = load.scaler.now() + 60.0
    for trouble in ({"streams": 1.0}, {"due": soon}, {"due": math.nan}, {"is_away": True}):
        before = {name: getattr(load, name) for name in trouble}
        for name, value in trouble.items():
            setattr(load, name, value)
        await load.ticks(2)
        assert not sleeps(load), trouble
        for name, value in before.items():
            setattr(load, name, value)
        await load.ticks(int(idle.LONGEST / TICK) + 2)
        assert sleeps(load)


async def test_a_pod_that_is_not_read_may_be_the_one_that_is_used() -> None:
    load = await loaded()
    load.world.kube.put(plan("starter", **PLAN, sleep={"enabled": True}))
    await load.world.converge("acme")
    load.unread = 1
    await load.ticks(int(idle.LONGEST / TICK) + 2)
    assert not sleeps(load)
    load.unread = 0
    await load.ticks(2)
    assert sleeps(load)


@pytest.mark.parametrize("untold", ["everything", "due"])
async def test_a_module_that_does_not_tell_keeps_all_of_it_awake(untold: str) -> None:
    load = await loaded(topology="microservices")
    load.world.kube.put(plan("starter", **{**PLAN, "database": {"connections": 100}}, sleep={"enabled": True}))
    await load.world.converge("acme")
    load.arrivals = {"acme": 0.0, "acme/property": 0.0}
    if untold == "due":  # it has not looked yet when its next job is due
        load.arrivals["acme/identity"], load.without_due = 0.0, "acme/identity"
    await load.ticks(int(idle.LONGEST / TICK) + 2)
    assert not sleeps(load)
    load.arrivals["acme/identity"], load.without_due = 0.0, ""
    await load.ticks(2)
    assert sleeps(load)
