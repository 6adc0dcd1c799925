"""The status of a BrokerageOperation, as its steps go on. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .. import codes, kept
from ..api.operations import OperationPhase, OperationSpec, StepState
from ..conditions import Report, State, merged, stamp
from ..drift import Object
from ..names import LABEL_SCHEDULED, TenantId

OVER = (StepState.DONE.value, StepState.FAILED.value, StepState.SKIPPED.value)
ENDS = (OperationPhase.SUCCEEDED.value, OperationPhase.FAILED.value)


class OperationFailed(Exception):
    """The operation cannot succeed any more: what it has begun is cleaned up, and somebody may order another one."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Order:
    """What somebody ordered."""

    name: str
    uid: str
    created: str
    spec: OperationSpec
    scheduled: bool = False


def ordered(item: Object) -> Order:
    metadata = item["metadata"]
    spec = OperationSpec.model_validate(item["spec"])
    scheduled = LABEL_SCHEDULED in (metadata.get("labels") or {})
    return Order(metadata["name"], metadata["uid"], metadata["creationTimestamp"], spec, scheduled)


def is_over(item: Object) -> bool:
    """Whether it has succeeded or failed."""
    return item.get("status", {}).get("phase") in ENDS


def before(item: Object) -> tuple[str, str]:
    """Operations of one brokerage have their turn in this order."""
    return item["metadata"]["creationTimestamp"], item["metadata"]["name"]


@dataclass
class Progress:
    """What is written into the status. Changes of it are methods; `as_status` is what it comes to."""

    names: Sequence[str]
    status: dict[str, Any]
    now: datetime
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        known = {step["name"]: step for step in self.status.get("steps", [])}
        nothing = {"state": StepState.PENDING.value}
        self.steps: dict[str, dict[str, Any]] = {
            name: {"name": name, **known.get(name, nothing)} for name in self.names
        }
        self.result: dict[str, Any] = dict(self.status.get("result", {}))

    @property
    def closed(self) -> bool:
        return bool(self.status.get("closed"))

    @closed.setter
    def closed(self, value: bool) -> None:
        self.status["closed"] = value

    @property
    def has_failed(self) -> bool:
        return any(step["state"] == StepState.FAILED for step in self.steps.values())

    def is_over(self, step: str) -> bool:
        return self.steps[step]["state"] in OVER

    def elapsed(self, step: str) -> float:
        """Seconds since the step began."""
        return (self.now - kept.moment(self.steps[step]["startedAt"])).total_seconds()

    def begin(self, step: str) -> bool:
        """Whether it begins only now."""
        if "startedAt" in self.steps[step]:
            return False
        self.status.setdefault("startedAt", stamp(self.now))
        self.steps[step] |= {"state": StepState.RUNNING.value, "startedAt": stamp(self.now)}
        self.status["phase"] = OperationPhase.RUNNING.value
        self._at(step)
        return True

    def wait(self, step: str, message: str) -> None:
        """Nobody must act. The error of a failure stays, as what is waited for is only the end of cleaning up."""
        self.steps[step]["message"] = message
        if not self.has_failed:
            self.status.pop("error", None)
        self.status["message"] = message

    def trouble(self, step: str, code: str, message: str) -> None:
        """It is tried again, and somebody may have to act."""
        self.steps[step]["message"] = message
        self.status["message"] = message
        if not self.has_failed:
            self._error(code, message, retryable=True)

    def done(self, step: str) -> None:
        self._end(step, StepState.DONE)

    def skip(self, step: str) -> None:
        self._end(step, StepState.SKIPPED)

    def fail(self, step: str, failure: OperationFailed) -> None:
        self._end(step, StepState.FAILED)
        self.steps[step]["message"] = failure.message
        self._error(failure.code, failure.message, retryable=False)
        self.status["message"] = failure.message

    def pend(self, message: str, code: str | None = None) -> None:
        """It does not begin or go on, and why."""
        self.status["message"] = message
        if "startedAt" not in self.status:
            self.status["phase"] = OperationPhase.PENDING.value
        if self.has_failed:
            return
        self.status.pop("error", None)
        if code:
            self._error(code, message, retryable=True)

    def refuse(self, failure: OperationFailed) -> None:
        """It fails whatever step it is at."""
        self._error(failure.code, failure.message, retryable=False)
        self.status["message"] = failure.message
        self.finish()

    def finish(self) -> None:
        """All steps are over."""
        failed = self.has_failed or "error" in self.status
        self.status["phase"] = (OperationPhase.FAILED if failed else OperationPhase.SUCCEEDED).value
        self.status["finishedAt"] = stamp(self.now)
        if "startedAt" in self.status:
            begun = kept.moment(self.status["startedAt"])
            self.result["seconds"] = round((self.now - begun).total_seconds(), 3)
        if not failed:
            self.status["message"] = "It is done."

    def _at(self, step: str) -> None:
        self.status["step"] = step

    def _end(self, step: str, state: StepState) -> None:
        self.steps[step].pop("message", None)
        self.steps[step] |= {"state": state.value, "finishedAt": stamp(self.now)}
        if state is StepState.DONE and not self.has_failed:
            self.status.pop("error", None)

    def _error(self, code: str, message: str, *, retryable: bool) -> None:
        known = codes.find(code)
        self.status["error"] = {
            "code": code,
            "message": message,
            "audience": known.audience.value,
            "retryable": retryable,
            "hint": codes.filled(known.hint, self.facts),
        }

    def as_status(self, generation: int) -> dict[str, Any]:
        over = sum(step["state"] in OVER for step in self.steps.values())
        status: dict[str, Any] = {
            **self.status,
            "steps": list(self.steps.values()),
            "progress": 100 * over // max(len(self.steps), 1),
        }
        if self.result:
            status["result"] = self.result
        if report := _condition(status):
            known = status.get("conditions", [])
            status["conditions"] = merged(known, [report], generation=generation, now=self.now)
        return {key: value for key, value in status.items() if value not in (None, [])}


def _condition(status: Mapping[str, Any]) -> Report | None:
    """What `kubectl wait --for=condition=…` waits for."""
    if status.get("phase") == OperationPhase.SUCCEEDED:
        return Report("Complete", State.DONE, "Succeeded", status["message"])
    if status.get("phase") == OperationPhase.FAILED:
        return Report("Failed", State.DONE, status["error"]["code"], status["message"])
    return None


def mirrored(item: Object, status: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same in short, for `status.operation` of the Brokerage; None: it has not begun."""
    if "startedAt" not in status:
        return None
    state = {"Succeeded": "Succeeded", "Failed": "Failed"}.get(status["phase"], "Running")
    if state == "Running" and "error" in status:
        state = "Waiting"
    entry = {
        "type": item["spec"]["type"],
        "name": item["metadata"]["name"],
        "state": state,
        "step": status.get("step", ""),
        "progress": status.get("progress", 0),
        "startedAt": status["startedAt"],
        "message": status.get("message", ""),
    }
    return {**entry, "finishedAt": status["finishedAt"]} if "finishedAt" in status else entry


def tenant_of(item: Object) -> TenantId | None:
    """The tenant that it works on, once that is known."""
    known = item.get("status", {}).get("tenantID")
    return TenantId(known) if known else None
