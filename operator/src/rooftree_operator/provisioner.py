"""The one shape of all provisioners, outside their package so that they stay strangers to each other.

observe (I/O, read-only) → plan (pure) → apply (I/O, idempotent). A deletion first calls `revoke` of all of them, then
`delete` of one after the other; both are idempotent, too, and `delete` raises `Waiting` until all is gone. A
provisioner is one small file; what it needs from others it names in `needs` and finds in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from .conditions import Report, State
from .drift import Object
from .names import TenantId
from .tenant import Tenant

SeenT = TypeVar("SeenT")


@dataclass(frozen=True)
class Verdict:
    """How the part stands once the plan has been applied."""

    state: State
    reason: str
    message: str
    retry_in: float | None = None  # seconds; None: a child's event will tell


def done(reason: str, message: str) -> Verdict:
    return Verdict(State.DONE, reason, message)


def waiting(reason: str, message: str, *, retry_in: float | None = None) -> Verdict:
    return Verdict(State.WAITING, reason, message, retry_in)


def blocked(reason: str, message: str) -> Verdict:
    return Verdict(State.BLOCKED, reason, message)


class Action:
    """What a provisioner does beside applying objects. The base of all of them, which are frozen dataclasses.

    A class says what kind of change it is; who may change what, and what is told of it, others decide by that.
    """

    upkeep = False  # keeps going what runs, such as a login or a right; nothing new comes by it
    proof = False  # only tries what is there
    drift = True  # is needed only because somebody else changed something, unless the declaration changed
    loss = False  # data went with what is made again, which is told whatever else changed

    def words(self, tenant: TenantId) -> str:
        """The object and what is wrong with it, for people: never a secret."""
        return f"{type(self).__name__} for {tenant}"


@dataclass(frozen=True)
class Plan:
    """What to do: objects to apply (only those that differ), actions of the provisioner's own, and the verdict.

    Of the actions those that keep up what is there come first, if the order is free: an order that can be cut short.
    """

    verdict: Verdict
    objects: tuple[Object, ...] = ()
    actions: tuple[Any, ...] = ()  # each an `Action`
    status: Mapping[str, Any] | None = None  # fields of the Brokerage's status that this part knows
    also: tuple[Report, ...] = ()  # conditions of its own beside the verdict; no other part waits for them
    notes: tuple[Report, ...] = ()  # conditions that a brokerage is Ready without


class Provisioner(Protocol, Generic[SeenT]):
    """One part of a tenant."""

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def condition(self) -> str | None:
        """Type of its condition; None: it shows only in Ready, and only when it is in the way."""
        ...

    async def observe(self, tenant: Tenant) -> SeenT:
        """A frozen snapshot of what is there."""
        ...

    def plan(self, tenant: Tenant, seen: SeenT) -> Plan:
        """What has to change. Pure."""
        ...

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        """Makes it so. Idempotent."""
        ...

    async def revoke(self, tenant: TenantId) -> None:
        """Nobody gets in as the tenant any more, and whoever is in is thrown out; data stays."""
        ...

    async def delete(self, tenant: TenantId) -> None:
        """Removes all of it. Raises `Waiting` until it is gone."""
        ...
