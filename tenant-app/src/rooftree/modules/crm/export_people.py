"""What an export has of people: the pages of the list, one after the other, with the values that an import takes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rooftree.bulk.colleagues import Addresses
from rooftree.bulk.columns import Field
from rooftree.bulk.subject import Page
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.summaries_repository import Filter, Summaries, Summary

if TYPE_CHECKING:
    from datetime import datetime

_PAGE = 500


def stored_filter(wanted: Filter) -> dict[str, Any]:
    """As plain JSON."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(wanted).items()}


def given_filter(stored: Mapping[str, Any]) -> Filter:
    """What `stored_filter` was given."""
    ids = {name: UUID(stored[name]) if stored[name] else None for name in ("stage_id", "assigned_to")}
    return Filter(**{**stored, **ids})


class ExportedPeople:
    def __init__(self, unit_of_work: UnitOfWork, identity: IdentityApi) -> None:
        self._unit_of_work = unit_of_work
        self._identity = identity

    async def count(self, principal: Principal, wanted: Filter) -> int:
        async with self._unit_of_work.reading() as connection:
            _, total = await Summaries(connection, principal).page(wanted, sort="created_at", after=None, limit=1)
        return total

    async def pages(self, principal: Principal, wanted: Filter, fields: Sequence[Field]) -> AsyncIterator[Page]:
        """As the list has them, who came first first."""
        after: tuple[str | datetime, UUID] | None = None
        addresses = Addresses(self._identity)
        emails: Mapping[UUID, str] = {}
        are_told = any(field.name == "assigned_to" for field in fields)
        while True:
            async with self._unit_of_work.reading() as connection:
                people = Summaries(connection, principal)
                page, total = await people.page(wanted, sort="created_at", after=after, limit=_PAGE)
            if not page:
                return
            if are_told:
                emails = await addresses.of({one for person in page if (one := person["assigned_to"]) is not None})
            yield Page([values_of(person, emails) for person in page], total)
            after = (page[-1]["created_at"], page[-1]["id"])


def values_of(person: Summary, emails: Mapping[UUID, str]) -> dict[str, str | Sequence[str]]:
    """By the names of fields, more than may be offered."""
    whose = person["assigned_to"]
    return {
        "name": person["name"],
        "emails": person["emails"] or [],
        "phones": [typed for typed, _ in person["phones"] or ()],
        "source": person["source"],
        "tags": person["tags"],
        "stage": person["stage_name"],
        "assigned_to": emails.get(whose, "") if whose else "",
    }
