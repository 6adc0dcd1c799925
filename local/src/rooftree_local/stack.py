"""A stack's processes as seen from the machine: start, look, enter, end.

The stack is process 1 of its PID namespace; when it ends, the kernel ends everything in it and drops its mounts,
devices and firewall tables with their namespaces. Only cgroups have to be removed by hand.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from rooftree_local import cgroups, paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rooftree_local.paths import Stack

CLOCK_STEP = 5.0  # seconds: more is another process
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotRunning(Exception):
    """The stack is not up."""


class CommandFailed(Exception):
    """A program ended with an error; the message carries its last words."""


@dataclass(frozen=True)
class Running:
    """A live stack: `pid` is its process 1 as the machine numbers it, `outer` the `unshare` that waits for it."""

    pid: int
    outer: int

    @property
    def network_namespace(self) -> Path:
        return Path(f"/proc/{self.pid}/ns/net")


def find(stack: Stack) -> Running | None:
    """The live stack of that name, or None. A reused process id is not mistaken for it."""
    try:
        known = json.loads(stack.process_file.read_text())
        outer = psutil.Process(known["outer"])
        # Told by the machine's clock, which may be set meanwhile.
        if abs(outer.create_time() - known["created"]) < CLOCK_STEP and outer.status() != psutil.STATUS_ZOMBIE:
            return Running(pid=known["pid"], outer=known["outer"])
    except (FileNotFoundError, psutil.NoSuchProcess):
        pass
    return None


def require(stack: Stack) -> Running:
    """The live stack, or an error that says how to get one."""
    running = find(stack)
    if running is None:
        raise NotRunning(f"stack {stack.name!r} is not up; start it with: rooftree-local up --stack {stack.name}")
    return running


def start(stack: Stack) -> Running:
    """Starts process 1 in new namespaces; it goes on by itself (see `wait_until_up`)."""
    stack.state.mkdir(parents=True, exist_ok=True)
    stack.state.chmod(0o711)  # PostgreSQL's user must be able to pass
    stack.logs.mkdir(exist_ok=True)
    stack.status_file.unlink(missing_ok=True)
    cgroups.create(stack.cgroup)
    command = ("unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", sys.executable)
    environment = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    with (stack.logs / "supervisor.log").open("ab") as log:
        outer = subprocess.Popen(
            [*command, "-m", "rooftree_local.supervisor", str(stack.state), str(paths.cache()), stack.cgroup],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    deadline = time.monotonic() + 10
    while not (inner := children.read_text().split()):
        if outer.poll() is not None or time.monotonic() > deadline:
            raise CommandFailed(f"`{' '.join(command)}` ended: {tail(stack.logs / 'supervisor.log', 3)}")
        time.sleep(0.01)
    created = psutil.Process(outer.pid).create_time()
    content = {"outer": outer.pid, "created": created, "pid": int(inner[0])}
    stack.process_file.write_text(json.dumps(content))
    return Running(pid=int(inner[0]), outer=outer.pid)


def status(stack: Stack) -> dict[str, Any]:
    """What the supervisor reports; empty before its first words."""
    try:
        return json.loads(stack.status_file.read_text())
    except FileNotFoundError:
        return {}


def reload(stack: Stack) -> None:
    """Asks a live supervisor to read the list of components again and start what does not run."""
    os.kill(require(stack).pid, signal.SIGHUP)


def enter(running: Running, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in all namespaces of the stack."""
    return ["nsenter", f"--target={running.pid}", "--net", "--mount", "--pid", "--ipc", "--wdns=/", *argv]


def enter_network(running: Running, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on the machine's own files, but in the stack's network."""
    return ["nsenter", f"--net={running.network_namespace}", *argv]


def run(argv: Sequence[str], *, content: str | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a program to its end and gives back its output; its last words are in the error otherwise."""
    done = subprocess.run(
        list(argv),
        input=content,
        capture_output=True,
        text=True,
        check=False,
        env=None if env is None else os.environ | env,
    )
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise CommandFailed(f"`{' '.join(argv)[:200]}` ended with exit code {done.returncode}\n" + "\n".join(words))
    return done.stdout


def tail(path: Path, lines: int) -> str:
    """The last lines of a log, which may be missing."""
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) or "(empty log)"
