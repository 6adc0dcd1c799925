"""Processes that work on one tenant's queue, to be killed and stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ..conftest import Tenant, TestDatabase
from ..identity.conftest import brokerage
from . import victim

_ = brokerage  # a fixture
TESTS = Path(__file__).parents[2]


class Workers:
    """Starts and kills them, and counts what they did."""

    def __init__(self, tenant: Tenant, database: TestDatabase, folder: Path) -> None:
        self._tenant = tenant
        self.database = database
        self.started: list[subprocess.Popen[bytes]] = []
        self._said = folder

    def start(self, bug: str = "") -> subprocess.Popen[bytes]:
        settings = self._tenant.settings().model_dump(exclude_none=True)
        given = {
            "settings": {name: str(value) for name, value in settings.items()},
            "secrets": {"database_password": self._tenant.secret_files["database_password"]},
        }
        program = [sys.executable, "-m", "app_tests.jobs.victim", json.dumps(given), bug]
        with self._log(len(self.started)).open("wb") as log:
            process = subprocess.Popen(program, cwd=TESTS, stdout=log)
        self.started.append(process)
        return process

    def _log(self, number: int) -> Path:
        return self._said / f"worker-{number}.log"

    def has_said(self, process: "subprocess.Popen[bytes]", words: str) -> bool:
        return words in self._log(self.started.index(process)).read_text()

    def effects(self) -> list[tuple[int, int]]:
        return [(row[0], row[1]) for row in self.database.rows("SELECT number, part FROM public.effects ORDER BY 1, 2")]

    def states(self) -> dict[str, int]:
        return dict(self.database.rows("SELECT state, count(*) FROM jobs.runs GROUP BY state"))

    def open_gate(self, gate: int = victim.ALL) -> None:
        self.database.rows(f"INSERT INTO public.gates VALUES ({gate}) RETURNING 1")


@pytest.fixture
def workers(stored_tenant: Tenant, database: TestDatabase, tmp_path: Path) -> Iterator[Workers]:
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE TABLE public.effects (number int, part int)")
        admin.execute("CREATE TABLE public.gates (gate int)")
        for statement in (
            'GRANT USAGE ON SCHEMA public TO "{}"',
            'GRANT INSERT ON public.effects TO "{}"',
            'GRANT SELECT ON public.gates TO "{}"',
        ):
            admin.execute(statement.format(database.user).encode())
        made = Workers(stored_tenant, database, tmp_path)
        try:
            yield made
        finally:
            for process in made.started:
                os.kill(process.pid, signal.SIGCONT) if process.poll() is None else None
                process.kill()
                process.wait()
            admin.execute("DROP TABLE public.effects, public.gates")
