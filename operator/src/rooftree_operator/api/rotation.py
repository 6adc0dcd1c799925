"""What a Brokerage declares and tells of the rotation of its credentials."""

from enum import StrEnum

from pydantic import Field

from .common import ApiModel


class Rotation(ApiModel):
    """That credentials and signing keys are rotated now and then by the operator itself."""

    every_days: int = Field(
        description="Days from the end of one rotation, or from the brokerage's creation, to the beginning of the "
        "next. It begins up to a tenth of that later, at most a day: not all brokerages at once.",
        ge=1,
        le=365,
    )


class RotationPhase(StrEnum):
    """Where the rotation of a brokerage's credentials is."""

    PENDING = "Pending"  # wanted, and not begun
    PREPARING = "Preparing"
    ROLLING = "Rolling"
    DRAINING = "Draining"
    COMPLETING = "Completing"
    COMPLETED = "Completed"


class RotationStatus(ApiModel):
    """The rotation of all credentials and signing keys that goes on, was the last one, or is to be the first."""

    id: str | None = Field(
        default=None,
        description="Value of the annotation rooftree.dev/rotate that it was begun by; of one that began by "
        "spec.rotation the last such value, if there was one.",
    )
    scheduled: bool | None = Field(
        default=None, description="Whether spec.rotation began it, or is to begin it, and no annotation."
    )
    phase: RotationPhase = Field(
        description="Pending: wanted, and not begun yet. Preparing: the new generation is made, and backends let both "
        "in. Rolling: pods come to have the new one. Draining: the former one is refused, and what its signing key "
        "signed is still good. Completing: pods forget that key. Completed."
    )
    generation: int = Field(description="The newest generation of credentials; the first one is 1.", ge=1)
    started_at: str | None = Field(
        default=None, description="When it began (RFC 3339).", json_schema_extra={"format": "date-time"}
    )
    completed_at: str | None = Field(
        default=None,
        description="When the last one was completed (RFC 3339).",
        json_schema_extra={"format": "date-time"},
    )
    due_at: str | None = Field(
        default=None,
        description="When the next one begins by spec.rotation (RFC 3339).",
        json_schema_extra={"format": "date-time"},
    )
    message: str | None = Field(default=None, description="What it waits for.")
