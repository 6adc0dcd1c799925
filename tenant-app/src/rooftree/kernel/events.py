"""What every integration event is: a frozen dataclass of a contract with a type of its own and one aggregate."""

from typing import ClassVar
from uuid import UUID


class IntegrationEvent:
    """Base of the frozen dataclasses in `contracts/<module>/events.py`; all fields are plain JSON-able values."""

    type: ClassVar[str]
    """`dev.rooftree.<module>.<past-tense-name>.v<n>`."""

    @property
    def aggregate_id(self) -> UUID:
        """What the event is about; events of one aggregate stay in order."""
        raise NotImplementedError
