"""Writes to the brokerage's owners when a feed has failed for a while, and when it works again.

The event queues the job in the transaction of its inbox row, so each outage is mailed once however often Kafka
delivers; the job is tried until the mail server takes the mail.
"""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.events import FeedFailed, FeedRecovered
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.jobs import Job, Jobs
from rooftree.kernel.mail import Mail
from rooftree.kernel.settings import Settings

CONSUMER = "property.feed-alerts"
ALERT_JOB = "property.send_feed_alert"
ATTEMPTS = 7  # 5 s + 25 s + … + 5^6 s: a mail server may ask to come later for five hours
Kind = Literal["failed", "recovered"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in words."""

    subject: str
    paragraphs: tuple[str, ...]
    link: str

    @property
    def text(self) -> str:
        return "\n\n".join((*self.paragraphs, self.link)) + "\n"

    @property
    def html(self) -> str:
        shown = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in self.paragraphs)
        link = escape(self.link)
        return f'<!doctype html><html lang="en"><body>{shown}<p><a href="{link}">{link}</a></p></body></html>'


def letter(kind: Kind, *, feed: str, reason: str, since: str, brokerage: str, link: str) -> Letter:
    """What the owners read. `since` is when the outage was told or had been."""
    if kind == "failed":
        return Letter(
            f"{brokerage}: the feed {feed} does not work",
            (
                f"Since {since}, listings of the feed {feed} could not be brought up to date: {reason}.",
                "Listings that are here stay as they are, and the feed is tried again every 30 seconds. "
                "You get another mail when it works again.",
            ),
            link,
        )
    return Letter(
        f"{brokerage}: the feed {feed} works again",
        (f"The feed {feed}, of which you got a mail at {since}, works again. All listings are up to date.",),
        link,
    )


class FeedAlerts:
    def __init__(self, jobs: Jobs, identity: IdentityApi, mail: Mail, settings: Settings) -> None:
        self._jobs = jobs
        self._identity = identity
        self._mail = mail
        self._link = f"{settings.public_url}/feeds"
        self._brokerage = settings.display_name
        self._time_zone = ZoneInfo(settings.time_zone)

    def consumer(self) -> Consumer:
        return Consumer(name=CONSUMER, types=(FeedFailed, FeedRecovered), handle=self.handle)

    def job(self) -> Job:
        return Job(name=ALERT_JOB, run=self.send, attempts=ATTEMPTS)

    async def handle(self, session: AsyncSession, received: Received) -> None:
        event = received.event
        payload: dict[str, Any]
        if isinstance(event, FeedFailed):
            payload = {"kind": "failed", "reason": event.reason}
        elif isinstance(event, FeedRecovered):
            payload = {"kind": "recovered", "reason": ""}
        else:
            raise TypeError(f"{CONSUMER} does not hear {event.type}")
        since = event.failed_at.isoformat()
        await self._jobs.defer(ALERT_JOB, session=session, feed=event.feed, since=since, **payload)

    async def send(self, kind: Kind, feed: str, reason: str, since: str) -> None:
        """The job: one mail to each owner. Raises what `Mail.send` does."""
        moment = datetime.fromisoformat(since).astimezone(self._time_zone)
        written = letter(
            kind,
            feed=feed,
            reason=reason,
            since=f"{moment:%H:%M %Z on %B} {moment.day}",
            brokerage=self._brokerage,
            link=self._link,
        )
        for owner in await self._identity.owners():
            await self._mail.send(owner.email, written.subject, written.text, written.html)
