"""The supervisor starts in order, tells what ended, restarts only when asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rooftree_local.components import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = """
import pathlib, signal, sys
from rooftree_local import supervisor
signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.SIGNALS)
supervisor.Supervisor(pathlib.Path(sys.argv[1])).run()
"""


class Running:
    """A supervisor in a folder of its own, without namespaces."""

    def __init__(self, state: Path) -> None:
        self.state = state
        (state / "config").mkdir()
        (state / "logs").mkdir()
        self.requests = 0
        self.process: subprocess.Popen[bytes] | None = None

    def want(self, *components: Component) -> None:
        self.requests += 1
        content = {
            "boot": "first",
            "request": str(self.requests),
            "components": [component.as_json() for component in components],
        }
        (self.state / "config" / "components.json").write_text(json.dumps(content))

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(self.state)])

    def end(self) -> None:
        """Ends all; without a PID namespace the kernel does not do it."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(20) == 0
        for one in self.status()["components"].values():
            if one["state"] in {"starting", "ready"}:
                os.kill(one["pid"], signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def status(self) -> dict[str, Any]:
        try:
            return json.loads((self.state / "status.json").read_text())
        except FileNotFoundError:
            return {"phase": "", "components": {}}

    def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while not condition(found := self.status()):
            assert time.monotonic() < deadline, f"gave up waiting; the status is {found}"
            time.sleep(0.02)
        return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.end()


def is_up(status: dict[str, Any]) -> bool:
    return status["phase"] == "up"


def test_starts_components_in_order_each_after_the_last_task_is_done(running: Running) -> None:
    order = running.state / "order"
    running.want(
        Component("init", ("sh", "-c", f"sleep 0.1; echo init >>{order}"), once=True),
        Component("server", ("sh", "-c", f"echo server >>{order}; exec sleep 60")),
        Component("last", ("sh", "-c", f"echo last >>{order}"), once=True),
    )
    running.start()
    status = running.wait_for(is_up)
    assert order.read_text().split() == ["init", "server", "last"]
    assert [one["state"] for one in status["components"].values()] == ["finished", "ready", "finished"]


def test_waits_until_an_address_answers(running: Running) -> None:
    path = running.state / "socket"
    serve = f"s = socket.socket(socket.AF_UNIX); s.bind('{path}'); s.listen(); time.sleep(60)"
    listen = f"import socket, time; time.sleep(0.2); {serve}"
    running.want(Component("server", (sys.executable, "-c", listen), ready=f"unix://{path}"))
    running.start()
    running.wait_for(is_up)
    assert path.is_socket()


def test_reports_a_component_that_dies_and_does_not_restart_it(running: Running) -> None:
    running.want(Component("server", ("sleep", "60")))
    running.start()
    pid = running.wait_for(is_up)["components"]["server"]["pid"]
    os.kill(pid, signal.SIGKILL)
    status = running.wait_for(lambda status: status["components"]["server"]["state"] == "ended")
    assert status["components"]["server"]["exit"] == -signal.SIGKILL
    assert status["components"]["server"]["pid"] == pid


def test_starts_what_is_missing_when_asked_and_leaves_the_rest_alone(running: Running) -> None:
    steady, other = Component("steady", ("sleep", "60")), Component("other", ("sleep", "60"))
    running.want(steady)
    running.start()
    before = running.wait_for(is_up)["components"]["steady"]["pid"]
    running.want(steady, other)
    running.send(signal.SIGHUP)
    status = running.wait_for(lambda status: is_up(status) and "other" in status["components"])
    assert status["components"]["steady"]["pid"] == before


def test_a_component_that_ends_before_it_is_ready_fails_the_start(running: Running) -> None:
    running.want(
        Component("broken", ("sh", "-c", "echo no luck; exit 3"), ready="tcp://127.0.0.1:1"),
        Component("never", ("sleep", "60")),
    )
    running.start()
    status = running.wait_for(lambda status: status["phase"] == "failed")
    assert status["message"] == "broken ended with exit code 3 before it was ready"
    assert "never" not in status["components"]
    assert (running.state / "logs" / "broken.log").read_text() == "no luck\n"


def test_a_program_that_does_not_exist_fails_the_start(running: Running) -> None:
    running.want(Component("ghost", ("no-such-program",)))
    running.start()
    assert "ghost cannot be started" in running.wait_for(lambda status: status["phase"] == "failed")["message"]


def test_a_component_that_is_not_ready_in_time_fails_the_start(running: Running) -> None:
    running.want(Component("slow", ("sleep", "60"), ready="unix:///no/such/socket", seconds=0))
    running.start()
    assert "slow was not ready" in running.wait_for(lambda status: status["phase"] == "failed")["message"]


def test_tells_of_which_list_it_speaks_so_that_an_old_failure_is_not_taken_for_a_new_one(running: Running) -> None:
    running.want(Component("broken", ("false",), ready="tcp://127.0.0.1:1"))
    running.start()
    assert running.wait_for(lambda status: status["phase"] == "failed")["request"] == "1"
    running.want(Component("broken", ("sleep", "60")))
    running.send(signal.SIGHUP)
    assert running.wait_for(is_up)["request"] == "2"
