"""Ends a stack and proves that nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import buildah, cgroups, node, paths, stack

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

GRACE_SECONDS = 3.0
KILL_SECONDS = 20.0


class Leftovers(Exception):
    """Something of the stack could not be removed."""


def down(target: Stack) -> None:
    """Ends the stack's processes, removes its control groups and state."""
    running = stack.find(target)
    if running is not None:
        visitors = in_network(running)
        _end(running)
        _end_visitors(visitors)
    _remove_cgroups(target)
    try:
        node.discard_state(target)
    except OSError as error:
        raise Leftovers(f"the state of stack {target.name} cannot be removed: {error}") from error
    shutil.rmtree(target.state / "run", ignore_errors=True)


def in_network(running: stack.Running) -> list[int]:
    """Processes outside the stack's PID namespace that use its network (`exec`, the forwarder)."""
    network = os.readlink(running.network_namespace)
    own = os.readlink("/proc/self/ns/pid")
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.readlink(process / "ns/net") == network and os.readlink(process / "ns/pid") == own:
                found.append(int(process.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return [pid for pid in found if pid not in {running.pid, os.getpid()}]


def _end(running: stack.Running) -> None:
    """Kills process 1; the kernel then ends all in its namespace. No state is kept, so nobody is asked first."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGKILL)
    if not _gone(running.outer, KILL_SECONDS):
        raise Leftovers(f"process {running.outer} of the stack does not end")


def _gone(pid: int, seconds: float) -> bool:
    """Whether the process is gone, or a zombie that its parent has not fetched yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def _end_visitors(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    for pid in pids:
        if not _gone(pid, GRACE_SECONDS):
            os.kill(pid, signal.SIGKILL)


def _remove_cgroups(target: Stack) -> None:
    deadline = time.monotonic() + KILL_SECONDS
    while stuck := cgroups.remove(target.cgroup):
        if time.monotonic() > deadline:
            raise Leftovers(f"control groups still in use: {', '.join(map(str, stuck[:5]))}")
        time.sleep(0.1)


def remove_cache() -> None:
    """Removes downloads and builds; whatever another checkout still uses of it goes too."""
    storage = paths.cached("buildah", "storage")
    if storage.exists() and shutil.which("buildah"):
        stack.run(buildah.argv("rmi", "--all", "--force"))
    shutil.rmtree(paths.cache())
