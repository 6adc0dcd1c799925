"""What property does without being asked."""

from rooftree.kernel.jobs import Job
from rooftree.modules.property.feed_import import FeedImport


def jobs(feed_import: FeedImport) -> tuple[Job, ...]:
    return (
        Job(
            name="property.sync_feeds",
            run=feed_import.sync_all,
            cron="*/5 * * * *",
            at_start=True,
            single=True,
            attempts=3,
        ),
    )
