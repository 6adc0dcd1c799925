"""What a page of an import's rows does to people, in one transaction. The order of locks: `records_repository`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.cells import RowProblem, error
from rooftree.bulk.imports_repository import ImportsRepository
from rooftree.bulk.subject import Outcome
from rooftree.kernel.auth import Principal
from rooftree.modules.crm import import_rows
from rooftree.modules.crm.assignments import user_as_agent
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.import_rows import Addition, Candidate
from rooftree.modules.crm.people import caller_as_agent, new_person, require_looks_after
from rooftree.modules.crm.people_matching import Matched, Matching
from rooftree.modules.crm.rights import brings_own, looks_after_people
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.tables import BULK, AgentRow, PersonRow, StageRow

SOURCE = "Import"


@dataclass(slots=True)
class _Places:
    """Where rows put people. `own`: the caller, if new people are theirs; `agents`: who gets some."""

    first: StageRow
    stages: dict[UUID, StageRow] = field(default_factory=dict[UUID, StageRow])
    agents: dict[UUID, AgentRow] = field(default_factory=dict[UUID, AgentRow])
    own: AgentRow | None = None

    def missing(self, candidate: Candidate) -> list[dict[str, Any]]:
        """What was there when the row was read, and is not now."""
        if candidate.stage_id is not None and candidate.stage_id not in self.stages:
            return [error("unknown-stage", "There is no such stage any more.", field="stage")]
        if candidate.assignee is not None and candidate.assignee.id not in self.agents:
            why = "This colleague looks after people no more."
            return [error("unknown-colleague", why, field="assigned_to")]
        return []


class ImportPage:
    def __init__(self, session: AsyncSession, changes: Changes, principal: Principal, import_id: UUID) -> None:
        self._session = session
        self._changes = changes
        self._principal = principal
        self._import_id = import_id
        self._outcomes: list[Outcome] = []
        self._made: list[tuple[Candidate, PersonRow]] = []
        self._changed: list[tuple[Candidate, PersonRow, Addition]] = []

    async def take(self, good: Sequence[Candidate]) -> Sequence[Outcome]:
        """What became of each row; `changes` are not finished. Raises `Forbidden`."""
        await self._changes.records.lock_contacts([key for candidate in good for key in candidate.keys])
        places = await self._places(good)
        matched = await Matching(self._session, self._principal).found(good, lock=True)
        taken = await ImportsRepository(self._session, BULK).touched(self._import_id, set(matched.known))
        for candidate in good:
            self._decide(candidate, matched, places, taken)
        await self._make()
        await self._change(matched, places)
        return self._outcomes

    async def _places(self, good: Sequence[Candidate]) -> _Places:
        stages, records = Stages(self._session), self._changes.records
        places = _Places(await stages.first())
        for stage_id in sorted({one.stage_id for one in good if one.stage_id is not None}):
            if (row := await stages.stage(stage_id)) is not None:
                places.stages[stage_id] = row
        if brings_own(self._principal):
            places.own = await records.agent(caller_as_agent(self._principal))
            require_looks_after(places.own)
        users = {one.assignee.id: one.assignee for one in good if one.assignee is not None}
        for user_id in sorted(users):
            agent = await records.agent(user_as_agent(users[user_id]))
            if looks_after_people(agent.role, is_active=agent.is_active):
                places.agents[user_id] = agent
        return places

    def _decide(self, candidate: Candidate, matched: Matched, places: _Places, taken: set[UUID]) -> None:
        person_id = matched.by_row.get(candidate.number)
        verdict, addition, errors = import_rows.decided(candidate, matched.known[person_id] if person_id else None)
        errors = errors or places.missing(candidate)
        if person_id in taken:
            errors = [error("repeated", "Another row is about the same contact.")]
        if errors:
            self._outcomes.append(_faulty(candidate.number, errors))
        elif person_id is None:
            self._made.append((candidate, self._person(candidate, places)))
        elif verdict == "update":
            taken.add(person_id)
            self._changed.append((candidate, matched.rows[person_id], addition))
        else:
            self._outcomes.append(Outcome(number=candidate.number, outcome="unchanged"))

    def _person(self, candidate: Candidate, places: _Places) -> PersonRow:
        stage = places.first if candidate.stage_id is None else places.stages[candidate.stage_id]
        person = new_person(candidate.name, stage, source=candidate.source or SOURCE, now=self._changes.now)
        person.tags, person.office_id = list(candidate.tags), self._principal.office_id
        agent = places.agents[candidate.assignee.id] if candidate.assignee else places.own
        if agent is not None:
            person.assigned_to, person.office_id = agent.user_id, agent.office_id or person.office_id
        return person

    async def _make(self) -> None:
        contacts = {person.id: candidate.contacts for candidate, person in self._made}
        given = [person for candidate, person in self._made if candidate.assignee is not None]
        kept = [person for candidate, person in self._made if candidate.assignee is None]
        if given:
            await self._changes.all_begun(given, contacts, reason="assigned")
        if kept:
            await self._changes.all_begun(kept, contacts, reason="captured")
        for candidate, person in self._made:
            told = Outcome(number=candidate.number, outcome="create", record_id=person.id, revision=person.revision)
            self._outcomes.append(told)

    async def _change(self, matched: Matched, places: _Places) -> None:
        before = {person.id: _before(person, addition) for _, person, addition in self._changed}
        added = [(person.id, matched.following[person.id], one.contacts) for _, person, one in self._changed]
        await self._changes.records.add_contacts(added)
        words = [(person.name, [*matched.known[person.id].contacts, *one.contacts]) for _, person, one in self._changed]
        texts = await self._changes.records.search_texts(words)
        given: dict[UUID, list[PersonRow]] = defaultdict(list)
        for (_, person, addition), found_by in zip(self._changed, texts, strict=True):
            person.tags, person.search_text = [*person.tags, *addition.tags], found_by
            if fields := [name for name in addition.fields if name != "assigned_to"]:
                self._changes.edited(person, fields)
            if addition.assignee is not None:
                given[addition.assignee.id].append(person)
        for user_id in sorted(given):
            await self._changes.assign(given[user_id], user_id, places.agents[user_id].office_id, reason="assigned")
        self._outcomes += [
            Outcome(
                number=candidate.number,
                outcome="update",
                record_id=person.id,
                revision=person.revision,
                before=before[person.id],
            )
            for candidate, person, _ in self._changed
        ]


def _before(person: PersonRow, addition: Addition) -> dict[str, Any]:
    """What it takes to undo that."""
    return {
        "tags": person.tags,
        "contacts": [list(contact.key) for contact in addition.contacts],
        "was_given": addition.assignee is not None,
        "office_id": str(person.office_id) if person.office_id else None,
    }


def _faulty(number: int, errors: Sequence[RowProblem]) -> Outcome:
    return Outcome(number=number, outcome="faulty", errors=errors)
