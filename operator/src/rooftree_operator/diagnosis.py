"""What is wrong with a Brokerage now, the cause first, and who must act: `status.errors`. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from . import codes, holds, names, upgrade
from .conditions import Report, State, stamp
from .drift import Object

WRONG = (State.BLOCKED, State.FAILING)


def facts(brokerage: Object, status: Mapping[str, Any], *, platform: str, version: str | None) -> dict[str, str]:
    """What is known of the brokerage to fill in hints with. `platform` is the operator's namespace."""
    spec, tenant = brokerage["spec"], status.get("tenantID")
    found: dict[str, str | None] = {
        "name": brokerage["metadata"]["name"],
        "platform": platform,
        "plan": spec.get("plan"),
        "version": version,
        "id": tenant,
        "go_on": holds.ending(spec),
        "namespace": names.namespace(names.TenantId(tenant)) if tenant else None,
        "template_job": names.template_job(version) if version else None,
        "migration_job": names.migration_job(version, upgrade.retry_of(brokerage["metadata"])) if version else None,
    }
    return {key: value for key, value in found.items() if value}


def errors(
    reports: Iterable[Report],
    old: Iterable[Mapping[str, Any]],
    *,
    held_up: Callable[[str], int],
    shown: Callable[[str], str],
    facts: Mapping[str, str],
    now: datetime,
) -> list[dict[str, Any]]:
    """Entries for what is blocked or failing. What waits for one of them is not an error itself.

    Args:
        held_up: how many parts wait for the one with this condition. A cause holds up more than its consequences.
        shown: the condition that people see instead of the one that the part reports.
        old: the entries of before, which keep their time.
    """
    since = {(entry["condition"], entry["code"]): entry.get("since") for entry in old}
    wrong = sorted((report for report in reports if report.state in WRONG), key=lambda one: -held_up(one.condition))

    def entry(report: Report) -> dict[str, Any]:
        code, condition = codes.find(report.reason), shown(report.condition)
        return {
            "code": report.reason,
            "condition": condition,
            "message": report.message,
            "audience": code.audience.value,
            "retryable": report.state is State.FAILING or code.retries,
            "hint": codes.filled(code.hint, facts),
            "since": since.get((condition, report.reason)) or stamp(report.at or now),
        }

    return [entry(report) for report in wrong]
