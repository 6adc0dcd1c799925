"""What is true of a sign-in is asked once a second, and while the database is away, what is known holds for a while."""

from typing import Any

import pytest
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.ids import new_id
from rooftree.modules.identity.standing import FRESH, PATIENCE, Standing, Standings

from ..conftest import FakeClock


class Asked(Standings):
    """Answers from memory instead of the database, and counts."""

    def __init__(self, clock: FakeClock) -> None:
        nothing: Any = None
        super().__init__(nothing, clock)
        self.now: dict[Any, Standing] = {}
        self.is_away = False
        self.asked = 0

    async def _ask(self, sign_in_id: Any) -> Standing | None:
        self.asked += 1
        if self.is_away:
            raise Unavailable
        return self.now.get(sign_in_id)


@pytest.fixture
def standings(clock: FakeClock) -> Asked:
    return Asked(clock)


def standing(role: str = "agent") -> Standing:
    return Standing(new_id(), role, None, frozenset())


async def test_it_is_asked_once_a_second_for_each_sign_in(standings: Asked, clock: FakeClock) -> None:
    first, second = new_id(), new_id()
    standings.now = {first: standing(), second: standing()}
    for _ in range(5):
        assert await standings.of(first) == standings.now[first]
        assert await standings.of(second) == standings.now[second]
    assert standings.asked == 2
    clock.advance(seconds=FRESH.total_seconds())
    standings.now[first] = standing("coordinator")
    assert await standings.of(first) == standings.now[first]
    assert standings.asked == 3


async def test_one_that_ended_is_remembered_too(standings: Asked, clock: FakeClock) -> None:
    gone = new_id()
    assert [await standings.of(gone) for _ in range(3)] == [None] * 3
    assert standings.asked == 1


async def test_a_change_in_this_process_counts_at_once(standings: Asked) -> None:
    known = new_id()
    standings.now = {known: standing()}
    await standings.of(known)
    standings.now = {}
    standings.forget()
    assert await standings.of(known) is None


async def test_what_is_known_holds_while_the_database_is_away_but_not_for_ever(
    standings: Asked, clock: FakeClock
) -> None:
    known = new_id()
    standings.now = {known: standing()}
    await standings.of(known)
    standings.is_away = True
    clock.advance(minutes=1)
    for _ in range(5):
        assert await standings.of(known) == standings.now[known]
    assert standings.asked == 2
    clock.advance(seconds=PATIENCE.total_seconds())
    assert await standings.of(known)
    assert standings.asked == 3
    clock.advance(minutes=9)
    with pytest.raises(Unavailable):
        await standings.of(known)


async def test_what_is_not_known_cannot_be_answered_while_the_database_is_away(standings: Asked) -> None:
    standings.is_away = True
    with pytest.raises(Unavailable):
        await standings.of(new_id())


async def test_when_the_database_is_back_what_it_says_counts_within_a_second(
    standings: Asked, clock: FakeClock
) -> None:
    known = new_id()
    standings.now = {known: standing()}
    await standings.of(known)
    standings.is_away = True
    clock.advance(minutes=1)
    await standings.of(known)
    standings.is_away, standings.now = False, {}
    clock.advance(seconds=PATIENCE.total_seconds())
    assert await standings.of(known) is None


async def test_a_clock_that_is_set_back_does_not_keep_an_answer(standings: Asked, clock: FakeClock) -> None:
    known = new_id()
    standings.now = {known: standing()}
    await standings.of(known)
    clock.advance(minutes=-10)
    standings.now = {}
    assert await standings.of(known) is None
