"""Use cases of delegations: let an assistant work on one's records for a time, see and end that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from rooftree.contracts.access.policy import granted
from rooftree.contracts.identity.api import COORDINATOR_ROLE
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Forbidden, NotFound, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.pagination import cursor_id, decode_cursor, encode_cursor
from rooftree.kernel.unit_of_work import UnitOfWork, afterwards
from rooftree.modules.identity import permissions
from rooftree.modules.identity.delegations_repository import DelegationsRepository
from rooftree.modules.identity.domain import DELEGATION_LIFE
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.tables import DelegationRow, UserRow
from rooftree.modules.identity.users import actor, person


class DelegationNotFound(NotFound):
    code, title = "delegation-not-found", "There is no such delegation"


@dataclass(frozen=True, slots=True)
class ShownDelegation:
    """With names of everybody in it."""

    row: DelegationRow
    names: dict[UUID, str]
    is_live: bool


@dataclass(frozen=True, slots=True)
class DelegationPage:
    items: Sequence[ShownDelegation]
    total: int
    next_cursor: str | None


class Delegations:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, standings: Standings) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._standings = standings

    async def find(
        self, principal: Principal, *, user_id: UUID | None, only_live: bool, limit: int, cursor: str | None
    ) -> DelegationPage:
        """Newest first; `user_id`: who gave or took it."""
        before = cursor_id(decode_cursor(cursor, str)[0]) if cursor else None
        now = self._clock.now()
        async with self._unit_of_work() as session:
            rows, total = await DelegationsRepository(session).find(
                actor(principal), user_id=user_id, now=now if only_live else None, before=before, limit=limit + 1
            )
            shown = rows[:limit]
            names = await PeopleRepository(session).names({one for row in shown for one in _people(row)})
        following = encode_cursor(str(shown[-1].id)) if len(rows) > limit else None
        return DelegationPage([self._shown(row, names) for row in shown], total, following)

    async def create(
        self,
        principal: Principal,
        *,
        assistant_id: UUID,
        for_user_id: UUID | None,
        resources: Collection[str],
        expires_at: datetime,
    ) -> ShownDelegation:
        """Takes the place of what the assistant has of the same records. `for_user_id`: whose; None: the caller's.

        Raises `Forbidden`, `Unprocessable`.
        """
        now, whose = self._clock.now(), for_user_id or principal.user_id
        if not now < expires_at <= now + DELEGATION_LIFE:
            raise _refused("/expires_at", f"Choose a time within the next {DELEGATION_LIFE.days} days.")
        async with self._unit_of_work.effect() as session:
            people = PeopleRepository(session)
            # Who leaves, or becomes something else, waits until this is done, and then ends it.
            found = {row.id: row for row in await people.kept([assistant_id, whose])}
            _check(principal, found.get(assistant_id), found.get(whose), resources)
            row = DelegationRow(
                id=new_id(),
                assistant_id=assistant_id,
                for_user_id=whose,
                resources=sorted(set(resources)),
                granted_by=principal.user_id,
                created_at=now,
                expires_at=expires_at.astimezone(UTC),
            )
            delegations = DelegationsRepository(session)
            await delegations.supersede(row)
            await delegations.add(row)
            names = await people.names(_people(row))
        afterwards(lambda: self._standings.forget([assistant_id]))
        return self._shown(row, names)

    async def revoke(self, principal: Principal, delegation_id: UUID) -> None:
        """Twice is no error. Raises `DelegationNotFound`, `Forbidden`."""
        async with self._unit_of_work() as session:
            # Before the row, as those do who end what somebody gave when they leave.
            await PeopleRepository(session).kept([principal.user_id])
            found = await DelegationsRepository(session).locked(actor(principal), delegation_id)
            if found is None:
                raise DelegationNotFound
            row, whose = found
            if not permissions.may_delegate(actor(principal), "delete", person(whose)):
                raise Forbidden("It is ended by whose records they are, their manager or an owner.")
            if row.revoked_at is None:
                row.revoked_at, row.revoked_by = self._clock.now(), principal.user_id
        self._standings.forget([row.assistant_id])

    def _shown(self, row: DelegationRow, names: dict[UUID, str]) -> ShownDelegation:
        return ShownDelegation(row, names, row.revoked_at is None and row.expires_at > self._clock.now())


def _people(row: DelegationRow) -> set[UUID]:
    return {row.assistant_id, row.for_user_id, row.granted_by}


def _check(principal: Principal, assistant: UserRow | None, whose: UserRow | None, resources: Collection[str]) -> None:
    """Whom the caller does not see is told to be nobody. Raises `Forbidden`, `Unprocessable`."""
    asking = actor(principal)
    for pointer, row in (("/user_id", whose), ("/assistant_id", assistant)):
        if row is None or row.deactivated_at is not None or not permissions.may_see(asking, person(row)):
            raise _refused(pointer, "There is no such person, or they have left.")
    assert whose is not None
    assert assistant is not None
    if not permissions.may_delegate(asking, "create", person(whose)):
        raise Forbidden("You may delegate your own work, and a manager that of people of the own office.")
    if assistant.role != COORDINATOR_ROLE:
        raise _refused("/assistant_id", "This person is no coordinator.")
    if not all(granted(whose.role, resource, "hold") for resource in resources):
        raise _refused("/user_id", "This person's role has no such records.")


def _refused(pointer: str, detail: str) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer, detail)])
