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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from rooftree.bulk.tables import ExportTable, ImportTable, LineTable, Tables


class Table(DeclarativeBase):
    metadata = MetaData(schema="property")
    type_annotation_map = {  # noqa: RUF012
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[dict[str, str]]: JSONB,
        list[str]: ARRAY(Text),
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
    last_succeeded_at: Mapped[datetime | None]
    """When everything that a run does, the comparison of keys included, last came to a good end."""
    last_change_at: Mapped[datetime | None]
    surplus: Mapped[int | None]
    """By how many records the feed's count exceeded what is held, when keys were last compared."""
    compared_at: Mapped[datetime | None]
    withheld_at: Mapped[datetime | None]
    """When a removal was withheld because the feed suddenly lists too little; None when none is."""
    withheld_keys: Mapped[bytes | None]
    """Hash of the keys that were missing then."""
    retry_at: Mapped[datetime | None]
    """The feed asked not to be called before this time."""
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """How many runs in a row failed."""
    outage_id: Mapped[UUID | None]
    outage_told_at: Mapped[datetime | None]
    """When FeedFailed was told of the outage that goes on."""
    reading: Mapped[int | None]
    """`domain.READING` of the release that last began to read all of it."""


class FeedRunRow(Table):
    """One run: what it read and did. At most one of a feed is running; who finds it running goes on with it."""

    __tablename__ = "feed_runs"
    __table_args__ = (
        CheckConstraint("kind IN ('full', 'incremental', 'purge')", name="feed_runs_kind_check"),
        CheckConstraint("state IN ('running', 'succeeded', 'failed')", name="feed_runs_state_check"),
        Index("feed_runs_running", "feed", unique=True, postgresql_where=text("state = 'running'")),
        Index("feed_runs_by_feed", "feed", "id"),
        Index("feed_runs_by_state", "feed", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    requested: Mapped[bool]
    """A person asked for it."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    seen: Mapped[int] = mapped_column(server_default=text("0"))
    created: Mapped[int] = mapped_column(server_default=text("0"))
    updated: Mapped[int] = mapped_column(server_default=text("0"))
    removed: Mapped[int] = mapped_column(server_default=text("0"))
    unchanged: Mapped[int] = mapped_column(server_default=text("0"))
    rejected: Mapped[int] = mapped_column(server_default=text("0"))
    total: Mapped[int | None]
    """How many records the feed said there are to read."""
    error: Mapped[str | None]
    checkpoint: Mapped[str | None]


class PropertyRow(Table):
    """A listing. Columns for what is searched, `details` for the rest of the listing page. Areas in square feet.

    Own listings are those of the feed `rights.OWN_FEED`. A draft's price is 0 and its texts are empty while unknown.
    """

    __tablename__ = "properties"
    __table_args__ = (
        UniqueConstraint("feed", "listing_key"),
        Index("properties_by_modified", "modification_timestamp", "id"),
        Index("properties_by_price", "list_price", "id"),
        Index("properties_by_area", text("COALESCE(living_area, 0)"), "id"),
        Index("properties_by_year", text("COALESCE(year_built, 0)"), "id"),
        Index(
            "properties_by_subdivision",
            text("(details ->> 'subdivision_name')"),
            postgresql_using="gin",
            postgresql_ops={"subdivision_name": "gin_trgm_ops"},
        ),
        Index("properties_by_status", "standard_status", "property_sub_type"),
        Index("properties_search_document", "search_document", postgresql_using="gin"),
        Index(
            "properties_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
        Index(
            "properties_by_place",
            text("point(longitude, latitude)"),
            postgresql_using="gist",
            postgresql_where=text("latitude IS NOT NULL AND longitude IS NOT NULL AND removed_at IS NULL"),
        ),
        # All that a search can ask for: an answer's `total` reads this, not the rows.
        Index(
            "properties_counted",
            "standard_status",
            "city",
            postgresql_include=[
                "id",
                "feed",
                "list_price",
                "living_area",
                "bedrooms_total",
                "bathrooms_total",
                "year_built",
                "property_sub_type",
                "postal_code",
                "latitude",
                "longitude",
                "internet_display",
                "internet_address_display",
            ],
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("properties_own", "modification_timestamp", "id", postgresql_where=text("feed = '.own'")),
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
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    """Grows by one with every change of the row or its photos that others can see; 0 for a draft."""
    removed_at: Mapped[datetime | None]
    """When the listing was found to have left its feed; invisible since."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    internet_address_display: Mapped[bool] = mapped_column(server_default=text("true"))
    """False: neither address nor place may be shown to the public."""
    photos_change_timestamp: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    """Of own listings: grows by one with every edit, also of drafts; what editors name in If-Match."""
    list_agent_id: Mapped[UUID | None]
    list_office_id: Mapped[UUID | None]
    private_remarks: Mapped[str | None]
    showing_instructions: Mapped[str | None]


class HistoryRow(Table):
    """A change of price or status (RESO's HistoryTransactional). Prices are minor units of the listing's currency."""

    __tablename__ = "history"
    __table_args__ = (
        CheckConstraint("field IN ('list_price', 'standard_status', 'close_price')", name="history_field_check"),
        Index("history_by_property", "property_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    property_id: Mapped[UUID] = mapped_column(ForeignKey("property.properties.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    """None: a feed's run."""
    change_type: Mapped[str]
    field: Mapped[str]
    from_value: Mapped[str | None]
    to_value: Mapped[str | None]
    reason: Mapped[str | None]


class EditRow(Table):
    """Which fields an edit of an own listing changed: what a person is told whose edit comes too late."""

    __tablename__ = "edits"

    property_id: Mapped[UUID] = mapped_column(
        ForeignKey("property.properties.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True)
    """The listing's after this edit."""
    at: Mapped[datetime]
    actor_id: Mapped[UUID]
    fields: Mapped[list[str]]


class PhotoRow(Table):
    """A photo of an own listing; its files are in object storage. Shown when `ready` and not removed."""

    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint("state IN ('uploading', 'processing', 'ready', 'failed')", name="photos_state_check"),
        Index("photos_by_property", "property_id", "position", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    property_id: Mapped[UUID] = mapped_column(ForeignKey("property.properties.id", ondelete="CASCADE"))
    position: Mapped[int]
    description: Mapped[str | None]
    state: Mapped[str]
    width: Mapped[int | None]
    """Of the picture the right way up, once it is ready."""
    height: Mapped[int | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


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
    __table_args__ = (UniqueConstraint("feed", "identity"), Index("rejections_by_feed", "feed", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    feed: Mapped[str]
    identity: Mapped[str]
    listing_key: Mapped[str | None]
    reasons: Mapped[list[dict[str, str]]]
    record: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]


class ImportRow(ImportTable, Table):
    """A file of own listings."""


class ImportLineRow(LineTable, Table):
    """One row of such a file."""

    record = "property"


class ExportRow(ExportTable, Table):
    """A file of own listings that somebody asked for."""


BULK = Tables(ImportRow, ImportLineRow, ExportRow)
