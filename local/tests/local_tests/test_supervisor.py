"""The supervisor starts each component after what it needs, tells what ended, restarts only when asked."""

from __future__ import annotations

import json
import os
import signal
import socket
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


def test_starts_each_component_after_those_that_it_needs(running: Running) -> None:
    order = running.state / "order"
    running.want(
        Component("last", ("sh", "-c", f"echo last >>{order}"), after=("init", "server"), once=True),
        Component("server", ("sh", "-c", f"echo server >>{order}; exec sleep 60"), after=("init",)),
        Component("init", ("sh", "-c", f"sleep 0.1; echo init >>{order}"), once=True),
    )
    running.start()
    status = running.wait_for(is_up)
    assert order.read_text().split() == ["init", "server", "last"]
    states = {name: one["state"] for name, one in status["components"].items()}
    assert states == {"init": "finished", "server": "ready", "last": "finished"}


def test_components_that_do_not_need_each_other_start_side_by_side(running: Running) -> None:
    """Each waits for a word of the other: one after the other they would never be done."""
    meet = "echo here >{state}/{mine}; until [ -e {state}/{other} ]; do sleep 0.02; done"
    running.want(
        Component("left", ("sh", "-c", meet.format(state=running.state, mine="l", other="r")), once=True),
        Component("right", ("sh", "-c", meet.format(state=running.state, mine="r", other="l")), once=True),
    )
    running.start()
    running.wait_for(is_up)


def test_a_component_after_one_that_is_not_there_fails_the_start(running: Running) -> None:
    running.want(Component("kafka", ("sleep", "60"), after=("format",)))
    running.start()
    message = running.wait_for(lambda status: status["phase"] == "failed")["message"]
    assert message == "kafka cannot be started: it comes after format, and not all are there"


def test_a_slow_component_that_a_failure_overtook_is_waited_for_and_not_started_twice(running: Running) -> None:
    path = running.state / "socket"
    serve = f"s = socket.socket(socket.AF_UNIX); s.bind('{path}'); s.listen(); time.sleep(60)"
    wait = f"while not os.path.exists('{running.state}/go'): time.sleep(0.02)"
    program = f"import os, socket, time\n{wait}\n{serve}"
    slow = Component("slow", (sys.executable, "-c", program), ready=f"unix://{path}")
    running.want(slow, Component("broken", ("false",), ready="tcp://127.0.0.1:1"))
    running.start()
    pid = running.wait_for(lambda status: status["phase"] == "failed")["components"]["slow"]["pid"]
    running.want(slow)
    running.send(signal.SIGHUP)
    (running.state / "go").touch()
    assert running.wait_for(is_up)["components"]["slow"]["pid"] == pid


def test_another_list_is_taken_up_while_the_first_one_is_still_starting(running: Running) -> None:
    task = Component("task", ("sh", "-c", f"until [ -e {running.state}/go ]; do sleep 0.02; done"), once=True)
    running.want(task)
    running.start()
    running.wait_for(lambda status: "task" in status["components"])
    running.want(task, Component("other", ("sleep", "60")))
    running.send(signal.SIGHUP)
    running.wait_for(lambda status: status["components"].get("other", {}).get("state") == "ready")
    (running.state / "go").touch()
    assert running.wait_for(is_up)["request"] == "2"


def test_a_server_that_asks_who_is_there_can_count_as_ready(running: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = f"""
import http.server
class Guard(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(401)
http.server.HTTPServer(("127.0.0.1", {port}), Guard).serve_forever()
"""
    guarded = Component("guarded", (sys.executable, "-c", program), ready=f"http://127.0.0.1:{port}/", answer=401)
    running.want(guarded)
    running.start()
    assert running.wait_for(is_up)["components"]["guarded"]["state"] == "ready"


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
        Component("never", ("sleep", "60"), after=("broken",)),
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
