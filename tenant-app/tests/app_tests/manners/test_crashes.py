"""Whenever a replica is killed and however many requests with one key there are: one effect, one answer."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from rooftree.kernel.idempotency import REPLAYED

from ..conftest import EMAIL, Browser, Tenant, TestDatabase
from ..crm.conftest import ADA
from ..identity.conftest import token_of
from ..ports import free_port

pytestmark = pytest.mark.integration
PEOPLE = "SELECT count(*) FROM crm.people"
VICTIM = Path(__file__).with_name("victim.py")


class Replica:
    """A process of the app, started again when it was killed."""

    def __init__(self, environment: dict[str, str], token: str, bug: str) -> None:
        self._environment = environment | {"ROOFTREE_BIND_PORT": str(free_port())}
        self._bug = bug
        self.headers = {"Authorization": f"Bearer {token}", "Host": "acme.rooftree.localhost"}
        self.begin()

    def begin(self) -> None:
        self._child = subprocess.Popen([sys.executable, str(VICTIM), self._bug], env=self._environment)

    def end(self) -> None:
        self._child.kill()
        self._child.wait()

    def await_end(self) -> None:
        assert self._child.wait(20) == -9

    def ready(self) -> "Replica":
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection(("127.0.0.1", int(self._environment["ROOFTREE_BIND_PORT"])), 1):
                    return self
            except OSError:
                assert self._child.poll() is None, "the replica ended"
                assert time.monotonic() < deadline, "the replica does not listen"
                time.sleep(0.05)

    def create(self, key: str, **headers: str) -> httpx2.Response:
        url = f"http://127.0.0.1:{self._environment['ROOFTREE_BIND_PORT']}/api/v1/people"
        headers = self.headers | {"Idempotency-Key": key} | headers
        return httpx2.post(url, json=ADA | {"even_if_known": True}, headers=headers, timeout=30, trust_env=False)

    def killed_by(self, key: str, when: str) -> None:
        with pytest.raises(httpx2.TransportError):
            self.create(key, **{"X-Die": when})
        self.await_end()


Start = Callable[..., list[Replica]]


@pytest.fixture
async def replicas(owner: Browser, stored_tenant: Tenant, tmp_path: Path) -> Any:
    """`replicas(2)` runs two of them; `bug`: with this planted."""
    (folder := tmp_path / "secrets").mkdir()
    for name, content in stored_tenant.secret_files.items():
        (folder / name).write_text(content)
    values = {name: str(value) for name, value in stored_tenant.values.items() if value is not None}
    values |= {"secrets_dir": str(folder), "owner_email": EMAIL, "metrics_port": "0"}
    environment = {**os.environ, **{f"ROOFTREE_{name.upper()}": value for name, value in values.items()}}
    token = (await token_of(owner, EMAIL))["access_token"]
    with ExitStack() as stack:

        def run(count: int, bug: str = "") -> list[Replica]:
            found = [Replica(environment, token, bug) for _ in range(count)]
            for one in found:
                stack.callback(one.end)
            return [one.ready() for one in found]

        yield run


def at_once(replicas: list[Replica], key: str) -> tuple[list[int], set[str]]:
    """Twenty requests of one person over both; statuses, and what was answered as made."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: replicas[number % 2].create(key), range(20)))
    return [one.status_code for one in answers], {one.json()["id"] for one in answers if one.status_code == 201}


def test_twenty_at_once_and_requests_that_are_killed_have_one_effect_and_its_answer(
    replicas: Start, database: TestDatabase
) -> None:
    both, key = replicas(2), str(uuid4())
    statuses, made = at_once(both, key)
    assert set(statuses) <= {201, 409}, statuses
    assert (database.rows(PEOPLE), len(made)) == ([(1,)], 1)
    assert at_once(both, key) == ([201] * 20, made)
    # Each holds a connection until it is answered, of three that a process has.
    with ThreadPoolExecutor(20) as pool:
        others = list(pool.map(lambda number: both[number % 2].create(str(uuid4())), range(20)))
    assert [one.status_code for one in others] == [201] * 20
    made |= {one.json()["id"] for one in others}
    doomed, other = both
    key = str(uuid4())
    doomed.killed_by(key, "before commit")
    assert database.rows(PEOPLE) == [(21,)]
    doomed.begin()
    doomed.ready().killed_by(key, "after commit")
    assert database.rows(PEOPLE) == [(22,)]
    answer = other.create(key)
    assert (answer.status_code, answer.headers[REPLAYED]) == (201, "true")
    stored = {str(known) for (known,) in database.rows("SELECT id FROM crm.people")}
    assert stored == {answer.json()["id"], *made}
    assert answer.headers["location"] == f"/api/v1/people/{answer.json()['id']}"


@pytest.mark.thorough
def test_an_answer_stored_apart_from_its_effect_and_keys_without_a_lock_would_be_noticed(
    replicas: Start, database: TestDatabase
) -> None:
    doomed, other = replicas(2, "answer apart, no lock")
    at_once([doomed, other], str(uuid4()))
    several = database.rows(PEOPLE)[0][0]
    assert several > 1
    key = str(uuid4())
    doomed.killed_by(key, "after commit")
    assert REPLAYED not in other.create(key).headers
    assert database.rows(PEOPLE) == [(several + 2,)]
