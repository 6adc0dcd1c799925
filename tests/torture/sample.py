"""An event that exists in the torture only, and the tables of what caused it and what it caused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

import psycopg
from psycopg import sql
from rooftree.kernel.events import IntegrationEvent

if TYPE_CHECKING:
    from bench_tenant import ScratchTenant

CONSUMER = "torture.count"
# A cause's position is drawn while its transaction holds the aggregate's sequence: it is the order of commits.
_TABLES = """
    CREATE TABLE public.causes (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint NOT NULL, aggregate uuid NOT NULL
    );
    CREATE TABLE public.effects (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint NOT NULL, aggregate uuid NOT NULL,
        sequence bigint NOT NULL
    );
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped(IntegrationEvent):
    """A counter took a step; `number` is of this event alone."""

    type: ClassVar[str] = "dev.rooftree.torture.stepped.v1"

    counter: UUID
    number: int

    @property
    def aggregate_id(self) -> UUID:
        return self.counter


def make_tables(tenant: ScratchTenant) -> None:
    """`public.causes` and `public.effects`, which the app may add to."""
    with psycopg.connect(tenant.admin_dsn, autocommit=True) as admin:
        admin.execute(_TABLES)
        admin.execute(
            sql.SQL("GRANT INSERT ON public.causes, public.effects TO {}").format(
                sql.Identifier(tenant.environment["ROOFTREE_DATABASE_USER"])
            )
        )


def effects(tenant: ScratchTenant) -> int:
    """How many were begun so far; also those that did not become true."""
    with psycopg.connect(tenant.admin_dsn, autocommit=True, connect_timeout=2) as admin:
        row = admin.execute("SELECT last_value FROM public.effects_position_seq").fetchone()
    assert row is not None
    return int(row[0])
