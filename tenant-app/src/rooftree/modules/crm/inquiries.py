"""Use case of visitors: ask for something without an account. Throttled, and silent about whom we know."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import structlog
from pydantic import SecretStr

from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, TooManyRequests, Unprocessable
from rooftree.kernel.text import network
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm import domain
from rooftree.modules.crm.domain import Contact
from rooftree.modules.crm.intake import Inquiry, Intake
from rooftree.modules.crm.leads_repository import Attempts
from rooftree.modules.crm.people import one_contact

VisitorType = Literal["Registration", "Property Inquiry", "Seller Inquiry", "General Inquiry"]
_log = structlog.get_logger(__name__)


class Inquiries:
    """`secret`: the tenant's seed; who reads the table of attempts cannot tell addresses from its hashes."""

    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, intake: Intake, *, secret: SecretStr, region: str | None
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._intake = intake
        self._key = hmac.digest(secret.get_secret_value().encode(), b"rooftree/crm/attempt", "sha256")
        self._region = region

    async def receive(self, given: Mapping[str, Any], *, address: str) -> None:
        """`given`: members of `InquiryInput`; its `website` people do not see, who fills it is a program.

        `address`: where the request comes from. Raises `TooManyRequests`, `Unprocessable`.
        """
        email, phone = given["email"], given["phone"]
        contacts = one_contact(email, phone, region=self._region)
        if not contacts:
            raise Unprocessable(errors=[FieldError("/email", "Give a mail address or a phone number.")])
        await self._attempt(network(address), contacts)
        listing = await self._intake.listing(given["property_id"], reader=None)
        if given["website"]:
            async with self._unit_of_work.effect():
                return  # the same answer as ever, also when it comes again
        inquiry = Inquiry(
            lead_type=given["type"] or ("Property Inquiry" if listing else "General Inquiry"),
            source=domain.LISTING_SOURCE if listing else domain.VISITOR_SOURCE,
            name=given["name"],
            email=email,
            phone=phone,
            contacts=contacts,
            message=given["message"] or None,
            listing=listing,
            utm=given["utm"],
            consent=given["consent"],
        )
        await self._intake.take(inquiry, await self._intake.reception(listing), caller=None)

    async def forget_attempts(self) -> None:
        """Daily: drop what no longer counts."""
        async with self._unit_of_work() as session:
            await Attempts(session).forget(before=self._clock.now() - domain.INQUIRY_WINDOW)

    async def _attempt(self, place: str, contacts: list[Contact]) -> None:
        """Count this try before looking at it, so that a thousand at once are not a thousand leads."""
        now = self._clock.now()
        since = now - domain.INQUIRY_WINDOW
        tenant = self._hash("tenant")
        limits = [(self._hash(f"network:{place}"), domain.NETWORK_INQUIRIES)]
        keys = sorted(contact.key for contact in contacts)
        limits += [(self._hash(f"{kind}:{key}"), domain.CONTACT_INQUIRIES) for kind, key in keys]
        async with self._unit_of_work() as session:
            attempts = Attempts(session)
            in_all, _ = await attempts.since(tenant, since)
            if in_all == domain.TENANT_ALARM:
                _log.warning("many_inquiries", attempts=in_all)
            for key, limit in limits:
                count, oldest = await attempts.since(key, since)
                if count >= limit and oldest is not None:
                    raise TooManyRequests("Too many requests; wait a little.", retry_after=_wait(oldest, now))
            await attempts.count([tenant, *(key for key, _ in limits)], at=now)

    def _hash(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")


def _wait(oldest: datetime, now: datetime) -> int:
    """Whole seconds until the oldest attempt no longer counts."""
    return int((oldest + domain.INQUIRY_WINDOW - now).total_seconds()) + 1
