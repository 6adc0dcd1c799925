"""The real process with events: what it holds, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooftree.kernel.ids import new_id

from ..ports import free_port
from ..test_process import _PROGRAM, Process
from .conftest import Site, until

pytestmark = pytest.mark.integration

MEMORY_MIB = 170


@pytest.fixture
def process(site: Site, tmp_path: Path) -> Iterator[Process]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in ("database_password", "kafka_password", "owner_seed", "signing_keys.json", "feeds.json"):
        (folder / name).write_text(site.secrets.read(name).get_secret_value())
    port = free_port()
    values = {name: str(value) for name, value in site.settings.model_dump(exclude_none=True).items()}
    values |= {"secrets_dir": str(folder), "bind_host": "127.0.0.1", "bind_port": str(port), "drain_seconds": "0.5"}
    values |= {name: str(value) for name, value in site.kafka_settings.model_dump().items()}
    values |= {"owner_email": "olivia@acme.test", "metrics_port": "0"}
    environment = {**os.environ, **{f"ROOFTREE_{name.upper()}": value for name, value in values.items()}}
    child = subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield Process(child, port)
    finally:
        child.kill()
        child.wait()


async def test_holds_four_connections_at_most_stays_small_and_ends_in_time(site: Site, process: Process) -> None:
    process.wait_until("/readyz", 200)
    await site.publish(*range(600), counter=new_id())
    await until(lambda: site.unsent() == 0, seconds=40)
    await until(lambda: site.database.rows("SELECT 1 FROM jobs.procrastinate_workers"))
    await site.pool.engine.dispose()

    def held() -> dict[str, int]:
        user = site.database.user
        query = f"SELECT application_name, count(*) FROM pg_stat_activity WHERE usename = '{user}' GROUP BY 1"
        return dict(site.database.rows(query))

    # Those of the test itself end when the server has noticed.
    await until(lambda: sum(held().values()) <= 4)
    assert held()["rooftree relay"] == 1
    print(f"memory {process.memory_mib():.0f} MiB")  # noqa: T201 - a figure of the release
    assert process.memory_mib() <= MEMORY_MIB
    process.child.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.child.wait(20) in (0, -signal.SIGTERM)
    assert time.monotonic() - began <= 0.5 + 8
