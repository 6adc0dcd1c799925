"""Whoever is killed within an import or its undoing: each person is made once, and none stays."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Tenant
from ..jobs.crashing import until
from ..object_storage import password
from .bulk import Bulk, checked, made, open_bulk, step, working, written
from .conftest import done

_ = (made, open_bulk)  # fixtures
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
TESTS = Path(__file__).parents[2]
ROWS = 200


class Victims:
    """One worker at a time; `kill_at`: another one follows it as soon as this is so."""

    def __init__(self, tenant: Tenant, bug: str) -> None:
        settings = tenant.settings().model_dump(exclude_none=True)
        values = {name: str(value) for name, value in settings.items()}
        given = json.dumps({"settings": values, "secrets": tenant.secret_files})
        self._program = [sys.executable, "-m", "app_tests.crm.bulk_victim", given, bug]
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.running = subprocess.Popen(self._program, cwd=TESTS, stdout=subprocess.DEVNULL)

    async def kill_at(self, condition: Any) -> None:
        await until(condition)
        self.kill()
        self.start()

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()


@contextmanager
def victims(tenant: Tenant, bug: str = "") -> Iterator[Victims]:
    made = Victims(tenant, bug)
    made.start()
    try:
        yield made
    finally:
        made.kill()


async def ready(bulk: Bulk, tenant: Tenant) -> dict[str, Any]:
    """A checked import whose rows would be others if they were taken twice: half of them has no address."""
    rows = [[f"Person {n}", f"p{n}@client.test" if n % 2 else ""] for n in range(ROWS)]
    async with working(bulk.owner, tenant):
        return await checked(bulk.owner, written(["Name", "Email"], *rows))


def count(bulk: Bulk, table: str) -> int:
    return bulk.database.rows(f"SELECT count(*) FROM {table}")[0][0]


def state(bulk: Bulk) -> str:
    return bulk.database.rows("SELECT state FROM crm.imports")[0][0]


async def killed_while_applied(bulk: Bulk, tenant: Tenant, bug: str = "") -> dict[str, Any]:
    shown = await ready(bulk, tenant)
    done(await step(bulk.owner, shown, "application"), 202)
    with victims(tenant, bug) as one:
        await one.kill_at(lambda: count(bulk, "crm.people") >= 40)
        await one.kill_at(lambda: count(bulk, "crm.people") >= 120)
        await until(lambda: state(bulk) == "applied")
    return done(await bulk.owner.get(f"/api/v1/people/imports/{shown['id']}"))


async def test_whoever_is_killed_each_person_is_made_once_and_taken_back_once(
    open_bulk: Any, stored_tenant: Tenant
) -> None:
    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    shown = await killed_while_applied(bulk, tenant)
    assert shown["counts"] == {"create": ROWS, "update": 0, "unchanged": 0, "faulty": 0}
    assert bulk.database.rows("SELECT count(*), count(DISTINCT name) FROM crm.people") == [(ROWS, ROWS)]
    assert (count(bulk, "crm.contacts"), count(bulk, "crm.history")) == (ROWS // 2, ROWS)
    done(await step(bulk.owner, shown, "undo"), 202)
    with victims(tenant) as one:
        await one.kill_at(lambda: count(bulk, "crm.people") <= ROWS - 60)
        await until(lambda: state(bulk) == "undone")
    assert count(bulk, "crm.people") == 0
    assert bulk.database.rows("SELECT undone, kept FROM crm.imports") == [(ROWS, 0)]


@pytest.mark.torture
async def test_planted_without_its_position_an_import_makes_people_twice(open_bulk: Any, stored_tenant: Tenant) -> None:
    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    await killed_while_applied(bulk, tenant, "no position")
    assert count(bulk, "crm.people") > ROWS
