"""One use case, one transaction. Only this file commits.

`async with unit_of_work() as session:` commits when the block ends, rolls back when it raises. A `Problem` whose
class says `keeps_changes` commits before it goes on: a refusal can itself be a fact to keep (a counted attempt, a
revoked family of tokens).

`await unit_of_work.read(work)` is for lists and searches: where there is a standby, it may answer (`kernel.standby`).

Opening a second unit inside the first is refused: a call to another module never happens within a transaction, and
two connections held by one request can starve a pool of three. A database that is away is `Unavailable`, not a bug.
It is so in time: what waits for a connection and for answers together has `database.patience` seconds.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from rooftree.kernel.database import away, connecting, within_patience
from rooftree.kernel.errors import Problem
from rooftree.kernel.standby import AskPrimary, Standby
from rooftree.kernel.written import END, written

_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)
T = TypeVar("T")


def is_open() -> bool:
    """Whether this task is within a transaction; then it calls no other module, wherever that runs."""
    return _open.get()


class UnitOfWork:
    """Opens transactions on the process's pool; call it to get one."""

    def __init__(self, engine: AsyncEngine, standby: Standby | None = None) -> None:
        self._engine = engine
        self._standby = standby

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[AsyncSession]:
        with _alone():
            async with self._connection() as connection:
                async with AsyncSession(connection, expire_on_commit=False) as session:
                    try:
                        yield session
                    except Problem as problem:
                        if problem.keeps_changes:
                            await session.commit()
                            await self._note(connection)
                        raise
                    await session.commit()
                await self._note(connection)

    async def read(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What `work` finds, which changes nothing and may be begun twice: at the standby, then at the primary."""
        with _alone():
            if self._standby is not None:
                with suppress(AskPrimary):
                    return await self._standby.read(work, written.get())
            async with self._connection() as connection:
                await connection.execution_options(postgresql_readonly=True)
                if self._standby is not None and self._standby.is_unplaced:
                    await self._standby.look(connection)
                async with AsyncSession(connection, expire_on_commit=False) as session:
                    return await work(session)

    async def close(self) -> None:
        """Let go of the standby; the pool is the database's."""
        if self._standby is not None:
            await self._standby.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            async with connecting():
                connection = await stack.enter_async_context(self._engine.connect())
            yield connection

    async def _note(self, connection: AsyncConnection) -> None:
        """Where the commit is that just was, if a session's reads depend on it."""
        session = written.get()
        if self._standby is None or session is None or not session.is_noting:
            return
        try:
            # In no transaction, whose end could fail when all is done.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            session.note(await self._standby.look(connection))
        except DBAPIError:
            # It is committed, wherever that is: the session reads at the primary for a while.
            session.note(END)


@contextmanager
def _alone() -> Generator[None]:
    """Raises RuntimeError within another unit of work; Unavailable when the database is away, or too slow."""
    if _open.get():
        raise RuntimeError("a unit of work is open already; finish it before calling another use case")
    token = _open.set(True)
    try:
        with within_patience():
            yield
    except (DBAPIError, PoolTimeout) as error:
        if problem := away(error):
            raise problem from error
        raise
    finally:
        _open.reset(token)
