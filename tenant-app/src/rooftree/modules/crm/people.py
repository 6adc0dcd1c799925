"""Use cases of people: find, show, write down, change, move to another stage, and what happened to their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from rooftree.contracts.access.policy import FIELDS
from rooftree.contracts.crm.api import PersonKnown, PersonNotFound
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import cursor_id, cursor_moment, decode_cursor, encode_cursor, invalid_cursor
from rooftree.kernel.preconditions import conflicts_told
from rooftree.kernel.record_scope import Place
from rooftree.kernel.text import name_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm import domain
from rooftree.modules.crm.changes import Changes, Subject
from rooftree.modules.crm.domain import Contact, ContactKey
from rooftree.modules.crm.edit_guard import editable, require_revision
from rooftree.modules.crm.people_repository import Found, PeopleRepository
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.rights import brings_own, looks_after_people, place_of, require_place, works_on
from rooftree.modules.crm.shown import Presenter, Shown, beside
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.summaries_repository import Column, Filter, PeopleSort, Summaries, Summary
from rooftree.modules.crm.tables import AgentRow, ContactRow, HistoryRow, PersonRow, StageRow

# What a merge patch changes as it is; addresses and numbers are rows of their own.
_PLAIN = ("name", "source", "tags")


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`names`: of who looks after somebody of them."""

    items: Sequence[Summary]
    names: Mapping[UUID, str]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BoardColumn:
    stage: StageRow
    total: int
    items: Sequence[Summary]


@dataclass(frozen=True, slots=True)
class Board:
    """Every stage in its order, also those that are empty; `names` as of a page."""

    columns: Sequence[BoardColumn]
    names: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    items: Sequence[HistoryRow]
    names: Mapping[UUID, str]
    total: int
    next_cursor: str | None


def contacts_of(
    emails: Sequence[str], phones: Sequence[str], *, region: str | None, pointer: str = "/phones/{place}"
) -> list[Contact]:
    """`pointer`: where the numbers are in the request. Raises `Unprocessable` that points at what is no number."""
    contacts, errors = [domain.email_contact(email) for email in emails], list[FieldError]()
    for place, phone in enumerate(phones):
        try:
            contacts.append(domain.phone_contact(phone, region=region))
        except ValueError:
            errors.append(FieldError(pointer.format(place=place), "This is not a phone number."))
    if errors:
        raise Unprocessable(errors=errors)
    return domain.distinct(contacts)


def one_contact(email: str | None, phone: str | None, *, region: str | None, pointer: str = "/phone") -> list[Contact]:
    """Raises `Unprocessable`."""
    return contacts_of([email] if email else [], [phone] if phone else [], region=region, pointer=pointer)


def caller_as_agent(principal: Principal) -> AgentRow:
    """What is known of the caller, for when nothing is stored yet."""
    return AgentRow(
        user_id=principal.user_id,
        role=principal.role,
        office_id=principal.office_id,
        team_ids=sorted(principal.team_ids),
        is_active=True,
        sequence=0,
    )


def require_looks_after(agent: AgentRow) -> None:
    """What the request began with may no longer be so. Raises `Forbidden`."""
    if not looks_after_people(agent.role, is_active=agent.is_active):
        raise Forbidden("You no longer look after people.")


class People:
    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, identity: IdentityApi, *, region: str | None
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._identity = identity
        self._presenter = Presenter(identity)
        self._region = region

    # -- looking ------------------------------------------------------------------------------------------------------

    async def find(
        self, principal: Principal, wanted: Filter, *, sort: PeopleSort, limit: int, cursor: str | None
    ) -> PeoplePage:
        after = _place(cursor, sort) if cursor else None

        async def read(connection: AsyncConnection) -> tuple[list[Summary], int]:
            return await Summaries(connection, principal).page(wanted, sort=sort, after=after, limit=limit + 1)

        found, total = await self._unit_of_work.read_rows(read)
        items = found[:limit]
        return PeoplePage(items, await self._assigned(items), total, _following(found, sort, limit))

    async def board(self, principal: Principal, wanted: Filter, *, limit: int) -> Board:
        async def read(session: AsyncSession) -> tuple[Sequence[StageRow], dict[UUID, Column]]:
            stages = await Stages(session).known()
            return stages, await Summaries(await session.connection(), principal).board(wanted, limit=limit)

        stages, columns = await self._unit_of_work.read(read)
        if not stages:
            async with self._unit_of_work() as session:
                stages = await Stages(session).all()  # makes the first ones
        names = await self._assigned([one for column in columns.values() for one in column.found])
        empty = Column(0, [])
        shown = ((stage, columns.get(stage.id, empty)) for stage in stages)
        return Board([BoardColumn(stage, column.total, column.found) for stage, column in shown], names)

    async def show(self, principal: Principal, person_id: UUID) -> Shown:
        """Raises `PersonNotFound`."""
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session, principal).person(person_id)
            if found is None:
                raise PersonNotFound
            seen = await beside(session, [found.row])
        return await self._presenter.person(principal, found, seen)

    async def duplicates(self, principal: Principal, *, email: str | None, phone: str | None) -> PeoplePage:
        """Whom the caller sees with this address or number. Raises `Unprocessable`."""
        contacts = one_contact(email, phone, region=self._region, pointer="?phone")
        async with self._unit_of_work.reading() as connection:
            found = await Summaries(connection, principal).known([contact.key for contact in contacts])
        return PeoplePage(found, await self._assigned(found), len(found), None)

    async def _assigned(self, found: Sequence[Summary]) -> Mapping[UUID, str]:
        return await self._presenter.names(one["assigned_to"] for one in found)

    async def history(self, principal: Principal, person_id: UUID, *, limit: int, cursor: str | None) -> HistoryPage:
        """Every write about the person, newest first. Who may only claim them sees those about person and leads.

        Raises `PersonNotFound`.
        """
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        async with self._unit_of_work() as session:
            person = await PeopleRepository(session, principal).person(person_id)
            if person is None:
                raise PersonNotFound
            subjects = subjects_shown(principal, place_of(person.row))
            found, total = await Records(session).history(person_id, subjects, limit=limit + 1, before=before)
        names = await self._presenter.names(one.actor_id for one in found)
        following = encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None
        return HistoryPage(found[:limit], names, total, following)

    # -- changing -----------------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, given: Mapping[str, Any], *, even_if_known: bool) -> Shown:
        """An agent's person is the agent's; an owner's and a manager's is nobody's yet.

        `given`: members of `PersonInput`. Raises `Forbidden`, `Unprocessable`, `PersonKnown`.
        """
        require_place(principal)
        contacts = contacts_of(given["emails"], given["phones"], region=self._region)
        keys, now = [contact.key for contact in contacts], self._clock.now()
        async with self._unit_of_work.effect() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            stages = Stages(session)
            await changes.records.lock_contacts(keys)
            if not even_if_known:
                await _require_unknown(Summaries(await session.connection(), principal), keys)
            stage = await _stage(stages, given["stage_id"]) if given.get("stage_id") else await stages.first()
            person = new_person(given["name"], stage, source=given["source"], now=now)
            person.tags = domain.tidy_tags(given["tags"])
            person.office_id = principal.office_id
            if brings_own(principal):
                agent = await changes.records.agent(caller_as_agent(principal))
                require_looks_after(agent)
                person.assigned_to, person.office_id = agent.user_id, agent.office_id
            await changes.begun(person, reason="captured")
            await changes.records.set_contacts(person, contacts)
            await changes.finish()
            seen = await beside(session, [person])
        return await self._presenter.person(principal, Found(person, theirs=True), seen)

    async def edit(self, principal: Principal, person_id: UUID, given: Mapping[str, Any], *, revision: int) -> Shown:
        """`given`: some members of `PersonPatch`. Without a difference there is no new revision.

        Raises `PersonNotFound`, `Forbidden`, `VersionConflict`, `Unprocessable`.
        """
        now = self._clock.now()
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            found = await editable(session, principal, person_id)
            person = found.row
            await require_revision(session, person.id, expected=revision, current=person.revision, at=person.updated_at)
            contacts = (await changes.records.contacts([person.id]))[person.id]
            fields = _apply(person, given)
            wanted = self._contacts_after(contacts, given)
            fields += _differing(contacts, wanted)
            if fields:
                changes.edited(person, fields)
                await changes.records.set_contacts(person, wanted)
            await changes.finish()
            seen = await beside(session, [person])
        return await self._presenter.person(principal, found, seen)

    async def move(self, principal: Principal, person_id: UUID, stage_id: UUID, *, revision: int) -> Shown:
        """To another stage. Raises `PersonNotFound`, `Forbidden`, `VersionConflict`, `Unprocessable`."""
        now = self._clock.now()
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            changes, stages = Changes(session, self._outbox, now=now, actor=principal.user_id), Stages(session)
            after = await stages.stage(stage_id)  # before the person: the order of locks
            found = await editable(session, principal, person_id)
            person = found.row
            await require_revision(session, person.id, expected=revision, current=person.revision, at=person.updated_at)
            if after is None:
                raise _no_stage()
            if person.stage_id != after.id:
                changes.moved(person, await stages.named(person.stage_id), after)
            await changes.finish()
            seen = await beside(session, [person])
        return await self._presenter.person(principal, found, seen)

    def _contacts_after(self, rows: Sequence[ContactRow], given: Mapping[str, Any]) -> list[Contact]:
        kept = {kind: [row.typed for row in rows if row.kind == kind] for kind in ("email", "phone")}
        emails, phones = given.get("emails", kept["email"]), given.get("phones", kept["phone"])
        return contacts_of(emails, phones, region=self._region)


def new_person(name: str, stage: StageRow, *, source: str, now: datetime) -> PersonRow:
    """Nobody's yet, and of no office."""
    return PersonRow(
        id=new_id(),
        name=name,
        name_key=name_key(name),
        search_text="",
        stage_id=stage.id,
        source=source,
        tags=[],
        assigned_to=None,
        office_id=None,
        revision=1,
        created_at=now,
        updated_at=now,
        last_activity_at=now,
    )


def subjects_shown(principal: Principal, place: Place) -> tuple[Subject, ...]:
    """Whose writes the audit of a person shows; those of notes and calls are for those who look after the person."""
    subjects: tuple[Subject, ...] = get_args(Subject)
    if works_on(principal, place):
        return subjects
    return tuple(subject for subject in subjects if subject not in FIELDS["person:work"])


async def _require_unknown(people: Summaries, keys: Sequence[ContactKey]) -> None:
    """Whom the caller does not see is no reason: that would tell that somebody else knows them."""
    if known := await people.known(keys):
        raise PersonKnown(
            "Open them, or send even_if_known to have another one.", extensions={"person_id": str(known[0]["id"])}
        )


async def _stage(stages: Stages, stage_id: UUID) -> StageRow:
    row = await stages.stage(stage_id)
    if row is None:
        raise _no_stage()
    return row


def _no_stage() -> Unprocessable:
    return Unprocessable(errors=[FieldError("/stage_id", "There is no such stage.")])


def _apply(person: PersonRow, given: Mapping[str, Any]) -> list[str]:
    """Returns the fields that differ."""
    values = {name: given[name] for name in _PLAIN if name in given}
    if "tags" in values:
        values["tags"] = domain.tidy_tags(values["tags"])
    fields = [name for name, value in values.items() if getattr(person, name) != value]
    for name in fields:
        setattr(person, name, values[name])
    person.name_key = name_key(person.name)
    return fields


def _differing(rows: Sequence[ContactRow], wanted: Sequence[Contact]) -> list[str]:
    found: list[str] = []
    for kind, name in (("email", "emails"), ("phone", "phones")):
        before = [row.typed for row in rows if row.kind == kind]
        if before != [contact.typed for contact in wanted if contact.key.kind == kind]:
            found.append(name)
    return found


def _place(cursor: str, sort: PeopleSort) -> tuple[str | datetime, UUID]:
    """Where a page begins; a cursor of another order is none of this list."""
    order, key, person_id = decode_cursor(cursor, str, str, str)
    if order != sort:
        raise invalid_cursor()
    return (str(key) if sort.endswith("name") else cursor_moment(key)), cursor_id(person_id)


def _following(found: Sequence[Summary], sort: PeopleSort, limit: int) -> str | None:
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    keys = {"name": last["name_key"], "last_activity_at": last["last_activity_at"], "created_at": last["created_at"]}
    key = keys[sort.removeprefix("-")]
    return encode_cursor(sort, key if isinstance(key, str) else key.isoformat(), str(last["id"]))
