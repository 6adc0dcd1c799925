"""The pods of one policy as a watch tells of them: whose turn it is, and what they cost."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rooftree_local.kubectl import is_ready
from rooftree_operator.scaling.replay.hpa import PodView

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
# Pods and Deployment are told of by two watches: so much may one be behind the other, in seconds.
BEHIND = 1.0


@dataclass
class Fleet:
    """One queue for all pods, each of which works on one request at a time: first come, first served.

    Times are of the monotonic clock, but in what the HPA sees, which are Unix seconds.
    """

    pods: dict[str, Object] = field(default_factory=dict[str, Object])
    declared: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    starts: list[float] = field(default_factory=list[float])
    """Seconds from when more pods were declared until each new one was ready."""
    _first: dict[str, float] = field(default_factory=dict[str, float])
    _working: set[str] = field(default_factory=set[str])
    _waiting: deque[asyncio.Future[str]] = field(default_factory=deque[asyncio.Future[str]])
    _entered: Counter[str] = field(default_factory=Counter[str])
    _used: dict[str, int] = field(default_factory=dict[str, int])

    def take_deployment(self, deployment: Object, at: float) -> None:
        count = deployment["spec"]["replicas"]
        if not self.declared or self.declared[-1][1] != count:
            self.declared.append((at, count))

    def take_pod(self, pod: Object, at: float) -> None:
        name = pod["metadata"]["name"]
        first = self._first.setdefault(name, at)
        was_ready = name in self.pods and is_ready(self.pods[name])
        self.pods[name] = pod
        if is_ready(pod) and not was_ready:
            ups = [then for (_, before), (then, after) in pairwise([(0.0, 0), *self.declared]) if after > before]
            self.starts.append(at - max((one for one in ups if one <= first + BEHIND), default=first))
        self._hand_out()

    @property
    def replicas(self) -> int:
        """Declared now."""
        return self.declared[-1][1] if self.declared else 0

    @property
    def ready(self) -> list[str]:
        return [name for name, pod in self.pods.items() if is_ready(pod)]

    def begin(self) -> str | None:
        """An idle pod, whose turn was longest ago; it works from now on. None: all work, or others wait."""
        idle = [name for name in self.ready if name not in self._working]
        if self._waiting or not idle:
            return None
        return self._begin(min(idle, key=lambda one: self._used.get(one, 0)))

    def queue(self) -> asyncio.Future[str]:
        """A place in the queue: the pod that works, when it is this one's turn."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        return place

    def done(self, name: str) -> None:
        """A pod has done its work."""
        self._working.discard(name)
        self._hand_out()

    def enter(self) -> str:
        """The ready pod that counts the fewest who wait; it counts one more. Raises LookupError if none is ready."""
        if not (ready := self.ready):
            raise LookupError("no pod is ready")
        name = min(ready, key=lambda one: self._entered[one])
        self._entered[name] += 1
        return name

    def leave(self, name: str) -> None:
        self._entered[name] -= 1

    def _begin(self, name: str) -> str:
        self._working.add(name)
        self._used[name] = max(self._used.values(), default=0) + 1
        return name

    def _hand_out(self) -> None:
        """Idle pods to those who wait."""
        for name in self.ready:
            if self._waiting and name not in self._working:
                self._waiting.popleft().set_result(self._begin(name))

    def core_seconds(self, since: float, until: float) -> float:
        """Declared pods times seconds: those that start, too."""
        ends = [*(at for at, _ in self.declared[1:]), until]
        return sum(
            count * max(0.0, min(end, until) - max(at, since))
            for (at, count), end in zip(self.declared, ends, strict=True)
        )

    def changes(self, since: float, until: float) -> int:
        return sum(since <= at < until for at, _ in self.declared[1:])

    def views(self) -> Iterator[PodView]:
        """As Kubernetes' autoscaler sees them; a pod that is about to go is none."""
        for name, pod in self.pods.items():
            status = pod["status"]
            told = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
            started = _seconds(status.get("startTime") or pod["metadata"]["creationTimestamp"])
            yield PodView(
                name,
                started,
                is_ready=told.get("status") == "True",
                ready=_seconds(told["lastTransitionTime"]) if told else started,
                pending=status.get("phase", "Pending") == "Pending",
                deleted="deletionTimestamp" in pod["metadata"],
            )


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
