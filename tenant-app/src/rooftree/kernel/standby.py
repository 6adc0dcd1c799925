"""The copy of the database that answers lists and searches, where there is one; the primary in all doubt.

A read may go there if two things are so, and else goes to the primary at once:

- it has replayed what the reader's session wrote (`kernel.written`), asked before the read;
- it has replayed what the primary had at most FRESH_SECONDS ago. A process knows that from its own commits; when it
  knows nothing so fresh, the read goes to the primary and asks there. Nobody sees anything older, however far the
  standby lags, and a process that hardly reads never needs it.

Whoever is told of a change reads it: with each notice (`kernel.ears`) what is known of the primary is forgotten.

A standby that is away, hangs, or cancels a query because replay is in its way costs nobody an error: the read is done
again at the primary. A request never waits for a connection to be made when none works: that is done behind it.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar, cast

import psycopg
import structlog
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from rooftree.kernel.background import Background
from rooftree.kernel.database import POOL_SIZE, at_most, away, connecting, make_engine
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import DatabaseSettings, Secrets
from rooftree.kernel.written import END, Place, Written

if TYPE_CHECKING:
    import asyncio

    from sqlalchemy import QueuePool

FRESH_SECONDS = 1.0
# What it takes to learn whether it can answer, and to answer; the rest of a request's time is for the primary.
ASK_SECONDS = 0.25
READ_SECONDS = 1.0
RETRY_SECONDS = 1.0
# It follows the same history of the server, not one that ended when another standby became the primary, and has come
# far enough in it. Its timeline is told by its control file, which may be minutes late after such a change.
_HAS = text("""
    SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() - '0/0'::pg_lsn >= :position
        AND (SELECT min_recovery_end_timeline FROM pg_control_recovery()) = :timeline
""")
# What is visible has been flushed. The place where the next record will be written is no measure: at the beginning of a
# page it is behind the page's header, where no standby is before there is that record.
_PLACE = """
    SELECT ('x' || left(pg_walfile_name(place), 8))::bit(32)::int, (place - '0/0'::pg_lsn)::bigint
    FROM pg_current_wal_flush_lsn() AS place
"""
# A query in the way of replay, or of a deadlock with it; one that took longer than any may.
_CANCELLED = frozenset({"40001", "40P01", "57014"})
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class AskPrimary(Exception):
    """The standby cannot answer this read."""


class Standby:
    """Knows how far the primary was a moment ago, and keeps connections to a standby that may be there."""

    def __init__(self, settings: DatabaseSettings, secrets: Secrets, background: Background, metrics: Metrics) -> None:
        there = {"database_host": settings.database_standby_host, "database_port": settings.database_standby_port}
        engine = make_engine(settings.model_copy(update=there), secrets)
        # A place once replayed stays so: no transaction is needed around the question and the read.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._background = background
        self._works = False
        self._try_at = 0.0
        self._trying: asyncio.Task[None] | None = None
        self._place = END
        self._placed_at = float("-inf")
        self._heard_at = float("-inf")
        self._answers = Counter(
            "rooftree_list_reads", "Reads of lists, by who answered or why not.", ["answer"], registry=metrics.registry
        )

    async def read(self, work: Callable[[AsyncConnection], Awaitable[T]], session: Written | None) -> T:
        """What `work` finds. Raises AskPrimary."""
        if session is None or self.is_unplaced:
            raise self._not("primary")
        if not self._works:
            self._connect_behind()
            raise self._not("away")
        try:
            found = await self._ask(work, max(session.place, self._place))
        except (DBAPIError, PoolTimeout, psycopg.Error) as error:
            if away(error) is None:
                raise
            raise self._failed(error) from error
        self._answers.labels("standby").inc()
        return found

    async def look(self, connection: AsyncConnection) -> Place:
        """How far the primary is, on a connection to it; from now on that is known here. Raises DBAPIError."""
        asked_at = time.monotonic()
        place = Place(*(await connection.exec_driver_sql(_PLACE)).one())
        if asked_at >= self._heard_at:
            self._place, self._placed_at = place, asked_at
        return place

    def forget_place(self) -> None:
        """Something was committed just now: the next read goes to the primary, and asks how far that is."""
        self._heard_at, self._placed_at = time.monotonic(), float("-inf")

    @property
    def is_unplaced(self) -> bool:
        """What is known of the primary is too old."""
        return time.monotonic() - self._placed_at > FRESH_SECONDS

    @property
    def _is_busy(self) -> bool:
        """All connections are in use; else who gets none waits for one to be made, of a host that does not answer."""
        pool = cast("QueuePool", self._engine.pool)
        return pool.checkedout() >= POOL_SIZE

    async def close(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
        await self._engine.dispose()

    async def _ask(self, work: Callable[[AsyncConnection], Awaitable[T]], place: Place) -> T:
        async with AsyncExitStack() as stack:
            with at_most(ASK_SECONDS):
                async with connecting():
                    connection = await stack.enter_async_context(self._engine.connect())
                if not await connection.scalar(_HAS, place._asdict()):
                    raise self._not("behind")
            with at_most(READ_SECONDS):
                return await work(connection)

    def _not(self, why: str) -> AskPrimary:
        self._answers.labels(why).inc()
        return AskPrimary(why)

    def _failed(self, error: DBAPIError | PoolTimeout | psycopg.Error) -> AskPrimary:
        if isinstance(error, PoolTimeout) and self._is_busy:
            return self._not("busy")
        cause = error.orig if isinstance(error, DBAPIError) else error
        if getattr(cause, "sqlstate", None) in _CANCELLED:
            return self._not("cancelled")
        self._works = False
        _log.warning("standby_is_away", reason=type(cause).__name__)
        return self._not("away")

    def _connect_behind(self) -> None:
        """One try at a time, and one a second; the first that succeeds leaves its connection for the next read."""
        is_trying = self._trying is not None and not self._trying.done()
        if not is_trying and time.monotonic() >= self._try_at:
            self._try_at = time.monotonic() + RETRY_SECONDS
            self._trying = self._background.spawn("standby.connect", self._connect())

    async def _connect(self) -> None:
        await self._engine.dispose()  # connections to one that went away
        try:
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except (DBAPIError, PoolTimeout):
            return
        self._works = True
        _log.info("standby_is_connected")
