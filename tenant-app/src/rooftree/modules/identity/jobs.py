"""What identity does without being asked."""

from rooftree.kernel.jobs import Job
from rooftree.modules.identity.service import IdentityService


def jobs(service: IdentityService) -> tuple[Job, ...]:
    return (Job(name="identity.forget_expired", run=service.forget_expired, cron="17 4 * * *", single=True),)
