"""Every role and every place of a person: what each cell of the table says is allowed, in Python and in SQL alike."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.identity.api import (
    AGENT_ROLE,
    CLIENT_ROLE,
    COORDINATOR_ROLE,
    MANAGER_ROLE,
    OWNER_ROLE,
    User,
)
from rooftree.kernel.auth import Delegation, Principal
from rooftree.kernel.errors import Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.record_scope import Place
from rooftree.modules.crm import rights
from rooftree.modules.crm.leads_repository import Leads
from rooftree.modules.crm.people import new_person
from rooftree.modules.crm.people_repository import PeopleRepository
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.summaries_repository import Filter, Summaries
from rooftree.modules.crm.tables import LeadRow, TaskRow
from rooftree.modules.crm.work_repository import WorkRepository

from ..conftest import Browser, parts_of

HERE, THERE = new_id(), new_id()
ME, MATE, COLLEAGUE, STRANGER, PLACELESS = (new_id() for _ in range(5))


def caller(role: str, office_id: UUID | None = HERE, *mates: UUID, **more: Any) -> Principal:
    principal = Principal(ME, "acme-0a1b2c3d", role, "web", frozenset(), office_id=office_id, **more)
    return replace(principal, team_mates=frozenset(mates))


def delegation(for_user: UUID, *resources: str, days: int = 1) -> Delegation:
    return Delegation(for_user, frozenset(resources or ("person",)), datetime.now(UTC) + timedelta(days=days))


CALLERS = {
    "owner": caller(OWNER_ROLE, None),
    "manager": caller(MANAGER_ROLE),
    "manager-": caller(MANAGER_ROLE, None),
    "agent": caller(AGENT_ROLE, HERE, MATE),
    "single": caller(AGENT_ROLE),
    "agent-": caller(AGENT_ROLE, None),
    "coord": caller(COORDINATOR_ROLE, HERE, MATE),
    "helper": caller(COORDINATOR_ROLE, delegations=(delegation(MATE), delegation(STRANGER, "listing", "person"))),
    "other": caller(COORDINATOR_ROLE, delegations=(delegation(MATE, "listing"),)),
    "client": caller(CLIENT_ROLE, None),
    "unknown": caller("somebody", HERE, MATE),
}
PLACES = {
    "mine": Place(ME, HERE),
    "mine'": Place(ME, THERE),  # the office of before; it follows soon
    "mate": Place(MATE, HERE),
    "office": Place(COLLEAGUE, HERE),
    "other": Place(STRANGER, THERE),
    "nowhere": Place(PLACELESS, None),
    "pond": Place(None, HERE),
    "pond'": Place(None, THERE),
    "pond-": Place(None, None),
}
# w: sees and changes; c: sees and may claim; .: does not know of it
TABLE = """
          mine  mine'  mate  office  other  nowhere  pond  pond'  pond-
owner     w     w      w     w       w      w        w     w      w
manager   w     w      w     w       .      .        w     .      w
manager-  w     w      .     .       .      .        .     .      .
agent     w     w      w     .       .      .        c     .      .
single    w     w      .     .       .      .        c     .      .
agent-    w     w      .     .       .      .        .     .      .
coord     .     .      .     .       .      .        .     .      .
helper    .     .      w     .       w      .        .     .      .
other     .     .      .     .       .      .        .     .      .
client    .     .      .     .       .      .        .     .      .
unknown   .     .      .     .       .      .        .     .      .
"""
COLUMNS, *LINES = [line.split() for line in TABLE.strip("\n").split("\n")]
CELLS = [(who, place, letter) for who, *letters in LINES for place, letter in zip(COLUMNS, letters, strict=True)]


def test_the_table_is_whole() -> None:
    assert len(CELLS) == len(CALLERS) * len(PLACES)
    assert list(PLACES) == COLUMNS


@pytest.mark.parametrize(("who", "place", "letter"), CELLS)
def test_people_are_seen_and_changed_by_whose_they_are(who: str, place: str, letter: str) -> None:
    principal, where = CALLERS[who], PLACES[place]
    assert rights.may(principal, "update", where) is (letter == "w")
    assert rights.works_on(principal, where) is (letter == "w")
    assert rights.may(principal, "read", where) is (letter != ".")
    person: Any = SimpleNamespace(assigned_to=where.owner_id, office_id=where.office_id)
    assert rights.may_claim(principal, person) is (letter != "." and where.owner_id is None)


@pytest.mark.integration
async def test_postgresql_gives_the_same_answers(browser: Browser) -> None:
    unit_of_work = parts_of(browser.app, "crm").runtime.unit_of_work
    now, ids = datetime.now(UTC), dict[UUID, str]()
    async with unit_of_work() as session:
        first = await Stages(session).first()
        for name, place in PLACES.items():
            person = new_person(name, first, source="x", now=now)
            person.assigned_to, person.office_id = place.owner_id, place.office_id
            session.add(person)
            await session.flush()
            session.add(_task(person.id, now))
            session.add(_lead(person.id, now))
            ids[person.id] = name
    for who, principal in CALLERS.items():
        async with unit_of_work() as session:
            people = PeopleRepository(session, principal)
            summaries = Summaries(await session.connection(), principal)
            found, total = await summaries.page(Filter(), sort="name", after=None, limit=100)
            opened = {name: await people.person(person_id) for person_id, name in ids.items()}
            locked = {name: await people.locked(person_id) for person_id, name in ids.items()}
            board = await summaries.board(Filter(), limit=50)
            work = WorkRepository(session, principal)
            tasks, open_tasks = await work.tasks(state="open", owner="all", person_id=None, after=None, limit=100)
            inbox = Leads(session, principal)
            leads, all_leads = await inbox.find(state=None, owner="all", person_id=None, before=None, limit=100)
        said = {ids[one["id"]]: "w" if one["can_edit"] else "c" for one in found}
        expected = {place: letter for name, place, letter in CELLS if name == who and letter != "."}
        assert said == expected, who
        assert total == len(expected)
        for one in found:
            place = Place(one["assigned_to"], one["office_id"])
            waits = place.owner_id is None
            assert one["can_assign"] is (one["can_edit"] and rights.may(principal, "assign", place)), (who, place)
            assert one["can_claim"] is (waits and rights.may(principal, "claim", place)), (who, place)
        for one in (opened, locked):
            assert {name for name, person in one.items() if person} == set(expected), who
        assert {ids[one["id"]] for column in board.values() for one in column.found} == set(expected), who
        theirs = {place for place, letter in expected.items() if letter == "w"}
        assert ({ids[person.id] for _, person in tasks}, open_tasks) == (theirs, len(theirs)), who
        assert ({ids[person.id] for _, person in leads}, all_leads) == (set(expected), len(expected)), who


def _task(person_id: UUID, now: datetime) -> TaskRow:
    row = TaskRow(id=new_id(), person_id=person_id, title="x", due_at=None, time_zone="UTC", assigned_to=None)
    row.created_by, row.created_at, row.done_at, row.done_by, row.revision = ME, now, None, None, 1
    return row


def _lead(person_id: UUID, now: datetime) -> LeadRow:
    row = LeadRow(id=new_id(), person_id=person_id, lead_type="General Inquiry", source="x", name="x", utm={})
    row.consent, row.received_at, row.state = False, now, "new"
    return row


def colleague(role: str = AGENT_ROLE, office_id: UUID | None = HERE, user_id: UUID = MATE) -> User:
    return User(id=user_id, name="A", email="a@acme.test", role=role, office_id=office_id)


@pytest.mark.parametrize(
    ("who", "user", "allowed"),
    [
        ("owner", colleague(office_id=THERE), True),
        ("owner", colleague(OWNER_ROLE), True),
        ("owner", colleague(MANAGER_ROLE), True),
        ("owner", colleague(COORDINATOR_ROLE), False),
        ("owner", colleague(CLIENT_ROLE), False),
        ("manager", colleague(), True),
        ("manager", colleague(office_id=THERE), False),
        ("manager", colleague(office_id=None), False),
        ("manager", colleague(MANAGER_ROLE, user_id=ME), True),
        ("manager-", colleague(MANAGER_ROLE, None, ME), True),
        ("manager-", colleague(office_id=None), False),
    ],
)
def test_people_are_given_to_who_looks_after_people(who: str, user: User, allowed: bool) -> None:
    if allowed:
        rights.require_assignee(CALLERS[who], user)
    else:
        with pytest.raises(Unprocessable) as refused:
            rights.require_assignee(CALLERS[who], user)
        assert [error.pointer for error in refused.value.errors] == ["/assigned_to"]


@pytest.mark.integration
async def test_a_delegation_ends_by_the_databases_clock(browser: Browser) -> None:
    """A principal that was kept for too long gets nothing by it."""
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    async with unit_of_work() as session:
        person = new_person("Ada", await Stages(session).first(), source="x", now=datetime.now(UTC))
        person.assigned_to = MATE
        session.add(person)
    for days, seen in ((1, True), (-1, False)):
        late = caller(COORDINATOR_ROLE, delegations=(delegation(MATE, days=days),))
        async with unit_of_work() as session:
            found = await PeopleRepository(session, late).person(person.id)
        assert (found is not None) is seen


@dataclass(frozen=True)
class Case:
    who: str
    author: UUID
    edits: bool
    deletes: bool


@pytest.mark.parametrize(
    "case",
    [
        Case("agent", ME, edits=True, deletes=True),
        Case("agent", MATE, edits=False, deletes=False),
        Case("manager", MATE, edits=False, deletes=True),
        Case("owner", MATE, edits=False, deletes=True),
    ],
)
def test_nobody_changes_anothers_words(case: Case) -> None:
    person: Any = SimpleNamespace(assigned_to=MATE, office_id=HERE)
    changes = {
        action: rights.may_change_note(CALLERS[case.who], action, author_id=case.author, person=person)
        for action in ("update", "delete")
    }
    assert changes == {"update": case.edits, "delete": case.deletes}
