"""Whatever dies when: no event is lost, no effect happens twice, no aggregate's events change places."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from rooftree.kernel.ids import new_id

from . import victim
from .conftest import Site, until

# More for a release-like change; each takes some three seconds.
KILLS = int(os.environ.get("ROOFTREE_TEST_KILLS", "5"))
pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 15 * KILLS)]
TESTS = Path(__file__).parents[2]


class Processes:
    """Starts and kills the events' sides of a tenant's processes, and counts what they did."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, failpoint: str = "", bug: str = "") -> subprocess.Popen[bytes]:
        site = self._site
        given = {
            "settings": {name: str(value) for name, value in site.settings.model_dump(exclude_none=True).items()},
            "secrets": {name: site.secrets.read(name).get_secret_value() for name in _SECRETS},
            "kafka": site.kafka_settings.model_dump(),
        }
        program = [sys.executable, "-m", "app_tests.events.victim", json.dumps(given), failpoint, bug]
        process = subprocess.Popen(program, cwd=TESTS, stdout=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def effects(self) -> dict[UUID, list[int]]:
        """Sequences in the order of their effects, for each aggregate."""
        found: dict[UUID, list[int]] = defaultdict(list)
        rows = self._site.database.rows("SELECT aggregate, sequence FROM public.effects ORDER BY position")
        for aggregate, sequence in rows:
            found[aggregate].append(sequence)
        return found

    def count(self) -> int:
        return self._site.database.rows("SELECT count(*) FROM public.effects")[0][0]


_SECRETS = ("database_password", "kafka_password")


@pytest.fixture
def processes(site: Site) -> Iterator[Processes]:
    with psycopg.connect(site.database.admin_dsn, autocommit=True) as admin:
        admin.execute(
            "CREATE TABLE public.effects (position bigint GENERATED ALWAYS AS IDENTITY, event uuid, aggregate uuid,"
            " sequence bigint)"
        )
        admin.execute(f'GRANT USAGE ON SCHEMA public TO "{site.database.user}"'.encode())
        admin.execute(f'GRANT INSERT ON public.effects TO "{site.database.user}"'.encode())
        started = Processes(site)
        try:
            yield started
        finally:
            for process in started.started:
                process.kill()
                process.wait()
            admin.execute("DROP TABLE public.effects")


COUNTERS = [UUID(int=number) for number in range(1, 4)]


async def _publish(site: Site) -> None:
    for number in range(20):
        for counter in COUNTERS:
            await site.publish(number, counter=counter)


async def _crash_and_recover(site: Site, processes: Processes, failpoint: str, bug: str = "") -> dict[UUID, list[int]]:
    await _publish(site)
    doomed = processes.start(failpoint, bug)
    async with asyncio.timeout(40):
        status = await asyncio.to_thread(doomed.wait)
    assert status == -signal.SIGKILL
    processes.start(bug=bug)
    # The last event of each aggregate comes after all others of it.
    await until(lambda: all(20 in processes.effects()[counter] for counter in COUNTERS), seconds=60)
    await until(lambda: site.unsent() == 0)
    return processes.effects()


@pytest.mark.parametrize("failpoint", victim.FAILPOINTS)
async def test_process_killed_there_loses_nothing_and_repeats_nothing(
    site: Site, processes: Processes, failpoint: str
) -> None:
    effects = await _crash_and_recover(site, processes, failpoint)
    assert effects == {counter: list(range(1, 21)) for counter in COUNTERS}


@pytest.mark.parametrize(
    ("bug", "failpoint"),
    [("inbox forgotten", "before the offset"), ("offset before effect", "within the effect")],
)
@pytest.mark.thorough
async def test_these_tests_notice_a_planted_bug(site: Site, processes: Processes, bug: str, failpoint: str) -> None:
    effects = await _crash_and_recover(site, processes, failpoint, bug)
    wrong = {counter: numbers for counter, numbers in effects.items() if numbers != list(range(1, 21))}
    assert wrong, "the bug went unnoticed"


async def test_random_kills_under_load_lose_nothing_and_repeat_nothing(site: Site, processes: Processes) -> None:
    chance = random.Random(4)
    published = 0
    stop = asyncio.Event()

    async def load() -> None:
        nonlocal published
        counters = [new_id() for _ in range(10)]
        while not stop.is_set():
            counter = chance.choice(counters)
            await site.publish(*range(3), counter=counter)
            published += 3
            await asyncio.sleep(0.03)

    loading = asyncio.create_task(load())
    alive = [processes.start(), processes.start()]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(1.5, 4))
        doomed = alive.pop(chance.randrange(2))
        doomed.kill()
        alive.append(processes.start())
    stop.set()
    await loading
    await until(lambda: not site.unsent() and processes.count() >= published, seconds=60)
    for numbers in processes.effects().values():
        assert numbers == list(range(1, len(numbers) + 1))
    assert processes.count() == published
    print(f"{KILLS} kills, {published} events: none lost, none twice, none out of place")  # noqa: T201
    # Who has one of these ends in order when told to; one that still begins does not.
    relays = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'rooftree relay' AND datname = current_database()"
    await until(lambda: len(site.database.rows(relays)) >= len(alive), seconds=60)
    for process in alive:
        process.terminate()
    for process in alive:
        assert await asyncio.to_thread(process.wait, 15) == 0
