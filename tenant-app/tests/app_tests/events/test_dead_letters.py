"""Dead letters can be looked at and given to the one consumer that failed, again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rooftree.kernel.dead_letters import bury, note, replay, waiting
from rooftree.kernel.ids import new_id

from .conftest import Site, until
from .test_consuming import Effects, consumer, dead

EVENT = "0198c0de-0000-7000-8000-000000000001"


class Stored:
    """A message as Kafka gives it back."""

    def __init__(self, message, offset: int, partition: int = 0) -> None:
        self.key, self.value, headers = message
        self.headers = tuple(headers)
        self.offset, self.partition, self.topic, self.timestamp = offset, partition, "t.events", offset * 1000


def letter_of(consumer: str, offset: int, headers: dict[str, bytes] | None = None) -> Stored:
    from datetime import UTC, datetime

    original = Stored((b"k", b"v", (headers or {"ce_id": EVENT.encode()}).items()), 5)
    return Stored(bury(original, consumer=consumer, reason="why", tries=5, at=datetime.now(UTC)), offset)


def test_a_letter_keeps_the_message_and_tells_who_failed_and_why() -> None:
    (letter,) = waiting([letter_of("a", 7)])
    assert (letter.id, letter.place, letter.consumer, letter.reason) == (EVENT, "0:7", "a", "why")
    assert (letter.key, letter.value, letter.headers) == (b"k", b"v", (("ce_id", EVENT.encode()),))
    assert dict(replay(letter).headers) == {"ce_id": EVENT.encode(), "replay-for": b"a"}


def test_what_was_replayed_is_off_the_list_and_comes_back_when_it_fails_again() -> None:
    first = letter_of("a", 1)
    noted = Stored(note(waiting([first])[0]), 2)
    assert waiting([first, noted]) == []
    again = letter_of("a", 3)
    assert [letter.place for letter in waiting([noted, first, again])] == ["0:3"]


def test_of_one_event_and_consumer_the_newest_counts_and_consumers_are_apart() -> None:
    found = waiting([letter_of("a", 1), letter_of("b", 2), letter_of("a", 3)])
    assert [(letter.consumer, letter.offset) for letter in found] == [("b", 2), ("a", 3)]


def test_a_message_without_an_id_is_called_by_its_place_and_never_carries_an_old_target() -> None:
    found = waiting([letter_of("a", 1, {"replay-for": b"x", "y": b"1"}), letter_of("a", 2, {"y": b"2"})])
    assert [letter.id for letter in found] == ["0:1", "0:2"]
    assert dict(replay(found[0]).headers) == {"y": b"1", "replay-for": b"a"}


@pytest.fixture
def command(site: Site, tmp_path: Path):
    """Runs `dead-letters …` as its own process and gives back (status, output)."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("database_password", "kafka_password", "owner_seed", "signing_keys.json", "feeds.json"):
        (secrets / name).write_text(site.secrets.read(name).get_secret_value())
    values = {name: str(value) for name, value in site.settings.model_dump(exclude_none=True).items()}
    values |= {"secrets_dir": str(secrets), "owner_email": "olivia@acme.test"}
    values |= {name: str(value) for name, value in site.kafka_settings.model_dump().items()}
    environment = {**os.environ, **{f"ROOFTREE_{name.upper()}": value for name, value in values.items()}}

    def run(*arguments: str) -> tuple[int, str]:
        program = [sys.executable, "-m", "rooftree.cli", "dead-letters", *arguments]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.integration
@pytest.mark.timeout(300)  # ten commands, each a process of some seconds
async def test_letters_are_listed_shown_and_replayed_to_the_one_consumer_that_failed(site: Site, command) -> None:
    failing, other = Effects(), Effects()
    failing.poison = {2}
    await site.publish(1, 2, 3, counter=new_id())
    async with site.running(consumer(failing), consumer(other, "sample.other")):
        await until(lambda: len(failing.numbers) == 2 and len(other.numbers) == 3)
    (headers,) = await dead(site)

    status, output = command("list")
    assert status == 0
    title, row = output.splitlines()
    assert title.split()[:3] == ["ID", "CONSUMER", "TYPE"]
    assert row.split()[:3] == [headers["ce_id"], "sample.count", "dev.rooftree.sample.counted.v1"]
    (listed,) = json.loads(command("list", "-o", "json")[1])
    assert listed["reason"].startswith("ZeroDivisionError (left out)")
    assert (listed["id"], listed["tries"]) == (headers["ce_id"], 5)

    (shown,) = json.loads(command("show", listed["id"])[1])
    assert "payload" not in shown
    assert shown["headers"]["ce_type"] == "dev.rooftree.sample.counted.v1"
    (shown,) = json.loads(command("show", listed["id"], "--payload")[1])
    assert json.loads(shown["payload"])["number"] == 2
    assert command("show", "nothing") == (1, "No dead letter nothing is waiting.\n")

    failing.poison = set()
    assert command("replay", listed["id"])[0] == 0
    assert command("list", "-o", "json")[1] == "[]\n"
    async with site.running(consumer(failing), consumer(other, "sample.other")):
        await until(lambda: len(failing.numbers) == 3)
        await site.publish(4, counter=new_id())
        await until(lambda: failing.numbers[-1] == 4 and other.numbers[-1] == 4)
    assert failing.numbers == [1, 3, 2, 4]
    assert failing.received[2].late
    assert other.numbers == [1, 2, 3, 4]


@pytest.mark.integration
async def test_all_letters_are_replayed_at_once_and_twice_does_no_harm(site: Site) -> None:
    from rooftree.kernel.dead_letter_store import DeadLetterStore

    failing, store = Effects(), DeadLetterStore(site.kafka)
    failing.poison = {1, 2}
    await site.publish(1, 2, counter=new_id())
    async with site.running(consumer(failing)):
        await until(lambda: site.metric("rooftree_dead_letters_total", consumer="sample.count") == 2)
    failing.poison = set()
    letters = await store.waiting()
    await store.replay(letters)
    await store.replay(letters)
    assert await store.waiting() == []
    async with site.running(consumer(failing)):
        await site.publish(3, counter=new_id())
        await until(lambda: failing.numbers[-1:] == [3])
    assert failing.numbers == [1, 2, 3]


@pytest.mark.integration
async def test_a_replayed_event_that_fails_again_is_a_letter_again(site: Site) -> None:
    from rooftree.kernel.dead_letter_store import DeadLetterStore

    failing, store = Effects(), DeadLetterStore(site.kafka)
    failing.poison = {1}
    await site.publish(1, counter=new_id())
    async with site.running(consumer(failing)):
        await until(lambda: site.metric("rooftree_dead_letters_total", consumer="sample.count") == 1)
        (before,) = await store.waiting()
        await store.replay([before])
        await until(lambda: site.metric("rooftree_dead_letters_total", consumer="sample.count") == 2)
    (after,) = await store.waiting()
    assert (after.id, after.headers) == (before.id, before.headers)
    assert after.place != before.place
