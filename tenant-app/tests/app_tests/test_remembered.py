"""What every request asks is asked once a second, and while the database is away, what is known holds for a while."""

from datetime import timedelta

import pytest
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.remembered import FRESH, PATIENCE, Remembered

from .conftest import FakeClock


class World:
    """The database as it is now, which counts its questions."""

    def __init__(self, clock: FakeClock) -> None:
        self.remembered: Remembered[str, str | None] = Remembered(clock, while_away=timedelta(minutes=10))
        self.rows: dict[str, str] = {}
        self.is_away = False
        self.asked = 0

    async def of(self, key: str) -> str | None:
        return await self.remembered.of(key, self._ask)

    async def _ask(self, key: str) -> str | None:
        self.asked += 1
        if self.is_away:
            raise Unavailable
        return self.rows.get(key)


@pytest.fixture
def world(clock: FakeClock) -> World:
    return World(clock)


async def test_it_is_asked_once_a_second_for_each_key(world: World, clock: FakeClock) -> None:
    world.rows = {"first": "agent", "second": "owner"}
    for _ in range(5):
        assert (await world.of("first"), await world.of("second")) == ("agent", "owner")
    assert world.asked == 2
    clock.advance(seconds=FRESH.total_seconds())
    world.rows["first"] = "coordinator"
    assert await world.of("first") == "coordinator"
    assert world.asked == 3


async def test_one_that_is_not_there_is_remembered_too(world: World) -> None:
    assert [await world.of("gone") for _ in range(3)] == [None] * 3
    assert world.asked == 1


async def test_where_strangers_choose_the_keys_theirs_are_not_remembered_and_what_is_gone_is_not_kept(
    clock: FakeClock,
) -> None:
    rows: dict[str, str] = {"known": "agent"}
    is_away = False

    async def ask(key: str) -> str | None:
        if is_away:
            raise Unavailable
        return rows.get(key)

    remembered: Remembered[str, str | None] = Remembered(
        clock, while_away=timedelta(minutes=10), most=2, absences=False
    )
    assert await remembered.of("known", ask) == "agent"
    for number in range(5):
        assert await remembered.of(f"guess {number}", ask) is None
    assert [remembered.knows(key) for key in ("known", "guess 4")] == [True, False]
    clock.advance(seconds=FRESH.total_seconds())
    rows.clear()
    assert await remembered.of("known", ask) is None
    is_away = True
    with pytest.raises(Unavailable):
        await remembered.of("known", ask)


async def test_a_change_in_this_process_counts_at_once(world: World) -> None:
    world.rows = {"known": "agent"}
    await world.of("known")
    world.rows = {}
    world.remembered.forget(lambda key, role: (key, role) == ("known", "agent"))
    assert await world.of("known") is None


async def test_a_change_takes_nothing_from_others_who_may_need_it_while_the_database_is_away(
    world: World, clock: FakeClock
) -> None:
    world.rows = {"one": "agent", "other": "owner"}
    await world.of("one")
    await world.of("other")
    world.remembered.forget(lambda key, _: key == "one")
    world.is_away = True
    clock.advance(minutes=1)
    assert await world.of("other") == "owner"
    with pytest.raises(Unavailable):
        await world.of("one")


async def test_what_is_known_holds_while_the_database_is_away_but_not_for_ever(world: World, clock: FakeClock) -> None:
    world.rows = {"known": "agent"}
    await world.of("known")
    world.is_away = True
    clock.advance(minutes=1)
    for _ in range(5):
        assert await world.of("known") == "agent"
    assert world.asked == 2
    clock.advance(seconds=PATIENCE.total_seconds())
    assert await world.of("known") == "agent"
    assert world.asked == 3
    clock.advance(minutes=9)
    with pytest.raises(Unavailable):
        await world.of("known")


async def test_what_is_not_known_cannot_be_answered_while_the_database_is_away(world: World) -> None:
    world.is_away = True
    with pytest.raises(Unavailable):
        await world.of("unknown")


async def test_when_the_database_is_back_what_it_says_counts_within_a_second(world: World, clock: FakeClock) -> None:
    world.rows = {"known": "agent"}
    await world.of("known")
    world.is_away = True
    clock.advance(minutes=1)
    await world.of("known")
    world.is_away, world.rows = False, {}
    clock.advance(seconds=PATIENCE.total_seconds())
    assert await world.of("known") is None


async def test_a_clock_that_is_set_back_does_not_keep_an_answer(world: World, clock: FakeClock) -> None:
    world.rows = {"known": "agent"}
    await world.of("known")
    clock.advance(minutes=-10)
    world.rows = {}
    assert await world.of("known") is None
