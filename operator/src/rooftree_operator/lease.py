"""The Lease that says which operator acts. Losing it ends the process: whoever restarts begins with a clean slate."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from .adapters.kubernetes import LEASE, ApiError, Conflict, Kubernetes
from .drift import Object
from .errors import Unavailable

log = structlog.get_logger(__name__)

DURATION = 15  # seconds; a holder that did not renew for so long has lost it
MARGIN = 3.0  # seconds before that in which the holder has ended itself: effects on their way arrive, clocks differ
RENEW = 4.0  # seconds from one renewal to the next
TRY = 3.0  # seconds for one renewal; below RENEW, so that a request that hangs leaves time for others
RETRY = 1.0  # seconds after a try that failed


@dataclass(frozen=True)
class Term:
    """What a Lease says: who acts, in which epoch, and when that ends unless it is renewed."""

    holder: str
    epoch: int
    ends: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nobody acts by it any more."""
        return not self.holder or self.ends < now


async def term(kube: Kubernetes, name: str, namespace: str) -> Term | None:
    """Of the Lease `name`; None if there is none. Raises `ApiError` and `Unavailable`."""
    found = await kube.get(LEASE, name, namespace)
    return _term(found) if found is not None else None


class LeaseLost(Exception):
    """Somebody else acts now, or we could not renew in time."""


class LeaseHolder:
    """One candidate."""

    def __init__(
        self, kube: Kubernetes, *, name: str, namespace: str, identity: str, now: Callable[[], datetime]
    ) -> None:
        self._kube = kube
        self._name, self._namespace, self._identity = name, namespace, identity
        self._now = now
        self._held: Object | None = None
        self._renewed = 0.0  # when the last good renewal was sent, by the loop's clock
        self._safe_until = 0.0  # by the system's clock: the loop's stands still while a callback runs

    @property
    def name(self) -> str:
        return self._name

    @property
    def held(self) -> bool:
        """Whether it is ours as far as we know; `is_held` asks."""
        return self._held is not None

    def confirm(self) -> None:
        """Right before an effect, without a request in between: raises `Unavailable` if somebody else may act by now.

        A process that was stopped goes on with what it was about to do, before it can notice that time has passed.
        """
        if self._held is None or time.monotonic() >= self._safe_until:
            raise Unavailable("NotTheHolder", "the Lease was not renewed in time: another operator may act by now")

    async def is_held(self) -> bool:
        """Whether the apiserver still says that it is ours, in our epoch. Raises `ApiError` and `Unavailable`."""
        found = await self._kube.get(LEASE, self._name, self._namespace)
        return found is not None and self._held is not None and _holder(found) == _holder(self._held)

    async def acquire(self) -> int:
        """Waits until the Lease is ours; returns the epoch, higher than every one before."""
        while True:
            started, safe_until = asyncio.get_running_loop().time(), _safe()
            held = await self._try()
            if held is not None:
                self._held, self._renewed, self._safe_until = held, started, safe_until
                return int(held["spec"]["leaseTransitions"])
            await asyncio.sleep(RENEW / 2)

    async def _try(self) -> Object | None:
        try:
            found = await self._kube.get(LEASE, self._name, self._namespace)
            if found is None:
                return await self._kube.create(self._lease({"name": self._name, "namespace": self._namespace}, 1))
            last = _term(found)
            if not last.is_over(self._now()):
                return None
            return await self._kube.replace(self._lease(found["metadata"], last.epoch + 1))
        except (ApiError, Unavailable) as error:
            if not isinstance(error, Conflict):
                log.warning("lease_not_acquired", error=str(error))
            return None

    def _lease(self, metadata: Object, epoch: int, identity: str | None = None) -> Object:
        stamp = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": self._identity if identity is None else identity,
            "leaseDurationSeconds": DURATION,
            "renewTime": stamp,
            "acquireTime": stamp,
            "leaseTransitions": epoch,
        }
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}

    async def keep(self) -> None:
        """Renews until it is lost, then raises `LeaseLost`: in time before anybody else may take it."""
        pause = RENEW
        try:
            while True:
                async with asyncio.timeout_at(self._renewed + DURATION - MARGIN):
                    await asyncio.sleep(pause)
                    pause = RENEW if await self._renew() else RETRY
        except TimeoutError as error:
            self._held = None
            raise LeaseLost("the lease could not be renewed in time") from error

    async def _renew(self) -> bool:
        assert self._held is not None
        started, safe_until = asyncio.get_running_loop().time(), _safe()
        try:
            async with asyncio.timeout(TRY):
                try:
                    self._held = await self._kube.replace(self._lease(self._held["metadata"], _holder(self._held)[1]))
                except Conflict:
                    await self._reread(self._held)
                    return False
        except (ApiError, Unavailable, TimeoutError) as error:
            log.warning("lease_not_renewed", error=str(error) or "no answer in time")
            return False
        self._renewed, self._safe_until = started, safe_until
        return True

    async def _reread(self, known: Object) -> None:
        """After a conflict: ours still if only the version is another, for example as an answer was lost."""
        found = await self._kube.get(LEASE, self._name, self._namespace)
        if found is None or _holder(found) != _holder(known):
            self._held = None
            raise LeaseLost("another operator took the lease")
        self._held = found

    async def release(self) -> None:
        """Hands it over at once, so that a successor need not wait. If that fails, it runs out by itself."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            async with asyncio.timeout(TRY):
                await self._kube.replace(self._lease(held["metadata"], _holder(held)[1], ""))
        except (ApiError, Unavailable, TimeoutError) as error:
            log.warning("lease_not_released", error=str(error) or "no answer in time")


def _safe() -> float:
    """Until when a renewal that is sent now lets us act, by the system's clock."""
    return time.monotonic() + DURATION - MARGIN


def _term(lease: Object) -> Term:
    spec = lease["spec"]
    renewed = datetime.fromisoformat(spec["renewTime"].replace("Z", "+00:00"))
    ends = renewed + timedelta(seconds=spec["leaseDurationSeconds"])
    return Term(spec.get("holderIdentity", ""), int(spec.get("leaseTransitions", 0)), ends)


def _holder(lease: Object) -> tuple[str, int]:
    """Who holds it, in which epoch."""
    return lease["spec"].get("holderIdentity", ""), int(lease["spec"]["leaseTransitions"])
