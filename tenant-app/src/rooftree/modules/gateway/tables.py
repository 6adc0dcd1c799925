"""Postgres schema `gateway`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    metadata = MetaData(schema="gateway")
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), bytes: LargeBinary}  # noqa: RUF012


class SessionRow(Table):
    """A browser that is signed in. `version` rises with each renewal of the sealed tokens.

    `id` names it to its owner and opens nothing. `sign_in_id` is identity's; none for what an older release began.
    """

    __tablename__ = "sessions"

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(index=True)
    sealed: Mapped[bytes]
    version: Mapped[int]
    access_expires_at: Mapped[datetime]
    renewing_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    id: Mapped[UUID] = mapped_column(unique=True, server_default=text("gen_random_uuid()"))
    sign_in_id: Mapped[UUID | None]
    user_agent: Mapped[str | None]
