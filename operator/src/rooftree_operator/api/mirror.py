"""What the status of a Brokerage says of what is being done with it, by order of somebody or by the operator itself."""

from enum import StrEnum

from pydantic import Field

from .common import ApiModel


class OperationType(StrEnum):
    """What an operation does."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    ROTATE = "Rotate"
    BACKUP = "Backup"
    RESTORE = "Restore"
    DRILL = "Drill"
    CLONE = "Clone"


class OperationState(StrEnum):
    """How an operation goes."""

    RUNNING = "Running"
    WAITING = "Waiting"  # for somebody, for a system that is away, or held
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"  # only what was ordered by a BrokerageOperation gives up


class CurrentOperation(ApiModel):
    """What the operator is doing, or did last."""

    type: OperationType = Field(description="What it does.")
    name: str | None = Field(default=None, description="The BrokerageOperation by which it was ordered, if it was.")
    state: OperationState = Field(
        description="Running; Waiting for somebody who must act, for a system that is away or because the operator is "
        "held back; Succeeded; or Failed."
    )
    step: str = Field(
        description="Type of the condition that it is at; of a rotation the phase, of a BrokerageOperation the step."
    )
    progress: int = Field(description="Parts that are done, in percent of all.", ge=0, le=100)
    started_at: str = Field(description="When it began (RFC 3339).", json_schema_extra={"format": "date-time"})
    finished_at: str | None = Field(
        default=None, description="When it was over (RFC 3339).", json_schema_extra={"format": "date-time"}
    )
    message: str = Field(description="What is the case at this step.")
