"""Leads the rotation of a tenant's credentials from one phase to the next: the record that all other parts follow.

It needs all of them, so that a phase ends only when it is so everywhere: each login of it was tried, all pods are new.
No phase ends while an operation is at work: its Job has the login that was in use when it began, and each of its pods
looks for that in the Secrets again. Operations wait for no rotation, so neither waits for the other for ever.
What it writes is the Secret `app`, in exactly the version that was looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .. import closing, generations, names, pods, serving
from ..adapters.kubernetes import DEPLOYMENT, POD, SECRET, Kubernetes
from ..api.rotation import RotationPhase
from ..conditions import stamp
from ..drift import Object
from ..generations import Record
from ..kept import moment
from ..names import TenantId
from ..provisioner import Action, Plan, Verdict, done
from ..secret_objects import decoded, secret_object
from ..tenant import Tenant

STILL_LEAVING = 1.0  # seconds; pods are not watched
STILL_AT_WORK = 5.0  # seconds; the end of an operation is no reason to look at the tenant
AT_ONCE = 0.0


@dataclass(frozen=True)
class Seen:
    """What is there now. `leaving`: pods that began with what is not the newest any more; `operation`: one at work."""

    values: Mapping[str, str] = field(repr=False)
    version: str  # of the Secret
    at: datetime
    leaving: tuple[str, ...] = ()
    operation: str = ""


@dataclass(frozen=True)
class Turn(Action):
    """Write the next phase, and the signing keys that it means."""

    record: Record
    values: Mapping[str, str] = field(repr=False)
    version: str
    drift = False

    def words(self, tenant: TenantId) -> str:
        called = "by schedule" if self.record.scheduled else self.record.id
        return f"Rotation {called} of credentials: {self.record.phase}"


class Rotation:
    """The record in the Secret `app`."""

    name = "rotation"
    needs = (
        "database", "topics", "search", "cache", "storage", "migrations", "certificates", "modules", "workload",
    )  # fmt: skip
    condition = None

    def __init__(self, kube: Kubernetes, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._now = now

    async def observe(self, tenant: Tenant) -> Seen:
        secret = await self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace)
        if secret is None:
            return Seen({}, "", self._now())
        values, version = decoded(secret), secret["metadata"]["resourceVersion"]
        if not generations.record_of(values).is_running:
            return Seen(values, version, self._now())
        own: dict[str, str | None] = {names.LABEL_TENANT: tenant.id.value, names.LABEL_NAME: None}
        deployments = await self._kube.list(DEPLOYMENT, tenant.namespace, labels=own)
        running = await self._kube.list(POD, tenant.namespace, labels=own)
        operation = await closing.at_work(self._kube, tenant.slug)
        return Seen(values, version, self._now(), former(running, deployments, self._now()), operation)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        record = generations.record_of(seen.values)
        if not record.is_running:
            begun = generations.next_of(record, tenant, seen.at) if seen.values else None
            return _turn(seen, begun) if begun else Plan(done("Provisioned", "Nothing is being rotated."))
        if seen.operation:
            return _waiting(record, f"operation {seen.operation} is at work", STILL_AT_WORK)
        if seen.leaving:
            return _waiting(record, f"pods of before are ending: {', '.join(seen.leaving)}", STILL_LEAVING)
        over = moment(record.since) + generations.SIGNED_LIFE
        if record.phase is RotationPhase.DRAINING and seen.at < over:
            left = (over - seen.at) / timedelta(seconds=1)
            return _waiting(record, f"what the former key signed is good until {stamp(over)}", left)
        return _turn(seen, record.advanced(seen.at))

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, Turn):
                wanted = secret_object(tenant, pods.APP_SECRET, dict(action.values))
                # Whoever acts on what is not so any more is refused.
                wanted["metadata"]["resourceVersion"] = action.version
                await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """Nothing logs in here."""

    async def delete(self, tenant: TenantId) -> None:
        """The record goes with its Secret, or is kept in it."""


def former(running: Iterable[Object], deployments: Iterable[Object], now: datetime) -> tuple[str, ...]:
    """Pods that read other Secrets than those that start now; one whose time to end is over cannot do anything."""
    current = {one["metadata"]["name"]: _read(one["spec"]["template"]) for one in deployments}

    def is_former(pod: Object) -> bool:
        if _read(pod) == current.get(pod["metadata"]["labels"][names.LABEL_NAME]):
            return False
        ends = pod["metadata"].get("deletionTimestamp")
        return ends is None or now <= moment(ends)

    return tuple(sorted(pod["metadata"]["name"] for pod in running if is_former(pod)))


def _read(item: Object) -> str | None:
    """What a pod, or a template of pods, says that it reads at its start."""
    annotations: Mapping[str, str] = item["metadata"].get("annotations") or {}
    return annotations.get(serving.ANNOTATION_SECRETS)


def _turn(seen: Seen, record: Record) -> Plan:
    action = Turn(record, generations.turned(seen.values, record), seen.version)
    verdict = _rotating(f"phase {record.phase}", AT_ONCE)
    return Plan(verdict, actions=(action,), status={"rotation": record.as_status()})


def _waiting(record: Record, message: str, again_in: float) -> Plan:
    return Plan(_rotating(message, again_in), status={"rotation": record.as_status() | {"message": message}})


def _rotating(message: str, again_in: float) -> Verdict:
    """The tenant serves meanwhile, so that nothing is wrong with it."""
    return replace(done("Rotating", f"Credentials are being rotated: {message}."), retry_in=again_in)
