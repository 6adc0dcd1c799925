"""When a brokerage is backed up by itself, how long that is kept, and what it began with: parts of other kinds."""

from pydantic import Field

from .common import DNS_LABEL, ApiModel


class BackupRetention(ApiModel):
    """Which backups of the schedule are kept. The newest complete one always is."""

    count: int = Field(default=14, description="Most backups that are kept.", ge=1, le=1000)
    days: int = Field(default=30, description="Days after which a backup is deleted.", ge=1, le=3650)


class BackupPolicy(ApiModel):
    """Backups that are written by themselves."""

    schedule: str | None = Field(
        default=None,
        description="When, in UTC, by cron's five fields: minute, hour, day of the month, month, day of the week; for "
        "example `0 3 * * *`. Brokerages begin a little later, each by its own delay. A time that was missed is made "
        "up for once. Without a schedule nothing is written by itself.",
        min_length=9,
        max_length=100,
        pattern=r"^[0-9*/,-]+( +[0-9*/,-]+){4}$",
    )
    drill: str | None = Field(
        default=None,
        description="When the newest backup is loaded into a database that is thrown away, and proven, written as "
        "`schedule` is; for example `0 5 * * 0`.",
        min_length=9,
        max_length=100,
        pattern=r"^[0-9*/,-]+( +[0-9*/,-]+){4}$",
    )
    retention: BackupRetention = Field(
        default=BackupRetention(),
        description="Which backups of the schedule are kept; those that somebody ordered stay.",
    )


class Source(ApiModel):
    """What a brokerage begins with."""

    backup: str = Field(
        description="Name of a complete BrokerageBackup.", min_length=1, max_length=63, pattern=DNS_LABEL
    )
    mask: bool = Field(
        default=False,
        description="Whether names, mail addresses, numbers and texts of people are masked, and passwords removed.",
    )


class SourceSeen(ApiModel):
    """What the brokerage began with."""

    backup: str = Field(description="Name of the BrokerageBackup that was loaded.")
    taken_at: str = Field(description="Moment that it holds (RFC 3339).", json_schema_extra={"format": "date-time"})


class BackupsSeen(ApiModel):
    """How it is with backups that are written by themselves."""

    newest: str | None = Field(default=None, description="Name of the last complete BrokerageBackup.")
    taken_at: str | None = Field(
        default=None, description="Moment that it holds (RFC 3339).", json_schema_extra={"format": "date-time"}
    )
    failure: str | None = Field(default=None, description="Why the last try failed. Absent if it did not.")
    next: str | None = Field(
        default=None, description="When the next one begins (RFC 3339).", json_schema_extra={"format": "date-time"}
    )
