"""What a live stack is asked to run when it is brought up again."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from rooftree_local import node, paths, stack
from rooftree_local.components import Component
from rooftree_local.paths import Stack
from rooftree_local.steps import Work

from .test_steps import Recorder

if TYPE_CHECKING:
    from pathlib import Path


class Live:
    """The files of a stack whose supervisor is elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.stack = Stack("dev")
        self.stack.config.mkdir(parents=True)
        self.reporter = Recorder()
        self.work = Work(folder / "log", self.reporter)

    def started(self, *components: Component, ended: str = "") -> None:
        content = {"components": [component.as_json() for component in components]}
        self.stack.components_file.write_text(json.dumps(content))
        states = {one.name: {"state": "ended" if one.name == ended else "ready"} for one in components}
        self.stack.status_file.write_text(json.dumps({"components": states}))

    def asked(self, *components: Component) -> dict[str, str]:
        """Names and commands of the list that results, in its order."""
        listed = node.merged(self.stack, [component.as_json() for component in components], self.work)
        return {one["name"]: one["argv"][0] for one in listed}


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(paths, "repository", lambda: tmp_path)
    return Live(tmp_path)


def test_new_components_come_after_those_that_run(live: Live) -> None:
    live.started(Component("postgres", ("old",)))
    assert live.asked(Component("etcd", ("new",)), Component("postgres", ("old",))) == {
        "postgres": "old",
        "etcd": "new",
    }


def test_components_that_are_not_asked_for_stay(live: Live) -> None:
    live.started(Component("postgres", ("old",)), Component("etcd", ("old",)))
    assert live.asked(Component("etcd", ("old",))) == {"postgres": "old", "etcd": "old"}


def test_a_running_component_stays_as_it_was_started_and_the_change_is_told(live: Live) -> None:
    live.started(Component("etcd", ("old",)))
    assert live.asked(Component("etcd", ("new",))) == {"etcd": "old"}
    assert "etcd" in live.reporter.lines[0]
    assert "`down` and `up`" in live.reporter.lines[0]


def test_a_component_that_ended_is_started_as_it_is_described_now(live: Live) -> None:
    live.started(Component("etcd", ("old",)), ended="etcd")
    assert live.asked(Component("etcd", ("new",))) == {"etcd": "new"}
    assert live.reporter.lines == []


def test_what_is_slow_is_not_waited_for_at_first_and_neither_is_its_task() -> None:
    listed = [
        Component("format", ("true",), once=True),
        Component("kafka", ("x",), after=("format",), slow=True),
        Component("redis", ("x",)),
    ]
    assert node.quick(listed) == {"redis"}


@pytest.mark.parametrize(("phase", "asked"), [("failed", True), ("up", True), ("starting", False)])
def test_a_slow_component_that_did_not_come_is_asked_for_again_unless_somebody_is_at_it(
    live: Live, monkeypatch: pytest.MonkeyPatch, phase: str, asked: bool
) -> None:
    live.started(Component("kafka", ("kafka",), slow=True), ended="kafka")
    told = json.loads(live.stack.status_file.read_text())
    live.stack.status_file.write_text(json.dumps(told | {"phase": phase, "message": "kafka was not ready"}))

    def supervise(target: Stack) -> None:
        request = json.loads(target.components_file.read_text())["request"]
        states = {"kafka": {"state": "ready"}}
        target.status_file.write_text(json.dumps({"components": states, "phase": "up", "request": request}))

    def come(_: Stack) -> object:
        if not asked:
            supervise_now()
        return object()

    def supervise_now() -> None:
        live.stack.status_file.write_text(json.dumps({"components": {"kafka": {"state": "ready"}}, "phase": "up"}))

    monkeypatch.setattr(stack, "reload", supervise)
    monkeypatch.setattr(stack, "find", come)
    node.ask_again(live.stack, live.work, {"kafka"})
    assert ("request" in json.loads(live.stack.components_file.read_text())) is asked


def test_kubectl_finds_its_plugin_and_speaks_to_the_stack(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubectl").write_text('#!/bin/sh\nprintf "%s " "$KUBECONFIG"; shift; exec kubectl-brokerage "$@"\n')
    (tmp_path / "nsenter").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    for name in ("kubectl", "nsenter"):
        (tmp_path / name).chmod(0o755)
    node._write_wrapper(live.stack, "kubectl", tmp_path / "kubectl")
    node._write_plugin(live.stack)
    live.stack.process_file.write_text(json.dumps({"pid": os.getpid()}))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = [str(live.stack.bin / "kubectl"), "brokerage", "whatever"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, f"{live.stack.kubeconfig} ")
    assert done.stderr.startswith("kubectl brokerage: argument VERB: invalid choice: 'whatever'")


def test_tab_is_answered_by_the_plugin(live: Live) -> None:
    node._write_plugin(live.stack)
    command = [str(live.stack.bin / "kubectl_complete-brokerage"), "wh"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "why\n:4\n"
