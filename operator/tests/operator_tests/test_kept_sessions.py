"""What becomes of kept sessions when their server goes, without a server."""

import asyncio
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from rooftree_operator.adapters.postgres_sessions import CONNECT_TIMEOUT, Server, Sessions

SERVER = Server("10.200.0.1", 5432, "operator", "secret", "operator", None)


class Session:
    """A connection. `wrong`: what happens to its next statement; `hangs`: it never gets an answer."""

    def __init__(self) -> None:
        self.wrong: Exception | None = None
        self.hangs = False
        self.closed = False
        self.asked = 0
        self.begun = asyncio.Event()
        self.info = SimpleNamespace(transaction_status=TransactionStatus.IDLE)

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def execute(self, *_: Any) -> None:
        self.asked += 1
        self.begun.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.wrong:
            raise self.wrong

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions that were opened, in order."""
    made: list[Session] = []

    async def connect(**options: Any) -> Session:
        assert options["tcp_user_timeout"] == 1000 * CONNECT_TIMEOUT, "or what is sent into the void waits for minutes"
        made.append(Session())
        return made[-1]

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect)
    return made


async def kept(count: int, most: int = 8) -> Sessions:
    sessions = Sessions(SERVER, most)

    async def work(number: int) -> None:
        async with sessions.connect():
            if number + 1 < count:
                await work(number + 1)

    await work(0)
    return sessions


async def test_after_one_that_is_of_no_use_the_others_are_not_tried_one_by_one(opened: list[Session]) -> None:
    sessions = await kept(3)
    for one in opened:
        one.wrong = psycopg.OperationalError("the server went")
    async with sessions.connect():
        pass
    assert (len(opened), sum(one.asked for one in opened)) == (4, 1)
    assert [one.closed for one in opened] == [True, True, True, False]


async def test_who_is_cancelled_while_a_kept_session_is_tried_leaves_none_open(opened: list[Session]) -> None:
    sessions = await kept(1)
    opened[0].hangs = True

    async def work() -> None:
        async with sessions.connect():
            pass

    task = asyncio.create_task(work())
    await opened[0].begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert opened[0].closed


async def test_kept_sessions_give_way_so_that_there_are_never_more_than_calls_may_be(opened: list[Session]) -> None:
    sessions = await kept(2, most=2)
    async with sessions.connect("other"):
        assert [one.closed for one in opened] == [False, True, False]
        async with sessions.connect("other"):
            assert [one.closed for one in opened] == [True, True, False, False]
    async with sessions.connect(), sessions.connect():
        assert sum(not one.closed for one in opened) == 2
