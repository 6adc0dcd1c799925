"""Use cases of people: find and show them, change them, which may end their sign-ins and their open invitations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rooftree.contracts.access.policy import holders
from rooftree.contracts.identity.api import COORDINATOR_ROLE, MANAGER_ROLE, UserNotFound
from rooftree.contracts.identity.events import UserChange, UserChanged
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Conflict, FieldError, Forbidden, Unprocessable
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.preconditions import require
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity import permissions
from rooftree.modules.identity.delegations_repository import DelegationsRepository
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.permissions import Person
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.tables import UserRow

# Changes after which office and teams must fit.
_PLACE = frozenset({"role", "office_id", "team_ids", "state"})


class LastOwner(Conflict):
    code, title = "last-owner", "A brokerage needs an owner"


@dataclass(frozen=True, slots=True)
class Known:
    """A person with their teams."""

    row: UserRow
    team_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UserPage:
    items: Sequence[Known]
    total: int
    next_cursor: str | None


def actor(principal: Principal) -> Person:
    return Person(principal.user_id, principal.role, principal.office_id)


def person(row: UserRow) -> Person:
    return Person(row.id, row.role, row.office_id, row.deactivated_at is None)


def changed(row: UserRow, team_ids: Sequence[UUID], change: UserChange) -> UserChanged:
    """The event."""
    return UserChanged(
        user_id=row.id, change=change, role=row.role, office_id=row.office_id, team_ids=tuple(sorted(team_ids))
    )


async def check_place(people: PeopleRepository, role: str, office_id: UUID | None, team_ids: Sequence[UUID]) -> None:
    """Raises `Unprocessable` for an office or teams that somebody of this role cannot be in."""
    errors: list[FieldError] = []
    if office_id is None:
        if role == MANAGER_ROLE:
            errors.append(FieldError("/office_id", "An office manager needs an office."))
    elif not await people.keep_office(office_id):
        errors.append(FieldError("/office_id", "There is no such office."))
    known = await people.teams_in(office_id, team_ids)
    for place, team_id in enumerate(team_ids):
        if team_id not in known:
            errors.append(FieldError(f"/team_ids/{place}", "This is not a team of the person's office."))
    if errors:
        raise Unprocessable(errors=errors)


class Users:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, standings: Standings) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._standings = standings

    async def find(
        self,
        principal: Principal,
        *,
        q: str | None,
        role: str | None,
        office_id: UUID | None,
        state: str | None,
        limit: int,
        cursor: str | None,
    ) -> UserPage:
        """Whom the caller may see, by name."""
        filters = [(name, value) for name, value in (("role", role), ("office_id", office_id)) if value is not None]
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            rows, total = await people.find_users(
                actor(principal),
                filters,
                q=(q or "").strip() or None,
                is_active=None if state is None else state == "active",
                after=_place(cursor) if cursor else None,
                limit=limit + 1,
            )
            shown = rows[:limit]
            teams = await people.teams_of([row.id for row in shown])
        following = encode_cursor(shown[-1].name, str(shown[-1].id)) if len(rows) > limit else None
        return UserPage([Known(row, teams[row.id]) for row in shown], total, following)

    async def show(self, principal: Principal, user_id: UUID) -> Known:
        """Raises `UserNotFound`."""
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            row = await self._seen(people, principal, user_id)
            return Known(row, (await people.teams_of([row.id]))[row.id])

    async def require_manages(self, principal: Principal, user_id: UUID) -> None:
        """Raises `UserNotFound`, `Forbidden`."""
        async with self._unit_of_work() as session:
            row = await self._seen(PeopleRepository(session), principal, user_id)
        if not permissions.may_sign_out(actor(principal), person(row)):
            raise Forbidden("You may not change this person's account.")

    async def change(self, principal: Principal, user_id: UUID, changes: Mapping[str, Any], *, expected: int) -> Known:
        """`changes`: some of name, role, office_id, team_ids, state.

        Raises `UserNotFound`, `Forbidden`, `VersionConflict`, `Unprocessable`, `LastOwner`.
        """
        now = self._clock.now()
        async with self._unit_of_work() as session:
            people = PeopleRepository(session)
            # Before any row is locked: two owners who demote each other must not wait for each other.
            owners = await people.lock_owners() if {"role", "state"} & set(changes) else None
            row = await self._seen(people, principal, user_id, lock=True)
            if reason := permissions.refusal(actor(principal), person(row), changes):
                raise Forbidden(reason)
            require(expected, current=row.version)
            was, teams = person(row), (await people.teams_of([row.id]))[row.id]
            teams_after = await _teams_after(people, row, teams, changes)
            change = _apply(row, changes, now)
            if change is None and set(teams_after) == set(teams):
                return Known(row, teams)
            if owners == 1 and permissions.is_owner(was) and was.is_active and not _is_active_owner(row):
                raise LastOwner("Make somebody else an owner first.")
            row.version += 1
            await people.set_teams(row.id, teams_after)
            assistants: Sequence[UUID] = ()
            if person(row) != was:
                await _end_what_ends(people, row, now)
                assistants = await _end_delegations(DelegationsRepository(session), row, now)
            await self._outbox.add(session, [changed(row, teams_after, change or "updated")])
        self._standings.forget([user_id, *assistants], team_ids=teams_after)
        return Known(row, teams_after)

    async def _seen(
        self, people: PeopleRepository, principal: Principal, user_id: UUID, *, lock: bool = False
    ) -> UserRow:
        row = await people.user(user_id, lock=lock)
        if row is None or not permissions.may_see(actor(principal), person(row)):
            raise UserNotFound
        return row


def _place(cursor: str) -> tuple[str, UUID]:
    """After whom a page begins."""
    name, user_id = decode_cursor(cursor, str, str)
    return str(name), cursor_id(user_id)


async def _teams_after(
    people: PeopleRepository, row: UserRow, teams: tuple[UUID, ...], changes: Mapping[str, Any]
) -> tuple[UUID, ...]:
    """Teams belong to an office: who leaves it leaves them."""
    if not _PLACE & set(changes):
        return teams
    office_id = changes.get("office_id", row.office_id)
    if "team_ids" in changes:
        teams = tuple(sorted(set(changes["team_ids"])))
    elif office_id != row.office_id:
        teams = ()
    await check_place(people, changes.get("role", row.role), office_id, teams)
    return teams


def _apply(row: UserRow, changes: Mapping[str, Any], now: datetime) -> UserChange | None:
    """What it was; None if nothing is different."""
    before = person(row), row.name
    for name in ("name", "role", "office_id"):
        if name in changes:
            setattr(row, name, changes[name])
    wanted = changes.get("state")
    if wanted == "deactivated" and row.deactivated_at is None:
        row.deactivated_at = now
        return "deactivated"
    if wanted == "active" and row.deactivated_at is not None:
        row.deactivated_at = None
        return "reactivated"
    return "updated" if (person(row), row.name) != before else None


def _is_active_owner(row: UserRow) -> bool:
    return permissions.is_owner(person(row)) and row.deactivated_at is None


async def _end_delegations(delegations: DelegationsRepository, row: UserRow, now: datetime) -> Sequence[UUID]:
    """What the person took unless they are a coordinator here, and what was given over records of theirs unless they
    are somebody who can have some. Ids of the assistants.
    """
    is_here = row.deactivated_at is None
    return await delegations.end_of(
        row.id,
        taken=not (is_here and row.role == COORDINATOR_ROLE),
        given=not (is_here and row.role in holders("listing")),
        now=now,
    )


async def _end_what_ends(people: PeopleRepository, row: UserRow, now: datetime) -> None:
    """Sign-ins of who leaves, and open invitations that the person could no longer send."""
    if row.deactivated_at is not None:
        await people.end_sign_ins(row.id, only=None, keep=None, because="deactivated", now=now)
    for invitation in await people.open_invitations_by(row.id):
        if not permissions.may_invite(person(row), invitation.role, invitation.office_id):
            invitation.revoked_at = now
