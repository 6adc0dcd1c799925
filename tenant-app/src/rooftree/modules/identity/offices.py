"""Use cases of offices and teams. Staff see them, owners change them, managers their own one and its teams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from rooftree.contracts.identity.events import OfficeDeleted
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, FieldError, Forbidden, NotFound, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.preconditions import require
from rooftree.kernel.text import name_key
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity import permissions
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.tables import OfficeRow, TeamRow
from rooftree.modules.identity.users import actor, changed

T = TypeVar("T")


class OfficeNotFound(NotFound):
    code, title = "office-not-found", "There is no such office"


class OfficeInUse(Conflict):
    code, title = "office-in-use", "The office is in use"


class TeamNotFound(NotFound):
    code, title = "team-not-found", "There is no such team"


class TeamInUse(Conflict):
    code, title = "team-in-use", "The team has members"


class NameTaken(Conflict):
    code, title = "name-taken", "There is one with this name already"


@dataclass(frozen=True, slots=True)
class CountedOffice:
    row: OfficeRow
    user_count: int


@dataclass(frozen=True, slots=True)
class CountedTeam:
    row: TeamRow
    member_count: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    total: int
    next_cursor: str | None


class Offices:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox

    async def find(self, *, q: str | None, limit: int, cursor: str | None) -> Page[CountedOffice]:
        """By name."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            rows, total = await people.find_offices(q=q, after=_key(cursor), limit=limit + 1)
            counts = await people.active_in_offices([row.id for row in rows])
        items = [CountedOffice(row, counts.get(row.id, 0)) for row in rows[:limit]]
        return Page(items, total, _following(rows, limit))

    async def show(self, principal: Principal, office_id: UUID) -> CountedOffice:
        """Raises `OfficeNotFound`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            return await _counted_office(people, await self._seen(people, principal, office_id))

    async def create(self, principal: Principal, values: Mapping[str, Any]) -> CountedOffice:
        """Raises `Forbidden`, `NameTaken`."""
        _require_office_editor(principal, "create", None)
        row = OfficeRow(id=new_id(), name_key=name_key(values["name"]), version=1, **values)
        async with self._unit_of_work.effect() as session:
            if not await IdentityRepository(session).try_add(row):
                raise NameTaken
        return CountedOffice(row, 0)

    async def change(
        self, principal: Principal, office_id: UUID, changes: Mapping[str, Any], *, expected: int
    ) -> CountedOffice:
        """Raises `OfficeNotFound`, `Forbidden`, `VersionConflict`, `NameTaken`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            row = await self._editable(people, principal, "update", office_id, expected)
            if not await IdentityRepository(session).try_change(row, _with_key(changes)):
                raise NameTaken
            return await _counted_office(people, row)

    async def delete(self, principal: Principal, office_id: UUID, *, expected: int) -> None:
        """Raises `OfficeNotFound`, `Forbidden`, `VersionConflict`, `OfficeInUse`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            await self._editable(people, principal, "delete", office_id, expected)
            if await people.is_office_in_use(office_id, now=self._clock.now()):
                raise OfficeInUse("Move its people and teams, and revoke its open invitations, first.")
            await people.delete_office(office_id)
            await self._outbox.add(session, [OfficeDeleted(office_id=office_id)])

    async def _seen(
        self, people: PeopleRepository, principal: Principal, office_id: UUID, *, lock: bool = False
    ) -> OfficeRow:
        row = await people.office(office_id, lock=lock)
        if row is None or not permissions.may_see_offices(actor(principal)):
            raise OfficeNotFound
        return row

    async def _editable(
        self, people: PeopleRepository, principal: Principal, action: str, office_id: UUID, expected: int
    ) -> OfficeRow:
        row = await self._seen(people, principal, office_id, lock=True)
        _require_office_editor(principal, action, office_id)
        require(expected, current=row.version)
        return row


class Teams:
    def __init__(self, unit_of_work: UnitOfWork, outbox: Outbox, standings: Standings) -> None:
        self._unit_of_work = unit_of_work
        self._outbox = outbox
        self._standings = standings

    async def find(self, *, q: str | None, office_id: UUID | None, limit: int, cursor: str | None) -> Page[CountedTeam]:
        """By name."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            rows, total = await people.find_teams(q=q, office_id=office_id, after=_key(cursor), limit=limit + 1)
            counts = await people.active_members([row.id for row in rows])
        items = [CountedTeam(row, counts.get(row.id, 0)) for row in rows[:limit]]
        return Page(items, total, _following(rows, limit))

    async def show(self, principal: Principal, team_id: UUID) -> CountedTeam:
        """Raises `TeamNotFound`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            return await _counted_team(people, await self._seen(people, principal, team_id))

    async def create(self, principal: Principal, values: Mapping[str, Any]) -> CountedTeam:
        """Raises `Forbidden`, `Unprocessable`, `NameTaken`."""
        _require_team_editor(principal, values["office_id"])
        row = TeamRow(id=new_id(), name_key=name_key(values["name"]), version=1, **values)
        async with self._unit_of_work.effect() as session:
            await _require_office(PeopleRepository(session), row.office_id)
            if not await IdentityRepository(session).try_add(row):
                raise NameTaken
        return CountedTeam(row, 0)

    async def change(
        self, principal: Principal, team_id: UUID, changes: Mapping[str, Any], *, expected: int
    ) -> CountedTeam:
        """Raises `TeamNotFound`, `Forbidden`, `VersionConflict`, `Unprocessable`, `TeamInUse`, `NameTaken`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            row = await self._editable(people, principal, team_id, expected)
            if (office_id := changes.get("office_id", row.office_id)) != row.office_id:
                _require_team_editor(principal, office_id)
                await _require_office(people, office_id)
                if await people.lock_members(team_id):
                    raise TeamInUse("Its members are people of its office; take them out first.")
            if not await IdentityRepository(session).try_change(row, _with_key(changes)):
                raise NameTaken
            return await _counted_team(people, row)

    async def delete(self, principal: Principal, team_id: UUID, *, expected: int) -> None:
        """Its members leave it. Raises `TeamNotFound`, `Forbidden`, `VersionConflict`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            await self._editable(people, principal, team_id, expected)
            members = await people.lock_members(team_id)
            await people.delete_team(team_id)
            teams = await people.teams_of([member.id for member in members])
            for member in members:
                member.version += 1
            await self._outbox.add(session, [changed(member, teams[member.id], "updated") for member in members])
        self._standings.forget([member.id for member in members])

    async def _seen(
        self, people: PeopleRepository, principal: Principal, team_id: UUID, *, lock: bool = False
    ) -> TeamRow:
        row = await people.team(team_id, lock=lock)
        if row is None or not permissions.may_see_offices(actor(principal)):
            raise TeamNotFound
        return row

    async def _editable(self, people: PeopleRepository, principal: Principal, team_id: UUID, expected: int) -> TeamRow:
        row = await self._seen(people, principal, team_id, lock=True)
        _require_team_editor(principal, row.office_id)
        require(expected, current=row.version)
        return row


def _require_office_editor(principal: Principal, action: str, office_id: UUID | None) -> None:
    if not permissions.may_edit_office(actor(principal), action, office_id):
        raise Forbidden("Owners make, change and close offices; a manager changes the own one.")


def _require_team_editor(principal: Principal, office_id: UUID) -> None:
    if not permissions.may_edit_team(actor(principal), office_id):
        raise Forbidden("You may not change teams of this office.")


async def _require_office(people: PeopleRepository, office_id: UUID) -> None:
    if not await people.keep_office(office_id):
        raise Unprocessable(errors=[FieldError("/office_id", "There is no such office.")])


async def _counted_office(people: PeopleRepository, row: OfficeRow) -> CountedOffice:
    return CountedOffice(row, (await people.active_in_offices([row.id])).get(row.id, 0))


async def _counted_team(people: PeopleRepository, row: TeamRow) -> CountedTeam:
    return CountedTeam(row, (await people.active_members([row.id])).get(row.id, 0))


def _with_key(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**changes, **({"name_key": name_key(changes["name"])} if "name" in changes else {})}


def _key(cursor: str | None) -> tuple[str, UUID] | None:
    if cursor is None:
        return None
    name, row_id = decode_cursor(cursor, str, str)
    return str(name), cursor_id(row_id)


def _following(rows: Sequence[OfficeRow] | Sequence[TeamRow], limit: int) -> str | None:
    return encode_cursor(rows[limit - 1].name_key, str(rows[limit - 1].id)) if len(rows) > limit else None
