"""The one small connection pool of this process: none at start, at most three, TLS checked to the host name.

Modules never open connections; they get a session from `kernel.unit_of_work`. A server that does not answer is given
up: its own time limits say nothing when it hangs, and a connection whose other end vanished would wait for hours.
"""

import asyncio
import select
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import TupleRow
from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from rooftree.kernel.errors import Unavailable
from rooftree.kernel.settings import DatabaseSettings, Secrets
from rooftree.kernel.statement_spans import trace_statements

# Three here, for requests, jobs and consumers, and one of the relay: four connections a process is the tenant's budget.
POOL_SIZE = 3
# Names of extensions and jobs are found without a schema; a table of the same name in pg_temp never wins.
SEARCH_PATH = "pg_catalog,extensions,jobs,pg_temp"
_TIMEOUTS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    # Who gave a statement up has closed its connection; the server looks now and then and ends it, too.
    "client_connection_check_interval": "1s",
}
# Backends are on flash or in memory, where a page costs nearly the same wherever it is. By the server's default, made
# for spinning disks, the planner reads tables from end to end that it could ask an index about.
_PLANNER = {"random_page_cost": "1.1"}
# The machine at the other end is asked after 5 s of silence and has vanished after 14, written data after 10.
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 10_000}
# A person waits: an answer within 3 s, with what is done before and after.
REQUEST_SECONDS = 2.0
# Longer than any statement may take: it is the server that does not answer.
ANSWER_SECONDS = 20.0
# An answer that does not come ends its wait itself, cleanly; only then the wait for a connection is cut off.
_CUT_OFF_SECONDS = 0.1


@dataclass(slots=True)
class Patience:
    """The seconds that all transactions of one request have together, less what earlier ones took."""

    left: float


patience: ContextVar[Patience | None] = ContextVar("patience", default=None)
"""None where nobody waits."""
_until: ContextVar[float | None] = ContextVar("until", default=None)
"""When the present transaction must have them, by the loop's clock."""


def connection_arguments(settings: DatabaseSettings, secrets: Secrets, *, limits: bool = True) -> dict[str, Any]:
    """libpq parameters for psycopg. `limits`: with the time limits that requests need and migrations do not."""
    options = {"search_path": SEARCH_PATH, "timezone": "UTC", **_PLANNER, **(_TIMEOUTS if limits else {})}
    arguments: dict[str, Any] = {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": settings.database_name,
        "user": settings.database_user,
        "password": secrets.read("database_password").get_secret_value(),
        "application_name": "rooftree",
        "connect_timeout": 5,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        **_KEEPALIVE,
    }
    if settings.ca_file is not None:
        arguments |= {"sslmode": "verify-full", "sslrootcert": str(settings.ca_file)}
    return arguments


class Connection(psycopg.AsyncConnection[TupleRow]):
    """Gives up a server that does not answer in time, and itself with it: what comes later is nobody's any more."""

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        if timeout is not None:  # the library's own, for notices and cancellations
            return await super().wait(gen, interval, timeout)
        until = _until.get()
        left = ANSWER_SECONDS if until is None else max(until - asyncio.get_running_loop().time(), 0.01)
        try:
            return await super().wait(gen, interval, left)
        except psycopg.errors._WaitTimeout:  # pyright: ignore[reportPrivateUsage] - it has no public name
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in time") from None


@contextmanager
def within_patience() -> Generator[None]:
    """All waits in this block together: as long as is left of `patience`, also inside another block."""
    allowed, outer = patience.get(), _until.get()
    if allowed is None or outer is not None:
        yield
        return
    until = asyncio.get_running_loop().time() + allowed.left
    token = _until.set(until)
    try:
        yield
    finally:
        _until.reset(token)
        allowed.left = max(until - asyncio.get_running_loop().time(), 0.0)


@contextmanager
def at_most(seconds: float) -> Generator[None]:
    """The same for a part of it: no longer than `seconds`, whatever is left beyond."""
    outer, until = _until.get(), asyncio.get_running_loop().time() + seconds
    token = _until.set(until if outer is None else min(outer, until))
    try:
        yield
    finally:
        _until.reset(token)


@asynccontextmanager
async def connecting() -> AsyncGenerator[None]:
    """Around the wait for a connection. Raises PoolTimeout when patience is at its end."""
    until = _until.get()
    try:
        async with asyncio.timeout_at(None if until is None else until + _CUT_OFF_SECONDS):
            yield
    except TimeoutError as error:
        raise PoolTimeout("no connection in time") from error


def away(error: Exception) -> Unavailable | None:
    """What callers are told if it is the database that does not work now: away, overloaded, too slow, deadlocked."""
    cause = error if isinstance(error, DBAPIError | PoolTimeout | psycopg.Error) else error.__cause__
    match cause:
        case OperationalError() | PoolTimeout() | DBAPIError(connection_invalidated=True) | psycopg.OperationalError():
            return Unavailable("The database does not answer now.")
        case _:
            return None


def _look_for_farewell(connection: Any, _record: Any, _proxy: Any) -> None:
    """A server that ends a connection says so, or at least the kernel does: only who was spoken to meanwhile is asked.

    Asking each time, as the pool would, costs a request more than its statement.
    """
    pgconn = connection.driver_connection.pgconn
    heard = select.poll()
    heard.register(pgconn.socket, select.POLLIN)
    if not heard.poll(0):
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


def make_engine(settings: DatabaseSettings, secrets: Secrets) -> AsyncEngine:
    """Opens no connection."""
    engine = create_async_engine(
        URL.create("postgresql+psycopg"),
        connect_args=connection_arguments(settings, secrets) | {"async_creator_fn": Connection.connect},
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _look_for_farewell)
    trace_statements(engine)
    return engine


class Database:
    """The engine and its life; `ping` tells readiness."""

    def __init__(self, settings: DatabaseSettings, secrets: Secrets) -> None:
        self.engine = make_engine(settings, secrets)

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
