"""What property does without being asked."""

from rooftree.kernel.jobs import Job
from rooftree.modules.property.feed_import import FeedImport
from rooftree.modules.property.feed_service import SYNC_JOB

# Two looks within the minute in which changes have to be here. A failed one is not repeated: the next one comes soon.
EVERY_30_SECONDS = "* * * * * */30"


def jobs(feed_import: FeedImport) -> tuple[Job, ...]:
    return (
        Job(
            name=SYNC_JOB,
            run=feed_import.sync_all,
            cron=EVERY_30_SECONDS,
            at_start=True,
            # Changes of a feed are here within a minute.
            stays_awake=lambda: bool(feed_import.configured()),
            single=True,
        ),
    )
