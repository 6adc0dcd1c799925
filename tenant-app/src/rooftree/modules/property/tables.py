"""Postgres schema `property`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    metadata = MetaData(schema="property")
    type_annotation_map = {  # noqa: RUF012
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[dict[str, str]]: JSONB,
    }


class FeedRow(Table):
    """How far the copy of a feed is. Address and credentials come from the mounted Secret, not from here.

    `checkpoint` is the address of the next page of an unfinished run that began at `run_began_at`. Once a run came
    to its end, `complete_until` says when it had begun: whatever changed earlier is stored, and runs are incremental.
    """

    __tablename__ = "feeds"
    __table_args__ = (CheckConstraint("state IN ('idle', 'importing', 'failed')", name="feeds_state_check"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    state: Mapped[str]
    checkpoint: Mapped[str | None]
    run_began_at: Mapped[datetime | None]
    complete_until: Mapped[datetime | None]
    last_started_at: Mapped[datetime | None]
    last_finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class PropertyRow(Table):
    """A listing. Columns for what is searched, `details` for the rest of the listing page. Areas in square feet."""

    __tablename__ = "properties"
    __table_args__ = (
        UniqueConstraint("feed", "listing_key"),
        Index("properties_by_modified", "modification_timestamp", "id"),
        Index("properties_by_price", "list_price", "id"),
        Index("properties_by_area", text("COALESCE(living_area, 0)"), "id"),
        Index("properties_by_status", "standard_status", "property_sub_type"),
        Index("properties_search_document", "search_document", postgresql_using="gin"),
        Index(
            "properties_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str]
    listing_key: Mapped[str]
    standard_status: Mapped[str]
    property_type: Mapped[str]
    property_sub_type: Mapped[str | None]
    currency: Mapped[str]
    list_price: Mapped[int] = mapped_column(BigInteger)
    """Minor units of `currency`, like `close_price`."""
    close_price: Mapped[int | None] = mapped_column(BigInteger)
    unparsed_address: Mapped[str]
    city: Mapped[str | None]
    state_or_province: Mapped[str | None]
    postal_code: Mapped[str | None]
    bedrooms_total: Mapped[int | None]
    bathrooms_total: Mapped[int | None]
    living_area: Mapped[int | None]
    lot_size_area: Mapped[int | None]
    year_built: Mapped[int | None]
    internet_display: Mapped[bool]
    modification_timestamp: Mapped[datetime]
    details: Mapped[dict[str, Any]]
    fingerprint: Mapped[bytes]
    """Hash of everything the feed said; equal means that the row need not be written."""
    search_text: Mapped[str]
    search_document: Mapped[Any] = mapped_column(TSVECTOR)
    updated_at: Mapped[datetime]


class MediaRow(Table):
    """A photo of a listing at its feed; `number` counts from 1 in the feed's order."""

    __tablename__ = "media"

    property_id: Mapped[UUID] = mapped_column(
        ForeignKey("property.properties.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    description: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]


class RejectionRow(Table):
    """A record that could not become a listing. `identity` is its key, or a hash if it has none."""

    __tablename__ = "rejections"
    __table_args__ = (UniqueConstraint("feed", "identity"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    feed: Mapped[str]
    identity: Mapped[str]
    listing_key: Mapped[str | None]
    reasons: Mapped[list[dict[str, str]]]
    record: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]
