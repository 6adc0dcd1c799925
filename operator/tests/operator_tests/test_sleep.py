"""A brokerage falls asleep and wakes: what goes, what stays, and whom its visitors meet meanwhile."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator import routing, sleeping
from rooftree_operator.activator import sleepers
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, ROUTE
from rooftree_operator.drift import Object
from rooftree_operator.names import ACTIVATOR
from rooftree_operator.scaling import idle
from rooftree_operator.scaling.idleness import Load, Watch
from rooftree_operator.sleeping import LATE, Sleep, Stage, Wish, Wishes, going_on

from .fakes.followed import FollowedKubernetes
from .fakes.kubernetes import FakeKubernetes
from .test_suspension import HOST, backends, declare, pods, reasons_of_events, running, watched
from .world import PASSES, World, brokerage, now, plan

TOPOLOGIES = pytest.mark.parametrize("topology", ["monolith", "microservices"])
IDLE = Wish(True, "nobody has used it for 600 s, 600 s are enough")
DUE = Wish(False, "its next job is due in 10 s")
AWAKE = {"monolith": {"app": 2}, "microservices": {"app": 2, "identity": 2, "property": 2}}
CALLS = 600  # more than falling asleep and waking take; the test below checks that


async def world_of(
    topology: str = "monolith", *, enabled: bool = True, cluster: type[FakeKubernetes] = FakeKubernetes, **spec: Any
) -> World:
    """One brokerage, awake."""
    world = World(cluster=cluster)
    await world.release("1.0.0")
    limits = {"replicas": {"min": 2, "max": 3}, "database": {"connections": 60}, "sleep": {"enabled": enabled}}
    world.kube.put(plan("large", **limits))
    world.kube.put(brokerage("acme", plan="large", topology=topology, **spec))
    await world.converge("acme")
    return world


async def sleeping_world(topology: str = "monolith") -> World:
    world = await world_of(topology)
    wish(world, IDLE)
    await world.converge("acme")
    assert world.status("acme")["sleep"]["state"] == "Asleep"
    return world


def wish(world: World, told: Wish | None) -> bool:
    return world.reconciler.wishes.tell("acme", told)


async def somebody_comes(world: World) -> None:
    """The activator has a request."""
    assert await world.kube.wake("app", f"tenant-{world.tenant('acme')}", by=ACTIVATOR)


def route_of(world: World) -> Object | None:
    return world.child("acme", ROUTE, "app")


def stands(world: World) -> tuple[str, str, str]:
    """Phase and Ready."""
    return (world.status("acme")["phase"], *world.condition("acme", "Ready"))


def is_awake(world: World) -> bool:
    return "sleep" not in world.status("acme") and stands(world) == ("Ready", "True", "Answering")


@TOPOLOGIES
async def test_one_that_nobody_uses_has_no_pods_and_keeps_everything_else_and_is_ready(topology: str) -> None:
    world = await world_of(topology)
    before = backends(world)
    kept = {key for key in world.kube.of_tenants() if key[0] not in ("Pod", "EndpointSlice")}
    wish(world, IDLE)
    await world.converge("acme")
    assert pods(world) == []
    assert running(world) == dict.fromkeys(AWAKE[topology], 0)
    forged = {sleepers.HEADER_NAMESPACE: "tenant-other-0a1b2c3d", sleepers.HEADER_MODULES: "crm"}
    for headers in ({}, forged):  # the activator believes what the route says, and nobody else
        assert world.edge.visit(HOST, **headers) == (200, "activator")
    assert backends(world) == before
    assert kept <= set(world.kube.of_tenants())
    assert stands(world) == ("Asleep", "True", "Asleep")
    status = world.status("acme")
    assert (status["replicas"], status["version"], status["sleep"]["message"]) == (0, "1.0.0", IDLE.message)
    assert {entry["status"] for entry in status["conditions"]} == {"True"}


@TOPOLOGIES
async def test_while_it_sleeps_nothing_is_written(topology: str) -> None:
    world = await sleeping_world(topology)
    world.forget_writes()
    outcome = await world.converge("acme")
    assert (world.writes(), outcome.again_in) == ([], None)


@TOPOLOGIES
async def test_whoever_comes_meanwhile_meets_the_app_or_waits_and_never_meets_an_edge_without_servers(
    topology: str,
) -> None:
    world = await world_of(topology)
    wish(world, IDLE)
    falling = await watched(world, lambda: stands(world)[0] == "Asleep")
    assert list(dict.fromkeys(falling)) == [(200, "app"), (200, "activator")], "and once it waits it goes on waiting"
    wish(world, None)
    await somebody_comes(world)
    waking = await watched(world, lambda: is_awake(world))
    assert list(dict.fromkeys(waking)) == [(200, "activator"), (200, "app")]
    assert running(world) == AWAKE[topology]


@TOPOLOGIES
async def test_it_is_ready_all_the_time_and_nobody_is_told_of_drift(topology: str) -> None:
    world = await world_of(topology)
    told, seen = reasons_of_events(world), set[tuple[str, str]]()
    for next_ in (IDLE, DUE):
        wish(world, next_)
        for _ in range(PASSES):
            await world.reconciler.reconcile("acme")
            seen.add(world.condition("acme", "Ready"))
            seen.add((world.condition("acme", "Reconciling")[0], "Reconciling"))
            world.settle()
    assert is_awake(world)
    assert {status for status, reason in seen if reason != "Reconciling"} == {"True"}
    assert {reason for _, reason in seen} >= {"Answering", "FallingAsleep", "Asleep", "Waking"}
    assert ("True", "Reconciling") not in seen
    assert reasons_of_events(world) == told


@TOPOLOGIES
async def test_watches_that_tell_a_little_late_neither_wake_it_nor_let_it_sleep_on(topology: str) -> None:
    world = await world_of(topology, cluster=FollowedKubernetes)
    wish(world, IDLE)
    states = list[str]()
    for turn in range(PASSES):
        await world.reconciler.reconcile("acme")
        states.append(world.status("acme").get("sleep", {}).get("state", "awake"))
        if turn % 3 == 2:
            world.settle()
    assert list(dict.fromkeys(states)) == ["FallingAsleep", "Asleep"]
    await somebody_comes(world)
    await world.reconciler.reconcile("acme")
    await world.converge("acme")
    assert is_awake(world)
    assert running(world) == AWAKE[topology]


async def test_its_pods_go_only_when_the_edge_leads_to_the_activator() -> None:
    world = await world_of()
    wish(world, IDLE)
    await world.reconciler.reconcile("acme")
    assert routing.leads_to_activator(route_of(world))
    await world.reconciler.reconcile("acme")
    assert running(world) == {"app": 2}, "the edge has not accepted it yet"
    assert world.status("acme")["sleep"]["state"] == "FallingAsleep"
    world.settle()
    await world.reconciler.reconcile("acme")
    assert (running(world), world.status("acme")["sleep"]["state"]) == ({"app": 0}, "Asleep")


@TOPOLOGIES
async def test_the_entrance_goes_first(topology: str) -> None:
    world = await world_of(topology)
    wish(world, IDLE)
    world.forget_writes()
    await world.converge("acme")
    assert next(write for write in world.kube.writes if write.startswith("scale")) == "scale app"


async def test_who_comes_while_it_falls_asleep_keeps_it_awake_and_no_pod_goes() -> None:
    world = await world_of()
    namespace = f"tenant-{world.tenant('acme')}"
    wish(world, IDLE)
    await world.reconciler.reconcile("acme")
    wish(world, Wish(False, "1 requests are under way"))
    await world.converge("acme")
    assert is_awake(world)
    assert not routing.leads_to_activator(route_of(world))
    assert world.lowest()[namespace, "app"] == 2


@TOPOLOGIES
async def test_it_is_woken_when_a_job_is_due(topology: str) -> None:
    world = await sleeping_world(topology)
    assert wish(world, DUE)
    await world.converge("acme")
    assert is_awake(world)
    assert running(world) == AWAKE[topology]


@TOPOLOGIES
async def test_a_pod_that_anybody_gives_it_wakes_it(topology: str) -> None:
    world = await sleeping_world(topology)
    await world.kube.scale("app", f"tenant-{world.tenant('acme')}", 1)
    await world.converge("acme")
    assert is_awake(world)
    assert running(world) == AWAKE[topology]


async def test_one_whose_pods_do_not_come_is_not_called_ready_for_long() -> None:
    world = await sleeping_world()
    await somebody_comes(world)
    await world.reconciler.reconcile("acme")
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    app["status"] = {"observedGeneration": app["metadata"]["generation"], "replicas": 2, "updatedReplicas": 2}
    for seconds, found in ((0, ("True", "Waking")), (LATE, ("True", "Waking")), (LATE + 1, ("False", "RollingOut"))):
        world.later = timedelta(seconds=seconds)
        await world.reconciler.reconcile("acme")
        assert stands(world)[1:] == found
    await world.converge("acme")
    assert is_awake(world)


@pytest.mark.parametrize(
    ("told", "enabled", "spec"),
    [
        (None, True, {}),
        (DUE, True, {}),
        (IDLE, False, {}),
        (IDLE, True, {"sleep": "never"}),
    ],
)
async def test_it_stays_awake_unless_all_allow_it(told: Wish | None, enabled: bool, spec: dict[str, Any]) -> None:
    world = await world_of(enabled=enabled, **spec)
    wish(world, told)
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []
    assert is_awake(world)


@pytest.mark.parametrize("how", ["spec", "plan", "nobody measures"])
async def test_one_that_may_not_sleep_any_more_wakes(how: str) -> None:
    world = await sleeping_world()
    if how == "spec":
        declare(world, sleep="never")
    elif how == "plan":
        world.kube.put(plan("large", replicas={"min": 2, "max": 3}, database={"connections": 60}))
    else:  # and so nobody would wake it for its next job
        world.reconciler = world.restarted()
        platform = replace(world.reconciler.platform, measures_load=False)
        world.reconciler = replace(world.reconciler, platform=platform)
    await world.converge("acme")
    assert is_awake(world)
    assert running(world) == {"app": 2}


async def test_another_operator_lets_it_sleep_on_and_wakes_one_that_was_falling_asleep() -> None:
    world = await sleeping_world()
    world.reconciler = world.restarted()
    world.forget_writes()
    await world.converge("acme")
    assert (world.writes(), stands(world)[0]) == ([], "Asleep")
    other = await world_of()
    wish(other, IDLE)
    await other.reconciler.reconcile("acme")
    other.settle()
    other.reconciler = other.restarted()
    await other.converge("acme")
    assert is_awake(other), "nobody knows any more how much it is used"


@pytest.mark.parametrize("after", [False, True])
async def test_after_any_single_failed_call_it_falls_asleep_and_wakes_all_the_same(after: bool) -> None:
    # Of the calls every seventh, as each needs a world of its own; those of the two halves are others.
    for at in range(4 if after else 1, CALLS, 7):
        world = await world_of()
        world.faults.expect(at, after=after, kills=False)
        wish(world, IDLE)
        for _ in range(2):
            await world.converge("acme")
        assert (stands(world)[0], running(world)) == ("Asleep", {"app": 0}), at
        wish(world, DUE)
        for _ in range(2):
            await world.converge("acme")
        assert is_awake(world), at
        assert running(world) == {"app": 2}, at
        if world.faults.calls < at:
            return
    raise AssertionError("there are more calls than that")


async def test_while_it_sleeps_it_can_be_suspended_and_resumed() -> None:
    world = await sleeping_world()
    declare(world, suspend={"reason": "billing"})
    await world.converge("acme")
    assert stands(world) == ("Suspended", "False", "Suspended")
    assert "sleep" not in world.status("acme")
    assert world.edge.visit(HOST) == (402, "page")
    wish(world, None)
    declare(world, suspend=None)
    await world.converge("acme")
    assert is_awake(world)
    assert running(world) == {"app": 2}


async def test_while_it_sleeps_a_new_version_waits_for_it() -> None:
    world = await sleeping_world()
    await world.release("1.1.0", "r2", knows=("r1", "r2"))
    declare(world, version="1.1.0")
    await world.converge("acme")
    assert (pods(world), world.status("acme")["version"]) == ([], "1.0.0")
    assert stands(world)[0] == "Asleep"
    wish(world, None)
    await somebody_comes(world)
    await world.converge("acme")
    assert is_awake(world)
    assert world.status("acme")["version"] == "1.1.0"


async def test_one_that_is_not_what_it_declares_does_not_fall_asleep() -> None:
    world = await world_of()
    await world.release("1.1.0", "r2", knows=("r1", "r2"))
    declare(world, version="1.1.0")
    wish(world, IDLE)
    await world.reconciler.reconcile("acme")
    assert "sleep" not in world.status("acme")
    await world.converge("acme")
    await world.converge("acme")
    assert (stands(world)[0], world.status("acme")["version"]) == ("Asleep", "1.1.0"), "but when it has become so"


async def test_while_the_operator_is_held_back_it_goes_on_sleeping_and_says_so() -> None:
    world = await sleeping_world()
    declare(world, pause="Changes")
    await world.converge("acme")
    await somebody_comes(world)
    await world.converge("acme")
    assert routing.leads_to_activator(route_of(world)), "requests go on by the activator"
    declare(world, pause=None)
    wish(world, None)
    await world.converge("acme")
    assert is_awake(world)


@TOPOLOGIES
async def test_one_that_is_asleep_can_be_deleted(topology: str) -> None:
    world = await sleeping_world(topology)
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.kube.of_tenants() == []


async def test_no_apply_of_ours_contains_replicas() -> None:
    world = await sleeping_world()
    wish(world, DUE)
    await world.converge("acme")
    applied = [item for key, item in world.kube.applied.items() if key[0] == DEPLOYMENT.kind]
    assert applied
    assert not any("replicas" in item["spec"] for item in applied)


async def test_figures_and_passes_together_put_it_to_sleep_and_wake_it() -> None:
    world = await world_of()
    watch = Watch(world.reconciler.wishes)
    start, quiet = world.now().timestamp(), Load(due=math.inf, age=1.0)

    async def lived(seconds: int, load: Load = quiet) -> None:
        """So many seconds, with passes only when somebody is to be looked at."""
        nonlocal start
        for _ in range(0, seconds, 2):
            start += 2
            for name in watch.tick({"acme": load}, start):
                world.later = timedelta(seconds=start - now().timestamp())
                await world.converge(name)

    await lived(int(idle.UNKNOWN) - 2)
    assert is_awake(world)
    await lived(4)
    assert stands(world)[0] == "Asleep"
    await lived(3600, Load())  # nothing is measured of who has no pods
    assert stands(world)[0] == "Asleep"
    await somebody_comes(world)
    await world.converge("acme")
    await lived(2, Load(arrivals=1.0, due=math.inf, age=1.0))
    assert is_awake(world)
    await lived(int(idle.UNKNOWN) - 4)
    assert is_awake(world)
    await lived(8)
    assert stands(world)[0] == "Asleep"


async def test_it_wakes_for_its_next_job_though_another_operator_has_it_by_then() -> None:
    world = await world_of()
    due = world.now().timestamp() + 7200
    wish(world, Wish(True, IDLE.message, until=due))
    await world.converge("acme")
    assert world.status("acme")["sleep"]["wakesAt"] == "2026-11-24T14:00:00.000Z"
    world.reconciler = world.restarted()
    watch = Watch(world.reconciler.wishes)
    await world.converge("acme")
    assert watch.tick({}, due - 1) == ["acme"], "it has to sleep on, which nobody knew before"
    await world.converge("acme")
    assert stands(world)[0] == "Asleep"
    assert watch.tick({}, due) == ["acme"]
    await world.converge("acme")
    assert is_awake(world)


async def test_of_one_that_is_gone_nothing_is_wished() -> None:
    world = await sleeping_world()
    assert set(world.reconciler.wishes.standings()) == {"acme"}
    world.delete("acme")
    await world.converge("acme")
    await world.reconciler.reconcile("acme")
    assert world.reconciler.wishes.standings() == {}
    assert world.reconciler.wishes.of("acme") is None


NOW = "2026-11-24T12:00:00.000Z"
ASLEEP = Sleep(Stage.ASLEEP, "2026-11-24T11:00:00.000Z", "x")
FALLING, WAKING = replace(ASLEEP, stage=Stage.FALLING), replace(ASLEEP, stage=Stage.WAKING)


@pytest.mark.parametrize(
    ("before", "told", "may", "is_settled", "pods_there", "stage"),
    [
        (None, IDLE, True, True, 2, Stage.FALLING),
        (None, IDLE, True, False, 2, None),
        (None, IDLE, False, True, 2, None),
        (None, IDLE, True, True, 0, None),
        (None, DUE, True, True, 2, None),
        (None, None, True, True, 2, None),
        (FALLING, IDLE, True, False, 2, Stage.FALLING),
        (FALLING, IDLE, True, True, 0, Stage.ASLEEP),
        (FALLING, DUE, True, True, 2, Stage.WAKING),
        (FALLING, None, True, True, 2, Stage.WAKING),
        (FALLING, IDLE, False, True, 2, Stage.WAKING),
        (ASLEEP, IDLE, True, True, 0, Stage.ASLEEP),
        (ASLEEP, None, True, False, 0, Stage.ASLEEP),
        (ASLEEP, IDLE, True, True, 1, Stage.WAKING),
        (ASLEEP, DUE, True, True, 0, Stage.WAKING),
        (ASLEEP, IDLE, False, True, 0, Stage.WAKING),
        (WAKING, IDLE, True, True, 0, Stage.WAKING),
        (WAKING, None, False, True, 2, Stage.WAKING),
    ],
)
def test_a_stage_follows_another_one_by_what_is_wanted_and_there(
    before: Sleep | None, told: Wish | None, may: bool, is_settled: bool, pods_there: int, stage: Stage | None
) -> None:
    found = going_on(before, told, may=may, is_settled=is_settled, pods=pods_there, now=NOW)
    assert (found and found.stage) == stage
    if found is not None and before is not None and found.stage is before.stage:
        assert found == before, "since then, and for the same reason"
    elif found is not None:
        assert found.since == NOW


@pytest.mark.parametrize("sleep", [FALLING, ASLEEP, WAKING, replace(ASLEEP, wakes_at=NOW)])
def test_what_the_status_says_is_what_was_told(sleep: Sleep) -> None:
    assert sleeping.known({"sleep": sleep.as_status()}) == sleep
    assert sleeping.known({}) is None


def test_who_may_sleep_again_or_was_woken_counts_as_having_just_come() -> None:
    wishes = Wishes()

    def since(sleep: Sleep | None, *, may: bool, now: float) -> float:
        wishes.note("acme", sleep, may=may, after=600.0, now=now)
        return wishes.standings()["acme"].awake_since

    assert since(None, may=True, now=1.0) == 1.0
    assert since(None, may=True, now=2.0) == 1.0
    assert since(None, may=False, now=3.0) == 1.0, "suspended"
    assert since(None, may=True, now=4.0) == 4.0, "resumed"
    assert since(ASLEEP, may=True, now=5.0) == 4.0
    assert since(None, may=True, now=6.0) == 6.0


def test_a_wish_is_news_only_if_it_is_another_one() -> None:
    wishes = Wishes()
    assert not wishes.tell("acme", DUE)
    assert wishes.tell("acme", IDLE)
    assert not wishes.tell("acme", replace(IDLE, message="for 601 s"))
    assert wishes.of("acme") == replace(IDLE, message="for 601 s")
    assert wishes.tell("acme", None)
    assert wishes.of("acme") is None
