"""Names and counts every mutating request to every system, at the client wrappers.

An unchanged tenant must cause none (the `idle_writes` figure): adapters hold `sending` around each request that writes.
Kind `Lease` is the heartbeat of the holder election, not an effect on any tenant.

In a drill, which no installation has, the process dies before or after one of them, or loses its answer; and each is
written to a file, which outlives the process. Without a drill none of that costs anything.
"""

import os
import re
import signal
import threading
from collections import Counter as Tally
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prometheus_client import Counter

from . import tracing
from .errors import Unavailable

EFFECTS = Counter(
    "rooftree_operator_effects", "Mutating requests sent, by system, verb and kind.", ["system", "verb", "kind"]
)
UNREACHABLE = {
    "kubernetes": "ApiServerUnreachable",
    "postgres": "PostgresUnreachable",
    "kafka": "KafkaUnreachable",
    "elasticsearch": "ElasticsearchUnreachable",
    "redis": "RedisUnreachable",
    "s3": "S3Unreachable",
    "volume": "VolumeUnreachable",
}
_FAILPOINT = re.compile(
    r"(?P<name>[a-z0-9]+\.[a-z]+\.[A-Za-z/]+):(?:before:(?P<early>\d+)=kill|after:(?P<late>\d+)=(?P<what>kill|lost))"
)


class Mode(StrEnum):
    """What happens at a failpoint."""

    BEFORE = "before"  # the process dies, and the request was never sent
    AFTER = "after"  # the process dies, and the answer was never used
    LOST = "lost"  # the request had its effect; the process goes on with a broken connection


@dataclass(frozen=True)
class Failpoint:
    """The `occurrence`-th effect called `name` (`<system>.<verb>.<kind>`) of a process, counted from 1."""

    name: str
    mode: Mode
    occurrence: int

    @classmethod
    def parse(cls, text: str) -> "Failpoint":
        """From `kafka.create.topic:before:1=kill`, `…:after:1=kill` or `…:after:1=lost`. Raises ValueError."""
        found = _FAILPOINT.fullmatch(text)
        if (
            found is None
            or found["name"].partition(".")[0] not in UNREACHABLE
            or int(found["early"] or found["late"]) < 1
        ):
            raise ValueError(f"not a failpoint: {text!r}; one is kafka.create.topic:after:1=kill")
        mode = Mode.BEFORE if found["early"] else Mode.LOST if found["what"] == "lost" else Mode.AFTER
        return cls(found["name"], mode, int(found["early"] or found["late"]))

    def __str__(self) -> str:
        moment = "before" if self.mode is Mode.BEFORE else "after"
        return f"{self.name}:{moment}:{self.occurrence}={'lost' if self.mode is Mode.LOST else 'kill'}"


class Drill:
    """Writes each effect to `trace` (`sent` or `done`, its name and occurrence), and strikes at the failpoint."""

    def __init__(self, failpoint: Failpoint | None, trace: Path | None) -> None:
        self._failpoint = failpoint
        self._trace = None if trace is None else os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seen = Tally[str]()
        self._lock = threading.Lock()  # some adapters send from threads

    def begins(self, name: str) -> int:
        """Which occurrence of `name` this is."""
        with self._lock:
            self._seen[name] += 1
            occurrence = self._seen[name]
        self._strike(name, occurrence, Mode.BEFORE)
        self._note("sent", name, occurrence)
        return occurrence

    def ended(self, name: str, occurrence: int) -> None:
        """The answer is here. Raises `Unavailable` if it is to be lost."""
        if Failpoint(name, Mode.LOST, occurrence) == self._failpoint:
            raise Unavailable(UNREACHABLE[name.partition(".")[0]], f"the answer to {name} was lost in a drill")
        self._note("done", name, occurrence)
        self._strike(name, occurrence, Mode.AFTER)

    def _strike(self, name: str, occurrence: int, mode: Mode) -> None:
        if Failpoint(name, mode, occurrence) == self._failpoint:
            self._note("died", name, occurrence)
            os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, what: str, name: str, occurrence: int) -> None:
        # One system call without a buffer: nothing of it is lost with the process, and lines do not mix.
        if self._trace is not None:
            os.write(self._trace, f"{what} {name} {occurrence}\n".encode())


_drill: Drill | None = None


def begin(drill: Drill | None) -> None:
    """From now on effects are part of the drill; None: of none."""
    global _drill
    _drill = drill


@contextmanager
def sending(system: str, verb: str, kind: str) -> Generator[None]:
    """Around one mutating request and its answer, for example ("kubernetes", "apply", "Deployment")."""
    EFFECTS.labels(system, verb, kind).inc()
    tracing.note_change()
    drill = _drill
    if drill is None:
        yield
        return
    name = f"{system}.{verb}.{kind}"
    occurrence = drill.begins(name)
    yield
    drill.ended(name, occurrence)
