"""What an import did to people is taken back, as far as nobody has touched them since.

Whom it made is removed for good, whom it changed gets back what was; both only while the revision is still the
import's, and while nothing has been written about them since. Whoever asks must be allowed to change them now. Others
stay, and are counted.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.live import MOST_RECORDS
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.import_check import PAGE, Desk
from rooftree.modules.crm.imports import UNDO_JOB
from rooftree.modules.crm.imports_repository import ImportsRepository, Outcome
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.records_repository import contact_of
from rooftree.modules.crm.tables import PersonRow

if TYPE_CHECKING:
    from rooftree.modules.crm.domain import Contact


class ImportUndo:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, desk: Desk) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._desk = desk

    def job(self) -> Job:
        return Job(name=UNDO_JOB, run=self.undo, tracked=True, attempts=4)

    async def undo(self, run: Run, import_id: str) -> None:
        """Raises `Forbidden` for who may do that no longer."""
        one, after = UUID(import_id), int(run.position or 0)
        while (number := await self._page(run, one, after)) is not None:
            after = number
        async with self._unit_of_work() as session:
            imports = ImportsRepository(session)
            row = await imports.locked(one)
            if row is not None and row.state == "undoing":
                row.undone, row.kept = await imports.undone_counts(one)
                row.state, row.version = "undone", row.version + 1
                row.undone_at = row.changed_at = self._clock.now()
                await run.step(session, message=f"{row.undone} as before, {row.kept} kept")

    async def _page(self, run: Run, import_id: UUID, after: int) -> int | None:
        """The number of the last row that was taken back; None: that was all."""
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            imports = ImportsRepository(session)
            row = await imports.locked(import_id)
            if row is None or row.state != "undoing":
                return None
            lines = await imports.done(import_id, after=after, limit=PAGE)
            if not lines:
                return None
            changes = Changes(session, self._outbox, now=self._clock.now(), actor=principal.user_id)
            undone = await _taken_back(session, changes, principal, lines)
            await imports.undone(import_id, undone)
            counts = row.undone, row.kept = await imports.undone_counts(import_id)
            total = sum(row.outcome.get(name, 0) for name in ("create", "update"))
            number = lines[-1].number
            await run.step(session, done=sum(counts), total=total, position=number, message="Taking contacts back")
            await changes.finish(named=len(lines) <= MOST_RECORDS)
        return number


async def _taken_back(
    session: AsyncSession, changes: Changes, principal: Principal, lines: Sequence[Outcome]
) -> Mapping[int, bool]:
    """Whether each row's person is as before now."""
    people = PeopleRepository(session, principal)
    wanted = {line.person_id: line for line in lines if line.person_id is not None}
    rows = [row for row in await people.all_locked(wanted) if _is_as_made(row, wanted[row.id])]
    made = {row.id for row in rows if wanted[row.id].outcome == "create"}
    untouched = await changes.records.untouched(made)
    removed = [row for row in rows if row.id in untouched]
    changes.removed(removed)
    await changes.records.remove(untouched)
    let_be = await changes.records.let_be({row.id for row in rows} - made)
    changed = [row for row in rows if row.id in let_be]
    await _put_back(changes, changed, wanted)
    done = untouched | let_be
    return {line.number: line.person_id in done for line in lines}


def _is_as_made(person: PersonRow, line: Outcome) -> bool:
    """Nobody has changed the person since the import did."""
    return person.revision == line.revision


async def _put_back(changes: Changes, people: Sequence[PersonRow], wanted: Mapping[UUID, Outcome]) -> None:
    contacts = await changes.records.contacts([person.id for person in people])
    words: list[tuple[str, Sequence[Contact]]] = []
    for person in people:
        added = _added(wanted[person.id])
        words.append(
            (person.name, [contact_of(one) for one in contacts[person.id] if (one.kind, one.key) not in added])
        )
    await changes.records.remove_contacts(
        {(person.id, kind, key) for person in people for kind, key in _added(wanted[person.id])}
    )
    for person, found_by in zip(people, await changes.records.search_texts(words), strict=True):
        before = wanted[person.id].before or {}
        fields = sorted({f"{kind}s" for kind, _ in _added(wanted[person.id])})
        fields += ["tags"] * (person.tags != before["tags"])
        person.tags, person.search_text = before["tags"], found_by
        if fields:
            changes.edited(person, fields)
    given = [person for person in people if (wanted[person.id].before or {})["was_given"]]
    for person in given:
        office = (wanted[person.id].before or {})["office_id"]
        await changes.assign([person], None, UUID(office) if office else None, reason="returned")
        if office is None:
            person.office_id = None


def _added(line: Outcome) -> set[tuple[str, str]]:
    return {(kind, key) for kind, key in (line.before or {})["contacts"]}
