"""The relays and consumers of a tenant as processes: two of each, one of the relays standing by."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from bench_tenant import ScratchTenant

ROOT = Path(__file__).parents[2]
PARTS = ("relay", "consumer")
EACH = 2
END_SECONDS = 30.0

Process = subprocess.Popen[bytes]


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """Who is started meanwhile hears of this signal once it is ready for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Workers:
    """Starts them, and ends all of them with the block. What they say goes to `log`."""

    def __init__(self, tenant: ScratchTenant, log: Path, *, bug: str = "") -> None:
        self._environment = {**os.environ, **tenant.environment}
        self._log = log
        self._bug = bug
        self.alive: dict[str, list[Process]] = {part: [] for part in PARTS}
        """Of each part, the oldest first: it works longest, so a relay that works and not the one that stands by."""

    def __enter__(self) -> Workers:
        for part in PARTS:
            for _ in range(EACH):
                self.start(part)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._all():
            process.kill()
            process.wait()

    def start(self, part: str) -> None:
        words = [sys.executable, "-m", "tests.torture.worker", part, *filter(None, [self._bug])]
        with self._log.open("ab") as output, _held_back(signal.SIGTERM):
            started = subprocess.Popen(words, cwd=ROOT, env=self._environment, stdout=output, stderr=output)
        self.alive[part].append(started)

    def kill(self, part: str, process: Process) -> None:
        """SIGKILL; another one takes its place."""
        self.alive[part].remove(process)
        process.kill()
        process.wait()
        self.start(part)

    def missing(self) -> list[int]:
        """Exit codes of those that ended by themselves."""
        return [process.returncode for process in self._all() if process.poll() is not None]

    def end(self) -> list[int]:
        """In order; the exit codes."""
        for process in self._all():
            process.terminate()
        return [process.wait(END_SECONDS) for process in self._all()]

    def _all(self) -> list[Process]:
        return [process for part in PARTS for process in self.alive[part]]
