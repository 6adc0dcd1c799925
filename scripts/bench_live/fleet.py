"""The pods of one policy as a watch tells of them: who gets the next request, and what they cost."""

from __future__ import annotations

from collections import Counter
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
    """Times are of the monotonic clock, but in what the HPA sees, which are Unix seconds."""

    pods: dict[str, Object] = field(default_factory=dict[str, Object])
    declared: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    starts: list[float] = field(default_factory=list[float])
    """Seconds from when more pods were declared until each new one was ready."""
    _first: dict[str, float] = field(default_factory=dict[str, float])
    _under_way: Counter[str] = field(default_factory=Counter[str])
    _used: dict[str, int] = field(default_factory=dict[str, int])
    _turn: int = 0

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

    @property
    def replicas(self) -> int:
        """Declared now."""
        return self.declared[-1][1] if self.declared else 0

    @property
    def ready(self) -> list[str]:
        return [name for name, pod in self.pods.items() if is_ready(pod)]

    def pick(self) -> str:
        """The ready pod with the fewest requests under way; of several, whose turn was longest ago. It has one more
        from now on. Raises LookupError if none is ready."""
        if not (ready := self.ready):
            raise LookupError("no pod is ready")
        name = min(ready, key=lambda one: (self._under_way[one], self._used.get(one, 0)))
        self._turn += 1
        self._used[name] = self._turn
        self._under_way[name] += 1
        return name

    def done(self, name: str) -> None:
        """One of its requests is over."""
        self._under_way[name] -= 1

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
