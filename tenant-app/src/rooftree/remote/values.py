"""How values of contracts are written in messages: ids as text, times as UTC, people as their access tokens."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from rooftree.kernel.auth import Principal


def text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def texts(values: Iterable[UUID]) -> list[str]:
    return [str(value) for value in values]


def uuids(values: Iterable[str]) -> list[UUID]:
    return [UUID(value) for value in values]


def stamp(value: datetime | None) -> Timestamp | None:
    if value is None:
        return None
    stamped = Timestamp()
    stamped.FromDatetime(value)
    return stamped


def time(value: Timestamp) -> datetime:
    return value.ToDatetime(UTC)


def optional(message: Message, name: str) -> Any:
    """A field of the message; None if it has not been given."""
    return getattr(message, name) if message.HasField(name) else None


def optional_id(message: Message, name: str) -> UUID | None:
    value = optional(message, name)
    return None if value is None else UUID(value)


def optional_time(message: Message, name: str) -> datetime | None:
    value = optional(message, name)
    return None if value is None else time(value)


def token(principal: Principal) -> str:
    """Raises ValueError for somebody who did not prove who they are: such a one cannot act elsewhere."""
    if principal.token is None:
        raise ValueError("a principal without its token cannot go to another process")
    return principal.token
