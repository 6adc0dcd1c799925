"""While nothing is wrong no alert fires: two brokerages are used, beside the sample's, by the rules of production."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from ..conftest import until
from ..faults.lines import Visitor
from ..faults.load import Client, Line, Load
from ..test_tokens import Person
from .conftest import MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Kubectl, Tenant
    from .prometheus import Prometheus

CALM_SECONDS = 60 * float(MINUTES or 0)
# What was begun just before, such as a start of the stack, may still be looked at with suspicion.
SETTLED_SECONDS = 1500
OBJECTIVE = 0.001  # of the answers may be errors
BROKERAGES = 2

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(CALM_SECONDS + 3 * SETTLED_SECONDS, func_only=True)]


@pytest.mark.skipif(not CALM_SECONDS, reason="CLEAN_MINUTES is 0")
def test_in_a_calm_hour_no_alert_fires(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], prometheus: Prometheus, note: Callable[..., None]
) -> None:
    with ExitStack() as stack:
        loads = [stack.enter_context(used(kubectl, brokerages())) for _ in range(BROKERAGES)]
        until("nothing is suspected", prometheus.alerts, seconds=SETTLED_SECONDS, enough=lambda it: not it, every=5)
        began = time.monotonic()
        until("the time to pass", lambda: time.monotonic() >= began + CALM_SECONDS, seconds=CALM_SECONDS + 60, every=1)
        answers = [one for load in loads for one in load.answers if one.began >= began]
        seconds = round(time.monotonic() - began)
    fired, pending = (told(prometheus, state, seconds) for state in ("firing", "pending"))
    failed = sum(not one.is_good for one in answers)
    figures = {"requests": len(answers), "failed": failed, "pending": pending}
    note("false_alerts", value=len(fired), n=round(seconds / 60, 1), fired=fired, **figures)
    assert not fired
    assert failed <= OBJECTIVE * len(answers), "it was no calm hour"


def used(kubectl: Kubectl, tenant: Tenant) -> Load:
    """Somebody looks in every second, and signs in now and then."""
    visitor = Visitor(Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link")), "", "")
    lines = (Line(1.0, visitor.page), Line(2.0, visitor.health), Line(10.0, visitor.come_and_go))
    return Load(Client(tenant.url), lines, longest=CALM_SECONDS + 3 * SETTLED_SECONDS)


def told(prometheus: Prometheus, state: str, seconds: int) -> list[str]:
    """The alerts that were so for a moment at least, within the last seconds."""
    query = f'sum by (alertname, tenant) (count_over_time(ALERTS{{alertstate="{state}"}}[{seconds}s]))'
    labels = [one["metric"] for one in prometheus.series(query)]
    return sorted(f"{one['alertname']} {one.get('tenant', '')}".strip() for one in labels)
