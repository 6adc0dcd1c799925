"""How many pods a brokerage has: who counts them, and whether they may go while nobody uses it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from .common import ApiModel


class ScalingMode(StrEnum):
    """Who sets the number of pods between the plan's `replicas.min` and `replicas.max`."""

    LOAD_TUNED = "loadTuned"
    HPA = "hpa"
    FIXED = "fixed"


class Scaling(ApiModel):
    """How the number of pods is found."""

    mode: ScalingMode = Field(
        default=ScalingMode.LOAD_TUNED,
        description="`loadTuned`: the operator, by how many requests arrive, how long one takes and the plan's latency "
        "objective. `hpa`: a HorizontalPodAutoscaler, by CPU. `fixed`: the plan's `replicas.min`, whatever the load.",
    )


class SleepMode(StrEnum):
    """When the brokerage may sleep."""

    WHEN_IDLE = "whenIdle"
    NEVER = "never"


class SleepSeen(ApiModel):
    """How far a brokerage is that falls asleep, sleeps or wakes."""

    state: Literal["FallingAsleep", "Asleep", "Waking"] = Field(description="Where between awake and asleep it is.")
    since: str = Field(description="When that began (RFC 3339).", json_schema_extra={"format": "date-time"})
    message: str | None = Field(default=None, description="Why.")
    wakes_at: str | None = Field(
        default=None,
        description="When it is woken though nobody asks: a job is due, or a regular visit (RFC 3339).",
        json_schema_extra={"format": "date-time"},
    )
