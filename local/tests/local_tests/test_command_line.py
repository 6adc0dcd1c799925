"""The command line and the Makefile, which is its manual."""

from __future__ import annotations

import io
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rooftree_local import paths, progress
from rooftree_local.cli import app
from typer.testing import CliRunner

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = (paths.repository() / "Makefile").read_text()
COMMANDS = {"up", "down", "status", "logs", "inventory", "doctor", "env", "clean"}


@pytest.fixture(autouse=True)
def _empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "repository", lambda: tmp_path)


def test_every_make_target_has_a_line_that_says_what_it_does() -> None:
    phony = re.search(r"^\.PHONY: (.*)", MAKEFILE.replace("\\\n", " "), re.M)
    assert phony
    described = set(re.findall(r"^([a-z0-9-]+):.*?## \S", MAKEFILE, re.M))
    assert set(phony[1].split()) == described


def test_every_command_is_also_a_make_target() -> None:
    assert set(re.findall(r"^([a-z0-9-]+):.*?## ", MAKEFILE, re.M)) >= COMMANDS


def test_make_help_prints_every_target() -> None:
    root = paths.Path(__file__).parents[3]
    printed = subprocess.run(
        ["make", "-C", str(root), "--no-print-directory", "help"], capture_output=True, text=True, check=True
    )
    assert {line.split()[0] for line in printed.stdout.splitlines()} >= COMMANDS


@pytest.mark.parametrize("command", [["status"], ["exec", "--", "true"]])
def test_a_stack_that_is_down_is_told_with_the_way_to_start_it(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "rooftree-local up --stack dev" in result.output


def test_down_of_a_stack_that_never_was_is_no_error() -> None:
    assert CliRunner().invoke(app, ["down", "--stack", "never"]).exit_code == 0


def test_an_unknown_log_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    logs = tmp_path / ".local/dev/logs"
    logs.mkdir(parents=True)
    (logs / "etcd.log").write_text("one\ntwo\n")
    runner = CliRunner()
    assert "etcd" in runner.invoke(app, ["logs", "nothing"]).output
    assert runner.invoke(app, ["logs", "etcd", "--lines", "1"]).output == "two\n"


def test_a_wrong_stack_name_is_explained() -> None:
    result = CliRunner().invoke(app, ["status", "--stack", "A B"])
    assert result.exit_code == 1
    assert "lower-case letters" in result.output


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    output = io.StringIO()
    with progress.reporter(2, Console(file=output)) as reporter:
        reporter.begin(1, 2, "build [x]")
        reporter.done("build [x]", 1.24)
        reporter.unchanged("other")
        reporter.skipped("chart", "not there")
    assert output.getvalue().splitlines() == [
        "[1/2] build [x] …",
        "        build [x] done in 1.2 s",
        "        chart left out: not there",
    ]


def test_progress_is_a_bar_with_times_on_a_terminal() -> None:
    output = io.StringIO()
    with progress.reporter(2, Console(file=output, force_terminal=True, width=100)) as reporter:
        reporter.begin(1, 2, "build [x]")
        reporter.done("build [x]", 1.24)
        reporter.unchanged("other")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue())
    assert "✓ build [x] 1.2 s" in text
    assert "2/2" in text
    assert "0:00:0" in text
