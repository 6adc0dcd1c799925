"""Applies migrations: one Alembic branch for the kernel and one for each module, all in one database.

One process at a time (advisory lock), as the database's owner when `ROOFTREE_DATABASE_OWNER_ROLE` is set. Loads
Alembic, so nothing that serves requests may import this file.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from rooftree.kernel.database import connection_arguments
from rooftree.kernel.settings import DatabaseSettings, Secrets

KERNEL = Path(__file__).parent / "migrations"
# Schemas that belong to the kernel's branch; each module adds one of its own name.
KERNEL_SCHEMAS = ("migrations", "extensions", "jobs", "events", "requests")
# A pod that has just started may be let out to the database a moment later: policies follow pods. And a database may
# be starting anew just then, for as long as a minute.
REACH_SECONDS = 60.0
_PAUSE_SECONDS = 1.0
_LOCK = 7_236_118_402_217
_log = structlog.get_logger(__name__)


def configuration(modules: Iterable[Path], connection: Connection | None = None) -> Config:
    """Alembic's settings for the kernel's branch and those in `<module folder>/migrations/versions`."""
    folders = [KERNEL / "versions", *(folder / "migrations" / "versions" for folder in modules)]
    config = Config()
    config.set_main_option("script_location", str(KERNEL))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in folders if folder.is_dir()))
    config.attributes["connection"] = connection
    return config


def heads(modules: Iterable[Path]) -> dict[str, str]:
    """The newest revision of each branch."""
    script = ScriptDirectory.from_config(configuration(modules))
    found: dict[str, str] = {}
    for revision in script.get_revisions("heads"):
        (branch,) = revision.branch_labels
        found[branch] = revision.revision
    return dict(sorted(found.items()))


def revisions(modules: Iterable[Path]) -> list[str]:
    """Every revision that this release knows. A database that is at another one has been at a newer release."""
    script = ScriptDirectory.from_config(configuration(modules))
    return sorted(revision.revision for revision in script.walk_revisions())


def _reached(engine: Engine) -> Connection:
    """Raises OperationalError when the database stays out of reach."""
    until = time.monotonic() + REACH_SECONDS
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if time.monotonic() >= until:
                raise
            _log.warning("database_out_of_reach", error=type(error.orig).__name__)
            time.sleep(_PAUSE_SECONDS)


def upgrade(settings: DatabaseSettings, secrets: Secrets, modules: Iterable[Path]) -> None:
    """Bring the database to the heads, once it can be reached. Raises SQLAlchemy's errors; the migration that failed is
    rolled back.
    """
    engine = create_engine(
        URL.create("postgresql+psycopg"),
        connect_args=connection_arguments(settings, secrets, limits=False),
        poolclass=NullPool,
        hide_parameters=True,
    )
    with _reached(engine) as connection:
        # Session level: migrations may leave their transaction (CREATE INDEX CONCURRENTLY), lock and role must not.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        if settings.database_owner_role:
            role = sql.Identifier(settings.database_owner_role).as_string(None)
            connection.execute(text(f"SET SESSION ROLE {role}"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS migrations"))
        connection.commit()
        command.upgrade(configuration(modules, connection), "heads")
        connection.commit()
