"""When schedules run, by the words of cron (with seconds as a sixth), in UTC."""

from datetime import UTC, datetime


def next_due(cron: str, now: datetime) -> datetime:
    """The first time after `now`."""
    from croniter import croniter  # loads with the job library, never before the app is ready

    at: float = croniter(cron, now.timestamp()).get_next(float)
    return datetime.fromtimestamp(at, UTC)
