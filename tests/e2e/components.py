"""The processes of the stack under test: hung, killed and started again, seen from beside it."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import required, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STARTED_SECONDS = 300  # Elasticsearch, on a machine that is busy otherwise


class Components:
    """Hangs and kills whole components: a launcher's server is its child, PostgreSQL's sessions are processes, too."""

    def __init__(self) -> None:
        self._folder = Path(required("ROOFTREE_CA_FILE")).parents[1]
        self._stopped: list[int] = []

    def stop(self, *names: str) -> None:
        """SIGSTOP: connections are taken and never answered. Who starts others first: nothing comes or ends then."""
        for name in names:
            for pid in self.processes(name):
                with suppress(ProcessLookupError):  # ended before its parent was stopped
                    os.kill(pid, signal.SIGSTOP)
                    self._stopped.append(pid)

    def go_on(self) -> None:
        """Ends all hangs."""
        while self._stopped:
            pid = self._stopped.pop()
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGCONT)

    def kill(self, *names: str) -> None:
        """SIGKILL, all at once; the supervisor starts nothing by itself."""
        for pid in [pid for name in names for pid in self.processes(name)]:
            with suppress(ProcessLookupError):  # PostgreSQL's sessions end by themselves when their server is gone
                os.kill(pid, signal.SIGKILL)
        until(
            "the end of " + ", ".join(names), lambda: self._states(names), seconds=20, enough=lambda it: it == {"ended"}
        )

    def start(self, *names: str) -> None:
        """Has the supervisor start what does not run; returns when these are ready."""
        os.kill(json.loads((self._folder / "process.json").read_text())["pid"], signal.SIGHUP)
        until(
            ", ".join(names) + " to be back",
            lambda: self._states(names),
            seconds=STARTED_SECONDS,
            enough=lambda it: it == {"ready"},
            every=0.02,
        )

    def missing(self) -> list[str]:
        """What does not run."""
        return [name for name, one in self._status().items() if one["state"] == "ended"]

    def processes(self, name: str) -> Iterator[int]:
        """A component's process and all that it has started: what one has, after it was dealt with itself."""
        found = [self._main(name)]
        for pid in found:
            yield pid
            found += children(pid)

    def _main(self, name: str) -> int:
        inside, space = self._status()[name]["pid"], os.readlink("/proc/self/ns/net")
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                ids = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[1:]
                if ids[1:] == [str(inside)] and os.readlink(status.parent / "ns" / "net") == space:
                    return int(ids[0])
            except (FileNotFoundError, ProcessLookupError, StopIteration):
                continue
        pytest.fail(f"no process {inside} of {name} is seen from here")

    def _status(self) -> dict[str, Any]:
        return json.loads((self._folder / "status.json").read_text())["components"]

    def _states(self, names: Iterable[str]) -> set[str]:
        known = self._status()
        return {known[name]["state"] for name in names}


def children(pid: int) -> list[int]:
    """What a process has started, by whichever of its threads."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                found += map(int, path.read_text().split())
    return found
