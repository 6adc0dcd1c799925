"""Kafka that starts again knows everybody who was not deleted: a broker of its own, and the operator's adapter."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from rooftree_local import jdk, servers
from rooftree_local.backends import CLUSTER_ID, JAVA_FLAGS
from rooftree_local.kafka import ADMIN, PLAIN, SCRAM
from rooftree_operator import keys, scram
from rooftree_operator.adapters import kafka_admin
from rooftree_operator.adapters.kafka import Kafka, Server
from rooftree_operator.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.timeout(900)]

# In the order of Java's hash table, in which Kafka looks at them: the first of all, and two later ones.
LEAVES, STAYS = "acme-00000002.app", ("oak-00000001.app", "elm-00000001.app")
ANSWERS_SECONDS = 240  # on a machine that is busy otherwise
KNOWN_SECONDS = 60


class Broker:
    """One process that is broker and controller, as the stack's, without TLS."""

    def __init__(self, folder: Path) -> None:
        self.password = keys.password()
        self._folder = folder
        self._properties = folder / "server.properties"
        self._java = [f"{jdk.require()}/bin/java", *JAVA_FLAGS, "-Xmx256m", "-cp", f"{servers.kafka()}/*"]
        self._process: subprocess.Popen[bytes] | None = None
        client, controller = _free_port(), _free_port()
        self.address = f"127.0.0.1:{client}"
        self._properties.write_text(self._settings(f"127.0.0.1:{controller}"))
        words = ["kafka.tools.StorageTool", "format", "--config", str(self._properties), "--cluster-id", CLUSTER_ID]
        subprocess.run([*self._java, *words], check=True, capture_output=True)

    def _settings(self, controller: str) -> str:
        login = f'{PLAIN} required username="{ADMIN}" password="{self.password}" user_{ADMIN}="{self.password}";'
        return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=CLIENT://{self.address},CONTROLLER://{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.client.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={login}
listener.name.client.scram-sha-512.sasl.jaas.config={SCRAM} required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMIN};User:ANONYMOUS
log.dirs={self._folder}/data
log.cleaner.dedupe.buffer.size=16777216
"""

    def start(self) -> None:
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._properties)], stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    try:
        yield made
    finally:
        made.kill()


@contextlib.asynccontextmanager
async def started(broker: Broker) -> AsyncIterator[Kafka]:
    """An operator's Kafka, as soon as the broker answers."""
    broker.start()
    kafka = Kafka(Server(broker.address, ADMIN, broker.password, ca_file=None))
    try:
        async with asyncio.timeout(ANSWERS_SECONDS):
            while True:
                try:
                    await kafka.ping()
                    break
                except Unavailable:
                    await asyncio.sleep(0.2)
        yield kafka
    finally:
        kafka.close()


async def known_after_a_start(broker: Broker) -> set[str]:
    """Of those who were not deleted, who is known after the broker was killed and started."""
    async with started(broker) as kafka:
        for user in (LEAVES, *STAYS):
            await kafka.set_credential(user, scram.salted(keys.password()))
        async with asyncio.timeout(KNOWN_SECONDS):
            while {(await kafka.access(user, ())).iterations for user in (LEAVES, *STAYS)} >= {None}:
                continue
        await kafka.drop_credential(LEAVES)
        async with asyncio.timeout(KNOWN_SECONDS):
            while (await kafka.access(LEAVES, ())).iterations is not None:
                continue
        broker.kill()
    async with started(broker) as kafka:
        assert (await kafka.access(LEAVES, ())).iterations is None
        return {user for user in STAYS if (await kafka.access(user, ())).iterations is not None}


async def test_who_was_not_deleted_is_known_when_the_broker_was_killed_and_starts(broker: Broker) -> None:
    assert await known_after_a_start(broker) == set(STAYS)


@pytest.mark.thorough
async def test_the_guard_is_what_keeps_them(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once this fails Kafka is mended, and the guard may go."""
    monkeypatch.setattr(kafka_admin, "GUARD", "rooftree.guard.late")
    assert await known_after_a_start(broker) == set()


@pytest.mark.parametrize(("name", "first"), [(kafka_admin.GUARD, True), ("rooftree.guard.late", False)])
def test_the_guards_name_has_the_hash_that_comes_first_in_tables_of_any_size(name: str, first: bool) -> None:
    hashed = 0
    for letter in name:
        hashed = (31 * hashed + ord(letter)) % 2**32
    assert (hashed == 0) is first
