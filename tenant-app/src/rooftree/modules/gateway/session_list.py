"""Use cases over the browser sessions of a person: list them, end them, also because of what identity tells."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.consumers import Received
from rooftree.kernel.errors import NotFound
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.gateway.repository import SessionRepository
from rooftree.modules.gateway.service import KeptSessions
from rooftree.modules.gateway.tables import SessionRow


class SessionNotFound(NotFound):
    code, title = "session-not-found", "There is no such session"


class SessionList:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, identity: IdentityApi, kept: KeptSessions) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._identity = identity
        self._kept = kept

    async def of(self, principal: Principal, user_id: UUID) -> list[SessionRow]:
        """Last used first. Raises `UserNotFound`, `Forbidden`."""
        await self._require(principal, user_id)
        async with self._unit_of_work() as session:
            return await SessionRepository(session).living_of(user_id, now=self._clock.now())

    async def end(self, principal: Principal, session_id: UUID) -> None:
        """One of one's own. Raises `SessionNotFound`."""
        async with self._unit_of_work() as session:
            ended = await SessionRepository(session).end_one(session_id, user_id=principal.user_id)
        if ended is None:
            raise SessionNotFound
        self._forget(principal.user_id)
        # Nobody can use its tokens any more: they were sealed for its cookie in the row that is gone.
        if ended.sign_in_id is not None:
            only = [ended.sign_in_id]
            await self._identity.end_sign_ins(principal.user_id, only=only, because="session ended")

    async def end_others(self, principal: Principal) -> None:
        keep = principal.sign_in_id
        async with self._unit_of_work() as session:
            await SessionRepository(session).end_all(principal.user_id, keep=keep)
        self._forget(principal.user_id)
        await self._identity.end_sign_ins(principal.user_id, keep=keep, because="other sessions ended")

    async def end_all(self, principal: Principal, user_id: UUID) -> None:
        """Raises `UserNotFound`, `Forbidden`."""
        await self._require(principal, user_id)
        async with self._unit_of_work() as session:
            await SessionRepository(session).end_all(user_id)
        self._forget(user_id)
        await self._identity.end_sign_ins(user_id, because="sessions ended by a manager")

    async def hear(self, session: AsyncSession, received: Received) -> None:
        """Of a person who left all sessions end; those of one who changed get new tokens before their next request."""
        event = received.event
        if not isinstance(event, UserChanged):
            raise TypeError(f"the gateway does not hear {event.type}")
        repository = SessionRepository(session)
        if event.change == "deactivated":
            # Who came back meanwhile has begun new ones.
            await repository.end_all(event.user_id, begun_before=received.time)
        elif event.change == "updated":
            await repository.renew_all(event.user_id, now=self._clock.now())

    def _forget(self, user_id: UUID) -> None:
        self._kept.forget(lambda _, kept: kept is not None and kept.user_id == user_id)

    async def _require(self, principal: Principal, user_id: UUID) -> None:
        if user_id != principal.user_id:
            await self._identity.require_manages(principal, user_id)
