"""Whether a sign-in still stands, and what its person may be now; an access token only tells what was.

Asked of the database at most once a second for each sign-in and process, so an ended sign-in, a deactivated person and
a new role count within that second, with or without Kafka. While the database is away nothing can be changed either:
what is known is then good for the life of an access token, and the database is left alone for some seconds between two
questions, each of which costs a request its time limit. What is not known cannot be answered.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Unavailable
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity.domain import ACCESS_LIFE
from rooftree.modules.identity.people_repository import PeopleRepository

FRESH = timedelta(seconds=1)
PATIENCE = timedelta(seconds=5)
_MOST = 10_000  # of about 300 bytes


@dataclass(frozen=True, slots=True)
class Standing:
    user_id: UUID
    role: str
    office_id: UUID | None
    team_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class _Known:
    standing: Standing | None
    asked_at: datetime

    def is_younger(self, age: timedelta, now: datetime) -> bool:
        return timedelta(0) <= now - self.asked_at < age


class Standings:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._known: dict[UUID, _Known] = {}
        self._ask_after = datetime.min.replace(tzinfo=UTC)

    def forget(self) -> None:
        """Something changed in this process, which shall notice at once."""
        self._known.clear()

    async def of(self, sign_in_id: UUID) -> Standing | None:
        """None for one that has ended. Raises `Unavailable` when that cannot be known."""
        now, known = self._clock.now(), self._known.get(sign_in_id)
        if known is not None and known.is_younger(FRESH if now >= self._ask_after else ACCESS_LIFE, now):
            return known.standing
        try:
            standing = await self._ask(sign_in_id)
        except Unavailable:
            self._ask_after = self._clock.now() + PATIENCE
            if known is None or not known.is_younger(ACCESS_LIFE, now):
                raise
            return known.standing
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[sign_in_id] = _Known(standing, now)
        self._ask_after = now
        return standing

    async def _ask(self, sign_in_id: UUID) -> Standing | None:
        async with self._unit_of_work() as session:
            found = await PeopleRepository(session).standing(sign_in_id)
        if found is None:
            return None
        user, teams = found
        return Standing(user.id, user.role, user.office_id, frozenset(teams))
