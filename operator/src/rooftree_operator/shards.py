"""Which operator has a brokerage: each serves one shard, and no two of them ever work on the same tenant.

The label of a Brokerage says in which shard it shall be, `status.shard` which one has it: that is no part of what
people edit. It changes hands between two passes, by a write to exactly the version that was read. The operator that has
it gives it away, as soon as there is one to give it to. From one that runs no more it is taken, when nothing that it
has begun can have an effect any more.

Who has a brokerage has its operations and backups, too, and gives it away only when none of these is at work.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from prometheus_client import Gauge

from . import closing, names
from .adapters.kubernetes import BROKERAGE, ApiError, Kubernetes
from .conditions import Report, State
from .drift import Object
from .lease import term

UNATTENDED = Gauge("rooftree_operator_unattended", "Brokerages that no operator looks after.")

DEFAULT = ""  # the shard of whatever has no label; it also has all that belongs to no brokerage
CONDITION = "ShardServed"
UNSERVED = "ShardUnserved"
FIELD = "shard"
SOON = 2.0  # seconds between two looks whether another operator has let go; its word comes as an event
DESERTED = timedelta(minutes=1)  # after the end of a Lease; a restart takes less


class Elsewhere(Exception):
    """Another operator has the brokerage. Looked at again after `retry_in` seconds; None: only if something changes."""

    def __init__(self, retry_in: float | None) -> None:
        super().__init__(retry_in)
        self.retry_in = retry_in


class Sessions(Protocol):
    """A backend in which what was begun goes on without whoever began it."""

    async def end_sessions(self, holder: str, epoch: int) -> None: ...


def wanted(brokerage: Object) -> str:
    """The shard that it shall be in."""
    labels: dict[str, str] = brokerage["metadata"].get("labels") or {}
    return labels.get(names.LABEL_SHARD, DEFAULT)


def holder(brokerage: Object) -> str | None:
    """The shard that has it; None: no operator has begun with it."""
    status: dict[str, str] = brokerage.get("status") or {}
    if status or names.FINALIZER in brokerage["metadata"].get("finalizers", []):
        return status.get(FIELD, DEFAULT)
    return None


def keeper(brokerage: Object | None) -> str:
    """The shard that has what is ordered about it: operations and backups. None: there is no such brokerage."""
    if brokerage is None:
        return DEFAULT
    has = holder(brokerage)
    return wanted(brokerage) if has is None else has


def concerns(shard: str, brokerage: Object) -> bool:
    """Whether the operator of `shard` has to look at it."""
    return shard in (wanted(brokerage), holder(brokerage))


def _parties(brokerage: Object) -> set[str]:
    has = holder(brokerage)
    return {wanted(brokerage), *([] if has is None else [has])}


def lease_name(shard: str) -> str:
    """Of the Lease that whoever serves the shard holds."""
    return f"{names.MANAGER}-{shard}" if shard else names.MANAGER


def given(brokerage: Object, shard: str) -> Object:
    """Its status with another holder. As long as there is only one shard, nothing is said of any."""
    status = {name: value for name, value in brokerage.get("status", {}).items() if name != FIELD}
    return {**status, FIELD: shard} if shard else status


def deserted(brokerage: Object) -> Report:
    """What is said of a brokerage that nobody looks after."""
    return _unserved(wanted(brokerage), "nothing of it is made, changed or repaired")


def _unserved(shard: str, meanwhile: str) -> Report:
    advice = "a platform admin must add it to operator.shards of the chart, or whoever applied it correct the label"
    message = f"no operator serves {_spelled(shard)} (label {names.LABEL_SHARD}): {meanwhile}: {advice}"
    return Report(CONDITION, State.BLOCKED, UNSERVED, message)


def _spelled(shard: str) -> str:
    return f"shard {shard!r}" if shard else "the default shard"


@dataclass(frozen=True)
class Shards:
    """What the operator of the shard `own` may do. `namespace` is where Leases are."""

    kube: Kubernetes
    sessions: Sessions
    namespace: str
    now: Callable[[], datetime]
    own: str = DEFAULT
    _leaving: set[str] = field(default_factory=set[str])  # brokerages that we are about to give away
    _staying: list[str] = field(default_factory=list[str])  # that we are not to: one for each `staying`

    @property
    def is_default(self) -> bool:
        return self.own == DEFAULT

    async def enter(self, brokerage: Object) -> Object:
        """The brokerage, which no other operator touches until the pass that begins now is over.

        Raises `Elsewhere`, as it does after giving it away, and `ApiError` if somebody was faster.
        """
        shard, has = wanted(brokerage), holder(brokerage)
        if shard == self.own:
            # One that is new is the default shard's by its finalizer.
            is_ours = has == self.own or (has is None and self.is_default)
            return brokerage if is_ours else await self._take(brokerage, has)
        if has != self.own:
            raise Elsewhere(None)
        if await self._is_served(shard) and await self._leaves(brokerage, shard):
            raise Elsewhere(None)
        return brokerage

    async def _leaves(self, brokerage: Object, shard: str) -> bool:
        """Gives it away, unless an operation is at work on it, which ends where it has begun."""
        name = brokerage["metadata"]["name"]
        # First, so that from now on none begins.
        self._leaving.add(name)
        try:
            if await closing.at_work(self.kube, name):
                return False
            if name in self._staying:
                raise Elsewhere(SOON)
            await self._give(brokerage, shard)
        finally:
            self._leaving.discard(name)
        return True

    @asynccontextmanager
    async def staying(self, name: str) -> AsyncGenerator[Object | None]:
        """The Brokerage `name`, which we have, and do not give away before this ends; None: there is none, and we have
        what is ordered about it.

        Raises `Elsewhere` if it is another operator's, or about to be.
        """
        if name in self._leaving:
            raise Elsewhere(SOON)
        self._staying.append(name)
        try:
            found = await self.kube.get(BROKERAGE, name)
            if keeper(found) != self.own:
                raise Elsewhere(SOON if found and wanted(found) == self.own else None)
            yield found
        finally:
            self._staying.remove(name)

    async def report(self, brokerage: Object) -> Report | None:
        """What is said of a brokerage that we have and cannot give away, as there is nobody who takes it."""
        shard = wanted(brokerage)
        if shard == self.own or await self._is_served(shard):
            return None
        return _unserved(shard, f"the operator of {_spelled(self.own)} goes on with it until there is one")

    async def unattended(self, found: Iterable[Object]) -> list[Object]:
        """Those of the brokerages that no operator looks after, be it the one that has them or is to have them.

        Only the default shard's tells them, as others may be many.
        """
        if not self.is_default:
            return []
        others = [one for one in found if not concerns(self.own, one)]
        parties = {shard for one in others for shard in _parties(one)}
        dead = {shard for shard in parties if await self._is_deserted(shard)}
        return [one for one in others if _parties(one) <= dead]

    async def _take(self, brokerage: Object, former: str | None) -> Object:
        if former is not None:
            found = await term(self.kube, lease_name(former), self.namespace)
            if found is not None:
                if not found.is_over(self.now()):
                    raise Elsewhere(SOON)
                await self.sessions.end_sessions(lease_name(former), found.epoch + 1)
        return await self._give(brokerage, self.own)

    async def _give(self, brokerage: Object, shard: str) -> Object:
        metadata = {name: brokerage["metadata"][name] for name in ("name", "uid", "resourceVersion")}
        head = {"apiVersion": brokerage["apiVersion"], "kind": brokerage["kind"], "metadata": metadata}
        found = await self.kube.apply({**head, "status": given(brokerage, shard)}, subresource="status")
        if (holder(found) or DEFAULT) != shard:
            raise ApiError(
                422, f"status.{FIELD} is dropped: a platform admin must apply the definitions in crds/ first"
            )
        return found

    async def _is_served(self, shard: str) -> bool:
        found = await term(self.kube, lease_name(shard), self.namespace)
        return found is not None and not found.is_over(self.now())

    async def _is_deserted(self, shard: str) -> bool:
        found = await term(self.kube, lease_name(shard), self.namespace)
        return found is None or found.ends + DESERTED < self.now()
