"""Owners are written to when a feed fails and when it works again; each event once."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import croniter
import pytest
from rooftree import assembly
from rooftree.contracts.identity.api import Contact, IdentityApi
from rooftree.contracts.property.events import FeedFailed, FeedRecovered
from rooftree.kernel.consumers import Received
from rooftree.kernel.ids import new_id
from rooftree.kernel.settings import Settings
from rooftree.modules.property.feed_alerts import CONSUMER, FeedAlerts, letter
from rooftree.modules.property.jobs import EVERY_30_SECONDS

from ..conftest import EMAIL, Tenant, TestDatabase

AT = datetime(2026, 1, 2, 18, 5, tzinfo=UTC)
FAILED = FeedFailed(feed="ames", outage_id=new_id(), run_id=new_id(), reason="the feed answered 403", failed_at=AT)
RECOVERED = FeedRecovered(
    feed="ames", outage_id=FAILED.outage_id, run_id=new_id(), failed_at=AT, recovered_at=AT.replace(hour=19)
)


@dataclass
class Outbound:
    """Keeps mails instead of sending them; `away` raises it."""

    sent: list[tuple[str, str, str, str]] = field(default_factory=list)
    away: Exception | None = None

    async def send(self, to: str, subject: str, text: str, html: str) -> None:
        if self.away:
            raise self.away
        self.sent.append((to, subject, text, html))


class Owners:
    async def owners(self) -> tuple[Contact, ...]:
        return (Contact(name="Olivia", email=EMAIL), Contact(name="Otto", email="otto@acme.test"))


class Queue:
    """Keeps what was queued as a queue would give it to the job."""

    def __init__(self) -> None:
        self.queued: list[dict[str, Any]] = []

    async def defer(self, name: str, *, session: Any = None, at: Any = None, **payload: Any) -> bool:
        assert name == "property.send_feed_alert"
        assert session is not None
        self.queued.append(payload)
        return True


def received(event: FeedFailed | FeedRecovered) -> Received:
    return Received(id=new_id(), event=event, aggregate_id=event.aggregate_id, sequence=1, time=AT, actor_id="system")


def alerts(tenant: Tenant, queue: Any, mail: Any) -> FeedAlerts:
    settings: Settings = tenant.settings()
    owners: Any = Owners()
    return FeedAlerts(queue, owners, mail, settings)


async def test_every_owner_is_told_what_happened_when_and_where_to_look(tenant: Tenant) -> None:
    queue, mail = Queue(), Outbound()
    told = alerts(tenant, queue, mail)
    session: Any = object()
    for event in (FAILED, RECOVERED):
        await told.handle(session, received(event))
    for payload in queue.queued:
        await told.send(**payload)
    assert [(to, subject) for to, subject, _, _ in mail.sent] == [
        (EMAIL, "Acme Realty: the feed ames does not work"),
        ("otto@acme.test", "Acme Realty: the feed ames does not work"),
        (EMAIL, "Acme Realty: the feed ames works again"),
        ("otto@acme.test", "Acme Realty: the feed ames works again"),
    ]
    _, _, text, html = mail.sent[0]
    assert "Since 12:05 CST on January 2, listings of the feed ames could not" in text
    assert "the feed answered 403." in text
    assert text.endswith("https://acme.rooftree.localhost:8443/feeds\n")
    assert '<a href="https://acme.rooftree.localhost:8443/feeds">' in html


async def test_a_mail_that_cannot_be_sent_fails_the_job_so_that_it_is_tried_again(tenant: Tenant) -> None:
    told = alerts(tenant, Queue(), Outbound(away=ConnectionError()))
    with pytest.raises(ConnectionError):
        await told.send(kind="failed", feed="ames", reason="x", since=AT.isoformat())


def test_what_a_feed_is_called_or_says_is_no_html() -> None:
    written = letter(
        "failed", feed="<b>", reason='<img src="x">', since="now", brokerage="A & B", link="https://x/feeds"
    )
    assert "<img" not in written.html
    assert "&lt;img" in written.html


def test_a_feed_is_looked_at_twice_within_a_minute() -> None:
    looks = croniter.croniter(EVERY_30_SECONDS)
    times = [looks.get_next(float, start_time=at) for at in (60.0, 90.0, 119.0)]
    assert times == [90.0, 120.0, 120.0]


async def cut_off(parts: assembly.Parts, handle: Any) -> None:
    async with parts.runtime.unit_of_work() as session:
        await handle(session, received(FAILED))
        raise ZeroDivisionError


@pytest.mark.integration
async def test_the_mail_is_queued_with_the_event_or_not_at_all(stored_tenant: Tenant, database: TestDatabase) -> None:
    parts = assembly.build(assembly.find(), stored_tenant.settings(), stored_tenant.secrets())
    (consumer,) = [item for built in parts.built for item in built.consumers if item.name == CONSUMER]
    waiting = "SELECT args->>'kind' FROM jobs.procrastinate_jobs WHERE task_name = 'property.send_feed_alert'"
    handle: Any = getattr(consumer, "handle")  # noqa: B009 - the union has projections too
    try:
        with pytest.raises(ZeroDivisionError):
            await cut_off(parts, handle)
        assert database.rows(waiting) == []
        async with parts.runtime.unit_of_work() as session:
            await handle(session, received(FAILED))
        assert database.rows(waiting) == [("failed",)]
        assert await parts.runtime.port(IdentityApi).owners() == (Contact(name="Olivia Owner", email=EMAIL),)
    finally:
        await parts.close()
