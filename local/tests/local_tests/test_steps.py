"""Steps resume where they failed and repeat only what changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from rooftree_local import steps
from rooftree_local.stack import CommandFailed
from rooftree_local.steps import Ledger, Step, StepFailed, Work


class Recorder:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, number: int, total: int, name: str) -> None:
        self.lines.append(f"begin {number}/{total} {name}")

    def detail(self, text: str) -> None:
        self.lines.append(f"detail {text}")

    def done(self, name: str, seconds: float) -> None:
        self.lines.append(f"done {name}")

    def unchanged(self, name: str) -> None:
        self.lines.append(f"unchanged {name}")

    def skipped(self, name: str, reason: str) -> None:
        self.lines.append(f"skipped {name}: {reason}")

    def failed(self, name: str, seconds: float) -> None:
        self.lines.append(f"failed {name}")


class Machine:
    """What the fake steps act on: results that stay, and a set of steps that fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: list[str] = []
        self.broken: set[str] = set()
        self.versions = {"one": "1", "two": "1", "three": "1"}

    def step(self, name: str) -> Step:
        def run(work: Work) -> None:
            work.say(f"doing {name}")
            if name in self.broken:
                raise CommandFailed(f"no {name} today")
            self.results.append(name)

        return Step(name, run, lambda: self.versions[name], lambda: name in self.results, advice=f"mend {name}")

    def up(self) -> list[str]:
        ledger = Ledger(self.folder / "steps.json")
        return steps.run([self.step(name) for name in self.versions], ledger, self.folder, Recorder())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_runs_every_step_once_and_nothing_the_second_time(machine: Machine) -> None:
    assert machine.up() == ["one", "two", "three"]
    assert machine.up() == []


def test_goes_on_after_a_failure_without_repeating_what_was_done(machine: Machine) -> None:
    machine.broken = {"two"}
    with pytest.raises(StepFailed):
        machine.up()
    assert machine.results == ["one"]
    machine.broken = set()
    assert machine.up() == ["two", "three"]


def test_repeats_only_the_step_whose_fingerprint_changed(machine: Machine) -> None:
    machine.up()
    machine.versions["two"] = "2"
    assert machine.up() == ["two"]


def test_repeats_a_step_whose_result_vanished(machine: Machine) -> None:
    machine.up()
    machine.results.remove("three")
    assert machine.up() == ["three"]


def test_survives_a_ledger_that_was_cut_off(machine: Machine) -> None:
    machine.up()
    (machine.folder / "steps.json").write_text('{"one": "')
    assert machine.up() == ["one", "two", "three"]


def test_a_failure_says_what_failed_its_last_words_and_what_to_do(machine: Machine) -> None:
    machine.broken = {"two"}
    with pytest.raises(StepFailed) as failure:
        machine.up()
    text = str(failure.value)
    assert "two failed: no two today" in text
    assert "doing two" in text
    assert "What to do: mend two" in text


def test_a_step_without_what_it_needs_is_left_out_with_the_reason(tmp_path: Path) -> None:
    def never(work: Work) -> None:
        raise AssertionError("this step has nothing to work on")

    recorder = Recorder()
    step = Step("chart", never, missing=lambda: "there is no chart yet")
    assert steps.run([step], Ledger(tmp_path / "steps.json"), tmp_path, recorder) == []
    assert recorder.lines == ["skipped chart: there is no chart yet"]


def test_a_step_without_fingerprint_is_done_when_its_result_is_there(tmp_path: Path) -> None:
    built = tmp_path / "program-abc"
    step = Step("program", lambda work: built.touch(), is_there=built.exists)
    ledger = Ledger(tmp_path / "steps.json")
    assert steps.run([step], ledger, tmp_path, Recorder()) == ["program"]
    assert steps.run([step], Ledger(tmp_path / "other-checkout.json"), tmp_path, Recorder()) == []


def test_what_a_command_reads_and_its_environment_are_not_logged(tmp_path: Path) -> None:
    work = Work(tmp_path / "step.log", Recorder())
    output = work.command(
        ["sh", "-c", 'read word; test "$word" = "$HIDDEN" && echo fine'], content="s3cret\n", env={"HIDDEN": "s3cret"}
    )
    assert output == "fine\n"
    assert "s3cret" not in (tmp_path / "step.log").read_text()


def test_a_failed_command_is_reported_with_its_own_last_words(tmp_path: Path) -> None:
    work = Work(tmp_path / "step.log", Recorder())
    work.command(["sh", "-c", "echo an earlier command >&2"])
    with pytest.raises(CommandFailed, match=r"exit code 3: Error: no such chart$"):
        work.command(["sh", "-c", "echo 'Error: no such chart' >&2; echo >&2; exit 3"])
    with pytest.raises(CommandFailed, match=r"exit code 4$"):
        work.command(["sh", "-c", "exit 4"])


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    work = Work(tmp_path / "step.log", Recorder())
    with pytest.raises(CommandFailed):
        work.command(["sleep", "60"], seconds=0.1)


def test_logs_of_steps_are_readable_by_their_owner_only(machine: Machine) -> None:
    machine.up()
    assert (machine.folder / "step-one.log").stat().st_mode & 0o077 == 0
