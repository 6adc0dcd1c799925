"""What a pass did and how long each step took: pass, provisioner, call of a system.

Steps are noted as plain records, which costs microseconds, and become OpenTelemetry spans only when the pass is over
and worth it: always when it changed something, failed, was slow or came from news; of the many resyncs that found all
in place, one in a hundred. Every pass has a trace's id, which is in its log lines also when nothing is sent.

Names are the code's own, never a value: of an error only its class.
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .workqueue import Priority

QUIET = 0.01  # the part of the passes that is kept of those in which nothing was to do
SLOW = 2.0  # seconds; a pass over an unchanged tenant takes a tenth of it


@dataclass
class Step:
    """A part of a pass. Times are nanoseconds since the epoch; `ended` is 0 while it goes on."""

    name: str
    parent: int  # its place among the pass's steps; -1: it is the pass itself
    began: int
    ended: int = 0
    error: str = ""
    is_call: bool = False  # of another system


@dataclass
class Trace:
    """One pass. `steps` is empty when nobody takes traces."""

    id: int
    key: str
    priority: Priority
    began: float
    steps: list[Step] = field(default_factory=list[Step])
    changed: bool = False
    failed: bool = False

    def is_kept(self, ended: float, chance: float) -> bool:
        """Whether it is sent; `chance` is a random number from 0 to under 1."""
        notable = self.changed or self.failed or self.priority is not Priority.RESYNC
        return notable or ended - self.began > SLOW or chance < QUIET


@dataclass
class Sending:
    """Who takes the traces that are kept; None: nobody."""

    take: Callable[[Trace], None] | None = None


sending = Sending()
_current: ContextVar[tuple[Trace, int] | None] = ContextVar("trace", default=None)


@contextmanager
def of_pass(key: str, priority: Priority) -> Generator[Trace]:
    """The pass over `key`, of which everything in the block is part."""
    found = Trace(random.getrandbits(128) or 1, key, priority, time.monotonic())
    token = _current.set((found, -1))
    try:
        with step(f"pass {key.partition('/')[0]}"):
            yield found
    finally:
        _current.reset(token)
        if sending.take is not None and found.is_kept(time.monotonic(), random.random()):  # noqa: S311 -- as above
            sending.take(found)


@contextmanager
def step(name: str, *, is_call: bool = False) -> Generator[None]:
    """A step of the pass in which this runs; nothing where there is none, or nobody takes traces."""
    within = _current.get()
    if within is None or sending.take is None:
        yield
        return
    trace, parent = within
    mine = Step(name, parent, time.time_ns(), is_call=is_call)
    trace.steps.append(mine)
    token = _current.set((trace, len(trace.steps) - 1))
    try:
        yield
    except BaseException as error:
        mine.error = type(error).__qualname__
        raise
    finally:
        mine.ended = time.time_ns()
        _current.reset(token)


def note_change() -> None:
    """The pass in which this runs changes something."""
    if (within := _current.get()) is not None:
        within[0].changed = True
