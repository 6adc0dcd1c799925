"""What crm does without being asked."""

from rooftree.kernel.jobs import Job
from rooftree.modules.crm.inquiries import Inquiries


def jobs(inquiries: Inquiries) -> tuple[Job, ...]:
    return (Job(name="crm.forget_attempts", run=inquiries.forget_attempts, cron="27 4 * * *", single=True),)
