"""Holes that are planted into the running app, each of which the matrix must notice."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rooftree.bulk import exports_repository, imports_repository
from rooftree.contracts.access.policy import POLICY
from rooftree.contracts.identity.api import ROLES
from rooftree.kernel import record_scope
from rooftree.kernel.auth import Delegation
from rooftree.kernel.errors import Forbidden
from rooftree.modules.crm import (
    edit_guard,
    intake,
    leads_repository,
    people,
    people_repository,
    summaries_repository,
    tasks,
    work,
    work_repository,
)
from rooftree.modules.crm.leads_repository import Leads
from rooftree.modules.crm.records_repository import Records
from rooftree.modules.crm.stages_repository import Stages
from rooftree.modules.crm.summaries_repository import Column, Summaries
from rooftree.modules.crm.tables import PersonRow
from rooftree.modules.crm.visibility import people as people_rows
from rooftree.modules.crm.work_repository import WorkRepository
from rooftree.modules.identity import delegations_repository, permissions, users
from rooftree.modules.identity import people_repository as accounts_repository
from rooftree.modules.identity.delegations_repository import DelegationsRepository
from rooftree.modules.identity.people_repository import PeopleRepository as AccountsRepository
from rooftree.modules.identity.permissions import Person
from rooftree.modules.identity.tables import DelegationRow
from rooftree.modules.property import (
    own_photos_repository,
    own_repository,
    repository,
    rights,
    search_document,
    search_repository,
)
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.search_repository import SearchRepository
from rooftree.modules.property.visibility import visible_rows
from sqlalchemy import select, true

from ..conftest import FakeClock
from ..identity.conftest import Brokerage
from . import truth
from .matrix import Matrix
from .probes import PROBES
from .world import World, build

Plant = Callable[[pytest.MonkeyPatch], None]
STEP = 1 if os.environ.get("THOROUGH") else 4  # all holes in `make full`


@dataclass(frozen=True)
class Hole:
    """`operations`: those of the matrix that must notice it, each by itself."""

    name: str
    plant: Plant
    operations: tuple[str, ...]


def _set(owner: Any, name: str, value: Any) -> Plant:
    return lambda patch: patch.setattr(owner, name, value)


def _cell(row: str, role: str, *ways: str) -> Plant:
    return lambda patch: patch.setitem(POLICY[row], role, ways)  # type: ignore[arg-type] - a table of the test's own now


def _everything(*_: Any, **__: Any) -> Any:
    return true()


def _without_places(*, everything: bool, **_: bool) -> Any:
    return visible_rows(everything=everything)


async def _locked(session: Any, _principal: Any, person_id: Any) -> Any:
    """Without asking whether the caller may."""
    person = await session.get(PersonRow, person_id)
    return people_repository.Found(person, theirs=True)


async def _also_revoked(self: Any, assistant_id: Any, *, now: Any) -> tuple[Delegation, ...]:
    found = await self._session.scalars(select(DelegationRow).where(DelegationRow.assistant_id == assistant_id))
    return tuple(Delegation(row.for_user_id, frozenset(row.resources), row.expires_at) for row in found)


def _all_resources(_grant: Any, principal: Any) -> dict[Any, Any]:
    return {one.for_user: one.until for one in principal.delegations} if principal else {}


async def _taken(*_: Any) -> bool:
    return True


async def _not_taken(*_: Any) -> bool:
    return False


def _seen(_actor: Person, _target: Person) -> bool:
    return True


def _answers(owner: Any, name: str, altered: Callable[[Any], Any]) -> Plant:
    """This query of a repository answers something else."""
    original = getattr(owner, name)

    async def answer(*args: Any, **named: Any) -> Any:
        return altered(await original(*args, **named))

    return _set(owner, name, answer)


def _one_more(found: Any) -> Any:
    return found[0], found[1] + 1


def _all_but_the_last(found: Any) -> Any:
    return found[0][:-1], found[1]


def _counts_more(found: Any) -> Any:
    """Of the board's columns, of stages, of how many listings a place has."""
    match found:
        case dict():
            return {
                one: Column(value.total + 1, value.found) if isinstance(value, Column) else value + 1
                for one, value in found.items()
            }
        case int():
            return found + 1
        case _:
            return [(value, count + 1) for value, count in found]


def _shows_less(found: Any) -> Any:
    if isinstance(found, dict):
        return {stage: Column(column.total, column.found[:-1]) for stage, column in found.items()}
    return found[:-1]


def _without_contacts(rows: Any) -> Any:
    return [row | {"emails": None, "phones": None} for row in rows]


_PAGES = (
    ("people", Summaries, "page", "list_people"),
    ("leads", Leads, "find", "list_leads"),
    ("tasks", WorkRepository, "tasks", "list_tasks"),
    ("one's own listings", OwnListings, "mine", "search_properties"),
    ("accounts", AccountsRepository, "find_users", "list_users"),
    ("invitations", AccountsRepository, "find_invitations", "list_user_invitations"),
    ("delegations", DelegationsRepository, "find", "list_delegations"),
    ("offices", AccountsRepository, "find_offices", "list_offices"),
    ("teams", AccountsRepository, "find_teams", "list_teams"),
)

HOLES = [
    *(
        Hole(f"{what} {says}", _answers(owner, name, altered), (operation,))
        for what, owner, name, operation in _PAGES
        for says, altered in (("are one more than are shown", _one_more), ("lack one", _all_but_the_last))
    ),
    Hole("columns of the board count one more", _answers(Summaries, "board", _counts_more), ("get_people_board",)),
    Hole("columns of the board lack somebody", _answers(Summaries, "board", _shows_less), ("get_people_board",)),
    Hole("stages count one more", _answers(Stages, "counts", _counts_more), ("list_stages",)),
    Hole(
        "search counts one more",
        _answers(SearchRepository, "count", _counts_more),
        ("search_properties", "map_properties"),
    ),
    Hole("places count one more", _answers(SearchRepository, "places", _counts_more), ("suggest_properties",)),
    Hole("no address is suggested", _answers(SearchRepository, "addresses", _shows_less), ("suggest_properties",)),
    Hole(
        "search lacks a listing",
        _answers(SearchRepository, "search", _shows_less),
        ("search_properties", "map_properties"),
    ),
    Hole("somebody known is not told of", _answers(Summaries, "known", _shows_less), ("list_person_duplicates",)),
    Hole(
        "whom somebody got a moment ago nobody waited for",
        _set(people_repository, "claimable_people", lambda principal: people_rows(principal, "read")),
        ("claim_person",),
    ),
    Hole(
        "of a lead that somebody got a moment ago nobody is told",
        _set(leads_repository, "claimable_people", lambda principal: people_rows(principal, "read")),
        ("claim_lead",),
    ),
    Hole("everybody can be claimed", _set(people_repository, "claimable_people", _everything), ("claim_person",)),
    Hole("accounts without a scope", _set(accounts_repository, "visible", _everything), ("list_users",)),
    Hole(
        "invitations without a scope",
        _set(accounts_repository, "visible_invitations", _everything),
        ("list_user_invitations",),
    ),
    Hole(
        "delegations without a scope",
        _set(delegations_repository, "visible", _everything),
        ("list_delegations", "revoke_delegation"),
    ),
    Hole(
        "listings are found by places that nobody may know",
        _set(search_repository, "visible_rows", _without_places),
        ("search_properties", "map_properties", "suggest_properties"),
    ),
    Hole("a city vanishes", _set(search_document, "SHOWN", ("listing_key", "standard_status")), ("search_properties",)),
    Hole("nobody reads remarks", _set(rights, "may_read_private", lambda *_: False), ("get_property",)),
    Hole(
        "numbers and addresses vanish",
        _answers(Records, "contacts", lambda found: dict.fromkeys(found, ())),
        ("get_person",),
    ),
    Hole(
        "numbers and addresses vanish from lists",
        _answers(Summaries, "_fetch", _without_contacts),
        ("list_people", "get_people_board"),
    ),
    Hole("an agent gives people away", _cell("person.assign", "agent", "own"), ("assign_person",)),
    Hole(
        "a manager lists for all",
        _cell("listing.assign", "office_manager", "company"),
        ("create_property", "edit_property"),
    ),
    Hole(
        "a manager gives people to all",
        _cell("person.assign", "office_manager", "company"),
        ("assign_person",),
    ),
    Hole("a team's coordinator reads it", _cell("person.read", "coordinator", "team", "delegated"), ("get_person",)),
    Hole(
        "a manager delegates for all",
        _cell("delegation.create", "office_manager", "company"),
        ("create_delegation",),
    ),
    Hole("tasks are for everybody", _set(tasks, "sees", lambda *_: True), ("create_task", "edit_task")),
    Hole("a lead of anybody", _set(intake, "editable", _locked), ("create_lead",)),
    Hole("a manager makes managers", _set(permissions, "MADE_ROLES", frozenset(ROLES)), ("update_user",)),
    Hole(
        "people without a scope",
        _set(people_repository, "people", _everything),
        ("get_person", "edit_person", "list_person_timeline"),
    ),
    Hole(
        "imports without a scope",
        _set(imports_repository, "rows", _everything),
        (
            *("list_people_imports", "get_people_import", "download_people_import_errors", "apply_people_import"),
            *("list_property_imports", "get_property_import", "list_property_import_errors", "undo_property_import"),
        ),
    ),
    Hole("an agent reads the imports of the office", _cell("import.read", "agent", "office"), ("list_people_imports",)),
    Hole(
        "exports without a scope",
        _set(exports_repository, "rows", _everything),
        ("get_people_export", "get_property_export"),
    ),
    Hole("leads without a scope", _set(leads_repository, "people", _everything), ("get_lead", "list_leads")),
    Hole("tasks without a scope", _set(work_repository, "people", _everything), ("list_tasks", "edit_task")),
    Hole(
        "lists of people without a scope",
        _set(summaries_repository, "people_of", _everything),
        ("list_people", "get_people_board", "list_person_duplicates"),
    ),
    Hole(
        "a listing by its id without a scope",
        _set(repository, "readable_rows_of", _everything),
        ("get_property", "list_property_history"),
    ),
    Hole("an edit without a scope", _set(own_repository, "readable_rows", _everything), ("edit_property",)),
    Hole("one's own list is everybody's", _set(own_repository, "editable_rows", _everything), ("search_properties",)),
    Hole(
        "a photo without its listing's scope", _set(own_photos_repository, "readable_rows", _everything), ("get_photo",)
    ),
    Hole(
        "search without its filter",
        _set(search_repository, "visible_rows", lambda **_: visible_rows(everything=True)),
        ("search_properties", "map_properties", "suggest_properties"),
    ),
    Hole(
        "search without its mask",
        _set(search_document, "shows_place", lambda *_, **__: True),
        ("search_properties", "get_property"),
    ),
    Hole(
        "private remarks without their mask",
        _set(rights, "may_read_private", lambda *_: True),
        ("get_property", "list_property_history"),
    ),
    Hole("notes before claiming", _set(work, "works_on", lambda *_: True), ("list_person_timeline",)),
    Hole("the audit of notes before claiming", _set(people, "works_on", lambda *_: True), ("list_person_history",)),
    Hole("a claim tells of everybody in the office", _set(Records, "was_taken_since", _taken), ("claim_person",)),
    Hole("who is late is told of nobody", _set(Records, "was_taken_since", _not_taken), ("claim_lead",)),
    Hole(
        "what was revoked holds", _set(DelegationsRepository, "held_by", _also_revoked), ("get_person", "edit_property")
    ),
    Hole("a delegation of one thing is of all", _set(record_scope, "_delegated", _all_resources), ("edit_property",)),
    Hole(
        "403 tells that somebody exists", _set(edit_guard, "PersonNotFound", Forbidden), ("edit_person", "create_note")
    ),
    Hole("everybody's account is seen", _set(users.permissions, "may_see", _seen), ("get_user",)),
    Hole("an agent sees the office's people", _cell("person.read", "agent", "own", "team", "office"), ("get_person",)),
    Hole("an agent loses the team", _cell("listing.update", "agent", "own"), ("edit_property",)),
    Hole("one's own role is one's own", _cell("user:account", "agent", "own"), ("update_user",)),
    Hole("a client reads stages", _cell("stage.read", "client", "company"), ("list_stages",)),
    Hole("an agent starts runs", _cell("feed.run", "agent", "company"), ("start_feed_run",)),
    Hole("a manager changes other offices", _cell("office.update", "office_manager", "company"), ("update_office",)),
    Hole(
        "an assistant ends a delegation", _cell("delegation.delete", "coordinator", "company"), ("revoke_delegation",)
    ),
]


@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_the_matrix_notices_planted_holes(
    brokerage: Brokerage, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(brokerage)
    unnoticed: list[str] = []
    holes = HOLES[::STEP]
    for hole in holes:
        for operation in hole.operations:
            clock.advance(seconds=2)  # what is remembered of a sign-in is asked anew
            with monkeypatch.context() as patch:
                hole.plant(patch)
                if not await _wrong(world, operation):
                    unnoticed.append(f"{hole.name}: {operation}")
    clock.advance(seconds=2)
    assert unnoticed == []
    for operation in sorted({operation for hole in holes for operation in hole.operations}):
        assert await _wrong(world, operation) == []


async def _wrong(world: World, operation: str) -> list[str]:
    """What is wrong in the first cell of this operation's part of the matrix where anything is."""
    matrix = Matrix(world)
    for probe in PROBES:
        if probe.operation != operation:
            continue
        for column in probe.columns():
            for caller in truth.CALLERS:
                await matrix.cell(probe, column, caller)
                if matrix.wrong:
                    return matrix.wrong
    return []
