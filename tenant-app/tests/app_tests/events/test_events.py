"""An event's class is its schema, its JSON and its check."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from pydantic import ValidationError
from rooftree.kernel import events
from rooftree.kernel.events import IntegrationEvent

from .samples import Counted

COUNTER = UUID("0198c0de-0000-7000-8000-000000000001")


def test_event_survives_its_json() -> None:
    event = Counted(counter=COUNTER, number=3)
    assert events.dump(event) == f'{{"counter":"{COUNTER}","number":3,"note":""}}'
    assert events.parse(Counted, events.dump(event).encode()) == event


def test_reader_ignores_what_a_newer_release_added() -> None:
    assert events.parse(Counted, f'{{"counter":"{COUNTER}","number":3,"newer":true}}'.encode()) == Counted(
        counter=COUNTER, number=3
    )


@pytest.mark.parametrize("data", [b"", b"null", b"[1", b"{}", b'{"counter":"x","number":3}', b"\xff"])
def test_what_is_not_the_event_is_refused(data: bytes) -> None:
    with pytest.raises(ValidationError):
        events.parse(Counted, data)


def test_class_is_found_by_its_type() -> None:
    assert events.known()["dev.rooftree.sample.counted.v1"] is Counted


@pytest.mark.parametrize("wrong", ["counted", "dev.rooftree.sample.Counted.v1", "dev.rooftree.sample.counted.v0"])
def test_type_has_its_form(wrong: str) -> None:
    with pytest.raises(TypeError, match="is not dev"):

        @dataclass(frozen=True)
        class Wrong(IntegrationEvent):
            type: ClassVar[str] = wrong


def test_two_events_cannot_share_a_type() -> None:
    with pytest.raises(TypeError, match="two events"):

        @dataclass(frozen=True)
        class Twin(IntegrationEvent):
            type: ClassVar[str] = Counted.type
