"""Each alert fires when what it warns of happens, by the rules and windows of production, and becomes a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from ..conftest import required, until
from .conftest import WANTED
from .table import chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .course import Course

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]
# Alertmanager waits for others of its kind, and sends twice a minute.
MAILED_SECONDS = 120
OPERATORS = "operators@"


@pytest.mark.parametrize("alert", sorted(chosen(WANTED).alerts))
def test_an_alert_fires_when_what_it_warns_of_happens_and_becomes_a_mail(
    alert: str, course: Course, note: Callable[..., None]
) -> None:
    result = course.results[alert]
    assert result.seen is not None, f"{result.fault}: {result.problem}"
    note(
        "alert_fires",
        alert=alert,
        value=round(result.seen.firing_at - result.began, 1),
        unit="s",
        fault=result.fault,
        labels=dict(result.seen.labels),
        pending_after=round(result.seen.active_at - result.began, 1),
        **{"for": course.waits[alert]},
    )
    labels = result.seen.labels
    until(f"a mail of {alert} with {dict(labels)}", lambda: is_mailed(alert, labels), seconds=MAILED_SECONDS, every=2)


def test_every_fault_could_be_taken_back(course: Course) -> None:
    assert course.unended == []


def is_mailed(alert: str, labels: Mapping[str, str]) -> bool:
    address = f"{required('ROOFTREE_TEST_MAIL_URL')}/mails.json"
    mails = httpx2.get(address, params={"to": OPERATORS}, timeout=10).json()
    return any(is_about(mail["subject"], alert, labels) for mail in mails)


def is_about(subject: str, alert: str, labels: Mapping[str, str]) -> bool:
    """Whether a mail's subject tells that this alert fires, of this brokerage if it is about one."""
    words = subject.split()
    return subject.startswith("[FIRING") and alert in words and labels.get("tenant", alert) in words
