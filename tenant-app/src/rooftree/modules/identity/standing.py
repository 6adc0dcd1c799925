"""Whether a sign-in still stands, what its person may be now and is called; an access token only tells what was.

An ended sign-in, a deactivated person and a new role count within a second, with or without Kafka; while the database
is away, what is known holds for the life of an access token.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import COORDINATOR_ROLE, User
from rooftree.kernel.auth import Delegation
from rooftree.kernel.clock import Clock
from rooftree.kernel.remembered import Remembered
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.delegations_repository import DelegationsRepository
from rooftree.modules.identity.domain import ACCESS_LIFE
from rooftree.modules.identity.people_repository import PeopleRepository
from rooftree.modules.identity.tables import UserRow

_MOST_NAMES = 500  # pages with up to a hundred people each


@dataclass(frozen=True, slots=True)
class Standing:
    user_id: UUID
    role: str
    office_id: UUID | None
    team_ids: frozenset[UUID]
    team_mates: frozenset[UUID]
    delegations: tuple[Delegation, ...]
    """Those that held when this was asked."""


class Standings:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._remembered: Remembered[UUID, Standing | None] = Remembered(clock, while_away=ACCESS_LIFE)
        self._names: Remembered[frozenset[UUID], dict[UUID, str]] = Remembered(
            clock, while_away=ACCESS_LIFE, most=_MOST_NAMES
        )

    def forget(self, user_ids: Collection[UUID], *, team_ids: Collection[UUID] = ()) -> None:
        """What these people are or may changed in this process, which shall notice at once; so shall their team mates.

        `team_ids`: teams which they are in now.
        """
        users, teams = frozenset(user_ids), frozenset(team_ids)

        def is_meant(_: UUID, standing: Standing | None) -> bool:
            if standing is None:
                return False
            return standing.user_id in users or bool(standing.team_mates & users or standing.team_ids & teams)

        self._remembered.forget(is_meant)
        self._names.forget(lambda ids, _: not users.isdisjoint(ids))

    def forget_sign_in(self, sign_in_id: UUID) -> None:
        """It ended in this process; the person's others go on."""
        self._remembered.forget(lambda one, _: one == sign_in_id)

    async def of(self, sign_in_id: UUID) -> Standing | None:
        """None for one that has ended. Raises `Unavailable` when that cannot be known."""
        return await self._remembered.of(sign_in_id, self._ask)

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """Of those who are known, also of those who left: nearly every list asks. Raises `Unavailable`."""
        wanted = frozenset(user_ids)
        return await self._names.of(wanted, self._ask_names) if wanted else {}

    async def _ask_names(self, user_ids: frozenset[UUID]) -> dict[UUID, str]:
        async with self._unit_of_work() as session:
            return await PeopleRepository(session).names(user_ids)

    async def _ask(self, sign_in_id: UUID) -> Standing | None:
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session).standing(sign_in_id)
            if found is None:
                return None
            user, teams, mates = found
            delegations = await delegations_of(session, user, now=self._clock.now())
        return Standing(user.id, user.role, user.office_id, frozenset(teams), frozenset(mates), delegations)


async def delegations_of(session: AsyncSession, user: UserRow, *, now: datetime) -> tuple[Delegation, ...]:
    """What a person holds, whose role can hold some."""
    if user.role != COORDINATOR_ROLE:
        return ()
    return await DelegationsRepository(session).held_by(user.id, now=now)


async def told(
    session: AsyncSession, row: UserRow, teams: Collection[UUID], mates: Collection[UUID], *, now: datetime
) -> User:
    """What other modules are told of somebody who has not left."""
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        role=row.role,
        office_id=row.office_id,
        team_ids=frozenset(teams),
        team_mates=frozenset(mates),
        delegations=await delegations_of(session, row, now=now),
    )
