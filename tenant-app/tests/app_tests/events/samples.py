"""Events of a module that exists in these tests only."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from rooftree.kernel.events import IntegrationEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(IntegrationEvent):
    """A counter took a step."""

    type: ClassVar[str] = "dev.rooftree.sample.counted.v1"

    counter: UUID
    number: int
    note: str = ""

    @property
    def aggregate_id(self) -> UUID:
        return self.counter
