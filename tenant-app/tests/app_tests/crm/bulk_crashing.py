"""Workers of imports that are killed, and what they have done."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..conftest import Tenant
from ..jobs.crashing import until
from .bulk import Bulk, checked, step, working, written
from .conftest import done

TESTS = Path(__file__).parents[2]
ROWS = 150


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
        await until(lambda: state(bulk) == "applied")
    return done(await bulk.owner.get(f"/api/v1/people-imports/{shown['id']}"))
