"""Backups that are written by themselves: when, how many are kept, and that nothing is ordered twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator import backup_schedule, cron
from rooftree_operator.adapters.kubernetes import BACKUP, OPERATION
from rooftree_operator.api.backups import BackupRetention

from .test_pool_scenarios import warm_world
from .test_tenant_scenarios import ready_world
from .world import World, brokerage, now, plan

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0 3 * * *", NOON, "2026-11-25T03:00"),
        ("0 12 * * *", NOON, "2026-11-25T12:00"),
        ("1 12 * * *", NOON, "2026-11-24T12:01"),
        ("*/5 * * * *", NOON + timedelta(seconds=1), "2026-11-24T12:05"),
        ("7-9,30 * * * *", NOON, "2026-11-24T12:07"),
        ("50/4 * * * *", NOON, "2026-11-24T12:50"),
        ("0 0 1 * *", NOON, "2026-12-01T00:00"),
        ("0 0 * * 0", NOON, "2026-11-29T00:00"),
        ("0 0 * * 7", NOON, "2026-11-29T00:00"),
        ("0 0 13 * 5", NOON, "2026-11-27T00:00"),  # either is enough
        ("0 0 29 2 *", NOON, "2028-02-29T00:00"),
        ("59 23 31 12 *", NOON, "2026-12-31T23:59"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, after: datetime, expected: str) -> None:
    assert f"{cron.parsed(schedule).next_after(after):%Y-%m-%dT%H:%M}" == expected


@given(
    st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(year=2026, day=min(one.day, 28))),
    st.integers(1, 59),
    st.integers(0, 23),
)
def test_the_next_time_is_later_and_fits_the_schedule(moment: datetime, step: int, hour: int) -> None:
    found = cron.parsed(f"*/{step} {hour} * * 1-5").next_after(moment)
    assert found > moment
    assert (found.hour, found.minute % step, found.isoweekday() <= 5) == (hour, 0, True)


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("* * * *", "five fields and not 4"),
        ("60 * * * *", "the minute '60' is not within 0 and 59"),
        ("5-1 * * * *", "not within"),
        ("*/0 * * * *", "not within"),
        ("1- * * * *", "is no number"),
        ("0 0 30 2 *", "no day at all"),
    ],
)
def test_what_is_no_schedule_is_said(schedule: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        cron.parsed(schedule)


async def scheduled_world(schedule: str = "0 13 * * *", **retention: int) -> World:
    return await ready_world(backup={"schedule": schedule, **({"retention": retention} if retention else {})})


async def test_a_brokerage_that_took_an_old_spare_has_not_missed_the_times_before_it_was_there() -> None:
    world = await warm_world()
    world.later = timedelta(hours=26)
    item = brokerage("acme", backup={"schedule": "0 13 * * *"})
    item["metadata"]["creationTimestamp"] = "2026-11-25T14:00:00Z"
    world.kube.put(item)
    await world.converge("acme")
    assert str(world.tenant("acme")).startswith("pool-")
    assert world.status("acme")["backups"]["next"] > "2026-11-26T13:00:00Z"
    assert [key for key in world.kube.objects if key[0] == OPERATION.kind] == []


async def at(world: World, later: timedelta) -> list[str]:
    """The operator's look at that time, with whatever it orders; names of the backups that are there then."""
    world.later = later
    await world.converge("acme")
    for key in [key for key in world.kube.objects if key[0] == OPERATION.kind]:
        if not world.kube.objects[key].get("status"):
            await world.operate(key[2])
    for key in [key for key in world.kube.objects if key[0] in (BACKUP.kind, OPERATION.kind)]:
        # The fake gives all objects one time of creation.
        made = world.kube.objects[key]["metadata"]
        if made["creationTimestamp"] == "2026-11-24T12:00:00Z":
            made["creationTimestamp"] = f"{world.now():%Y-%m-%dT%H:%M:%SZ}"
    await world.converge("acme")
    return sorted(key[2] for key in world.kube.objects if key[0] == BACKUP.kind)


async def test_a_backup_is_written_when_its_time_has_come_and_once_only() -> None:
    world = await scheduled_world()
    assert await at(world, timedelta(minutes=59)) == []
    assert world.status("acme")["backups"]["next"].startswith("2026-11-24T13:")
    assert await at(world, timedelta(hours=2)) == ["acme-20261124-1300"]
    assert await at(world, timedelta(hours=3)) == ["acme-20261124-1300"]
    told = world.status("acme")["backups"]
    assert told["newest"] == "acme-20261124-1300"
    assert told["next"].startswith("2026-11-25T13:")
    assert await at(world, timedelta(hours=26)) == ["acme-20261124-1300", "acme-20261125-1300"]


async def test_times_that_were_missed_are_made_up_for_once() -> None:
    world = await scheduled_world()
    assert await at(world, timedelta(days=5)) == ["acme-20261124-1300"]
    assert world.status("acme")["backups"]["next"].startswith("2026-11-29T13:")


async def test_while_one_is_written_no_other_one_is_ordered() -> None:
    world = await scheduled_world("*/5 * * * *")
    world.archive.stands.add("write")
    world.later = timedelta(minutes=6)
    await world.converge("acme")
    (ordered,) = [key[2] for key in world.kube.objects if key[0] == OPERATION.kind]
    await world.operate(ordered, passes=2)
    world.later = timedelta(minutes=30)
    await world.converge("acme")
    assert [key[2] for key in world.kube.objects if key[0] == OPERATION.kind] == [ordered]


@pytest.mark.usefixtures("either_place")
async def test_more_than_are_kept_go_with_what_lies_in_the_store() -> None:
    world = await scheduled_world(count=2)
    found: list[str] = []
    for day in range(1, 5):
        found = await at(world, timedelta(days=day, hours=2))
    assert found == ["acme-20261127-1300", "acme-20261128-1300"]
    store = world.backups(world.tenant("acme")) or {}
    assert {name.partition("/")[0] for name in store} == set(found)


async def test_a_failure_is_told_until_one_succeeds_again() -> None:
    world = await scheduled_world()
    world.archive.fails.add("write")
    await at(world, timedelta(hours=2))
    assert "the disk is full" in world.status("acme")["backups"]["failure"]
    assert world.status("acme")["phase"] == "Ready"
    world.archive.fails.clear()
    await at(world, timedelta(hours=26))
    assert "failure" not in world.status("acme")["backups"]


async def test_a_try_that_fails_before_there_is_anything_to_write_is_told_and_not_repeated_at_once() -> None:
    world = await scheduled_world()
    works: Any = world.operations.works
    real = works["Backup"]
    works["Backup"] = replace(real, bench=replace(real.bench, place=None))
    assert await at(world, timedelta(hours=2)) == []
    assert "no place for backups" in world.status("acme")["backups"]["failure"]
    assert world.status("acme")["backups"]["next"].startswith("2026-11-25T13:")
    works["Backup"] = real
    assert await at(world, timedelta(hours=26)) == ["acme-20261125-1300"]


async def test_a_brokerage_takes_the_schedule_of_its_plan_unless_it_has_its_own() -> None:
    world = await ready_world()
    assert "backups" not in world.status("acme")
    world.kube.put(plan("starter", backup={"schedule": "0 4 * * *"}))
    await world.converge("acme")
    assert world.status("acme")["backups"]["next"].startswith("2026-11-25T04:")
    item = world.kube.objects["Brokerage", None, "acme"]
    world.kube.put({**item, "spec": {**item["spec"], "backup": {}}})
    await world.converge("acme")
    assert "backups" not in world.status("acme")


async def test_a_schedule_that_never_comes_is_said_in_ready() -> None:
    world = await ready_world(backup={"schedule": "0 0 30 2 *"})
    assert world.condition("acme", "Ready") == ("False", "ScheduleInvalid")


async def test_an_unchanged_brokerage_with_a_schedule_writes_nothing() -> None:
    world = await scheduled_world()
    await at(world, timedelta(hours=2))
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


@pytest.mark.usefixtures("either_place")
async def test_with_a_brokerage_and_its_data_go_all_its_backups_and_no_others() -> None:
    world = await scheduled_world()
    await at(world, timedelta(hours=2))
    tenant = world.tenant("acme")
    world.delete("acme")
    await world.converge("acme")
    assert world.kube.find(BACKUP, "acme-20261124-1300") is None
    assert world.backups(tenant) is None


@pytest.mark.usefixtures("either_place")
async def test_a_brokerage_that_is_kept_keeps_its_backups_until_it_is_purged() -> None:
    world = await scheduled_world()
    await at(world, timedelta(hours=2))
    tenant = world.tenant("acme")
    world.retire("acme")
    await world.converge("acme")
    assert world.kube.find(BACKUP, "acme-20261124-1300") is not None
    world.later = timedelta(days=40)
    await world.purges()
    await world.purges()
    assert world.kube.find(BACKUP, "acme-20261124-1300") is None
    assert world.backups(tenant) is None


async def test_the_newest_backup_is_tried_by_the_schedule_and_the_brokerage_tells() -> None:
    world = await ready_world(backup={"schedule": "0 13 * * *", "drill": "0 16 * * *"})
    assert world.condition("acme", "BackupsProven") == ("False", "NeverProven")
    assert world.status("acme")["phase"] == "Ready"
    await at(world, timedelta(hours=2))
    await at(world, timedelta(hours=5))
    assert world.condition("acme", "BackupsProven") == ("True", "Proven")
    assert [key[2] for key in world.kube.objects if key[0] == OPERATION.kind and "drill" in key[2]]
    world.archive.fails.add("read")
    await at(world, timedelta(hours=29))
    assert world.condition("acme", "BackupsProven") == ("False", "DrillFailed")
    assert world.status("acme")["phase"] == "Ready", "a brokerage is ready without"
    assert [name for name in world.postgres.known if ".r-" in name] == []


def item(name: str, days: float, phase: str = "Complete") -> dict[str, Any]:
    made = f"{now() - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    return {"metadata": {"name": name, "uid": name, "creationTimestamp": made}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("found", "count", "days", "gone"),
    [
        ([item("a", 3), item("b", 2), item("c", 1)], 2, 30, ["a"]),
        ([item("a", 40), item("b", 31), item("c", 1)], 9, 30, ["a", "b"]),
        ([item("a", 90)], 1, 30, []),  # the newest whole one stays, however old it is
        ([item("a", 3), item("b", 2, "Failed"), item("c", 1, "Failed")], 1, 30, ["b"]),
        ([item("a", 3), item("b", 0, "Writing")], 1, 1, []),
    ],
)
def test_what_is_not_kept_any_more(found: list[Any], count: int, days: int, gone: list[str]) -> None:
    dropped = backup_schedule.expired(tuple(found), BackupRetention(count=count, days=days), now())
    assert [one["metadata"]["name"] for one in dropped] == gone


@given(st.text("abcdefghij", min_size=3, max_size=12))
def test_each_brokerage_has_a_delay_of_its_own_which_is_small_and_always_the_same(slug: str) -> None:
    for schedule, most in (("*/5 * * * *", 15), ("0 3 * * *", 1800)):
        times = cron.parsed(schedule)
        due = times.next_after(NOON)
        delay = (backup_schedule.delayed(due, times, slug) - due).total_seconds()
        assert 0 <= delay <= most
        assert backup_schedule.delayed(due, times, slug) == backup_schedule.delayed(due, times, slug)
