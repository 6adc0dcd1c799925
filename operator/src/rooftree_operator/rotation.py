"""When the credentials of a brokerage are rotated, and what its status says of it. Pure.

A new value of the annotation is a new wish; a value that was done once means nothing any more. So it may stay in a
manifest for ever. How a rotation goes is in `generations`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .api.brokerage import RotationPhase
from .conditions import Report, State
from .names import GROUP

ANNOTATION = f"{GROUP}/rotate"
_PENDING = RotationPhase.PENDING.value
_RESTING = (_PENDING, RotationPhase.COMPLETED.value)
_IN_THE_WAY = (State.BLOCKED, State.FAILING, State.HELD, State.WAITING)


def wanted_of(metadata: Mapping[str, Any]) -> str:
    """The rotation that is wanted, by its id; empty: none."""
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    return annotations.get(ANNOTATION, "")


def is_running(status: Mapping[str, Any] | None) -> bool:
    """Whether that is the status of a rotation that goes on."""
    return status is not None and status["phase"] not in _RESTING


def told(known: Mapping[str, Any] | None, wanted: str, reports: Iterable[Report]) -> dict[str, Any] | None:
    """The status: the rotation that is `known`, or that one is `wanted` and not begun; and what it waits for."""
    done = known if known is not None and known["phase"] != _PENDING else None
    if is_running(done):
        return {**(done or {}), **_obstacle(reports)}
    if not wanted or (done is not None and done["id"] == wanted):
        return dict(done) if done else None
    before = {name: done[name] for name in ("generation", "completedAt") if name in done} if done else {"generation": 1}
    return {"id": wanted, "phase": _PENDING, **before, **_obstacle(reports)}


def _obstacle(reports: Iterable[Report]) -> dict[str, str]:
    """The first part that somebody must look at, else the first that is awaited."""
    known = list(reports)
    found = (one for state in _IN_THE_WAY for one in known if one.state is state)
    return {"message": f"waits for {first.condition}: {first.message}"} if (first := next(found, None)) else {}
