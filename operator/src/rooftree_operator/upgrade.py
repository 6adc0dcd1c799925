"""Which version a brokerage runs: the one that it wants, or its last good one after the wanted one has failed. Pure.

New pods are ready before old ones go, so a version that does not become ready has harmed nobody yet. It is taken back:
the brokerage runs its last good version again, and `status.upgrade` remembers which one it does not take. Wanting
another version, or a new value of the annotation, makes it try again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .conditions import Report, State
from .names import GROUP

ANNOTATION_RETRY = f"{GROUP}/retry-upgrade"
CONDITION = "VersionApplied"
FAILURES = ("MigrationFailed", "RolloutStuck", "PodsRefused")
"""Reasons for which a version is taken back."""


@dataclass(frozen=True)
class Failed:
    """A version that did not work for this brokerage, and the one that it runs instead."""

    version: str
    instead: str
    reason: str
    message: str
    retry: str  # what the annotation said then

    def as_status(self) -> dict[str, str]:
        return asdict(self)


def retry_of(metadata: Mapping[str, Any]) -> str:
    """What a Brokerage's annotation says: another value makes a failed upgrade be tried again."""
    return metadata.get("annotations", {}).get(ANNOTATION_RETRY, "")


def given_up(status: Mapping[str, Any], wanted: str, retry: str) -> Failed | None:
    """What the status says of an attempt at `wanted`, unless it shall be tried again."""
    known = status.get("upgrade")
    if known is None or (known["version"], known["retry"]) != (wanted, retry):
        return None
    return Failed(**known)


def failure(reports: Iterable[Report], *, version: str, running: str | None, retry: str) -> Failed | None:
    """Whether the attempt to bring a brokerage from `running` to `version` has failed, by what its parts report."""
    if running is None or running == version:
        return None
    for report in reports:
        if report.state is State.BLOCKED and report.reason in FAILURES:
            return Failed(version, running, report.reason, report.message, retry)
    return None


def report(
    name: str, *, version: str, running: str | None, past: Failed | None, fresh: Failed | None, rests: str = ""
) -> Report:
    """The condition. `running`: the version of all pods; `past` was known before this pass, `fresh` came of it.

    `rests`: the reason why no pod shall run, if so.
    """
    if fresh:
        return Report(CONDITION, State.WAITING, "Returning", f"{_story(fresh)}; it goes back to {fresh.instead}", 0.0)
    if past:
        command = f"kubectl annotate --overwrite brokerage {name} {ANNOTATION_RETRY}=$(date +%s)"
        advice = f"a platform admin must mend it or set another spec.version; to try again: {command}"
        return Report(CONDITION, State.BLOCKED, "UpgradeReturned", f"{_story(past)}; {past.instead} goes on: {advice}")
    if running != version and rests:
        return Report(CONDITION, State.SKIPPED, rests, f"{version} runs when the brokerage has pods again")
    if running != version:
        come = f"from {running} " if running else ""
        return Report(CONDITION, State.WAITING, "Upgrading", f"the brokerage is brought {come}to {version}")
    return Report(CONDITION, State.DONE, "Current", f"The brokerage runs {version}.")


def _story(failed: Failed) -> str:
    return f"version {failed.version} did not become ready ({failed.reason}: {failed.message})"[:1500]
