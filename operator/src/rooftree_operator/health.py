"""Whether the process still does its work: how long a key waits, a pass takes, and a watch has been silent.

The probe asks, and the kubelet restarts what fails: each limit is far above what even a bad hour brings, as a restart
costs more than a slow pass. A hung event loop needs no limit, it does not answer the probe at all.
"""

from collections.abc import Callable, Iterable

from prometheus_client import Gauge

from .workqueue import WorkQueue

STUCK = 120.0  # seconds that a due key may wait for a worker
LONGEST_PASS = 600.0  # seconds; each call has a deadline, and what is long (a purge) comes back for its next part
# Of a watch: the apiserver sends a bookmark a minute, and Kopf begins anew after 70 s without one. So long without
# even that, and no new watch is answered, either.
SILENT = 310.0  # seconds

DEPTH = Gauge("rooftree_operator_queue_depth", "Keys that are due and wait for a worker.")
AGE = Gauge("rooftree_operator_queue_oldest_seconds", "How long the longest overdue key has waited.")
PASS = Gauge("rooftree_operator_pass_running_seconds", "How long the longest pass that is under way has taken.")
SILENCE = Gauge("rooftree_operator_watch_silent_seconds", "Time since a watch told of anything.", ["kind"])


class Unhealthy(Exception):
    """What is wrong, in words."""


class Health:
    """Beats of one process. `clock` returns seconds, monotonic."""

    def __init__(self, queue: WorkQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._passes: dict[int | str, tuple[float, str]] = {}  # by worker: when its pass began, and of which key
        self._heard: dict[str, float] = {}

    def begins(self, worker: int | str, key: str) -> None:
        self._passes[worker] = self._clock(), key

    def ends(self, worker: int | str) -> None:
        self._passes.pop(worker, None)

    def listens(self, kinds: Iterable[str]) -> None:
        """From now on these have to be heard of."""
        self._heard = dict.fromkeys(kinds, self._clock())

    def hears(self, kind: str) -> None:
        """A watch told of something, or that there was nothing to tell, or began anew."""
        if kind in self._heard:
            self._heard[kind] = self._clock()

    def queue(self) -> float:
        """Seconds that the longest overdue key waits. Raises `Unhealthy`."""
        age = self._queue.oldest_age
        if age > STUCK:
            raise Unhealthy(f"a key has waited for {age:.0f} s")
        return age

    def workers(self) -> float:
        """Seconds of the longest pass that is under way. Raises `Unhealthy`."""
        now = self._clock()
        began, key = min(self._passes.values(), default=(now, ""))
        if now - began > LONGEST_PASS:
            raise Unhealthy(f"a worker has been in the pass of {key} for {now - began:.0f} s")
        return now - began

    def watches(self) -> float:
        """Seconds that the most silent watch has told of nothing. Raises `Unhealthy`."""
        kind, silence = max(self._silences().items(), key=lambda one: one[1], default=("", 0.0))
        if silence > SILENT:
            raise Unhealthy(f"the watch of {kind} has told of nothing for {silence:.0f} s, not even of a bookmark")
        return silence

    def _silences(self) -> dict[str, float]:
        now = self._clock()
        return {kind: now - heard for kind, heard in self._heard.items()}

    def measure(self) -> None:
        """Puts it all into the metrics, also while no pass ends any more."""
        DEPTH.set(self._queue.depth)
        AGE.set(self._queue.oldest_age)
        now = self._clock()
        PASS.set(now - min((began for began, _ in self._passes.values()), default=now))
        for kind, silence in self._silences().items():
            SILENCE.labels(kind).set(silence)
