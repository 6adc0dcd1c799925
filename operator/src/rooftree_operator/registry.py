"""The registry: every tenant id that was ever minted, who owns it and what became of it. A table in our own database.

An id is written here, with its owner's uid, before anything else is made for it; so a retry finds the same id again.
A tenant is live, then kept or deleted. One that is kept is claimed, and live again, or purged: each change is one
statement that names the state before, so that of two which come together one finds that it came too late. A new
Brokerage gets a spare if one fits: then its tenant is there already (`spares`).
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import psycopg
from psycopg import sql

from . import effects, kept, names, spares
from .adapters.postgres import Postgres
from .adapters.postgres_sessions import Connection
from .errors import Blocked, Unavailable, Waiting
from .names import TenantId
from .tenant import Fit

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS registry;
CREATE TABLE IF NOT EXISTS registry.tenant (
    id text PRIMARY KEY,
    slug text NOT NULL,
    owner_uid text NOT NULL UNIQUE,
    state text NOT NULL,
    backends jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS tenant_slug_in_use ON registry.tenant (slug) WHERE state <> 'deleted';
ALTER TABLE registry.tenant ADD COLUMN IF NOT EXISTS purge_after timestamptz;
ALTER TABLE registry.tenant DROP CONSTRAINT IF EXISTS tenant_state_check,
    ADD CONSTRAINT tenant_state_check CHECK (state IN ('live', 'kept', 'purging', 'deleted'));
"""
# All that decides what the tables take and find. The comment tells in short what we left.
SEEN = """
SELECT obj_description(n.oid, 'pg_namespace'), array(
    SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                     pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = n.oid AND c.relkind = 'r'
    UNION ALL
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = n.oid
    UNION ALL
    SELECT concat_ws(' ', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid)) FROM pg_constraint r
    WHERE r.connamespace = n.oid)
FROM pg_namespace n WHERE n.nspname = 'registry'
"""
UNPREPARED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
PURGED_WITHIN = 5.0  # seconds until somebody who waits for a slug looks again


@dataclass(frozen=True)
class Entry:
    """One row."""

    id: TenantId
    state: str


@dataclass(frozen=True)
class Kept:
    """The row of a tenant that was deleted and kept; `owner_uid` is of the Brokerage that was deleted."""

    id: TenantId
    owner_uid: str
    purging: bool
    purge_after: datetime


class Registry(Protocol):
    """What the operator needs of it."""

    async def find(self, uid: str) -> Entry | None:
        """The entry of the Brokerage with this uid."""
        ...

    async def register(self, slug: str, uid: str, claim: TenantId | None, fit: Fit | None = None) -> TenantId:
        """The id of the Brokerage `uid`: minted, claimed, or that of a spare that fits, now if need be.

        Raises `Blocked` if it cannot have one, and `Waiting` if a tenant with its slug is just being purged.
        """
        ...

    async def keep(self, tenant: TenantId, purge_after: datetime) -> None:
        """From now on it is kept. The first `purge_after` holds. Raises `Unavailable` if it is not live."""
        ...

    async def kept(self, tenant: TenantId | None = None) -> list[Kept]:
        """All that are kept or being purged, or only this one if it is."""
        ...

    async def condemn(self, row: Kept) -> bool:
        """From now on it is being purged, unless it is not kept any more as `row` says; tells whether it is."""
        ...

    async def bury(self, tenant: TenantId) -> None:
        """Leaves only the tombstone."""
        ...


class PostgresRegistry:
    """The real one. `namespace`: where kept tenants have their Secrets; messages name it."""

    def __init__(
        self, postgres: Postgres, namespace: str, backends: str = "{}", entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._postgres = postgres
        self._namespace = namespace
        self._backends = backends
        self._entropy = entropy

    async def prepare(self) -> None:
        """Creates the tables, or what they lack, and closes their database to tenants' roles.

        Nothing is sent that changes anything where all is as we left it.
        """
        await self._postgres.close_to_public(self._postgres.server.database)
        async with self._postgres.connect() as connection:
            left, found = await _seen(connection)
            if left == found:
                return
            with effects.sending("postgres", "create", "registry"):
                await connection.execute(SCHEMA)
                await connection.execute(spares.SCHEMA)
                _, found = await _seen(connection)
                await connection.execute(sql.SQL("COMMENT ON SCHEMA registry IS {}").format(sql.Literal(found)))

    async def find(self, uid: str) -> Entry | None:
        async with self._postgres.connect() as connection:
            cursor = await connection.execute("SELECT id, state FROM registry.tenant WHERE owner_uid = %s", (uid,))
            row = await cursor.fetchone()
        return Entry(TenantId(row[0]), row[1]) if row else None

    async def register(self, slug: str, uid: str, claim: TenantId | None, fit: Fit | None = None) -> TenantId:
        if known := await self.find(uid):
            return known.id
        return await (self._claimed(slug, uid, claim) if claim else self._new(slug, uid, fit))

    async def _new(self, slug: str, uid: str, fit: Fit | None) -> TenantId:
        try:
            async with self._postgres.connect() as connection:
                with effects.sending("postgres", "insert", "registry"):
                    taken = await spares.take(connection, fit, slug, uid, self._backends) if fit else None
                    return taken or await self._minted(connection, slug, uid)
        except psycopg.errors.UniqueViolation as error:
            raise slug_taken(slug, await self._in_use(slug), self._namespace) from error
        except UNPREPARED as error:
            raise unprepared() from error

    async def _minted(self, connection: Connection, slug: str, uid: str) -> TenantId:
        tenant = names.mint(slug, self._entropy(4))
        await connection.execute(
            "INSERT INTO registry.tenant (id, slug, owner_uid, state, backends) VALUES (%s, %s, %s, 'live', %s)",
            (tenant.value, slug, uid, self._backends),
        )
        return tenant

    async def _claimed(self, slug: str, uid: str, claim: TenantId) -> TenantId:
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "update", "registry"):
                cursor = await connection.execute(
                    """UPDATE registry.tenant SET owner_uid = %s, state = 'live', purge_after = NULL, changed_at = now()
                       WHERE id = %s AND slug = %s AND state = 'kept'""",
                    (uid, claim.value, slug),
                )
        if not cursor.rowcount:
            raise claim_refused(slug, claim, await self._state(claim))
        return claim

    async def _in_use(self, slug: str) -> Entry | None:
        async with self._postgres.connect() as connection:
            cursor = await connection.execute(
                "SELECT id, state FROM registry.tenant WHERE slug = %s AND state <> 'deleted'", (slug,)
            )
            row = await cursor.fetchone()
        return Entry(TenantId(row[0]), row[1]) if row else None

    async def _state(self, tenant: TenantId) -> str | None:
        async with self._postgres.connect() as connection:
            cursor = await connection.execute("SELECT state FROM registry.tenant WHERE id = %s", (tenant.value,))
            row = await cursor.fetchone()
        return row[0] if row else None

    async def keep(self, tenant: TenantId, purge_after: datetime) -> None:
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "update", "registry"):
                await connection.execute(
                    """UPDATE registry.tenant SET state = 'kept', purge_after = %s, changed_at = now()
                       WHERE id = %s AND state = 'live'""",
                    (purge_after, tenant.value),
                )
        state = await self._state(tenant)
        if state != "kept":
            raise not_live(tenant, state)

    async def kept(self, tenant: TenantId | None = None) -> list[Kept]:
        only = None if tenant is None else tenant.value
        try:
            async with self._postgres.connect() as connection:
                cursor = await connection.execute(
                    """SELECT id, slug, owner_uid, state = 'purging', purge_after FROM registry.tenant
                       WHERE state IN ('kept', 'purging') AND id = coalesce(%s, id) ORDER BY id""",
                    (only,),
                )
                rows = await cursor.fetchall()
        except UNPREPARED as error:
            raise unprepared() from error
        return [Kept(TenantId(row[0], slug=row[1]), *row[2:]) for row in rows]

    async def condemn(self, row: Kept) -> bool:
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "update", "registry"):
                cursor = await connection.execute(
                    """UPDATE registry.tenant SET state = 'purging', changed_at = now()
                       WHERE id = %s AND owner_uid = %s AND state = 'kept' AND purge_after = %s""",
                    (row.id.value, row.owner_uid, row.purge_after),
                )
        return bool(cursor.rowcount)

    async def bury(self, tenant: TenantId) -> None:
        async with self._postgres.connect() as connection:
            with effects.sending("postgres", "update", "registry"):
                await connection.execute(
                    """UPDATE registry.tenant SET state = 'deleted', changed_at = now()
                       WHERE id = %s AND state <> 'deleted'""",
                    (tenant.value,),
                )


async def _seen(connection: Connection) -> tuple[str | None, str]:
    """What we said that we left, and what is there, with our statements, in short: a newer operator may have others."""
    row = await (await connection.execute(SEEN)).fetchone()
    left, facts = row or (None, [])
    text = "\n".join((SCHEMA, spares.SCHEMA, *sorted(facts)))
    return left, f"{names.GROUP}/registry {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def unprepared() -> Unavailable:
    """The operator has just started, or is of a newer version than the tables."""
    return Unavailable("PostgresRefused", "the registry's table is still being made")


def not_live(tenant: TenantId, state: str | None) -> Unavailable:
    """Why a tenant cannot be kept: whoever looks for it in the registry later would not find it."""
    advice = "a platform admin must look what happened to its row in registry.tenant"
    return Unavailable("RegistryRefused", f"in the registry {tenant} is {state or 'unknown'}, and not live: {advice}")


def slug_taken(slug: str, by: Entry | None, namespace: str) -> Blocked | Waiting:
    """Why no new tenant can have this slug, and what can be done."""
    if by is None:
        return Waiting("SlugBeingFreed", f"the slug {slug!r} has just become free", retry_in=0.1)
    if by.state == "purging":
        message = f"the slug {slug!r} is free again when the tenant {by.id} has been purged"
        return Waiting("SlugBeingFreed", message, retry_in=PURGED_WITHIN)
    if by.state == "kept":
        undelete = f"delete this Brokerage and create it with spec.tenantID: {by.id} to undelete it"
        purge = f"or purge it for good: {kept.purge_command(by.id, namespace)}"
        return Blocked("SlugTaken", f"the slug {slug!r} belongs to the kept tenant {by.id}: {undelete}, {purge}")
    return Blocked("SlugTaken", f"the slug {slug!r} belongs to another tenant ({by.id}): choose another name")


def claim_refused(slug: str, claim: TenantId, state: str | None) -> Blocked:
    """Why this id cannot be claimed."""
    why = {"purging": "is being purged, which cannot be undone", "deleted": "is deleted, and nothing is left of it"}
    problem = why.get(state or "", f"is not a kept tenant of {slug!r}")
    return Blocked("ClaimRefused", f"spec.tenantID {claim} {problem}: create the brokerage without it")
