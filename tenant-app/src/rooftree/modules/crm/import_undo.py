"""What an import did to people is taken back, as far as nobody has touched them since.

Whom it made is removed for good, whom it changed gets back what was; both only while the revision is still the
import's, and while nothing has been written about them since. Whoever asks must be allowed to change them now. Others
stay.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.subject import Outcome
from rooftree.kernel.auth import Principal
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.records_repository import contact_of
from rooftree.modules.crm.tables import PersonRow

if TYPE_CHECKING:
    from rooftree.modules.crm.domain import Contact


async def taken_back(
    session: AsyncSession, changes: Changes, principal: Principal, lines: Sequence[Outcome]
) -> Mapping[int, bool]:
    """Whether each row's person is as before now."""
    people = PeopleRepository(session, principal)
    wanted = {line.record_id: line for line in lines if line.record_id is not None}
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
    return {line.number: line.record_id in done for line in lines}


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
