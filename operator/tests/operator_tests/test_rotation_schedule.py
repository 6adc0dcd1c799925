"""A brokerage whose credentials are rotated every so many days: when that begins by itself, and what is told of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from rooftree_operator import rotation
from rooftree_operator.adapters.kubernetes import BROKERAGE
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.api.generate import brokerage as crd
from rooftree_operator.api.rotation import RotationPhase
from rooftree_operator.kept import moment
from rooftree_operator.names import TenantId
from rooftree_operator.plugin import brokerages, output
from rooftree_operator.workqueue import share

from .plugin_world import installed, said
from .test_plans import TENANT
from .test_rotation import change, passes, secret, told, world_of
from .world import World, brokerage, now

EVERY = {"everyDays": 30}
SECOND = timedelta(seconds=1)


def created(world: World) -> datetime:
    item = world.kube.find(BROKERAGE, "acme")
    assert item is not None
    return moment(item["metadata"]["creationTimestamp"])


def due(world: World) -> datetime:
    return moment(told(world)["dueAt"])


def at(world: World, when: datetime) -> None:
    """The operator's clock shows this time."""
    world.later = when - now()


async def looked_at(world: World, times: int = 1) -> None:
    for _ in range(times):
        await world.reconciler.reconcile("acme")
        world.settle()


def events(world: World) -> list[str]:
    found = [item for key, item in world.kube.objects.items() if key[0] == "Event"]
    return [item["note"] for item in found if item["reason"] == "RotationStarted"]


async def scheduled(**spec: Any) -> World:
    """A brokerage at rest that rotates every 30 days."""
    world = await world_of(rotation=EVERY, **spec)
    await looked_at(world)
    return world


@pytest.mark.parametrize(
    ("days", "most"), [(1, timedelta(hours=2.4)), (5, timedelta(hours=12)), (90, timedelta(days=1))]
)
def test_the_turns_of_a_thousand_brokerages_of_one_moment_are_spread_evenly(days: int, most: timedelta) -> None:
    begin = now()
    tenants = [TenantId(f"acme{number}-{number:08x}") for number in range(1000)]
    spec = BrokerageSpec.model_validate({**brokerage("acme")["spec"], "rotation": {"everyDays": days}})
    found = [rotation.due_at(spec, one, begin) for one in tenants]
    late = sorted(one - begin - timedelta(days=days) for one in found if one)
    assert timedelta() <= late[0] < late[-1] < most
    assert len(late) == 1000
    tenth = [sum(most * part / 10 <= one < most * (part + 1) / 10 for one in late) for part in range(10)]
    assert min(tenth) > 60, "none of ten equal parts of the time has much less than its share"
    assert found == [rotation.due_at(spec, one, begin) for one in tenants], "the same at every look"


async def test_without_a_first_rotation_it_is_due_that_long_after_the_brokerage_was_made() -> None:
    world = await scheduled()
    tenant = world.tenant("acme")
    assert due(world) - created(world) == timedelta(days=30, seconds=int(share(tenant.value) * 86400))
    assert told(world) == {"phase": "Completed", "generation": 1, "dueAt": told(world)["dueAt"]}


async def test_it_begins_by_itself_when_it_is_due_and_not_a_moment_before() -> None:
    world = await scheduled()
    at(world, due(world) - SECOND)
    values = secret(world)
    world.forget_writes()
    await looked_at(world, 3)
    assert (world.writes(), secret(world)) == ([], values)
    outcome = await world.reconciler.reconcile("acme")
    assert (outcome.again_in, outcome.failed) == (None, False), "it is looked at in its turn of each round, as ever"
    at(world, due(world))
    await looked_at(world)
    assert (told(world)["phase"], told(world)["generation"], told(world)["scheduled"]) == ("Preparing", 2, True)
    assert "dueAt" not in told(world)
    assert events(world) == ["generation 2 of credentials and signing keys (by schedule) is being made"]
    await passes(world)
    assert (told(world)["phase"], told(world)["scheduled"], "id" in told(world)) == ("Completed", True, False)
    assert world.condition("acme", "Ready") == ("True", "Answering")


async def test_the_next_one_counts_from_the_end_of_the_last_one() -> None:
    world = await scheduled()
    for generation in (2, 3, 4):
        at(world, due(world))
        await passes(world)
        assert told(world)["generation"] == generation
        late = int(share(world.tenant("acme").value) * 86400)
        assert due(world) == moment(told(world)["completedAt"]) + timedelta(days=30, seconds=late)
        world.forget_writes()
        await looked_at(world, 3)
        assert world.writes() == []


async def test_one_on_request_puts_it_off() -> None:
    world = await scheduled()
    first = due(world)
    at(world, first - timedelta(days=10))
    change(world, "one")
    await passes(world)
    assert (told(world)["id"], "scheduled" in told(world)) == ("one", False)
    assert due(world) - first > timedelta(days=19)
    at(world, first)
    await looked_at(world, 2)
    assert told(world)["generation"] == 2


async def test_a_request_that_was_done_before_one_by_schedule_is_not_done_again() -> None:
    world = await scheduled()
    change(world, "one")
    await passes(world)
    at(world, due(world))
    await passes(world)
    assert (told(world)["generation"], told(world)["id"], told(world)["scheduled"]) == (3, "one", True)
    await looked_at(world, 3)
    assert told(world)["generation"] == 3
    change(world, "two")
    await passes(world)
    assert (told(world)["generation"], told(world)["id"], "scheduled" in told(world)) == (4, "two", False)


async def test_a_request_while_one_by_schedule_goes_on_is_done_afterwards() -> None:
    world = await scheduled()
    at(world, due(world))
    await passes(world, until=RotationPhase.ROLLING)
    change(world, "one")
    await passes(world)
    assert (told(world)["generation"], told(world)["id"]) == (3, "one")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"pause": "Changes"}, "spec.pause is removed"),
        ({"managementPolicy": "Observe"}, "spec.managementPolicy is Manage"),
        ({"suspend": {"reason": "manual"}}, "spec.suspend is removed"),
    ],
)
async def test_a_brokerage_that_is_held_back_or_suspended_waits_and_says_so(spec: dict[str, Any], field: str) -> None:
    world = await scheduled()
    change(world, **spec)
    await world.converge("acme")
    ready, values, since = world.condition("acme", "Ready"), secret(world), due(world)
    at(world, since + timedelta(days=3))
    await looked_at(world, 3)
    assert secret(world) == values
    assert (told(world)["phase"], due(world)) == ("Pending", since)
    assert told(world)["message"] == f"waits until {field}"
    assert world.condition("acme", "Ready") == ready, "nothing is wrong with it"
    world.forget_writes()
    await looked_at(world, 3)
    assert world.writes() == []
    change(world, **dict.fromkeys(spec))
    await passes(world)
    assert (told(world)["phase"], told(world)["generation"]) == ("Completed", 2)
    assert "message" not in told(world)


async def test_a_brokerage_of_which_everything_is_paused_is_not_looked_at() -> None:
    world = await scheduled()
    change(world, pause="Everything")
    await looked_at(world)
    at(world, due(world) + SECOND)
    values = secret(world)
    await looked_at(world, 3)
    assert secret(world) == values
    change(world, pause=None)
    await passes(world)
    assert told(world)["generation"] == 2


async def test_one_that_is_due_waits_for_a_backend_that_is_away_and_says_for_which() -> None:
    world = await scheduled()
    world.kafka.down = True
    at(world, due(world))
    await looked_at(world, 2)
    assert (told(world)["phase"], told(world)["scheduled"]) == ("Pending", True)
    assert told(world)["message"].startswith("waits for TopicsReady: ")
    world.kafka.down = False
    await passes(world)
    assert (told(world)["phase"], told(world)["generation"]) == ("Completed", 2)


async def test_without_the_field_nothing_is_due_and_nothing_begins() -> None:
    world = await world_of()
    at(world, now() + timedelta(days=4000))
    await looked_at(world, 3)
    assert told(world) == {}
    change(world, rotation={"everyDays": 365})
    await passes(world)
    assert told(world)["generation"] == 2
    change(world, rotation=None)
    await world.converge("acme")
    assert "dueAt" not in told(world)
    at(world, now() + timedelta(days=9000))
    await looked_at(world, 3)
    assert told(world)["generation"] == 2


@pytest.mark.parametrize(
    ("known", "told_then"),
    [
        ({"phase": "Completed", "generation": 2, "id": "one"}, {"phase": "Completed", "generation": 2, "id": "one"}),
        ({"phase": "Pending", "generation": 2, "id": "one"}, {"phase": "Completed", "generation": 2}),
        (
            {"phase": "Pending", "generation": 2, "id": "one", "scheduled": True},
            {"phase": "Completed", "generation": 2, "id": "one"},
        ),
        ({"phase": "Pending", "generation": 1, "scheduled": True}, None),
        (None, None),
    ],
)
def test_where_only_the_status_is_known_nothing_stays_of_what_is_neither_wanted_nor_due(
    known: dict[str, Any] | None, told_then: dict[str, Any] | None
) -> None:
    found = (
        {**known, "dueAt": "2026-11-24T12:00:00.000Z", "message": "waits until spec.pause is removed"}
        if known
        else None
    )
    assert rotation.told(found, TENANT, [], now()) == told_then


async def test_while_a_request_is_pending_the_last_one_is_still_told() -> None:
    world = await scheduled()
    at(world, due(world))
    await passes(world)
    last = told(world)["completedAt"]
    world.kafka.down = True
    change(world, "one")
    await looked_at(world, 2)
    assert (told(world)["phase"], told(world)["id"], told(world)["completedAt"]) == ("Pending", "one", last)
    assert "scheduled" not in told(world)


async def test_the_rotations_days_are_nothing_that_the_tenant_is_made_from() -> None:
    world = await world_of()
    applied = world.status("acme")["applied"]
    change(world, rotation=EVERY)
    await world.converge("acme")
    assert world.status("acme")["applied"] == applied


@pytest.mark.parametrize("days", [0, 366, None, "30"])
def test_what_is_no_number_of_days_of_a_year_is_refused(days: Any) -> None:
    given = {**brokerage("acme")["spec"], "rotation": {} if days is None else {"everyDays": days}}
    with pytest.raises(ValueError, match="everyDays"):
        BrokerageSpec.model_validate(given, strict=True)
    fields = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert (fields["rotation"]["properties"]["everyDays"]["minimum"], fields["rotation"]["required"]) == (
        1,
        ["everyDays"],
    )


async def due_and_suspended(**spec: Any) -> World:
    world = await scheduled()
    change(world, **(spec or {"suspend": {"reason": "manual"}}))
    await world.converge("acme")
    at(world, due(world) + timedelta(days=2))
    await looked_at(world)
    return world


async def due_and_observed() -> World:
    return await due_and_suspended(managementPolicy="Observe")


async def asked_for_without_kafka() -> World:
    world = await world_of()
    world.kafka.down = True
    change(world, "one")
    await looked_at(world)
    return world


async def rotated() -> World:
    world = await scheduled()
    at(world, due(world))
    await passes(world)
    return world


async def rolling() -> World:
    world = await world_of()
    change(world, "one")
    await passes(world, until=RotationPhase.ROLLING)
    return world


@pytest.mark.parametrize(
    ("prepare", "after", "words"),
    [
        (world_of, timedelta(), ""),
        (scheduled, timedelta(), "generation 1 of credentials; the next in 30d"),
        (rotated, timedelta(days=3), "generation 2 of credentials, rotated 3d ago; the next in 27d"),
        (rolling, timedelta(), "generation 2 of credentials: Rolling"),
        (due_and_suspended, timedelta(), "due by schedule for 2d; waits until spec.suspend is removed"),
        (asked_for_without_kafka, timedelta(), "wanted (one); waits for TopicsReady: Kafka does not answer"),
    ],
)
async def test_how_it_stands_is_told_in_a_few_words(
    prepare: Callable[[], Awaitable[World]], after: timedelta, words: str
) -> None:
    world = await prepare()
    assert brokerages.rotation(world.kube.objects["Brokerage", None, "acme"], world.now() + after) == words


def test_status_and_why_tell_of_one_that_is_due_and_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = asyncio.run(due_and_observed())
    cluster = installed(world)
    monkeypatch.setattr(output, "clock", world.now)
    for verb in ("status", "why"):
        code, text, _ = said(cluster, capsys, verb, "acme")
        assert (code, "acme is ready" in text) == (0, True)
        assert "rotation due by schedule for 2d; waits until spec.managementPolicy is Manage" in " ".join(text.split())


def test_the_plugin_wants_one_now_although_one_that_is_due_waits(capsys: pytest.CaptureFixture[str]) -> None:
    async def done_once() -> World:
        world = await scheduled()
        change(world, "one")
        await passes(world)
        change(world, suspend={"reason": "manual"})
        await world.converge("acme")
        at(world, due(world))
        await looked_at(world)
        return world

    world = asyncio.run(done_once())
    assert (told(world)["phase"], told(world)["id"]) == ("Pending", "one")
    code, text, _ = said(installed(world), capsys, "rotate", "acme")
    assert (code, "which takes about 13 minutes" in text) == (0, True)
