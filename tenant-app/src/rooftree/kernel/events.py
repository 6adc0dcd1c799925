"""What every integration event is: a frozen dataclass of a contract with a type of its own and one aggregate.

The class is the schema: JSON Schema, serialisation and the check of what is received come from its fields. Readers
ignore fields that they do not know, so that a newer release may add some.
"""

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from pydantic import TypeAdapter

TYPE = re.compile(r"dev\.rooftree\.(?P<module>[a-z]+)\.[a-z][a-z0-9]*(-[a-z0-9]+)*\.v[1-9][0-9]*")
_known: dict[str, type["IntegrationEvent"]] = {}


class IntegrationEvent:
    """Base of the frozen dataclasses in `contracts/<module>/events.py`; all fields are plain JSON-able values."""

    __slots__ = ()

    type: ClassVar[str]
    """`dev.rooftree.<module>.<past-tense-name>.v<n>`."""

    @property
    def aggregate_id(self) -> UUID:
        """What the event is about; events of one aggregate stay in order."""
        raise NotImplementedError

    def __init_subclass__(cls) -> None:
        if not TYPE.fullmatch(cls.type):
            raise TypeError(f"{cls.__qualname__}.type is not dev.rooftree.<module>.<name>.v<n>: {cls.type}")
        other = _known.get(cls.type)
        # `@dataclass(slots=True)` makes the class a second time.
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two events have the type {cls.type}")
        _known[cls.type] = cls


def known() -> Mapping[str, type[IntegrationEvent]]:
    """Every event class that was imported, by its type."""
    return MappingProxyType(_known)


def module(kind: str) -> str:
    """The module that publishes events of a type."""
    found = TYPE.fullmatch(kind)
    if found is None:
        raise ValueError("not a type of ours")
    return found["module"]


@cache
def _adapter(event: type[IntegrationEvent]) -> TypeAdapter[Any]:
    if not is_dataclass(event):
        raise TypeError(f"{event.__qualname__} is not a dataclass")
    return TypeAdapter(event)


def dump(event: IntegrationEvent) -> str:
    """The event's data as JSON."""
    return _adapter(type(event)).dump_json(event).decode()


def parse(event: type[IntegrationEvent], data: bytes) -> IntegrationEvent:
    """The event from its JSON. Raises pydantic's `ValidationError`."""
    parsed: IntegrationEvent = _adapter(event).validate_json(data)
    return parsed


def json_schema(event: type[IntegrationEvent]) -> dict[str, Any]:
    """JSON Schema (2020-12) of what a reader of this release accepts."""
    return _adapter(event).json_schema(mode="validation")
