"""Events as Kafka messages: CloudEvents 1.0 in binary content mode.

Binary, because the type is then a header: consumers pass over what they do not want without reading the data, dead
letters keep the original bytes, and tracing tools find `ce_traceparent`. Key is the aggregate's id. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pydantic import ValidationError

from rooftree.kernel import events
from rooftree.kernel.consumers import Received
from rooftree.kernel.events import IntegrationEvent

SOURCE = "//rooftree.dev/tenants/{tenant_id}/{module}"
SCHEMA = "https://rooftree.dev/event-schemas/{type}.json"
REPLAY_FOR = "replay-for"
"""Names the one consumer that a replayed dead letter is for."""
# As text that sorts like the number, which the CloudEvents extension asks for.
_SEQUENCE_DIGITS = 19

Headers = Iterable[tuple[str, bytes]]


class Message(NamedTuple):
    """What is sent."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Record(Protocol):
    """What is received; aiokafka's ConsumerRecord is one."""

    topic: str
    partition: int
    offset: int
    key: Any
    value: Any
    headers: Any
    timestamp: int


class Row(NamedTuple):
    """One row of the outbox, in the order of the relay's query."""

    position: int
    id: UUID
    aggregate_id: UUID
    sequence: int
    type: str
    data: str
    actor_id: str
    traceparent: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not for this consumer."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Can never be handled by this release; `reason` holds no values."""

    reason: str


def wrap(row: Row, *, tenant_id: str) -> Message:
    """The message of an outbox row."""
    module = events.module(row.type)
    attributes = {
        "specversion": "1.0",
        "id": str(row.id),
        "source": SOURCE.format(tenant_id=tenant_id, module=module),
        "type": row.type,
        "subject": str(row.aggregate_id),
        "time": row.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "dataschema": SCHEMA.format(type=row.type),
        "tenantid": tenant_id,
        "actorid": row.actor_id,
        "sequence": f"{row.sequence:0{_SEQUENCE_DIGITS}d}",
        **({"traceparent": row.traceparent} if row.traceparent else {}),
    }
    headers = [("content-type", b"application/json")]
    headers += [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return Message(str(row.aggregate_id).encode(), row.data.encode(), tuple(headers))


def unwrap(
    record: Record, wanted: Mapping[str, type[IntegrationEvent]], *, consumer: str, tenant_id: str
) -> Received | Skipped | Broken:
    """What a message is to a consumer of the types `wanted`.

    A version that this release does not know, of an event that the consumer wants, is broken rather than skipped:
    during an upgrade a newer pod may have published it, and it must not be lost.
    """
    try:
        headers = {name: value.decode() for name, value in record.headers or () if value is not None}
    except UnicodeDecodeError:
        return Broken("its headers are not UTF-8 text")
    kind = headers.get("ce_type", "")
    if headers.get(REPLAY_FOR, consumer) != consumer:
        return Skipped()
    if headers.get("ce_specversion") != "1.0":
        return Broken("it is not a CloudEvents 1.0 message in binary mode")
    if kind in wanted:
        return _received(headers, wanted[kind], record.value or b"", tenant_id)
    newer = kind not in events.known() and _unversioned(kind) in map(_unversioned, wanted)
    return Broken(f"this release does not know {kind[:200]}") if newer else Skipped()


def _received(
    headers: Mapping[str, str], event: type[IntegrationEvent], data: bytes, tenant_id: str
) -> Received | Broken:
    try:
        if headers["ce_tenantid"] != tenant_id:
            return Broken("it is an event of another tenant")
        return Received(
            id=UUID(headers["ce_id"]),
            event=events.parse(event, data),
            aggregate_id=UUID(headers["ce_subject"]),
            sequence=int(headers["ce_sequence"]),
            time=datetime.fromisoformat(headers["ce_time"]),
            actor_id=headers["ce_actorid"],
            traceparent=headers.get("ce_traceparent"),
        )
    except KeyError as missing:
        return Broken(f"it has no header {missing.args[0]}")
    except ValidationError as error:
        return Broken(f"it is no {event.type}: {_wrong(error)}")
    except ValueError:
        return Broken("a header of it is malformed")


def _wrong(error: ValidationError) -> str:
    """Which fields are wrong in which way, without values."""
    found = error.errors(include_input=False, include_context=False, include_url=False)
    return ", ".join(f"{'.'.join(map(str, item['loc'])) or 'data'} {item['type']}" for item in found[:5])


def _unversioned(kind: str) -> str:
    return kind.rpartition(".")[0]
