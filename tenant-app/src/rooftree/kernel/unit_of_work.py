"""One use case, one transaction. Only this file commits.

`async with unit_of_work() as session:` commits when the block ends, rolls back when it raises. A `Problem` whose
class says `keeps_changes` commits before it goes on: a refusal can itself be a fact to keep (a counted attempt, a
revoked family of tokens).

Opening a second unit inside the first is refused: a call to another module never happens within a transaction, and
two connections held by one request can starve a pool of three. A database that is away is `Unavailable`, not a bug.
It is so in time: what waits for a connection and for answers together has `database.patience` seconds.

`await unit_of_work.read(work)` is for lists and searches: where there is a standby, it may answer (`kernel.standby`).

`async with unit_of_work.reading() as connection:`, and `read_rows(work)` for lists, are for `hot_reads.fetch`. What
only reads has nothing to commit, so each statement is a transaction by itself, without the two round trips around it.
It sees what it would see within one (READ COMMITTED).

`unit_of_work.effect()` is the one block of a request that does what the request is for. Where the request's answer is
kept (`kernel.idempotency`), its transaction stays open until the answer is stored in it; what the request reads after
the block, it reads there.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from rooftree.kernel.database import away, connecting, within_patience
from rooftree.kernel.errors import Problem
from rooftree.kernel.standby import AskPrimary, Standby
from rooftree.kernel.written import END, written

_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)
T = TypeVar("T")
Begin = Callable[[AsyncSession], Awaitable[None]]


@dataclass(slots=True)
class _Held:
    """The effect of one request whose answer is kept. `session`: from the effect's end to the answer."""

    begin: Begin
    task: "asyncio.Task[Any] | None"
    session: AsyncSession | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    afterwards: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])


_holding: ContextVar[_Held | None] = ContextVar("effect_held", default=None)


def is_open() -> bool:
    """Whether this task is within a transaction; then it calls no other module, wherever that runs."""
    return _open.get()


def _held() -> _Held | None:
    """None also in tasks that the request has begun: they work at the same time, and may go on when it is answered."""
    held = _holding.get()
    return held if held is not None and held.task is asyncio.current_task() else None


def afterwards(then: Callable[[], None]) -> None:
    """Do this once the effect that has ended just now is committed."""
    held = _held()
    if held is None or held.session is None:
        then()
    else:
        held.afterwards.append(then)


class UnitOfWork:
    """Opens transactions on the process's pool; call it to get one."""

    def __init__(self, engine: AsyncEngine, standby: Standby | None = None) -> None:
        self._engine = engine
        self._standby = standby
        self._reads = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[AsyncSession]:
        held = _held()
        with _entered():
            if held is not None and held.session is not None:
                yield held.session
                return
            async with self._begun() as session:
                async with self._keeping(session):
                    yield session
                await self._commit(session)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        held = _held()
        with _entered():
            if held is not None and held.session is not None:
                yield await held.session.connection()
                return
            async with self._connection(self._reads) as connection:
                yield connection

    async def read(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What `work` finds, which changes nothing and may be begun twice: at the standby, then at the primary."""

        async def in_session(connection: AsyncConnection) -> T:
            async with AsyncSession(connection, expire_on_commit=False) as session:
                return await work(session)

        return await self.read_rows(in_session)

    async def read_rows(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """The same for `hot_reads.fetch`."""
        with _entered():
            if self._standby is not None:
                with suppress(AskPrimary):
                    return await self._standby.read(work, written.get())
            async with self._connection(self._reads) as connection:
                if self._standby is not None and self._standby.is_unplaced:
                    await self._standby.look(connection)
                return await work(connection)

    @asynccontextmanager
    async def effect(self) -> AsyncGenerator[AsyncSession]:
        """The block that does what the request is for; at most one in a request."""
        held = _held()
        if held is None:
            async with self() as session:
                yield session
            return
        if held.session is not None:
            raise RuntimeError("a request has one effect")
        with _entered():
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(self._begun())
                await held.begin(session)
                async with self._keeping(session):
                    yield session
                await session.flush()
                held.session, held.stack = session, stack.pop_all()

    @asynccontextmanager
    async def until_answered(self, begin: Begin) -> AsyncGenerator[None]:
        """The effect in this block is committed when the block ends, and undone when it raises.

        `begin` is the first that happens in its transaction. Raises RuntimeError where there was no effect.
        """
        held = _Held(begin, asyncio.current_task())
        token = _holding.set(held)
        try:
            yield
            if held.session is None:
                raise RuntimeError("nothing of what this request did was called its effect")
            with _entered():
                await self._commit(held.session)
        finally:
            _holding.reset(token)
            await held.stack.aclose()
        for then in held.afterwards:
            then()

    async def close(self) -> None:
        """Let go of the standby; the pool is the database's."""
        if self._standby is not None:
            await self._standby.close()

    @asynccontextmanager
    async def _begun(self) -> AsyncGenerator[AsyncSession]:
        async with (
            self._connection(self._engine) as connection,
            AsyncSession(connection, expire_on_commit=False) as session,
        ):
            yield session

    @asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            async with connecting():
                connection = await stack.enter_async_context(engine.connect())
            yield connection

    @asynccontextmanager
    async def _keeping(self, session: AsyncSession) -> AsyncGenerator[None]:
        try:
            yield
        except Problem as problem:
            if problem.keeps_changes:
                await self._commit(session)
            raise

    async def _commit(self, session: AsyncSession) -> None:
        """And note where that is, if the reads of a browser's session depend on it."""
        reader = written.get()
        if self._standby is None or reader is None or not reader.is_noting:
            await session.commit()
            return
        try:
            await session.commit()
        except DBAPIError:
            # It may have been done all the same.
            reader.note(END)
            raise
        connection = session.bind
        assert isinstance(connection, AsyncConnection)
        try:
            # In no transaction, whose end could fail when all is done.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            reader.note(await self._standby.look(connection))
        except DBAPIError:
            # It is committed, wherever that is: the session reads at the primary for a while.
            reader.note(END)


@contextmanager
def _entered() -> Generator[None]:
    """One at a time, within patience; a database that is away is told as such."""
    if _open.get():
        raise RuntimeError("a unit of work is open already; finish it before calling another use case")
    token = _open.set(True)
    try:
        with within_patience():
            yield
    except (DBAPIError, PoolTimeout, psycopg.Error) as error:
        if problem := away(error):
            raise problem from error
        raise
    finally:
        _open.reset(token)
