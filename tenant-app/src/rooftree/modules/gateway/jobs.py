"""What the gateway does without being asked."""

from rooftree.kernel.jobs import Job
from rooftree.modules.gateway.service import Sessions


def jobs(sessions: Sessions) -> tuple[Job, ...]:
    return (Job(name="gateway.forget_expired", run=sessions.forget_expired, cron="27 4 * * *", single=True),)
