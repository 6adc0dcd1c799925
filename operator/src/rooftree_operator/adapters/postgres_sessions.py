"""Sessions in PostgreSQL: fenced by the epoch of the Lease, ours kept for the next piece of work, others' never.

Each pins `search_path`, so nothing that a tenant creates can shadow what we call (the lesson of CVE-2026-55769). Only
sessions as ourselves in our own database are kept: no tenant can have left anything in them, and a pass needs several,
each of which would cost a process of the server, a handshake and a login.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from .. import effects
from ..errors import Unavailable
from ..gate import Gate
from ..names import MANAGER

Connection = psycopg.AsyncConnection[TupleRow]

CONNECT_TIMEOUT = 3  # seconds; a stopped server is noticed within them
STATEMENT_TIMEOUT = 20.0  # seconds; a clone of a template takes well under one
PING_TIMEOUT = 4.0  # seconds
KEPT_SECONDS = 30.0  # that a session waits for its next work: an installation with nothing to do has none
OLDER: LiteralString = """FROM pg_stat_activity
WHERE usename = current_user AND pid <> pg_backend_pid() AND starts_with(application_name, %(prefix)s)
  AND split_part(application_name, '/', 2)::int < %(epoch)s"""
FENCE: LiteralString = "SELECT pg_terminate_backend(pid, 5000) " + OLDER


@dataclass(frozen=True)
class Server:
    """How to reach PostgreSQL. `ca_file` switches TLS with full verification on."""

    host: str
    port: int
    user: str
    password: str
    database: str
    ca_file: str | None
    application_name: str = "rooftree-operator"


@dataclass(frozen=True)
class Login:
    """A role to connect as instead of our own, and the role whose rights it may then take."""

    user: str
    password: str = field(repr=False)
    owner: str = ""


@dataclass(frozen=True)
class _Kept:
    """A session that waits for its next work."""

    connection: Connection
    server: Server
    since: float

    async def is_usable(self, server: Server) -> bool:
        """Whether it is of this epoch, and still there."""
        if self.server != server:
            return False
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await self.connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return False
        return True


class Sessions:
    """Those of one server."""

    name = "postgres"

    def __init__(self, server: Server, most: int = 8) -> None:
        self.gate = Gate(self.name, most)
        self.server = server
        self._unfenced: int | None = None
        self._most = most
        self._used = 0
        self._kept: list[_Kept] = []

    def take_over(self, epoch: int, holder: str = MANAGER) -> None:
        """From now on we act in `epoch` of the Lease `holder`: before anything is done, sessions of older ones end."""
        self.server = replace(self.server, application_name=f"{holder}/{epoch}")
        self._unfenced = epoch

    async def _fence(self, connection: Connection) -> None:
        epoch = self._unfenced
        if epoch is None:
            return
        await _end_sessions(connection, self.server.application_name.partition("/")[0], epoch)
        if self._unfenced == epoch:
            self._unfenced = None

    async def end_sessions(self, holder: str, epoch: int) -> None:
        """Ends what operators of the Lease `holder` have begun before `epoch`. Raises `Unavailable` if it does not."""
        async with self.connect() as connection:
            await _end_sessions(connection, holder, epoch)

    async def close(self) -> None:
        """Ends the sessions that wait."""
        kept, self._kept = self._kept, []
        for one in kept:
            await one.connection.close()

    @asynccontextmanager
    async def connect(self, database: str | None = None, login: Login | None = None) -> AsyncGenerator[Connection]:
        """A session for one piece of work, in autocommit. Raises `Unavailable` if the server does not do it now."""
        ours = database is None and login is None
        opened = self._own() if ours else self._opened(database, login, STATEMENT_TIMEOUT)
        async with self.gate.call(), self._room(ours=ours), opened as connection:
            # A session that is older than the next holder ends with `FENCE`; this one is, if we still may act now.
            self.gate.fence()
            yield connection

    @asynccontextmanager
    async def _room(self, *, ours: bool) -> AsyncGenerator[None]:
        """For one session more: with those that are kept there are never more than there may be calls."""
        self._used += 1
        try:
            while not ours and self._kept and self._used + len(self._kept) > self._most:
                await self._kept.pop(0).connection.close()
            yield
        finally:
            self._used -= 1

    async def ping(self) -> None:
        """Asks the server itself, whatever the gate says. Raises `Unavailable` if it does not answer."""
        await self._end_idle()
        async with self._opened(None, None, PING_TIMEOUT) as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _own(self) -> AsyncGenerator[Connection]:
        """A kept session as ourselves, or a new one; kept again if the work ended well."""
        server = self.server
        async with self._limits(STATEMENT_TIMEOUT):
            connection = await self._waiting() or await self._open(None, None)
            try:
                yield connection
            except BaseException:
                await connection.close()
                raise
            if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
                await connection.close()
            else:
                self._kept.append(_Kept(connection, server, time.monotonic()))

    async def _waiting(self) -> Connection | None:
        """The kept session that was used last. If it is of no use any more, all end: with a server they all go."""
        if not self._kept:
            return None
        kept = self._kept.pop()
        is_usable = False
        try:
            is_usable = await kept.is_usable(self.server)
        finally:
            if not is_usable:
                await kept.connection.close()
        if is_usable:
            return kept.connection
        await self.close()
        return None

    async def _end_idle(self) -> None:
        """Ends the sessions that have waited too long."""
        least = time.monotonic() - KEPT_SECONDS
        for old in [one for one in self._kept if one.since < least]:
            self._kept.remove(old)
            await old.connection.close()

    @asynccontextmanager
    async def _opened(self, database: str | None, login: Login | None, within: float) -> AsyncGenerator[Connection]:
        """A session that ends with its work."""
        async with self._limits(within), await self._open(database, login) as connection:
            yield connection

    async def _open(self, database: str | None, login: Login | None) -> Connection:
        server = self.server
        connection: Connection = await psycopg.AsyncConnection.connect(
            host=server.host,
            port=server.port,
            user=login.user if login else server.user,
            password=login.password if login else server.password,
            dbname=database or server.database,
            connect_timeout=CONNECT_TIMEOUT,
            tcp_user_timeout=1000 * CONNECT_TIMEOUT,  # also of one that went without a word after we had connected
            application_name=server.application_name,
            options="-c search_path=pg_catalog,pg_temp -c lock_timeout=10s",
            autocommit=True,
            prepare_threshold=None,  # several statements at once cannot be prepared
            sslmode="verify-full" if server.ca_file else "disable",
            sslrootcert=server.ca_file,
        )
        if login is None:
            try:
                await self._fence(connection)
            except BaseException:
                await connection.close()
                raise
        return connection

    @asynccontextmanager
    async def _limits(self, within: float) -> AsyncGenerator[None]:
        """Raises `Unavailable` for whatever the server does not do, or not in so many seconds."""
        try:
            async with asyncio.timeout(within):
                yield
        except (psycopg.OperationalError, TimeoutError) as error:
            raise _unavailable(self.server, error) from error


async def _end_sessions(connection: Connection, holder: str, epoch: int) -> None:
    older = {"prefix": f"{holder}/", "epoch": epoch}
    # One that is not there yet does nothing any more: its holder asks whether it may act when it is (`connect`).
    if not await (await connection.execute("SELECT pid " + OLDER, older)).fetchone():
        return
    with effects.sending("postgres", "terminate", "operator"):
        cursor = await connection.execute(FENCE, older)
    if not all(ended for (ended,) in await cursor.fetchall()):
        raise Unavailable("PostgresRefused", "sessions of an operator that acted before do not end")


def _unavailable(server: Server, error: psycopg.OperationalError | TimeoutError) -> Unavailable:
    """Tells a server that is away from one that answers and refuses, with its words but never with the statement."""
    where = f"PostgreSQL at {server.host}:{server.port}"
    state = None
    if isinstance(error, psycopg.OperationalError):
        state, primary = error.sqlstate, error.diag.message_primary
        if state and not state.startswith(("08", "57P")):
            return Unavailable("PostgresRefused", f"{where} refuses: {primary} ({state})")
    words = " ".join(str(error).split()) or "no answer in time"
    # What is refused at login comes without a state; a server that starts or stops says so in the same way.
    if not state and "FATAL: " in words and "the database system is " not in words:
        return Unavailable("PostgresRefused", f"{where} refuses: {words[words.index('FATAL: ') :]}")
    return Unavailable("PostgresUnreachable", f"{where} does not answer: {words}")
