"""The registry's rows of spares: tenants that are made before anybody wants them. A table in our own database.

A row is there before anything is made for it. Each change is one statement that names the state before: so a spare that
a Brokerage has just taken is neither removed nor worked on by anybody who has not seen that, and two Brokerages never
get the same one. Rows of spares that are over stay, so that no id is ever minted twice.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import psycopg

from . import effects, names
from .adapters.postgres import Postgres
from .adapters.postgres_sessions import Connection
from .errors import Unavailable
from .names import TenantId
from .tenant import Fit

SCHEMA = """
CREATE TABLE IF NOT EXISTS registry.spare (
    id text PRIMARY KEY,
    plan text NOT NULL,
    version text NOT NULL,
    state text NOT NULL CHECK (state IN ('making', 'ready', 'taken', 'going', 'gone')),
    digest text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS spare_plan ON registry.spare (plan) WHERE state <> 'gone';
"""
TAKE = """
WITH taken AS (
    UPDATE registry.spare SET state = 'taken', changed_at = now() WHERE id = (
        SELECT id FROM registry.spare WHERE plan = %s AND version = %s AND state = 'ready'
        ORDER BY made_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id)
INSERT INTO registry.tenant (id, slug, owner_uid, state, backends)
SELECT id, %s, %s, 'live', %s::jsonb FROM taken RETURNING id
"""
OPEN = """
SELECT id, plan, version, state, digest FROM registry.spare
WHERE state IN ('making', 'ready', 'going') OR (state = 'taken' AND changed_at > now() - make_interval(secs => %s))
ORDER BY made_at, id
"""
QUIET = 10.0  # seconds after a spare was taken in which none is made in its place: its pods are starting


class SpareState(StrEnum):
    """Where in its life a spare is."""

    MAKING = "making"
    READY = "ready"
    TAKEN = "taken"  # it is some Brokerage's tenant, and the registry's other table tells the rest
    GOING = "going"
    GONE = "gone"


@dataclass(frozen=True)
class Spare:
    """One row. `digest` is of what it was last made from."""

    id: TenantId
    plan: str
    version: str
    state: SpareState
    digest: str = ""


class Spares(Protocol):
    """What the pool needs of them."""

    async def found(self) -> list[Spare]:
        """All that are not over, the oldest first; one that was taken for `QUIET` seconds more."""
        ...

    async def add(self, fit: Fit) -> Spare:
        """A new one, of which nothing is there yet."""
        ...

    async def move(self, spare: Spare, state: SpareState, digest: str = "") -> bool:
        """From now on it is in this state, unless it is not any more as `spare` says; tells whether it is."""
        ...


class PostgresSpares:
    """The real one."""

    def __init__(self, postgres: Postgres, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._postgres = postgres
        self._entropy = entropy

    async def found(self) -> list[Spare]:
        try:
            async with self._postgres.connect() as connection:
                rows = await (await connection.execute(OPEN, (QUIET,))).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise Unavailable("PostgresRefused", "the registry's table is still being made") from error
        return [Spare(TenantId(row[0]), row[1], row[2], SpareState(row[3]), row[4]) for row in rows]

    async def add(self, fit: Fit) -> Spare:
        spare = Spare(names.mint_spare(self._entropy(4)), fit.plan, fit.version, SpareState.MAKING)
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "insert", "spares"):
                cursor = await connection.execute(
                    """INSERT INTO registry.spare (id, plan, version, state) VALUES (%s, %s, %s, %s)
                       ON CONFLICT DO NOTHING""",
                    (spare.id.value, spare.plan, spare.version, spare.state),
                )
        if not cursor.rowcount:
            raise Unavailable("PostgresRefused", f"{spare.id} was made before: another id is tried")
        return spare

    async def move(self, spare: Spare, state: SpareState, digest: str = "") -> bool:
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "update", "spares"):
                cursor = await connection.execute(
                    """UPDATE registry.spare SET state = %s, digest = %s, changed_at = now()
                       WHERE id = %s AND state = %s""",
                    (state, digest, spare.id.value, spare.state),
                )
        return bool(cursor.rowcount)


async def take(connection: Connection, fit: Fit, slug: str, uid: str, backends: str) -> TenantId | None:
    """Makes the oldest ready spare that fits the tenant of this Brokerage; None: there is no such spare.

    Raises psycopg's `UniqueViolation` if the slug has a tenant; then no spare was taken.
    """
    cursor = await connection.execute(TAKE, (fit.plan, fit.version, slug, uid, backends))
    row = await cursor.fetchone()
    return TenantId(row[0], slug=slug) if row else None
