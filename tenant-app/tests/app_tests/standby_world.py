"""The stack's standby as tests meet it: it can be held back, killed, and is made anew by the stack."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from .cache_world import until
from .conftest import Browser

# Tests that hold the one standby back wait for each other, whichever process they are in.
_TURN = 0x5742
_UP_SECONDS = 300
_GONE_SECONDS = 15


@dataclass(frozen=True)
class StandbyServer:
    """`dsn` and `primary_dsn` are a superuser's."""

    dsn: str
    primary_dsn: str

    def ask(self, statement: str) -> Any:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchone()

    @asynccontextmanager
    async def held_back(self) -> AsyncGenerator[None]:
        """It has all that was committed until now, and replays nothing more."""
        await self.caught_up()
        self.ask("SELECT pg_wal_replay_pause()")

        async def is_paused() -> bool:
            return self.ask("SELECT pg_get_wal_replay_pause_state()") == ("paused",)

        await until(is_paused, "the standby is not held back")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")

    async def caught_up(self) -> None:
        with psycopg.connect(self.primary_dsn, autocommit=True) as primary:
            row = primary.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert row is not None

        async def is_there() -> bool:
            return self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'") == (True,)

        await until(is_there, "the standby does not follow")

    def kill(self) -> None:
        """The server itself runs the command, which no signal from outside could be more sudden than."""
        # The end of the statement comes before that of the server, or after it.
        with suppress(psycopg.OperationalError), psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; kill -KILL $(head -1 postmaster.pid)'")
        # What it had begun outlives it for a moment.
        deadline = time.monotonic() + _GONE_SECONDS
        while not self._refuses():
            assert time.monotonic() < deadline, "the standby is still there"
            time.sleep(0.02)

    def _refuses(self) -> bool:
        try:
            psycopg.connect(self.dsn).close()
        except psycopg.OperationalError as error:
            return "refused" in str(error)
        return False

    async def made_anew(self) -> None:
        """As a person does it."""
        program = Path(sys.executable).with_name("rooftree-local")
        command = [program, "up", "--stack", os.environ["ROOFTREE_STACK"], "--only", "backends", "--replica"]
        async with asyncio.timeout(_UP_SECONDS):
            up = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            words, _ = await up.communicate()
        assert up.returncode == 0, words.decode()


@asynccontextmanager
async def turn(primary_dsn: str) -> AsyncGenerator[None]:
    """Alone with the standby."""
    async with await psycopg.AsyncConnection.connect(primary_dsn, autocommit=True) as connection:
        await connection.execute(f"SELECT pg_advisory_lock({_TURN})".encode())
        yield


def answered(browser: Browser, by: str) -> float:
    """How many lists of this app the standby answered, or did not for that reason."""
    registry = browser.app.state.parts.runtime.metrics.registry
    return registry.get_sample_value("rooftree_list_reads_total", {"answer": by}) or 0.0
