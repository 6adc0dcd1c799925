"""Opaque cursors: where the next page starts, as URL-safe text that clients hand back and never read."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rooftree.kernel.errors import FieldError, Unprocessable

Scalar = str | int | float | bool | None
MAX_PAGE = 100
_MAX_CURSOR = 1024
Cursor = Annotated[str | None, Field(max_length=_MAX_CURSOR, description="`next_cursor` of the page before.")]


class PageQuery(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 24
    cursor: Cursor = None


def encode_cursor(*values: Scalar) -> str:
    """The sort key of the last row shown, in order. Dates and ids go in as text."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type | tuple[type, ...]) -> Sequence[Scalar]:
    """The values of `encode_cursor`, each checked against its kind. Raises `Unprocessable` for anything else."""
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values: Any = json.loads(raw)
        if not isinstance(values, list):
            raise ValueError
        key = cast("list[Scalar]", values)
        if len(key) != len(kinds) or not all(map(isinstance, key, kinds)) or not all(map(_is_storable, key)):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise invalid_cursor() from None
    return key


def _is_storable(value: Scalar) -> bool:
    """PostgreSQL's texts hold no NUL, UTF-8 no half of a surrogate pair. Raises `ValueError` for the latter."""
    return not isinstance(value, str) or b"\0" not in value.encode()


def cursor_id(value: Scalar) -> UUID:
    """An id that is part of a cursor. Raises `Unprocessable`."""
    try:
        return UUID(str(value))
    except ValueError:
        raise invalid_cursor() from None


def cursor_moment(value: Scalar) -> datetime:
    """A time that is part of a cursor, in ISO 8601 with its offset. Raises `Unprocessable`."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise invalid_cursor() from None
    if moment.tzinfo is None:
        raise invalid_cursor()
    return moment


def invalid_cursor() -> Unprocessable:
    """For what `decode_cursor` takes but the list does not."""
    error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
    return Unprocessable("The cursor is not valid.", errors=[error])
