"""What the operator is doing with a Brokerage, or did last: `status.operation`. Pure.

An operation begins when something is declared that was not looked at yet, or when parts that were done are being made
again, for example for a new release. It ends when the Brokerage is ready. A level-triggered operator never gives up, so
no operation fails for good: what somebody must change first, what is away, and a pause make it wait.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .api.brokerage import Phase
from .api.mirror import OperationState, OperationType
from .conditions import Report, State, stamp
from .generations import progress
from .rotation import is_running

Entry = dict[str, Any]
RESTING = (State.DONE, State.SUSPENDED)


@dataclass(frozen=True)
class Situation:
    """What a pass found. `parts` has every report but Ready's own."""

    created: str  # the Brokerage's creation, RFC 3339
    observed: bool  # a pass has looked at this generation before
    was_ready: bool  # at any time of its life
    phase: Phase
    ready: Report
    parts: Sequence[Report]
    rotation: Mapping[str, Any] | None = None  # as the status tells of it


def current(
    old: Mapping[str, Any] | None,
    found: Situation,
    *,
    held_up: Callable[[str], int],
    shown: Callable[[str], str],
    now: datetime,
) -> Entry | None:
    """The operation after a pass over a Brokerage that is not being deleted; None: there has been none.

    What is over stays as it is until another one begins. `held_up` and `shown` are those of `diagnosis.errors`.
    """
    if old and old.get("name") and "finishedAt" not in old:
        # It was ordered, and whoever carries it out tells of it.
        return dict(old)
    begun = _begun(old, found, now)
    if begun is None:
        return dict(old) if old else None
    if _is_over(found):
        last = {"state": OperationState.SUCCEEDED.value, "step": "Ready", "progress": 100, "finishedAt": stamp(now)}
        return {**begun, **last, "message": found.ready.message}
    if found.rotation is not None and is_running(found.rotation):
        return _rotating(begun, found.rotation, found)
    at = _obstacle(found, held_up)
    held = at.state in (State.BLOCKED, State.FAILING, State.HELD)
    total = len(found.parts) + 1  # Ready is the last one
    return {
        **begun,
        "state": (OperationState.WAITING if held else OperationState.RUNNING).value,
        "step": shown(at.condition),
        "progress": 100 * sum(part.state is State.DONE for part in found.parts) // total,
        "message": at.message,
    }


def held(old: Mapping[str, Any], message: str) -> Entry:
    """The operation of a Brokerage that is not looked at; what is over stays as it is."""
    return dict(old) if "finishedAt" in old else {**old, "state": OperationState.WAITING.value, "message": message}


def deletion(
    old: Mapping[str, Any] | None, *, started: str, step: str, gone: int, parts: int, held: bool, message: str
) -> Entry:
    """The operation of a Brokerage that is being deleted, of whose `parts` so many are `gone`."""
    return {
        "type": OperationType.DELETE.value,
        "state": (OperationState.WAITING if held else OperationState.RUNNING).value,
        "step": step,
        "progress": 100 * gone // max(parts, 1),
        "startedAt": old["startedAt"] if old and old["type"] == OperationType.DELETE else started,
        "message": message,
    }


def _begun(old: Mapping[str, Any] | None, found: Situation, now: datetime) -> Entry | None:
    """Type and start of the operation that goes on or begins; None: nothing does."""
    if found.rotation is not None and is_running(found.rotation):
        return {"type": OperationType.ROTATE.value, "startedAt": found.rotation["startedAt"]}
    if old and "finishedAt" not in old and old["type"] != OperationType.DELETE:
        return {"type": old["type"], "startedAt": old["startedAt"]}
    if not old and not found.was_ready:
        return {"type": OperationType.CREATE.value, "startedAt": found.created}
    # An outage or a mistake in what was looked at before is no operation: nothing is being made.
    is_made = found.phase is Phase.PROVISIONING or any(part.state is State.WAITING for part in found.parts)
    if found.observed and not is_made:
        return None
    return {"type": OperationType.UPDATE.value, "startedAt": stamp(now)}


def _is_over(found: Situation) -> bool:
    """A brokerage may answer though what is declared is out of reach, for example its version."""
    rests = found.ready.state in RESTING and not any(part.state is State.BLOCKED for part in found.parts)
    return rests and not is_running(found.rotation)


def _rotating(begun: Entry, rotation: Mapping[str, Any], found: Situation) -> Entry:
    """While all credentials are rotated: the step is the phase."""
    held = any(part.state in (State.BLOCKED, State.FAILING, State.HELD) for part in found.parts)
    return {
        **begun,
        "state": (OperationState.WAITING if held else OperationState.RUNNING).value,
        "step": rotation["phase"],
        "progress": progress(rotation["phase"]),
        "message": rotation.get("message", "Credentials are being rotated."),
    }


def _obstacle(found: Situation, held_up: Callable[[str], int]) -> Report:
    """What the operation is at: of what is as bad as Ready says, the part that holds up most."""
    state = State.BLOCKED if found.ready.state in RESTING else found.ready.state
    alike = [part for part in found.parts if part.state is state]
    return max(alike, key=lambda part: held_up(part.condition), default=found.ready)
