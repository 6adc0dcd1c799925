"""What all of crm reads and writes over HTTP: texts with their limits, pages.

Merge patches (RFC 7396): a member that is left out stays as it is, null empties it, which only some members allow.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from rooftree.kernel.text import email_address, tidy
from rooftree.modules.crm.domain import (
    LABEL,
    LABEL_MAX,
    MAX_CONTACTS,
    MAX_TAGS,
    MESSAGE_MAX,
    NAME_MAX,
    NOTE_MAX,
    OUTCOME_MAX,
    PHONE_MAX,
    TITLE_MAX,
)

_NO_NUL = r"^[^\x00]*$"
# What browsers know, too: not this machine's own (localtime), placeholders (Factory) and copies (posix/, right/).
_ZONE = re.compile(r"(?!Factory$)[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


def _line(value: str) -> str:
    line = tidy(value)
    if not line:
        raise ValueError("use at least one character that can be seen")
    return line


def _zone(value: str) -> str:
    try:
        if _ZONE.fullmatch(value):
            return ZoneInfo(value).key
    except (ValueError, OSError, KeyError):
        pass
    raise ValueError("must be a time zone's name, such as America/Chicago")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999 in UTC") from None


Name = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(_line)]
Email = Annotated[str, Field(max_length=320), AfterValidator(email_address)]
Phone = Annotated[str, Field(max_length=PHONE_MAX), AfterValidator(_line)]
Emails = Annotated[list[Email], Field(max_length=MAX_CONTACTS)]
Phones = Annotated[list[Phone], Field(max_length=MAX_CONTACTS)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LABEL_MAX, pattern=LABEL)]
Tags = Annotated[list[Annotated[str, Field(max_length=LABEL_MAX), AfterValidator(_line)]], Field(max_length=MAX_TAGS)]
Message = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MESSAGE_MAX, pattern=_NO_NUL)]
Title = Annotated[str, Field(max_length=TITLE_MAX), AfterValidator(_line)]
NoteText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_MAX, pattern=_NO_NUL)]
Outcome = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=OUTCOME_MAX, pattern=_NO_NUL)
]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Words = Annotated[str, Field(max_length=200, pattern=_NO_NUL)]
SoughtLabel = Annotated[str, Field(max_length=LABEL_MAX, pattern=_NO_NUL)]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Utm = Annotated[dict[Literal["source", "medium", "campaign", "term", "content"], Label], Field(max_length=5)]
# Neither required nor null, and without a default that a reader could take for what happens.
absent: Any = Field(default_factory=lambda: None)


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Only the members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}
