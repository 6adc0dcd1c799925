"""Migrations: what the manifest says, what the database gets, and that the tables in code are the same."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rooftree import assembly
from rooftree.kernel import migrating
from rooftree.kernel.settings import DatabaseSettings, Secrets
from sqlalchemy import URL, MetaData, create_engine
from sqlalchemy.exc import OperationalError

from .conftest import TestDatabase


def test_manifest_is_printed_without_settings_or_database() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rooftree.manifest"],
        env={"ROOFTREE_VERSION": "0.1.0-dev.abc", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = json.loads(done.stdout)
    assert printed["version"] == "0.1.0-dev.abc"
    assert printed["modules"] == list(assembly.names())
    # Modules build on the kernel's branch, whose newest revision theirs imply.
    assert set(printed["migration_heads"]) - {"kernel"} == set(printed["modules"])
    assert set(printed["migration_heads"].values()) < set(printed["migrations"])
    assert len(printed["migrations"]) == len(set(printed["migrations"]))
    assert set(printed["schemas"]) == {"migrations", "extensions", "jobs", "events", "requests", *printed["modules"]}
    assert printed["topics"] == ["events", "dead-letter"]
    assert printed["metrics_port"] == 9464
    assert printed["commands"]["migrate"] == ["python", "-m", "rooftree.migrate"]
    assert printed["probes"] == {"live": "/livez", "ready": "/readyz", "startup": "/startupz"}
    assert printed["port"] == 8080


class LateEngine:
    """An engine whose database cannot be reached at first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.connection = object()

    def connect(self) -> object:
        if self.failures:
            self.failures -= 1
            raise OperationalError("connect", {}, psycopg.OperationalError("Connection refused"))
        return self.connection


def test_a_database_that_cannot_be_reached_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "_PAUSE_SECONDS", 0)
    engine: Any = LateEngine(failures=5)
    assert migrating._reached(engine) is engine.connection


def test_a_database_that_stays_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "REACH_SECONDS", 0)
    engine: Any = LateEngine(failures=2)
    with pytest.raises(OperationalError):
        migrating._reached(engine)
    assert engine.failures == 1


@pytest.mark.integration
def test_heads_are_those_of_the_manifest(migrated_database: TestDatabase) -> None:
    applied = {row[0] for row in migrated_database.rows("SELECT version_num FROM migrations.alembic_version")}
    assert applied == set(migrating.heads(assembly.folder(name) for name in assembly.names()).values())


@pytest.mark.integration
def test_everything_belongs_to_the_owner_role(migrated_database: TestDatabase) -> None:
    owners = migrated_database.rows(
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert owners == [(f"{migrated_database.name}.owner",)]


@pytest.mark.integration
def test_migrating_again_and_at_once_changes_nothing(migrated_database: TestDatabase, tmp_path: Path) -> None:
    given = conninfo_to_dict(migrated_database.admin_dsn)
    (tmp_path / "database_password").write_text(str(given.get("password") or ""))
    settings = DatabaseSettings(
        database_host=migrated_database.host,
        database_port=migrated_database.port,
        database_name=migrated_database.name,
        database_user=str(given["user"]),
        ca_file=Path(migrated_database.ca_file) if migrated_database.ca_file else None,
        database_owner_role=f"{migrated_database.name}.owner",
    )
    folders = [assembly.folder(name) for name in assembly.names()]
    before = migrated_database.rows("SELECT version_num FROM migrations.alembic_version ORDER BY 1")
    with ThreadPoolExecutor(3) as threads:
        for run in [threads.submit(migrating.upgrade, settings, Secrets(tmp_path), folders) for _ in range(3)]:
            run.result()
    assert migrated_database.rows("SELECT version_num FROM migrations.alembic_version ORDER BY 1") == before


@pytest.mark.integration
@pytest.mark.parametrize("module", assembly.names())
def test_tables_in_code_are_those_in_the_database(migrated_database: TestDatabase, module: str) -> None:
    import importlib

    metadata: MetaData = importlib.import_module(f"rooftree.modules.{module}.tables").Table.metadata
    given = conninfo_to_dict(migrated_database.admin_dsn)
    engine = create_engine(URL.create("postgresql+psycopg"), connect_args=given)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _parents: kind != "schema" or name == module,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.integration
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE identity.x (a int)",
        "CREATE TABLE public.x (a int)",
        "DROP TABLE identity.users",
        "ALTER TABLE identity.users ADD COLUMN x int",
        "TRUNCATE identity.users",
        "CREATE SCHEMA x",
        'SET ROLE "postgres"',
    ],
)
def test_app_role_changes_rows_only(migrated_database: TestDatabase, statement: str) -> None:
    tested = migrated_database
    dsn = make_conninfo(tested.admin_dsn, user=tested.user, password=tested.password)
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
