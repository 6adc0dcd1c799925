"""What is read and written over HTTP about feeds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from rooftree.contracts.property.api import FeedState, RunKind, RunState
from rooftree.kernel.pagination import PageQuery

MAX_FEEDS = 16  # of one Brokerage, by its resource's schema


class ProgressOutput(BaseModel):
    """In records; `total` is what the feed said there is, null if it did not say."""

    seen: int
    total: int | None


class FeedOutput(BaseModel):
    """`imported` and `rejected` count what is stored now."""

    name: str
    url: str
    state: FeedState
    imported: int
    rejected: int
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_error: str | None
    checkpoint: str | None
    last_change_at: datetime | None = Field(description="When a run last changed a listing.")
    lag_seconds: int | None = Field(description="For how long the copy may lack changes; null before the first copy.")
    progress: ProgressOutput | None = Field(description="Of the run that is going on.")


class Feeds(BaseModel):
    items: list[FeedOutput] = Field(json_schema_extra={"maxItems": MAX_FEEDS})


class RunQuery(PageQuery):
    state: RunState | None = None


class FeedRunOutput(BaseModel):
    """One run: a full or an incremental read, or a comparison of keys (`purge`) that removes what left the feed."""

    id: UUID
    kind: RunKind
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    seen: int
    created: int
    updated: int
    removed: int
    unchanged: int
    rejected: int
    total: int | None = Field(description="How many records the feed said there are to read.")
    error: str | None
    checkpoint: str | None


class FeedRunPage(BaseModel):
    items: list[FeedRunOutput]
    next_cursor: str | None


class ReasonOutput(BaseModel):
    field: str
    message: str


class RejectionOutput(BaseModel):
    """A record that could not become a listing, as the feed sent it."""

    listing_key: str | None
    reasons: list[ReasonOutput]
    record: dict[str, Any]
    seen_at: datetime


class RejectionPage(BaseModel):
    items: list[RejectionOutput]
    total: int
    next_cursor: str | None
