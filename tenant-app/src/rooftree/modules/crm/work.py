"""Use cases of what is done for a person: notes, tasks, activities, and the timeline that shows all of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.access.policy import FIELDS
from rooftree.contracts.crm.api import NoteNotFound, PersonNotFound
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import cursor_id, cursor_moment, decode_cursor, encode_cursor
from rooftree.kernel.preconditions import require
from rooftree.kernel.record_scope import Place
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.edit_guard import editable
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.rights import may_change_note, place_of, works_on
from rooftree.modules.crm.shown import Presenter
from rooftree.modules.crm.tables import ActivityRow, NoteRow
from rooftree.modules.crm.timeline_repository import KINDS, Entry, EntryKind, Timeline
from rooftree.modules.crm.work_repository import WorkRepository

# Clocks of people's devices are a little off.
_AHEAD = timedelta(minutes=5)
# What one side says and the other hears.
_SPOKEN = frozenset({"call", "email", "text"})


@dataclass(frozen=True, slots=True)
class Written:
    """A note, or an activity, with its author's name."""

    row: Any
    author_name: str | None


@dataclass(frozen=True, slots=True)
class TimelinePage:
    items: Sequence[Entry]
    names: Mapping[UUID, str]
    next_cursor: str | None


class Work:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, identity: IdentityApi) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._presenter = Presenter(identity)

    # -- notes --------------------------------------------------------------------------------------------------------

    async def write_note(self, principal: Principal, person_id: UUID, text: str) -> Written:
        """Raises `PersonNotFound`, `Forbidden`."""
        now = self._clock.now()
        async with self._unit_of_work.effect() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            await editable(session, principal, person_id)
            row = NoteRow(
                id=new_id(),
                person_id=person_id,
                author_id=principal.user_id,
                text=text,
                created_at=now,
                updated_at=now,
                deleted_at=None,
                revision=1,
            )
            session.add(row)
            changes.note("note", row.id, "created", person_id=person_id)
            await changes.finish()
        return await self._written(row, row.author_id)

    async def edit_note(self, principal: Principal, note_id: UUID, text: str, *, revision: int) -> Written:
        """Raises `NoteNotFound`, `Forbidden`, `VersionConflict`."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            row = await _note(session, principal, note_id, "update")
            if row is None:
                raise Forbidden("A note is its author's to change.")
            require(revision, current=row.revision)
            if row.text != text:
                row.text, row.updated_at = text, now
                row.revision += 1
                changes.note("note", row.id, "changed", person_id=row.person_id, revision=row.revision, fields=["text"])
            await changes.finish()
        return await self._written(row, row.author_id)

    async def delete_note(self, principal: Principal, note_id: UUID, *, revision: int) -> None:
        """Raises `NoteNotFound`, `Forbidden`, `VersionConflict`."""
        now = self._clock.now()
        async with self._unit_of_work() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            row = await _note(session, principal, note_id, "delete")
            if row is None:
                raise Forbidden("A note is deleted by its author, a manager or an owner.")
            require(revision, current=row.revision)
            row.deleted_at, row.text = now, ""
            row.revision += 1
            changes.note("note", row.id, "deleted", person_id=row.person_id, revision=row.revision)
            await changes.finish()

    # -- activities ---------------------------------------------------------------------------------------------------

    async def log_activity(self, principal: Principal, person_id: UUID, given: Mapping[str, Any]) -> Written:
        """The first outgoing one after a lead came is its first response. `given`: members of `ActivityInput`.

        Raises `PersonNotFound`, `Forbidden`, `Unprocessable`.
        """
        now = self._clock.now()
        at: datetime = given["at"] or now
        if given["kind"] in _SPOKEN and given["direction"] is None:
            raise Unprocessable(errors=[FieldError("/direction", "Say whether it came in or went out.")])
        if at > now + _AHEAD:
            raise Unprocessable(errors=[FieldError("/at", "What is yet to happen is a task.")])
        async with self._unit_of_work.effect() as session:
            changes = Changes(session, self._outbox, now=now, actor=principal.user_id)
            found = await editable(session, principal, person_id)
            row = ActivityRow(
                id=new_id(),
                person_id=person_id,
                kind=given["kind"],
                direction=given["direction"],
                at=at,
                outcome=given["outcome"],
                created_by=principal.user_id,
                created_at=now,
            )
            session.add(row)
            changes.note("activity", row.id, "created", person_id=person_id)
            changes.heard_of(found.row, at)
            if row.direction == "outgoing":
                for lead_id in await changes.records.answer_leads(person_id, at=at):
                    changes.note("lead", lead_id, "changed", person_id=person_id, revision=2, fields=["state"])
            await changes.finish()
        return await self._written(row, row.created_by)

    # -- looking ------------------------------------------------------------------------------------------------------

    async def timeline(
        self, principal: Principal, person_id: UUID, kinds: Collection[EntryKind], *, limit: int, cursor: str | None
    ) -> TimelinePage:
        """Newest first. Who may only claim the person sees leads and assignments. Raises `PersonNotFound`."""
        before = _place(cursor) if cursor else None
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session, principal).person(person_id)
            if found is None:
                raise PersonNotFound
            open_to_them = kinds_shown(principal, place_of(found.row))
            wanted: list[EntryKind] = [kind for kind in open_to_them if not kinds or kind in kinds]
            entries: Sequence[Entry] = ()
            if wanted:
                entries = await Timeline(session).page(person_id, wanted, before=before, limit=limit + 1)
        names = await self._presenter.names(_people_in(entries))
        last = entries[limit - 1] if len(entries) > limit else None
        following = encode_cursor(last.at.isoformat(), str(last.id)) if last else None
        return TimelinePage(entries[:limit], names, following)

    async def _written(self, row: Any, author_id: UUID) -> Written:
        names = await self._presenter.names([author_id])
        return Written(row, names.get(author_id))


async def _note(session: AsyncSession, principal: Principal, note_id: UUID, action: str) -> NoteRow | None:
    """The note, locked; None for one that the caller may only read. Raises `NoteNotFound`."""
    found = await WorkRepository(session, principal).note(note_id)
    if found is None:
        raise NoteNotFound
    note, person = found
    return note if may_change_note(principal, action, author_id=note.author_id, person=person) else None


def kinds_shown(principal: Principal, place: Place) -> tuple[EntryKind, ...]:
    """Notes and calls are for those who look after the person."""
    if works_on(principal, place):
        return KINDS
    return tuple(kind for kind in KINDS if kind not in FIELDS["person:work"])


def _people_in(entries: Sequence[Entry]) -> set[UUID]:
    """Colleagues who are named in these entries."""
    found = {entry.actor_id for entry in entries if entry.actor_id}
    told = [entry.details.get(name) for entry in entries for name in ("from_user_id", "to_user_id")]
    return found | {UUID(user_id) for user_id in told if user_id}


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, entry_id = decode_cursor(cursor, str, str)
    return cursor_moment(at), cursor_id(entry_id)
