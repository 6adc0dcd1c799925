"""What a restore does to databases that are there already: one takes the other's place, and events are sent again."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from .. import effects
from ..errors import Waiting
from .postgres import Login, Postgres

LEAVING = 1.0  # seconds after which it is tried again, if somebody came in between
# Those that we may end; for others, such as a superuser's, the swap waits. The server itself ends what is its own.
SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = ANY(%s) AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND pg_has_role(usesysid, 'USAGE')"""
OUTBOX = "SELECT to_regclass('events.outbox') IS NOT NULL"
SEND_AGAIN = "UPDATE events.outbox SET sent_at = NULL WHERE sent_at IS NOT NULL"


@dataclass(frozen=True)
class Swaps:
    """On one server."""

    postgres: Postgres

    async def swap(self, current: str, new: str, aside: str) -> None:
        """`new` is called `current` from now on, and what was called so is called `aside`: both or neither.

        Whoever is connected to one of them is thrown out. Raises `Waiting` if somebody comes in again at once.
        """
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        pairs = ((current, aside), (new, current))
        statements = [rename.format(sql.Identifier(old), sql.Identifier(name)) for old, name in pairs]
        async with self.postgres.connect() as connection:
            with effects.sending("postgres", "terminate", "session"):
                await connection.execute(SESSIONS, ([current, new],))
            try:
                with effects.sending("postgres", "rename", "database"):
                    async with connection.transaction():
                        for statement in statements:
                            await connection.execute(statement)
            except psycopg.errors.ObjectInUse as error:
                message = f"somebody is connected to database {current} or {new}"
                raise Waiting("DatabaseInUse", message, retry_in=LEAVING) from error

    async def send_again(self, database: str, login: Login) -> None:
        """Events that the database still knows are sent once more; consumers know those that they have handled.

        The table is the tenant's, and so is who changes it here: whatever else it may be, it runs with no other rights.
        """
        async with self.postgres.connect(database, login) as connection:
            await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(login.owner)))
            row = await (await connection.execute(OUTBOX)).fetchone()
            if row and row[0]:
                with effects.sending("postgres", "update", "outbox"):
                    await connection.execute(SEND_AGAIN)
