"""What is read over HTTP of jobs and schedules."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

JobState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


class JobQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str | None, Field(max_length=100, pattern=r"^[a-z_]+\.[a-z_]+$")] = None
    state: JobState | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 24
    cursor: Annotated[str | None, Field(max_length=1024, description="`next_cursor` of the page before.")] = None


class JobProgress(BaseModel):
    done: int
    total: int | None = Field(description="null while that is not known.")


class JobError(BaseModel):
    """Why the newest attempt failed."""

    code: str = Field(description="As the last part of a problem's type.")
    detail: str | None


class JobOutput(BaseModel):
    """Work that goes on after the answer to whoever asked for it."""

    id: UUID
    kind: str = Field(description="`<module>.<verb>`, such as `property.rebuild_search`.")
    state: JobState
    attempt: int = Field(description="How often it was begun.")
    progress: JobProgress
    message: str | None
    result: str | None = Field(description="The path of what was made.")
    error: JobError | None
    is_ending: bool = Field(description="Its end was asked for.")
    actor_id: UUID | None = Field(description="Who asked for it; null: nobody did.")
    created_at: datetime
    started_at: datetime | None
    changed_at: datetime
    finished_at: datetime | None


class JobPage(BaseModel):
    items: list[JobOutput]
    next_cursor: str | None


class ScheduleOutput(BaseModel):
    """What is done without being asked. Times that were missed are made up for once."""

    kind: str
    cron: str = Field(description="In UTC; a sixth word stands for seconds.")
    last_due_at: datetime | None
    next_due_at: datetime


class Schedules(BaseModel):
    # As many as the release has; a hundred would be a fault of it.
    items: Annotated[list[ScheduleOutput], Field(max_length=100)]
