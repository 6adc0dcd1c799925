"""Identifiers: UUIDv7 for rows (sortable by creation), random text for secrets."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7: unique everywhere, rising with time."""
    return uuid7()


def new_secret() -> str:
    """256 random bits as URL-safe text, for cookies, codes and tokens."""
    return secrets.token_urlsafe(32)
