"""What was just made in the backends for a new brokerage is not looked at again, until anything became of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rooftree_operator import fresh
from rooftree_operator.adapters.kubernetes import SECRET
from rooftree_operator.errors import Unavailable
from rooftree_operator.pods import APP_SECRET

from .test_hands import change
from .world import World, brokerage, plan

ID = "acme-00000001"
USER = f"{ID}.app"
SPACE = f"tenant-{ID}"

LOSSES: dict[str, Callable[[World], object]] = {
    "database": lambda world: world.postgres.known_roles.pop(USER),
    "migrations": lambda world: setattr(world.postgres.content[ID], "heads", frozenset()),
    "topics": lambda world: world.kafka.known.clear(),
    "search": lambda world: world.elasticsearch.roles.clear(),
    "cache": lambda world: world.redis.users.pop(USER),
    "storage": lambda world: world.s3.accounts.pop(USER),
}


def backends(world: World) -> dict[str, Any]:
    """What is in them, beside what is in Kubernetes."""
    return {name: value for name, value in world.inventory().items() if name != "objects"}


async def new_world(**spec: Any) -> World:
    """A brokerage that has its place in all backends, and waits for its first pods."""
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", **spec))
    await world.begun("acme")
    assert "version" not in world.status("acme")
    return world


def lose(world: World) -> dict[str, Any]:
    """Takes something away in each backend; what there was."""
    before = backends(world)
    for lost in LOSSES.values():
        lost(world)
    return before


def given_back(world: World, before: dict[str, Any]) -> bool:
    """Each thing that was lost; what another plan gives beside it is not compared."""
    after = backends(world)
    same = all(after[name] == before[name] for name in ("kafka", "elasticsearch", "redis", "s3"))
    return same and after["roles"].keys() == before["roles"].keys()


def test_each_part_that_is_in_a_backend_is_looked_at_here() -> None:
    assert LOSSES.keys() == fresh.PARTS
    assert World().reconciler.graph.by_name.keys() > fresh.PARTS


async def test_a_pass_while_pods_are_awaited_asks_no_backend() -> None:
    world = await new_world()
    for backend in (world.postgres, world.kafka, world.elasticsearch, world.redis, world.s3):
        backend.down = True
    outcome = await world.reconciler.reconcile("acme")
    assert not outcome.failed
    assert world.condition("acme", "SearchReady")[0] == "True"
    assert world.status("acme")["phase"] != "Ready"


async def test_all_is_looked_at_after_a_part_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await new_world()
    before = lose(world)

    async def fails(_: object) -> None:
        raise Unavailable("Injected", "no route can be read")

    with monkeypatch.context() as while_it_fails:
        while_it_fails.setattr(world.reconciler.graph.by_name["route"], "observe", fails)
        assert (await world.reconciler.reconcile("acme")).failed
    assert backends(world) != before
    await world.reconciler.reconcile("acme")
    assert given_back(world, before)


@pytest.mark.parametrize("part", LOSSES)
async def test_a_brokerage_that_runs_is_looked_at_whole(part: str) -> None:
    world = await new_world()
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"
    before = backends(world)
    LOSSES[part](world)
    await world.converge("acme")
    assert backends(world) == before


def edited(world: World) -> None:
    change(world, displayName="Other")


def other_plan(world: World) -> None:
    world.kube.put(plan("starter", database={"connections": 60}))


def secret_changed(world: World) -> None:
    item = world.kube.find(SECRET, APP_SECRET, SPACE)
    assert item is not None
    world.kube.put(item)


def time_passed(world: World) -> None:
    world.later += fresh.KEPT


def clock_went_back(world: World) -> None:
    world.later -= timedelta(minutes=1)


def backend_went_or_came(world: World) -> None:
    world.reconciler.graph.look_again()


def other_process(world: World) -> None:
    world.reconciler = world.restarted()


EVENTS = [edited, other_plan, secret_changed, time_passed, clock_went_back, backend_went_or_came, other_process]


@pytest.mark.parametrize("happens", EVENTS)
async def test_all_is_looked_at_after(happens: Callable[[World], None]) -> None:
    world = await new_world()
    before = lose(world)
    happens(world)
    await world.reconciler.reconcile("acme")
    assert given_back(world, before)
