"""The one small connection pool of this process: none at start, at most three, TLS checked to the host name.

Modules never open connections; they get a session from `kernel.unit_of_work`.
"""

from typing import Any

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from rooftree.kernel.settings import DatabaseSettings, Secrets
from rooftree.kernel.statement_spans import trace_statements

# Three here, for requests, jobs and consumers, and one of the relay: four connections a process is the tenant's budget.
POOL_SIZE = 3
# Names of extensions and jobs are found without a schema; a table of the same name in pg_temp never wins.
SEARCH_PATH = "pg_catalog,extensions,jobs,pg_temp"
_TIMEOUTS = {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}


def connection_arguments(settings: DatabaseSettings, secrets: Secrets, *, limits: bool = True) -> dict[str, Any]:
    """libpq parameters for psycopg. `limits`: with the time limits that requests need and migrations do not."""
    options = {"search_path": SEARCH_PATH, "timezone": "UTC", **(_TIMEOUTS if limits else {})}
    arguments: dict[str, Any] = {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": settings.database_name,
        "user": settings.database_user,
        "password": secrets.read("database_password").get_secret_value(),
        "application_name": "rooftree",
        "connect_timeout": 5,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }
    if settings.ca_file is not None:
        arguments |= {"sslmode": "verify-full", "sslrootcert": str(settings.ca_file)}
    return arguments


class Database:
    """The engine and its life; `ping` tells readiness."""

    def __init__(self, settings: DatabaseSettings, secrets: Secrets) -> None:
        self.engine: AsyncEngine = create_async_engine(
            URL.create("postgresql+psycopg"),
            connect_args=connection_arguments(settings, secrets),
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=5,
            pool_recycle=1800,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        trace_statements(self.engine)

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
