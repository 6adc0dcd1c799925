"""Work as a list of named steps that resumes where it failed.

A step is done when the ledger holds its present fingerprint and its result is still there. The ledger is written after
every step, so a second run goes on where the first one failed and does again only what changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LAST_LINES = 30


class StepFailed(Exception):
    """A step failed; the message says what, with the last words of its log and what to do."""


class Reporter(Protocol):
    """Where the steps' progress is shown."""

    def begin(self, number: int, total: int, name: str) -> None: ...
    def detail(self, text: str) -> None: ...
    def done(self, name: str, seconds: float) -> None: ...
    def unchanged(self, name: str) -> None: ...
    def skipped(self, name: str, reason: str) -> None: ...
    def failed(self, name: str, seconds: float) -> None: ...


@dataclass
class Work:
    """What a running step is given: a log and a place to say what it does."""

    log: Path
    reporter: Reporter

    def say(self, text: str) -> None:
        """Shows one short line about what is going on now."""
        self.reporter.detail(text)
        with self.log.open("a") as log:
            log.write(f"# {text}\n")

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        content: str | None = None,
        seconds: float = 1800,
    ) -> str:
        """Runs a program, its words into the log; gives back its output. `content` and `env` are never logged."""
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(argv)}\n")
            log.flush()
            start = log.tell()
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL if content is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            try:
                output, _ = process.communicate(content)
            finally:
                timer.cancel()
                process.kill()
            log.write(output)
        if process.returncode:
            words = self._last_words(start)
            raise CommandFailed(f"`{' '.join(argv)[:160]}` ended with exit code {process.returncode}{words}")
        return output

    def _last_words(self, start: int) -> str:
        """The last line that was logged from `start` on; programs say there why they failed."""
        lines = self.log.read_bytes()[start:].decode(errors="replace").split("\n")
        return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")


@dataclass(frozen=True)
class Step:
    """One step.

    `fingerprint` covers everything that its result depends on, or is empty when `is_there` alone can tell (a file whose
    name holds the hash of its sources); `is_there` looks whether the result still exists;
    `missing` names what the step needs and does not find, in which case it is left out; `advice` says what a person
    can do when it failed.
    """

    name: str
    run: Callable[[Work], None]
    fingerprint: Callable[[], str] = str
    is_there: Callable[[], bool] = lambda: True
    missing: Callable[[], str | None] = lambda: None
    advice: str = "run the same command again: it goes on with this step"


class Ledger:
    """Which steps were done, with which fingerprint."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._done: dict[str, str] = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            self._done = {}

    def holds(self, step: Step, fingerprint: str) -> bool:
        return (not fingerprint or self._done.get(step.name) == fingerprint) and step.is_there()

    def record(self, step: Step, fingerprint: str) -> None:
        self._done[step.name] = fingerprint
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._done, indent=1))
        temporary.replace(self._path)


def run(steps: Sequence[Step], ledger: Ledger, logs: Path, reporter: Reporter) -> list[str]:
    """Runs what is not done yet, in order; gives back the names of the steps that ran."""
    logs.mkdir(parents=True, exist_ok=True)
    ran = []
    for number, step in enumerate(steps, 1):
        reason = step.missing()
        if reason:
            reporter.skipped(step.name, reason)
            continue
        fingerprint = step.fingerprint()
        if ledger.holds(step, fingerprint):
            reporter.unchanged(step.name)
            continue
        reporter.begin(number, len(steps), step.name)
        _run_one(step, logs / f"step-{step.name.replace(' ', '-')}.log", reporter)
        ledger.record(step, step.fingerprint())
        ran.append(step.name)
    return ran


def _run_one(step: Step, log: Path, reporter: Reporter) -> None:
    log.write_text("")
    log.chmod(0o600)
    started = time.monotonic()
    try:
        step.run(Work(log, reporter))
    except Exception as error:
        reporter.failed(step.name, time.monotonic() - started)
        with log.open(errors="replace") as lines:
            last = "".join(f"  | {line}" for line in deque(lines, LAST_LINES)).rstrip()
        words = [f"{step.name} failed: {error}"]
        if last:
            words += [f"The last lines of {log}:", last]
        words.append(f"What to do: {step.advice}")
        raise StepFailed("\n".join(words)) from error
    reporter.done(step.name, time.monotonic() - started)
