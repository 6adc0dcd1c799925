"""What runs in a stack: its components as the supervisor and the kernel see them, and its tenants."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from rooftree_local import forward, kubectl, stack
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

UNKNOWN_KIND = ("the server doesn't have a resource type", "the server could not find the requested resource")
HIDDEN = "finished"  # a task that is done is nothing to look at


@dataclass(frozen=True)
class Row:
    """One component. Memory in bytes, uptime in seconds; None when it does not run. The pid is the machine's."""

    name: str
    state: str
    pid: int | None
    memory: int | None
    uptime: float | None
    log: Path


@dataclass(frozen=True)
class Tenant:
    """One brokerage as the cluster reports it."""

    name: str
    phase: str
    version: str
    url: str
    message: str


def components(target: Stack) -> list[Row]:
    """Every component, the supervisor first; empty when the stack is down."""
    running = stack.find(target)
    if running is None:
        return []
    outside = machine_pids(running.pid)
    supervisor = psutil.Process(running.pid)
    rows = [
        Row(
            "supervisor",
            "ready",
            running.pid,
            supervisor.memory_info().rss,
            time.time() - supervisor.create_time(),
            target.logs / "supervisor.log",
        )
    ]
    for name, known in stack.status(target).get("components", {}).items():
        if known["state"] == HIDDEN:
            continue
        state = known["state"]
        if state == "ended":
            state = f"ended ({known['exit']})"
        alive = known["state"] in {"ready", "starting"}
        rows.append(_row(name, state, outside.get(known["pid"]) if alive else None, target.logs / f"{name}.log"))
    if forward.process_file(target).exists():
        pid = json.loads(forward.process_file(target).read_text())["pid"]
        alive = forward.runs(target)
        rows.append(
            _row("forwarder", "ready" if alive else "ended", pid if alive else None, target.logs / "forwarder.log")
        )
    return rows


def _row(name: str, state: str, pid: int | None, log: Path) -> Row:
    try:
        process = psutil.Process(pid) if pid else None
        memory = _memory(process) if process else None
        uptime = time.time() - process.create_time() if process else None
    except psutil.NoSuchProcess:
        return Row(name, "ended", None, None, None, log)
    return Row(name, state, pid, memory, uptime, log)


def _memory(process: psutil.Process) -> int:
    """Of a program with its children, each shared page counted once; containers hang on the supervisor instead."""
    found = process.memory_full_info().pss
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # what it started may end while it is looked at
            found += child.memory_full_info().pss
    return found


def machine_pids(supervisor: int) -> dict[int, int]:
    """Maps the process ids of the supervisor's children inside the stack to those that the machine has for them."""
    found = {}
    for child in psutil.Process(supervisor).children():
        try:
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        numbers = next(line for line in lines if line.startswith("NSpid:")).split()
        found[int(numbers[-1])] = child.pid
    return found


def tenants(target: Stack) -> list[Tenant]:
    """Every brokerage; empty while the cluster does not know the kind."""
    try:
        listed = json.loads(kubectl.run(target, "get", "brokerages", "--output=json", "--request-timeout=5s"))
    except CommandFailed as error:
        if any(words in str(error) for words in UNKNOWN_KIND):
            return []
        raise
    return [_tenant(item) for item in listed["items"]]


def _tenant(item: dict[str, dict[str, str]]) -> Tenant:
    status = item.get("status", {})
    return Tenant(
        name=item["metadata"]["name"],
        phase=status.get("phase", "Pending"),
        version=status.get("version", ""),
        url=status.get("url", ""),
        message=status.get("message", ""),
    )
