"""Which sessions in PostgreSQL are kept for the next piece of work, against a real server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from rooftree_operator.adapters import postgres_sessions
from rooftree_operator.adapters.postgres_sessions import Connection, Login, Sessions
from rooftree_operator.errors import Unavailable

from .test_postgres import Place

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def place() -> Iterator[Place]:
    with Place.made() as made:
        yield made


async def of(sessions: Sessions, *where: Any) -> int:
    """The process of the server that does the next piece of work."""
    async with sessions.connect(*where) as connection:
        return await pid(connection)


async def pid(connection: Connection) -> int:
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return row[0]


def there(place: Place) -> set[int]:
    """Sessions of the operator's role."""
    return {row[0] for row in place.admin.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", (place.role,))}


async def remain(place: Place, *sessions: int) -> None:
    """Waits, since a session's process ends a moment after its client has gone."""
    async with asyncio.timeout(10):
        while there(place) != set(sessions):  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.02)


async def test_work_as_ourselves_uses_one_session_again(place: Place) -> None:
    sessions = Sessions(place.server())
    first = await of(sessions)
    assert await of(sessions) == first
    async with sessions.connect() as connection:
        assert await pid(connection) == first
        assert await of(sessions) != first
    await sessions.close()
    await remain(place)


async def test_a_session_in_another_database_or_as_another_role_ends_with_its_work(place: Place) -> None:
    sessions = Sessions(place.server())
    await of(sessions, place.mark)
    await of(sessions, None, Login(place.role, place.password))
    await remain(place)


async def test_a_session_that_the_server_ended_is_replaced_and_nobody_notices(place: Place) -> None:
    sessions = Sessions(place.server())
    first = await of(sessions)
    place.admin.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
    assert await of(sessions) != first
    await sessions.close()


async def test_a_session_whose_work_failed_is_not_kept(place: Place) -> None:
    sessions = Sessions(place.server())
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with sessions.connect() as connection:
            await connection.execute("SELECT * FROM nothing_of_this_name")
    await remain(place)


async def test_a_session_with_an_open_transaction_is_not_kept(place: Place) -> None:
    sessions = Sessions(place.server())
    async with sessions.connect() as connection:
        await connection.execute("BEGIN")
    await remain(place)


async def test_a_session_of_an_earlier_epoch_is_not_used_in_a_later_one(place: Place) -> None:
    sessions = Sessions(place.server())
    sessions.take_over(6)
    first = await of(sessions)
    sessions.take_over(7)
    later = await of(sessions)
    assert later != first
    await remain(place, later)
    await sessions.close()


async def test_who_lost_the_lease_does_not_get_a_kept_session(place: Place) -> None:
    sessions = Sessions(place.server())
    await of(sessions)

    def lost() -> None:
        raise Unavailable("LeaseLost", "somebody else acts")

    sessions.gate.fence = lost
    with pytest.raises(Unavailable, match="somebody else acts"):
        await of(sessions)
    await sessions.close()


async def test_sessions_that_nobody_needed_for_a_while_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(place.server())
    kept = await of(sessions)
    await sessions.ping()
    assert kept in there(place)
    monkeypatch.setattr(postgres_sessions, "KEPT_SECONDS", 0.0)
    await sessions.ping()
    await remain(place)
