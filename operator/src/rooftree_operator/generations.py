"""Generations of a tenant's credentials: which logins get in, which of them pods have, and what comes next. Pure.

A rotation replaces all of them at once while the tenant serves. Each backend has two logins for it, the slots; odd
generations have the first one, even ones the second. Where a rotation is says a record in the Secret `app`, beside the
values: so the two are never at odds, and a tenant that was deleted meanwhile comes back with both. Of a tenant that was
never rotated there is no record.

    Preparing   both generations get in; pods have the former one, and learn to verify with the new signing key
    Rolling     both get in; pods come to have the new one, and sign with the new key
    Draining    only the new one gets in; what the former key has signed is still good for a while
    Completing  pods forget the former key
    Completed   only the new one is there

From one to the next it goes when every part of the tenant is as the record says, and no pod is left from before.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from . import keys, pods, rotation
from .api.rotation import RotationPhase
from .conditions import stamp
from .names import Slot
from .tenant import Tenant

RECORD = "rotation.json"
SIGNING_KEYS = "signing_keys.json"
# The values that a slot has its own of, by Secret.
LOGINS: Mapping[str, tuple[str, ...]] = {
    pods.APP_SECRET: (
        "database_password",
        "kafka_password",
        "elasticsearch_password",
        "redis_password",
        "s3_secret_key",
    ),
    pods.MIGRATOR_SECRET: ("database_password",),
}
# The longest-lived token that is signed: an access token of 10 minutes, and half a minute that clocks may differ.
# Sessions of browsers are rows with a digest of a random value: no key signs them.
SIGNED_LIFE = timedelta(seconds=10 * 60 + 30)
_ORDER = tuple(phase for phase in RotationPhase if phase is not RotationPhase.PENDING)


@dataclass(frozen=True)
class Record:
    """Where the tenant's rotation is. `generation` is the newest one; all times are RFC 3339, empty where unknown."""

    generation: int = 1
    phase: RotationPhase = RotationPhase.COMPLETED
    id: str = ""  # what the annotation said; it stays when one begins by schedule, so that it is not done again
    started_at: str = ""
    since: str = ""  # when this phase began
    completed_at: str = ""  # of the last rotation that came to its end
    scheduled: bool = False  # whether it began by schedule

    @property
    def newest(self) -> Slot:
        return Slot.A if self.generation % 2 else Slot.B

    @property
    def in_use(self) -> Slot:
        """The one that pods and Jobs that start now are given."""
        return self.newest.other if self.phase is RotationPhase.PREPARING else self.newest

    @property
    def accepted(self) -> tuple[Slot, ...]:
        """Those that get in, the one in use first."""
        both = self.phase in (RotationPhase.PREPARING, RotationPhase.ROLLING)
        return (self.in_use, self.in_use.other) if both else (self.newest,)

    @property
    def trusted(self) -> tuple[Slot, ...]:
        """Those whose certificates modules take from each other: the former one's as long as a pod may have one."""
        is_over = self.phase in (RotationPhase.COMPLETING, RotationPhase.COMPLETED)
        return (self.newest,) if is_over else (self.newest, self.newest.other)

    @property
    def closing(self) -> Slot | None:
        """The one that is being shut out; None: that is over, or not yet so."""
        is_due = self.phase in (RotationPhase.DRAINING, RotationPhase.COMPLETING)
        return self.newest.other if is_due else None

    @property
    def is_running(self) -> bool:
        return self.phase is not RotationPhase.COMPLETED

    def begun(self, wanted: str, now: datetime) -> "Record":
        """The record of the rotation that somebody wants; empty: that is due. Only for one that is completed."""
        at = stamp(now)
        return replace(
            self,
            generation=self.generation + 1,
            phase=RotationPhase.PREPARING,
            id=wanted or self.id,
            scheduled=not wanted,
            started_at=at,
            since=at,
        )

    def advanced(self, now: datetime) -> "Record":
        """The next phase of one that is running."""
        phase, at = _ORDER[_ORDER.index(self.phase) + 1], stamp(now)
        completed_at = at if phase is RotationPhase.COMPLETED else self.completed_at
        return replace(self, phase=phase, since=at, completed_at=completed_at)

    def as_status(self) -> dict[str, Any]:
        """What the Brokerage's status says of it: nothing secret."""
        told = {"phase": self.phase.value, "generation": self.generation}
        known = {"id": self.id, "scheduled": self.scheduled}
        times = {"startedAt": self.started_at, "completedAt": self.completed_at}
        return told | {name: value for name, value in (known | times).items() if value}


@dataclass(frozen=True)
class Logins:
    """Those of a tenant in one backend. `passwords`: of the slots that get in, the one in use first."""

    passwords: Mapping[Slot, str] = field(repr=False)
    closing: Slot | None = None

    @property
    def in_use(self) -> Slot:
        return next(iter(self.passwords))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Those to be looked at; at rest one alone."""
        return (*self.passwords, *([self.closing] if self.closing else []))


def progress(phase: str) -> int:
    """How far a rotation is, in percent."""
    return 100 * _ORDER.index(RotationPhase(phase)) // (len(_ORDER) - 1)


def next_of(record: Record, tenant: Tenant, now: datetime) -> Record | None:
    """The record of a rotation that is to begin: one that is wanted and was not done by this id, or that is due.

    None while one goes on, and if none is to begin.
    """
    if record.is_running:
        return None
    if tenant.rotate and tenant.rotate != record.id:
        return record.begun(tenant.rotate, now)
    due = rotation.due_of(tenant, record.completed_at)
    return record.begun("", now) if due and due <= now and not rotation.hold(tenant.spec) else None


def record_of(values: Mapping[str, str]) -> Record:
    """From the values of the Secret `app`."""
    if RECORD not in values:
        return Record()
    found: dict[str, Any] = json.loads(values[RECORD])
    record = Record(**found)
    return replace(record, phase=RotationPhase(record.phase))


def turned(values: Mapping[str, str], record: Record) -> dict[str, str]:
    """The values of the Secret `app` with another record, and the signing keys that it means.

    Passwords follow by it: `credentials` makes those that are missing and drops those that are of no use any more.
    """
    signing = values[SIGNING_KEYS]
    match record.phase:
        case RotationPhase.PREPARING:
            signing = keys.joined(signing, keys.signing_keys())
        case RotationPhase.ROLLING:
            signing = keys.newest_first(signing)
        case RotationPhase.COMPLETING:
            signing = keys.first_only(signing)
        case _:
            pass
    return {**values, SIGNING_KEYS: signing, RECORD: json.dumps(asdict(record))}


def key(slot: Slot, name: str) -> str:
    """Where a slot's own value is in its Secret."""
    return name if slot is Slot.A else f"{slot}.{name}"


def keys_of(secret: str, slot: Slot) -> tuple[str, ...]:
    """All values that the slot has its own of."""
    return tuple(key(slot, name) for name in LOGINS[secret])


def files(secret: str, slot: Slot) -> dict[str, str]:
    """The files of a pod that logs in by this slot, with the key of each: nothing of the other one."""
    shared = ("feeds.json", "owner_seed", SIGNING_KEYS) if secret == pods.APP_SECRET else ()
    return {name: key(slot, name) for name in LOGINS[secret]} | {name: name for name in shared}


def logins(app: Mapping[str, str], name: str, *, secret: Mapping[str, str] | None = None) -> Logins:
    """Of the backend whose password is called `name`; `secret`: the values it is in, unless those of `app`.

    Raises LookupError while one is missing.
    """
    record, values = record_of(app), app if secret is None else secret
    return Logins({slot: values[key(slot, name)] for slot in record.accepted}, record.closing)
