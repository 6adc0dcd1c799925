"""The Lease that says which operator acts. Losing it ends the process: whoever restarts begins with a clean slate."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .adapters.kubernetes import LEASE, Conflict, Kubernetes
from .drift import Object
from .errors import Unavailable

DURATION = 15  # seconds; a holder that did not renew for so long has lost it
RENEW = 4.0  # seconds; three tries fit before others may take it


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

    async def acquire(self) -> int:
        """Waits until the Lease is ours; returns the epoch, higher than every one before."""
        while True:
            held = await self._try()
            if held is not None:
                self._held = held
                return int(held["spec"]["leaseTransitions"])
            await asyncio.sleep(RENEW / 2)

    async def _try(self) -> Object | None:
        found = await self._kube.get(LEASE, self._name, self._namespace)
        try:
            if found is None:
                return await self._kube.create(self._lease({"name": self._name, "namespace": self._namespace}, 1))
            spec = found["spec"]
            if spec.get("holderIdentity") and not self._expired(spec):
                return None
            return await self._kube.replace(self._lease(found["metadata"], int(spec.get("leaseTransitions", 0)) + 1))
        except Conflict:
            return None

    def _expired(self, spec: Object) -> bool:
        renewed = datetime.fromisoformat(spec["renewTime"].replace("Z", "+00:00"))
        return renewed + timedelta(seconds=spec["leaseDurationSeconds"]) < self._now()

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
        """Renews until it is lost, then raises `LeaseLost`."""
        failing_since: datetime | None = None
        while True:
            await asyncio.sleep(RENEW)
            assert self._held is not None
            epoch = int(self._held["spec"]["leaseTransitions"])
            try:
                self._held = await self._kube.replace(self._lease(self._held["metadata"], epoch))
                failing_since = None
            except Conflict as error:
                raise LeaseLost("another operator took the lease") from error
            except Unavailable as error:
                failing_since = failing_since or self._now()
                if self._now() - failing_since > timedelta(seconds=DURATION - 2 * RENEW):
                    raise LeaseLost("the lease could not be renewed in time") from error

    async def release(self) -> None:
        """Hands it over at once, so that a successor need not wait."""
        if self._held is not None:
            epoch = int(self._held["spec"]["leaseTransitions"])
            await self._kube.replace(self._lease(self._held["metadata"], epoch, ""))
            self._held = None
