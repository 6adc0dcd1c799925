"""The mail that an invited colleague gets. The queue holds no link: the job makes it from the key."""

from datetime import datetime
from html import escape
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.kernel.clock import Clock
from rooftree.kernel.jobs import Job
from rooftree.kernel.mail import Mail
from rooftree.kernel.settings import Settings
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.invitations import Links
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.repository import IdentityRepository

INVITATION_JOB = "identity.send_invitation"
ATTEMPTS = 7  # 5 s + 25 s + … + 5^6 s: a mail server may be away for five hours
_AS = {
    OWNER_ROLE: "as an owner",
    MANAGER_ROLE: "as an office manager",
    AGENT_ROLE: "as an agent",
    COORDINATOR_ROLE: "as a coordinator",
    CLIENT_ROLE: "as a client",
}
_log = structlog.get_logger(__name__)


class Letter(NamedTuple):
    subject: str
    text: str
    html: str


def letter(
    *, brokerage: str, name: str, invited_by: str | None, role: str, office: str | None, link: str, until: str
) -> Letter:
    """What the invited person reads. `until`: when the link ends, in the brokerage's time."""
    place = f"{brokerage}, office {office}," if office else brokerage
    first = f"{invited_by or brokerage} invites you to work with {place} {_AS[role]}."
    how = "Choose a password on this page, and you are in:"
    after = (
        f"The link works once, until {until}. If it has ended, ask for a new one.",
        "If you do not know who invites you, do nothing: without the link nobody gets an account in your name.",
    )
    text = "\n\n".join((f"Hello {name},", first, how, link, *after)) + "\n"
    shown = [f"<p>{escape(part)}</p>" for part in (f"Hello {name},", first, how, link, *after)]
    shown[3] = f'<p><a href="{escape(link)}">{escape(link)}</a></p>'
    html = f'<!doctype html><html lang="en"><body>{"".join(shown)}</body></html>'
    return Letter(f"{brokerage}: you are invited", text, html)


class InvitationMail:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, mail: Mail, settings: Settings, *, links: Links) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._mail = mail
        self._settings = settings
        self._links = links

    def job(self) -> Job:
        return Job(name=INVITATION_JOB, run=self.send, attempts=ATTEMPTS)

    async def send(self, invitation_id: str, link: int) -> None:
        """Raises what `Mail.send` does. Nothing for an invitation that ended or has a newer link meanwhile."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            row = await IdentityRepository(session).invitation(UUID(invitation_id))
            if row is None or row.links != link or row.accepted_at or row.revoked_at:
                _log.info("invitation_not_sent", reason="it ended or has a newer link")
                return
            office = await people.office(row.office_id) if row.office_id else None
            names = await people.names([row.invited_by] if row.invited_by else [])
        if row.expires_at <= self._clock.now():
            return
        written = letter(
            brokerage=self._settings.display_name,
            name=row.name,
            invited_by=next(iter(names.values()), None),
            role=row.role,
            office=office.name if office else None,
            link=self._links.to(row),
            until=self._shown(row.expires_at),
        )
        await self._mail.send(row.email, written.subject, written.text, written.html)

    def _shown(self, moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(self._settings.time_zone))
        return f"{local:%H:%M %Z on %A, %B} {local.day}"
