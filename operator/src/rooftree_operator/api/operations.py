"""Kinds BrokerageOperation, one imperative action on a brokerage, and BrokerageBackup, an artifact of it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field
from pydantic.config import JsonDict

from .common import DNS_LABEL, ApiModel, Column, Condition, Rule, keyed_by
from .slugs import SLUG_PATTERN

_TIME: JsonDict = {"format": "date-time"}
DAY = 86_400  # seconds


class OperationKind(StrEnum):
    """What an operation does."""

    BACKUP = "Backup"
    RESTORE = "Restore"
    DRILL = "Drill"
    CLONE = "Clone"


class OperationSpec(ApiModel):
    """What is to be done. It cannot be changed afterwards."""

    brokerage: str = Field(description="Name of the Brokerage.", max_length=30, pattern=SLUG_PATTERN)
    type: OperationKind = Field(
        description="`Backup`: writes a BrokerageBackup of the operation's name. `Restore`: brings the brokerage back "
        "to what `backup` holds; visitors see a page while the databases change places. `Drill`: loads `backup`, or "
        "the newest one, into a database that is thrown away, and proves all of it; nobody notices. `Clone`: brings "
        "the brokerage to what a backup of any brokerage holds, without sign-ins, jobs and events; `spec.source` of a "
        "Brokerage orders it."
    )
    backup: str | None = Field(
        default=None,
        description="Restore, Drill and Clone: name of the BrokerageBackup.",
        min_length=1,
        max_length=63,
        pattern=DNS_LABEL,
    )
    mask: bool = Field(
        default=False,
        description="Clone: names, mail addresses, numbers and texts of people are masked, the same value by the same "
        "mask, and nobody has a password.",
    )
    ttl_seconds_after_finished: int = Field(
        default=DAY,
        description="The operation is deleted so many seconds after it is over. Until then the database that a restore "
        "has replaced is kept beside, too.",
        ge=0,
        le=30 * DAY,
    )


NAME_RULES = (
    Rule(
        rule=f"self.metadata.name.matches('{DNS_LABEL}') && size(self.metadata.name) <= 63",
        message="metadata.name must be a DNS label of at most 63 characters (a-z, 0-9 and hyphens)",
    ),
)
OPERATION_RULES = (
    Rule(rule="self == oldSelf", message="spec of an operation is immutable: make another operation"),
    Rule(
        rule="!(self.type in ['Restore', 'Clone']) || has(self.backup)",
        message="spec.backup must name the backup of a Restore or Clone",
    ),
    Rule(rule="self.type != 'Backup' || !has(self.backup)", message="spec.backup is none of a Backup's"),
    Rule(rule="self.type == 'Clone' || !self.mask", message="spec.mask is of a Clone only"),
)
BACKUP_RULES = (Rule(rule="self == oldSelf", message="spec of a backup is immutable"),)


class OperationPhase(StrEnum):
    """How an operation goes."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class StepState(StrEnum):
    """How a step goes."""

    PENDING = "Pending"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class OperationStep(ApiModel):
    """One step. Each can be begun again after a crash at any point of it."""

    name: str = Field(description="What the step does.", max_length=63)
    state: StepState = Field(description="Pending, Running, Done, Failed or Skipped.")
    started_at: str | None = Field(default=None, description="When it began (RFC 3339).", json_schema_extra=_TIME)
    finished_at: str | None = Field(default=None, description="When it was over (RFC 3339).", json_schema_extra=_TIME)
    message: str | None = Field(default=None, description="What is the case, or what it waits for.")


class OperationError(ApiModel):
    """Why it does not go on, or has failed."""

    code: str = Field(description="Reason in PascalCase; docs/conditions.md explains each.")
    message: str = Field(description="What is the case and who must act.")
    audience: Literal["Tenant", "Reseller", "Platform", "Nobody"] = Field(description="Who must act.")
    retryable: bool = Field(description="Whether the operator tries again by itself.")
    hint: str = Field(description="The next command to give.")


class OperationResult(ApiModel):
    """What came of it."""

    backup: str | None = Field(default=None, description="Name of the BrokerageBackup that was written or read.")
    taken_at: str | None = Field(
        default=None, description="Moment that the backup holds (RFC 3339).", json_schema_extra=_TIME
    )
    size: int | None = Field(default=None, description="Bytes in the store.", ge=0)
    rows: int | None = Field(default=None, description="Rows that were written, or loaded and proven.", ge=0)
    objects: int | None = Field(default=None, description="Files that were written, or proven.", ge=0)
    seconds: float | None = Field(default=None, description="How long it took, from its first step on.", ge=0)
    closed_seconds: float | None = Field(
        default=None, description="How long visitors saw the page instead of the app.", ge=0
    )


class OperationStatus(ApiModel):
    """How it goes. Written by the operator only."""

    phase: OperationPhase | None = Field(default=None, description="Pending, Running, Succeeded or Failed.")
    tenant_id: str | None = Field(default=None, alias="tenantID", description="Id of the tenant that it works on.")
    step: str | None = Field(default=None, description="The step that it is at.")
    progress: int | None = Field(default=None, description="Steps that are over, in percent of all.", ge=0, le=100)
    message: str | None = Field(default=None, description="What is the case, or what it waits for.")
    closed: bool | None = Field(default=None, description="Whether visitors of the brokerage see a page meanwhile.")
    started_at: str | None = Field(default=None, description="When it began (RFC 3339).", json_schema_extra=_TIME)
    finished_at: str | None = Field(default=None, description="When it was over (RFC 3339).", json_schema_extra=_TIME)
    steps: list[OperationStep] = Field(
        default_factory=list[OperationStep], description="All steps, in order.", json_schema_extra=keyed_by("name")
    )
    result: OperationResult | None = Field(default=None, description="What came of it so far.")
    error: OperationError | None = Field(default=None, description="Why it waits or has failed. Absent if it goes on.")
    conditions: list[Condition] = Field(
        default_factory=list[Condition],
        description="Complete once it has succeeded, Failed once it has not.",
        json_schema_extra=keyed_by("type"),
    )


class BackupSpec(ApiModel):
    """Whose backup it is. Written by the operator; it cannot be changed."""

    brokerage: str = Field(description="Name of the Brokerage.", max_length=30, pattern=SLUG_PATTERN)
    tenant_id: str = Field(
        alias="tenantID",
        description="Id of the tenant.",
        max_length=39,
        pattern=r"^[a-z][a-z0-9-]{1,28}[a-z0-9]-[0-9a-f]{8}$",
    )


class BackupPhase(StrEnum):
    """How a backup stands."""

    WRITING = "Writing"
    COMPLETE = "Complete"
    FAILED = "Failed"


class BackupStore(ApiModel):
    """Where a backup lies: in the platform's object store, or on its volume of backups."""

    bucket: str | None = Field(default=None, description="Bucket in the platform's object store.")
    key: str | None = Field(default=None, description="What the names of all its objects begin with.")
    volume: str | None = Field(default=None, description="The volume, as the installation names it.")
    path: str | None = Field(default=None, description="The folder on the volume.")


class BackupStatus(ApiModel):
    """What was written. Written by the operator only."""

    phase: BackupPhase | None = Field(default=None, description="Writing, Complete or Failed.")
    taken_at: str | None = Field(default=None, description="Moment that it holds (RFC 3339).", json_schema_extra=_TIME)
    size: int | None = Field(default=None, description="Bytes in the store.", ge=0)
    checksum: str | None = Field(default=None, description="SHA-256 of all that lies in the store, in order.")
    manifest: str | None = Field(
        default=None, description="SHA-256 of its manifest; one that says anything else is refused."
    )
    rows: int | None = Field(default=None, description="Rows of the database.", ge=0)
    objects: int | None = Field(default=None, description="Files of the brokerage's bucket.", ge=0)
    outbox_position: int | None = Field(default=None, description="Newest event that it holds.", ge=0)
    unsent_events: int | None = Field(default=None, description="Events that were not sent yet at that moment.", ge=0)
    version: str | None = Field(default=None, description="Version of the tenant app that wrote the data.")
    migrations: list[str] = Field(default_factory=list[str], description="Migrations that the database was at.")
    store: BackupStore | None = Field(default=None, description="Where it lies.")
    key_id: str | None = Field(default=None, alias="keyID", description="The platform's key that it can be read with.")
    seconds: float | None = Field(default=None, description="How long writing it took.", ge=0)
    proven_at: str | None = Field(
        default=None, description="When a drill has loaded and proven all of it (RFC 3339).", json_schema_extra=_TIME
    )
    proven_seconds: float | None = Field(default=None, description="How long that took.", ge=0)
    disproven_at: str | None = Field(
        default=None, description="When a drill could not (RFC 3339).", json_schema_extra=_TIME
    )
    message: str | None = Field(default=None, description="Why it failed, or the drill did.")


OPERATION_COLUMNS = (
    Column("Brokerage", ".spec.brokerage"),
    Column("Type", ".spec.type"),
    Column("Phase", ".status.phase"),
    Column("Step", ".status.step"),
    Column("Progress", ".status.progress", type="integer", description="In percent."),
    Column("Age", ".metadata.creationTimestamp", type="date"),
    Column("Backup", ".status.result.backup", priority=1),
    Column("Seconds", ".status.result.seconds", type="number", priority=1),
    Column("Message", ".status.message", priority=1),
)
BACKUP_COLUMNS = (
    Column("Brokerage", ".spec.brokerage"),
    Column("Phase", ".status.phase"),
    Column("Taken", ".status.takenAt", type="date", description="Moment that it holds."),
    Column("Size", ".status.size", type="integer", description="Bytes in the store."),
    Column("Version", ".status.version"),
    Column("Proven", ".status.provenAt", type="date", description="When a drill has proven it."),
    Column("Age", ".metadata.creationTimestamp", type="date"),
    Column("Rows", ".status.rows", type="integer", priority=1),
    Column("Files", ".status.objects", type="integer", priority=1),
    Column("Checksum", ".status.checksum", priority=1),
    Column("Key", ".status.keyID", priority=1),
    Column("Message", ".status.message", priority=1),
)
