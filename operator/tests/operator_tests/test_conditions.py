"""Conditions, summary and phase from what each part reported."""

from datetime import UTC, datetime

import pytest
from rooftree_operator import conditions, events
from rooftree_operator.api.brokerage import Phase
from rooftree_operator.conditions import Report, State

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_MOMENT_BEFORE = datetime(2026, 11, 24, 11, 59, 59, 250_999, tzinfo=UTC)
EARLIER = "2026-11-24T11:00:00Z"
DONE = Report("NamespaceReady", State.DONE, "Provisioned", "fine")
WAITING = Report("WorkloadReady", State.WAITING, "RollingOut", "soon")
FAILING = Report("DatabaseReady", State.FAILING, "PostgresUnreachable", "no answer")
BLOCKED = Report("RouteReady", State.BLOCKED, "HostTaken", "one must go")
RESTING = Report("Ready", State.SUSPENDED, "Suspended", "the page is shown")
SKIPPED = Report("MigrationsApplied", State.SKIPPED, "AwaitingDependency", "waits")


@pytest.mark.parametrize(
    ("reports", "reason"),
    [
        ([DONE], "Answering"),
        ([DONE, WAITING], "RollingOut"),
        ([SKIPPED, WAITING, FAILING], "PostgresUnreachable"),
        ([FAILING, SKIPPED, BLOCKED, WAITING], "HostTaken"),
    ],
)
def test_ready_tells_first_what_somebody_must_act_on(reports: list[Report], reason: str) -> None:
    assert conditions.summary(reports, "https://x").reason == reason


def test_kstatus_sees_stalled_only_when_somebody_must_act() -> None:
    kinds = {state: [r.condition for r in conditions.kstatus([Report("Ready", state, "R", "m")])] for state in State}
    assert kinds[State.DONE] == kinds[State.SUSPENDED] == []
    assert kinds[State.BLOCKED] == ["Stalled"]
    assert kinds[State.FAILING] == kinds[State.WAITING] == ["Reconciling"]


def test_a_transition_time_changes_only_with_the_status() -> None:
    old = [{"type": "NamespaceReady", "status": "True", "lastTransitionTime": EARLIER}]
    old += [{"type": "DatabaseReady", "status": "True", "lastTransitionTime": EARLIER}]
    merged = {c["type"]: c for c in conditions.merged(old, [DONE, FAILING], generation=3, now=NOON)}
    assert merged["NamespaceReady"]["lastTransitionTime"] == EARLIER
    assert merged["DatabaseReady"]["lastTransitionTime"] == "2026-11-24T12:00:00.000Z"
    assert {c["observedGeneration"] for c in merged.values()} == {3}


def test_a_transition_is_as_old_as_the_look_of_its_own_part() -> None:
    own = Report("DatabaseReady", State.DONE, "Provisioned", "fine", at=A_MOMENT_BEFORE)
    merged = {c["type"]: c for c in conditions.merged([], [DONE, own], generation=1, now=NOON)}
    assert merged["NamespaceReady"]["lastTransitionTime"] == "2026-11-24T12:00:00.000Z"
    assert merged["DatabaseReady"]["lastTransitionTime"] == "2026-11-24T11:59:59.250Z"


@pytest.mark.parametrize(
    ("report", "has_id", "was_ready", "phase"),
    [
        (DONE, True, False, Phase.READY),
        (FAILING, False, False, Phase.PENDING),
        (FAILING, True, False, Phase.PROVISIONING),
        (FAILING, True, True, Phase.DEGRADED),
        (WAITING, True, True, Phase.PROVISIONING),
    ],
)
def test_the_phase_is_one_word_for_it(report: Report, has_id: bool, was_ready: bool, phase: Phase) -> None:
    assert conditions.phase(report, has_id=has_id, was_ready=was_ready) is phase


@pytest.mark.parametrize(
    ("report", "has_id", "phase"),
    [(RESTING, True, Phase.SUSPENDED), (FAILING, True, Phase.SUSPENDED), (FAILING, False, Phase.PENDING)],
)
def test_the_phase_of_a_suspended_brokerage_tells_that_whatever_else_is_wrong(
    report: Report, has_id: bool, phase: Phase
) -> None:
    assert conditions.phase(report, has_id=has_id, was_ready=True, suspended=True) is phase


def test_a_suspended_brokerage_is_not_ready_and_nobody_is_waited_for() -> None:
    (ready,) = conditions.merged([], [RESTING], generation=1, now=NOON)
    assert (ready["status"], ready["reason"]) == ("False", "Suspended")


def test_that_it_was_suspended_is_known_until_the_brokerage_answers_again() -> None:
    old = [{"type": "Suspended", "status": "True", "reason": "Billing"}, {"type": "DatabaseReady", "status": "True"}]
    waiting, ready = Report("Ready", State.WAITING, "R", "m"), Report("Ready", State.DONE, "Answering", "m")
    assert conditions.lasting(old, [waiting]) == old[:1]
    assert conditions.lasting(old, [waiting, Report("Suspended", State.WAITING, "Resuming", "m")]) == []
    assert conditions.lasting(old, [ready]) == []
    assert [notice.reason for notice in events.transitions(old, [waiting])] == []
    assert [notice.reason for notice in events.transitions(old, [ready])] == ["Ready", "Resumed"]
    assert [notice.reason for notice in events.transitions(old[1:], [ready])] == ["Ready"]


def test_an_event_tells_a_transition_once() -> None:
    assert [n.reason for n in events.transitions([], [DONE, WAITING, FAILING, SKIPPED])] == [
        "NamespaceReady",
        "PostgresUnreachable",
    ]
    known = conditions.merged([], [DONE, FAILING], generation=1, now=NOON)
    assert events.transitions(known, [DONE, FAILING]) == []
