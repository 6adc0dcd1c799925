"""One use case, one transaction. Only this file commits.

`async with unit_of_work() as session:` commits when the block ends, rolls back when it raises. A `Problem` whose
class says `keeps_changes` commits before it goes on: a refusal can itself be a fact to keep (a counted attempt, a
revoked family of tokens).

Opening a second unit inside the first is refused: a call to another module never happens within a transaction, and
two connections held by one request can starve a pool of three. A database that is away is `Unavailable`, not a bug.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from rooftree.kernel.errors import Problem, Unavailable

_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)


class UnitOfWork:
    """Opens transactions on the process's pool; call it to get one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[AsyncSession]:
        if _open.get():
            raise RuntimeError("a unit of work is open already; finish it before calling another use case")
        token = _open.set(True)
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                try:
                    yield session
                except Problem as problem:
                    if problem.keeps_changes:
                        await session.commit()
                    raise
                await session.commit()
        except (OperationalError, PoolTimeout) as error:
            # Away, overloaded, too slow, deadlocked: all of them may work a moment later.
            raise Unavailable("The database does not answer now.") from error
        finally:
            _open.reset(token)
