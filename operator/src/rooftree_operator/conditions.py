"""From what each part reported to the conditions and the phase of a Brokerage. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from .api.brokerage import Phase

SUSPENDED = "Suspended"


class State(Enum):
    """What a part of the tenant is in; decides what happens next."""

    DONE = "done"
    WAITING = "waiting"  # nobody must act
    BLOCKED = "blocked"  # somebody must act
    FAILING = "failing"  # a system is down or a bug: retried with a backoff
    HELD = "held"  # we may not: a pause, or we only observe
    SKIPPED = "skipped"  # needs a part that is not done
    SUSPENDED = "suspended"  # as declared, and serving nobody


@dataclass(frozen=True)
class Report:
    """How one part of a tenant stands."""

    condition: str
    state: State
    reason: str
    message: str
    retry_in: float | None = None
    at: datetime | None = field(default=None, compare=False)  # when it was found; None: with the whole pass

    @property
    def status(self) -> str:
        return "True" if self.state is State.DONE else "Unknown" if self.state is State.SKIPPED else "False"


def summary(reports: Iterable[Report], url: str) -> Report:
    """The Ready report: the first part that somebody must look at, else the first that is awaited."""
    ordered = list(reports)
    for state in (State.BLOCKED, State.FAILING, State.HELD, State.WAITING, State.SKIPPED):
        for report in ordered:
            if report.state is state:
                return Report("Ready", state, report.reason, f"{report.condition}: {report.message}", report.retry_in)
    return Report("Ready", State.DONE, "Answering", f"The brokerage answers on {url}.")


def kstatus(reports: Sequence[Report]) -> list[Report]:
    """Reconciling and Stalled, present only while true, as kstatus wants them. The first report is that of Ready.

    What is declared may be out of reach though the brokerage answers; that is Stalled, too. While we are held back
    nothing goes on, and that alone is nothing wrong.
    """
    ready = reports[0]
    rests = ready.state in (State.DONE, State.SUSPENDED, State.HELD)
    stuck = next((one for one in reports if one.state is State.BLOCKED), ready) if rests else ready
    if stuck.state is State.BLOCKED:
        return [Report("Stalled", State.DONE, stuck.reason, stuck.message)]
    if not rests:
        return [Report("Reconciling", State.DONE, ready.reason, ready.message)]
    return []


def merged(
    old: Iterable[Mapping[str, Any]], reports: Iterable[Report], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """The condition list for `reports`; a condition whose status stays keeps its transition time."""
    before = {condition["type"]: condition for condition in old}

    def entry(report: Report) -> dict[str, Any]:
        last = before.get(report.condition)
        kept = last is not None and last["status"] == report.status
        return {
            "type": report.condition,
            "status": report.status,
            "reason": report.reason,
            "message": report.message,
            "observedGeneration": generation,
            "lastTransitionTime": last["lastTransitionTime"] if last is not None and kept else stamp(report.at or now),
        }

    return [entry(report) for report in reports]


def lasting(old: Iterable[Mapping[str, Any]], reports: Iterable[Report]) -> list[dict[str, Any]]:
    """The old Suspended condition, if nobody reports it: it stays until the brokerage answers again.

    So it is known after a restart and an outage, too, that pods are to come back.
    """
    given = {report.condition: report for report in reports}
    if SUSPENDED in given or given["Ready"].state is State.DONE:
        return []
    return [dict(condition) for condition in old if condition["type"] == SUSPENDED]


def was_suspended(status: Mapping[str, Any]) -> bool:
    """Whether a Brokerage has not served since it was suspended."""
    return any(entry["type"] == SUSPENDED for entry in status.get("conditions", []))


def met(status: Mapping[str, Any]) -> frozenset[str]:
    """Those that are true."""
    return frozenset(entry["type"] for entry in status.get("conditions", []) if entry["status"] == "True")


def stamp(moment: datetime) -> str:
    """A time to the millisecond: parts of a tenant follow each other within less than a second."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def phase(ready: Report, *, has_id: bool, was_ready: bool, suspended: bool = False) -> Phase:
    """One word for the state of a tenant that is not being deleted; `suspended`: that is declared."""
    if ready.state is State.DONE:
        return Phase.ASLEEP if ready.reason == Phase.ASLEEP else Phase.READY
    if not has_id:
        return Phase.PENDING
    if ready.state is State.HELD:
        return Phase.PAUSED
    if suspended:
        return Phase.SUSPENDED
    if was_ready and ready.state is not State.WAITING:
        return Phase.DEGRADED
    return Phase.PROVISIONING
