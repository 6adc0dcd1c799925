"""Process 1 of a stack: starts the components, each after those that it needs, reports on them, restarts none.

`python -m rooftree_local.supervisor STATE CACHE CGROUP`, started in new network, mount and PID namespaces. It reads
`config/components.json` and keeps `status.json` true (`request` says of which list it speaks); a component that ends is
written there and stays down until somebody asks: SIGHUP reads the list again and starts what does not run. SIGTERM ends
it, and the kernel ends everything else in a PID namespace whose first process is gone: nothing here outlives the stack,
so nothing is asked.
Only standard library: it lives as long as the stack.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rooftree_local import cgroups, isolation
from rooftree_local.addresses import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNALS = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
POLL_SECONDS = 0.05


class Failed(Exception):
    """The stack did not come up; the message says which component and why."""


class Start:
    """A component on its way."""

    def __init__(self, component: dict[str, Any]) -> None:
        self.component = component
        self.deadline = time.monotonic() + component["seconds"]
        self.answers = readiness(component["ready"], component["answer"])


class Supervisor:
    """The components' processes. All times are Unix seconds."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.boot = ""
        self.request = ""
        self.phase = "starting"
        self.message = ""
        self.components: dict[str, dict[str, Any]] = {}

    def report(self) -> None:
        """Writes what is known, whole or not at all."""
        content = {
            "boot": self.boot,
            "request": self.request,
            "phase": self.phase,
            "message": self.message,
            "components": self.components,
        }
        temporary = self.state / "status.json.new"
        temporary.write_text(json.dumps(content))
        temporary.replace(self.state / "status.json")

    def start_missing(self) -> None:
        """Starts every wanted component that does not run, and waits until all are ready."""
        wanted = json.loads((self.state / "config" / "components.json").read_text())
        self.boot, self.request = wanted["boot"], wanted["request"]
        self.phase, self.message = "starting", ""
        self._bring_up([one for one in wanted["components"] if not self._is_ready(one["name"])])
        self.phase = "up"
        self.report()

    def _is_ready(self, name: str) -> bool:
        return self.components.get(name, {}).get("state") in {"ready", "finished"}

    def _bring_up(self, missing: list[dict[str, Any]]) -> None:
        """Starts each component when those that it comes after are ready; as many at a time as that allows."""
        waiting, starting = missing, list[Start]()
        while waiting or starting:
            free = [one for one in waiting if all(map(self._is_ready, one["after"]))]
            waiting = [one for one in waiting if one not in free]
            for component in free:
                # One that an earlier try gave up may be on its way still.
                if self.components.get(component["name"], {}).get("state") != "starting":
                    self._start(component)
                starting.append(Start(component))
            if not starting:
                name, after = waiting[0]["name"], waiting[0]["after"]
                raise Failed(f"{name} cannot be started: it comes after {', '.join(after)}, and not all are there")
            if self.handle_signals(POLL_SECONDS) == signal.SIGHUP:
                self.start_missing()  # there is another list; what is on its way is waited for there
                return
            starting = [one for one in starting if not self._has_come(one)]

    def _start(self, component: dict[str, Any]) -> None:
        name = component["name"]
        log = os.open(self.state / "logs" / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            pid = os.posix_spawnp(
                component["argv"][0],
                component["argv"],
                os.environ | component["env"],
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsigmask=[],
                setsigdef=SIGNALS,
                setsid=True,
            )
        except OSError as error:
            raise Failed(f"{name} cannot be started: {error}") from error
        finally:
            os.close(log)
            os.close(null)
        self.components[name] = {
            "pid": pid,
            "state": "starting",
            "since": time.time(),
            "once": component["once"],
        }
        self.report()

    def _has_come(self, start: Start) -> bool:
        """Whether the component is ready now; an error when it never will be."""
        name = start.component["name"]
        known = self.components[name]
        if known["state"] == "finished":
            return True
        if known["state"] == "ended":
            raise Failed(f"{name} ended with {describe(known['exit'])} before it was ready")
        if not start.component["once"] and start.answers():
            known["state"] = "ready"
            self.report()
            return True
        if time.monotonic() > start.deadline:
            raise Failed(f"{name} was not ready within {start.component['seconds']} s")
        return False

    def handle_signals(self, seconds: float | None) -> int | None:
        """Waits for a signal, reaps children that ended; says which signal it was, if it was another one."""
        received = signal.sigwaitinfo(SIGNALS) if seconds is None else signal.sigtimedwait(SIGNALS, seconds)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self._reaped(pid, os.waitstatus_to_exitcode(status))
        if received is None or received.si_signo == signal.SIGCHLD:
            return None
        if received.si_signo != signal.SIGHUP:
            raise SystemExit(0)
        return received.si_signo

    def _reaped(self, pid: int, code: int) -> None:
        for name, known in self.components.items():
            if known["pid"] == pid and known["state"] not in {"ended", "finished"}:
                known["state"] = "finished" if known["once"] and code == 0 else "ended"
                known["exit"] = code
                known["ended"] = time.time()
                print(f"{name} ended with {describe(code)}", flush=True)
                self.report()

    def run(self) -> None:
        """Starts everything, then watches until it is told to end."""
        while True:
            try:
                self.start_missing()
            except Failed as error:
                self.phase, self.message = "failed", str(error)
                print(error, flush=True)
                self.report()
            while self.handle_signals(None) != signal.SIGHUP:
                pass


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def readiness(address: str | None, status: int = 200) -> Callable[[], bool]:
    """A check of one address: `http(s)://`, `tcp://host:port` or `unix://path`; without one, started is ready."""
    if address is None:
        return lambda: True
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        return lambda: _accepts(socket.AF_UNIX, rest)
    if scheme == "tcp":
        host, _, port = rest.rpartition(":")
        return lambda: _accepts(socket.AF_INET, (host, int(port)))
    return lambda: _answers(address, status)


def _accepts(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(address)
        except OSError:
            return False
    return True


def _answers(url: str, status: int) -> bool:
    context = ssl.create_default_context(cafile=f"{STATE}/pki/ca.crt") if url.startswith("https") else None
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310 - our own fixed addresses
            return response.status == status
    except urllib.error.HTTPError as refusal:
        return refusal.code == status
    except (OSError, urllib.error.URLError):
        return False


def main() -> None:
    """Entry: prepares the namespaces, then supervises."""
    state, cache = Path(sys.argv[1]), Path(sys.argv[2])
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    supervisor = Supervisor(state)
    try:
        cgroups.become_server(sys.argv[3])
        isolation.prepare(state, cache)
    except OSError as error:
        supervisor.phase, supervisor.message = "failed", f"the namespaces could not be set up: {error}"
        supervisor.report()
        raise
    supervisor.state = Path(STATE)
    supervisor.run()


if __name__ == "__main__":
    main()
