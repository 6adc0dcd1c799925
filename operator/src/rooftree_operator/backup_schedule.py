"""When backups are due, which of them are kept, and what the last try of one has shown. Pure."""

from datetime import datetime, timedelta

from . import cron, kept
from .api.backups import BackupRetention
from .api.operations import BackupPhase, OperationKind, OperationPhase
from .conditions import Report, State
from .drift import Object
from .workqueue import share

CONDITION_PROVEN = "BackupsProven"
DELAY = 0.05  # of the time between two backups, by which brokerages of one schedule are spread
MOST_DELAY = 1800.0  # seconds


def delayed(due: datetime, times: cron.Cron, slug: str) -> datetime:
    """When this brokerage begins: always by the same part of the time until the next one."""
    between = (times.next_after(due) - due).total_seconds()
    return due + timedelta(seconds=round(share(slug) * min(between * DELAY, MOST_DELAY)))


def expired(backups: tuple[Object, ...], retention: BackupRetention, now: datetime) -> list[Object]:
    """Those that are not kept any more; `backups` are ordered, oldest first. Those that are being written stay."""
    whole = [one for one in backups if one.get("status", {}).get("phase") == BackupPhase.COMPLETE]
    failed = [one for one in backups if one.get("status", {}).get("phase") == BackupPhase.FAILED]
    # The newest of the failed tells when the last try was, and why it failed.
    old = [*whole[: -retention.count], *failed[:-1]]
    limit = now - timedelta(days=retention.days)
    old += [one for one in whole[:-1] if one not in old and kept.moment(made(one)[0]) < limit]
    return [one for one in old if "deletionTimestamp" not in one["metadata"]]


def due_after(times: cron.Cron, last: str, now: datetime) -> datetime:
    """When the next one is due, after the last one was made."""
    return times.next_after(kept.moment(last) if last else now)


def proof(backups: tuple[Object, ...]) -> Report:
    """Whether the backup that was tried last could be loaded."""
    judged = [one for one in backups if judged_at((one,))]
    last = max(judged, key=lambda one: judged_at((one,)), default=None)
    if last is None:
        return Report(CONDITION_PROVEN, State.WAITING, "NeverProven", "no backup of the schedule was ever tried")
    name, status = last["metadata"]["name"], last["status"]
    if "provenAt" in status:
        message = f"backup {name} of {status['takenAt']} was loaded and proven in {status['provenSeconds']:g} s"
        return Report(CONDITION_PROVEN, State.DONE, "Proven", message)
    message = (
        f"backup {name} could not be loaded: {status.get('message', '')}: a platform admin must look for the cause"
    )
    return Report(CONDITION_PROVEN, State.BLOCKED, "DrillFailed", message)


def judged_at(backups: tuple[Object, ...]) -> str:
    """When the last drill of them was; empty if there was none."""
    times = [one.get("status", {}).get(key, "") for one in backups for key in ("provenAt", "disprovenAt")]
    return max(times, default="")


def has_whole(backups: tuple[Object, ...]) -> bool:
    return any(one.get("status", {}).get("phase") == BackupPhase.COMPLETE for one in backups)


def made(backup: Object) -> tuple[str, str]:
    return backup["metadata"]["creationTimestamp"], backup["metadata"]["name"]


def newest(backups: tuple[Object, ...], ordered: tuple[Object, ...]) -> dict[str, str]:
    """The last one that is whole, and why the last try failed if it did."""
    told: dict[str, str] = {}
    for one in backups:
        status = one.get("status", {})
        if status.get("phase") == BackupPhase.COMPLETE:
            told = {"newest": one["metadata"]["name"], "takenAt": status["takenAt"]}
        elif status.get("phase") == BackupPhase.FAILED:
            told = {**told, "failure": status.get("message", "it failed")}
    # One that failed before there was anything to write has left no backup.
    tries = sorted((one for one in ordered if one["spec"]["type"] == OperationKind.BACKUP), key=made)
    if tries and tries[-1].get("status", {}).get("phase") == OperationPhase.FAILED:
        told["failure"] = tries[-1]["status"].get("message", "it failed")
    return told


def last_begun(backups: tuple[Object, ...], ordered: tuple[Object, ...], kind: OperationKind) -> str:
    """When the last one of this kind began, RFC 3339; empty if nobody knows of any."""
    times = [made(one)[0] for one in (*backups, *(one for one in ordered if one["spec"]["type"] == kind))]
    return max(times, default="")


def is_open(ordered: tuple[Object, ...], kind: OperationKind) -> bool:
    """Whether one of this kind is not over."""
    over = (OperationPhase.SUCCEEDED, OperationPhase.FAILED)
    return any(one["spec"]["type"] == kind and one.get("status", {}).get("phase") not in over for one in ordered)
