"""The registry: every tenant id that was ever minted, who owns it and what became of it. A table in our own database.

An id is written here, with its owner's uid, before anything else is made for it; so a retry finds the same id again.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString, Protocol

import psycopg

from . import effects, names
from .adapters.postgres import Postgres
from .errors import Blocked
from .names import TenantId

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS registry;
CREATE TABLE IF NOT EXISTS registry.tenant (
    id text PRIMARY KEY,
    slug text NOT NULL,
    owner_uid text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('live', 'kept', 'deleted')),
    backends jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS tenant_slug_in_use ON registry.tenant (slug) WHERE state <> 'deleted';
"""


@dataclass(frozen=True)
class Entry:
    """One row."""

    id: TenantId
    state: str


class Registry(Protocol):
    """What the reconciler needs of it."""

    async def find(self, uid: str) -> Entry | None:
        """The entry of the Brokerage with this uid."""
        ...

    async def register(self, slug: str, uid: str, claim: TenantId | None) -> TenantId:
        """The id of the Brokerage `uid`, minted or claimed now if need be. Raises `Blocked` if it cannot have one."""
        ...

    async def keep(self, tenant: TenantId) -> None:
        """Its Brokerage goes and all else stays, for another one to claim."""
        ...

    async def bury(self, tenant: TenantId) -> None:
        """Leaves only the tombstone."""
        ...


class PostgresRegistry:
    """The real one."""

    def __init__(self, postgres: Postgres, backends: str = "{}", entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._postgres = postgres
        self._backends = backends
        self._entropy = entropy

    async def prepare(self) -> None:
        """Creates the table if there is none, and closes its database to tenants' roles."""
        await self._postgres.close_to_public(self._postgres.server.database)
        async with self._postgres.connect() as connection:
            await connection.execute(SCHEMA)

    async def find(self, uid: str) -> Entry | None:
        async with self._postgres.connect() as connection:
            cursor = await connection.execute("SELECT id, state FROM registry.tenant WHERE owner_uid = %s", (uid,))
            row = await cursor.fetchone()
        return Entry(TenantId(row[0]), row[1]) if row else None

    async def register(self, slug: str, uid: str, claim: TenantId | None) -> TenantId:
        if known := await self.find(uid):
            return known.id
        return await (self._claimed(slug, uid, claim) if claim else self._minted(slug, uid))

    async def _minted(self, slug: str, uid: str) -> TenantId:
        tenant = names.mint(slug, self._entropy(4))
        try:
            async with self._postgres.connect() as connection:
                effects.count("postgres", "insert", "registry")
                await connection.execute(
                    """INSERT INTO registry.tenant (id, slug, owner_uid, state, backends)
                       VALUES (%s, %s, %s, 'live', %s)""",
                    (tenant.value, slug, uid, self._backends),
                )
        except psycopg.errors.UniqueViolation as error:
            raise Blocked("SlugTaken", await self._who_has(slug)) from error
        return tenant

    async def _claimed(self, slug: str, uid: str, claim: TenantId) -> TenantId:
        async with self._postgres.connect() as connection:
            effects.count("postgres", "update", "registry")
            cursor = await connection.execute(
                """UPDATE registry.tenant SET owner_uid = %s, state = 'live', changed_at = now()
                   WHERE id = %s AND slug = %s AND state = 'kept'""",
                (uid, claim.value, slug),
            )
        if not cursor.rowcount:
            message = f"spec.tenantID {claim} is not a kept tenant of {slug!r}: create the brokerage without it"
            raise Blocked("ClaimRefused", message)
        return claim

    async def _who_has(self, slug: str) -> str:
        async with self._postgres.connect() as connection:
            cursor = await connection.execute(
                "SELECT id, state FROM registry.tenant WHERE slug = %s AND state <> 'deleted'", (slug,)
            )
            row = await cursor.fetchone()
        if row and row[1] == "kept":
            return f"the slug {slug!r} belongs to the kept tenant {row[0]}: set spec.tenantID to it to undelete it"
        return f"the slug {slug!r} belongs to another tenant ({row[0] if row else 'unknown'}): choose another name"

    async def keep(self, tenant: TenantId) -> None:
        await self._move("UPDATE registry.tenant SET state = 'kept', changed_at = now() WHERE id = %s", tenant)

    async def bury(self, tenant: TenantId) -> None:
        await self._move("UPDATE registry.tenant SET state = 'deleted', changed_at = now() WHERE id = %s", tenant)

    async def _move(self, statement: LiteralString, tenant: TenantId) -> None:
        """What is deleted stays so."""
        async with self._postgres.connect() as connection:
            effects.count("postgres", "update", "registry")
            await connection.execute(f"{statement} AND state <> 'deleted'", (tenant.value,))
