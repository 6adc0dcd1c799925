"""One use case, one transaction. Only this file commits.

`async with unit_of_work() as session:` commits when the block ends, rolls back when it raises. A `Problem` whose
class says `keeps_changes` commits before it goes on: a refusal can itself be a fact to keep (a counted attempt, a
revoked family of tokens).

Opening a second unit inside the first is refused: a call to another module never happens within a transaction, and
two connections held by one request can starve a pool of three. A database that is away is `Unavailable`, not a bug.
It is so in time: what waits for a connection and for answers together has `database.patience` seconds.

`async with unit_of_work.reading() as connection:` is for `hot_reads.fetch`: nothing to commit, so each statement is a
transaction by itself, without the two round trips around it. It sees what it would see within one (READ COMMITTED).
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from rooftree.kernel.database import away, connecting, within_patience
from rooftree.kernel.errors import Problem

_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)


def is_open() -> bool:
    """Whether this task is within a transaction; then it calls no other module, wherever that runs."""
    return _open.get()


class UnitOfWork:
    """Opens transactions on the process's pool; call it to get one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reads = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[AsyncSession]:
        with _alone():
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                async with connecting():
                    await session.connection()
                try:
                    yield session
                except Problem as problem:
                    if problem.keeps_changes:
                        await session.commit()
                    raise
                await session.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        with _alone():
            async with AsyncExitStack() as stack:
                async with connecting():
                    connection = await stack.enter_async_context(self._reads.connect())
                yield connection


@contextmanager
def _alone() -> Generator[None]:
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
