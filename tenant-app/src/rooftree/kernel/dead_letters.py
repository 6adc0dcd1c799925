"""Events that a consumer could not handle: the original message with who failed and why, in a topic of the tenant.

The topic only grows. A replay sends the message to its topic again, for the one consumer that failed, and adds a note
that takes the letter off the list; a consumer that fails again writes a new letter. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rooftree.kernel.envelope import REPLAY_FOR, Message, Record

_PREFIX = "dead-letter-"
_REPLAYED = "dead-letter-replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One that waits for a person."""

    partition: int
    offset: int
    """With the partition its place in the dead-letter topic."""
    at: datetime
    consumer: str
    reason: str
    tries: int
    topic: str
    """Where the message came from."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """The message's own."""

    def attribute(self, name: str) -> str:
        """A CloudEvents attribute, as far as the message has it."""
        return dict(self.headers).get(f"ce_{name}", b"").decode(errors="replace")

    @property
    def id(self) -> str:
        """What a person calls it: the event's id, or its place if it has none."""
        return self.attribute("id") or self.place

    @property
    def place(self) -> str:
        return f"{self.partition}:{self.offset}"


def bury(record: Record, *, consumer: str, reason: str, tries: int, at: datetime) -> Message:
    """The message for the dead-letter topic."""
    kept = [(name, value) for name, value in record.headers or () if name != REPLAY_FOR and value is not None]
    told = {
        "consumer": consumer,
        "reason": reason,
        "tries": str(tries),
        "topic": record.topic,
        "place": f"{record.partition}:{record.offset}",
        "at": at.astimezone(UTC).isoformat(),
    }
    headers = [*kept, *((_PREFIX + name, value.encode()) for name, value in told.items())]
    return Message(record.key, record.value, tuple(headers))


def waiting(records: Iterable[Record]) -> list[DeadLetter]:
    """The letters among all messages of the topic that nobody has replayed; of one event and consumer the newest."""
    replayed: set[str] = set()
    letters: list[DeadLetter] = []
    for record in records:
        headers: Mapping[str, bytes] = dict(record.headers or ())
        if _REPLAYED in headers:
            replayed.add(headers[_REPLAYED].decode(errors="replace"))
        elif _PREFIX + "consumer" in headers:
            letters.append(_letter(record, headers))
    newest = {(letter.consumer, letter.id): letter for letter in letters}
    found = (letter for letter in newest.values() if letter.place not in replayed)
    return sorted(found, key=lambda letter: (letter.at, letter.place))


def _letter(record: Record, headers: Mapping[str, bytes]) -> DeadLetter:
    told = {name: headers.get(_PREFIX + name, b"").decode(errors="replace") for name in ("consumer", "reason", "topic")}
    tries = headers.get(_PREFIX + "tries", b"")
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        tries=int(tries) if tries.isdigit() else 0,
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith(_PREFIX)),
        **told,
    )


def replay(letter: DeadLetter) -> Message:
    """The message for the topic that it came from."""
    return Message(letter.key, letter.value, (*letter.headers, (REPLAY_FOR, letter.consumer.encode())))


def note(letter: DeadLetter) -> Message:
    """Takes the letter off the list."""
    return Message(letter.key, b"", ((_REPLAYED, letter.place.encode()),))
