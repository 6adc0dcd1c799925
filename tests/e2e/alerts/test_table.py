"""What of the proof needs no stack: the tables are whole, who looks on sees what a fault has done and nothing else."""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from rooftree_local import pki

from . import table
from .course import Course
from .in_backups import upcoming
from .in_platform import SOON_DAYS, near_its_end
from .in_tenants import LEAST, MIB, MOST, limit
from .rules import ROOT, seconds, waits
from .table import LAST, NOT_MADE, TRACKS, Chosen, Fault, chosen, faults
from .test_faults import is_about
from .watch import Watch
from .world import PLANS, SITE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

READABLE = 60  # characters of a reason at least
MOST_NOT_MADE = 2


def test_every_alert_is_made_to_fire_by_one_fault_or_there_is_a_reason_why_not() -> None:
    made = [alert for fault in faults() for alert in fault.alerts]
    assert sorted([*made, *NOT_MADE]) == sorted(waits())
    assert len(NOT_MADE) <= MOST_NOT_MADE
    assert all(len(reason) > READABLE for reason in NOT_MADE.values())


def test_every_role_that_a_fault_needs_is_known_and_no_other() -> None:
    assert {role for fault in faults() for role in fault.roles} == {*PLANS, SITE}


def test_the_documents_tell_of_every_fault_and_its_alerts() -> None:
    text = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", text.partition("<!-- faults -->")[2].partition("<!-- /f")[0], re.M)
    assert rows.pop(0) == ("what is done", "alerts")
    assert rows.pop(0) == ("---", "---")
    assert [(what, names.split(", ")) for what, names in rows] == [(one.what, [*one.alerts]) for one in faults()]
    assert all(f"`{alert}`" in text for alert in NOT_MADE)


def test_chosen_alerts_bring_their_faults_and_the_roles_of_these() -> None:
    some = chosen(["AppDown", "OperatorDown"])
    assert [fault.what for track in some.tracks for fault in track] == [
        "Four requests of a quiet brokerage fail, and its new pod crashes"
    ]
    assert some.last == LAST[-1:]
    assert some.roles() == {"quiet"}
    assert some.alerts == {"AppDown", "QuietTenantFailing", "OperatorDown", "ScalingStopped"}
    assert chosen().tracks == TRACKS
    with pytest.raises(ValueError, match="no fault makes OperatorDeaf fire"):
        chosen(["OperatorDeaf"])


@pytest.mark.parametrize(("text", "value"), [("45s", 45), ("2m", 120), ("1h30m", 5400), ("3d", 259_200)])
def test_durations_are_read_as_prometheus_does(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "2", "m", "2m ", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)


def test_an_alert_without_a_wait_fires_at_once() -> None:
    assert waits()["DeadLetters"] == 0
    assert waits()["TenantSilent"] == 600


def test_the_edges_certificate_ends_within_the_time_that_the_alert_warns_of(tmp_path: Path) -> None:
    stack, work = tmp_path / "stack", tmp_path / "work"
    pki.ensure(stack)
    work.mkdir()
    data = near_its_end(stack, work)
    edge, authority = x509.load_pem_x509_certificates(base64.b64decode(data["tls.crt"]))
    left = edge.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=SOON_DAYS - 1) < left <= timedelta(days=SOON_DAYS)
    edge.verify_directly_issued_by(x509.load_pem_x509_certificate((stack / "ca.crt").read_bytes()))
    assert authority == x509.load_pem_x509_certificate((stack / "ca.crt").read_bytes())


@pytest.mark.parametrize("used", [90 * MIB, 133.3 * MIB, 512 * MIB])
def test_a_tight_plan_allows_a_little_more_than_is_used(used: float) -> None:
    assert LEAST < 0.9 + 0.03
    assert LEAST <= used / (limit(used) * MIB) <= MOST


def test_the_next_backups_of_each_minute_are_named_as_the_schedule_names_them() -> None:
    names = upcoming("acme", datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC))
    assert names[:2] == ["acme-20261130-2359", "acme-20261201-0000"]
    assert len(names) == len(set(names)) == 45


def test_a_mail_counts_only_if_it_is_of_the_alert_and_its_brokerage() -> None:
    subject = "[FIRING:1] ErrorBudgetBurns acme-1 (critical)"
    assert is_about(subject, "ErrorBudgetBurns", {"tenant": "acme-1"})
    assert not is_about(subject, "ErrorBudgetBurns", {"tenant": "acme-12"})
    assert not is_about("[FIRING:1] ErrorBudgetBurnsFast acme-1 (critical)", "ErrorBudgetBurns", {"tenant": "acme-1"})
    assert not is_about("[RESOLVED] ErrorBudgetBurns acme-1 (critical)", "ErrorBudgetBurns", {"tenant": "acme-1"})
    assert is_about("[FIRING:1] OperatorDown (rooftree-operator critical)", "OperatorDown", {"severity": "critical"})


# -- who looks on -----------------------------------------------------------------------------------------------------


class Stage:
    """Prometheus' alerts and the time, both as the test wants them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.alerts: list[dict[str, Any]] = []
        self.watch = Watch(lambda: self.alerts, lambda: self.now)

    def at(self, now: float, *alerts: tuple[str, str, dict[str, str]]) -> None:
        self.now = now
        self.alerts = [{"state": state, "labels": {"alertname": name, **more}} for name, state, more in alerts]
        self.watch.look()


MINE, OTHERS = {"tenant": "a", "pod": "x"}, {"tenant": "b", "pod": "y"}


def test_an_alert_is_seen_when_it_begins_to_fire_with_the_time_that_it_was_pending() -> None:
    stage = Stage()
    stage.at(1010, ("AppDown", "pending", MINE), ("AppDown", "firing", OTHERS))
    assert stage.watch.fired("AppDown", {"tenant": "a"}, 1000) is None
    stage.at(1130, ("AppDown", "firing", MINE), ("AppDown", "firing", OTHERS))
    seen = stage.watch.fired("AppDown", {"tenant": "a"}, 1000)
    assert seen is not None
    assert (seen.active_at, seen.firing_at, seen.labels) == (1010, 1130, MINE)
    assert stage.watch.fired("AppDown", {"tenant": "c"}, 1000) is None
    assert stage.watch.fired("AppFailing", {"tenant": "a"}, 1000) is None


def test_what_fired_before_the_fault_proves_nothing_until_it_ends_and_fires_again() -> None:
    stage = Stage()
    stage.at(1010, ("AppDown", "firing", MINE))
    stage.at(1020, ("AppDown", "firing", MINE))
    assert stage.watch.fired("AppDown", {}, 1015) is None
    assert re.fullmatch(r"fires for \[\{.*'a'.*\}\], is pending for \[\]", stage.watch.state("AppDown"))
    stage.at(1030)
    stage.at(1040, ("AppDown", "firing", MINE))
    seen = stage.watch.fired("AppDown", {}, 1015)
    assert seen is not None
    assert seen.firing_at == 1040


# -- the course -------------------------------------------------------------------------------------------------------


class Play:
    """A course over causes that say what they do, in a time that goes on only while somebody waits."""

    def __init__(self, *fires: tuple[float, str]) -> None:
        self.stage, self.did = Stage(), list[str]()
        self._fires = fires
        self.course = Course(
            world=None,  # type: ignore[arg-type] - causes of the test do without
            watch=self.stage.watch,
            waits={"Soon": 60.0, "Later": 60.0, "Never": 60.0},
            clock=lambda: self.stage.now,
            pause=self._pass,
            slack=30.0,
        )

    def _pass(self, seconds: float) -> None:
        now = self.stage.now + seconds
        self.stage.at(now, *((name, "firing", {}) for at, name in self._fires if now >= at))

    def fault(self, what: str, *alerts: str, begins: str = "", ends: str = "") -> Fault:
        @contextmanager
        def cause(_: World) -> Iterator[table.Labels]:
            if begins:
                pytest.fail(begins)
            self.did.append(f"{what} begins")
            yield {alert: {} for alert in alerts}
            if ends:
                raise OSError(ends)
            self.did.append(f"{what} ends at {self.stage.now:.0f}")

        return Fault(what, cause, dict.fromkeys(alerts, 10.0))

    def run(self, tracks: Sequence[Sequence[Fault]], last: Sequence[Fault] = ()) -> None:
        self.course.run(Chosen(tuple(map(tuple, tracks)), tuple(last)))

    def told(self, what: Callable[[Any], Any]) -> dict[str, Any]:
        return {alert: what(result) for alert, result in self.course.results.items()}


def test_a_fault_lasts_until_all_its_alerts_have_fired_and_the_last_comes_last() -> None:
    play = Play((1020, "Soon"), (1050, "Later"), (1060, "Never"))
    play.run([[play.fault("one", "Soon", "Later")]], [play.fault("two", "Never")])
    assert play.did == ["one begins", "one ends at 1051", "two begins", "two ends at 1061"]
    assert play.told(lambda it: it.seen.firing_at - it.began) == {"Soon": 20, "Later": 50, "Never": 9}
    assert play.course.unended == []


def test_an_alert_that_does_not_fire_in_its_time_is_given_up_and_the_track_goes_on() -> None:
    play = Play((1140, "Soon"))
    play.run([[play.fault("one", "Never"), play.fault("two", "Soon")]])
    assert play.did[1] == "one ends at 1102"
    assert "it did not fire within 101 s" in play.course.results["Never"].problem
    assert play.course.results["Soon"].seen is not None


def test_a_fault_that_cannot_be_made_or_ended_says_so_and_harms_no_other() -> None:
    play = Play((1020, "Soon"))
    play.run([[play.fault("one", "Never", begins="no database"), play.fault("two", "Soon", ends="it hangs")]])
    assert play.course.results["Never"].problem == "the fault could not be made: Failed: no database"
    assert play.course.results["Soon"].seen is not None
    assert play.course.unended == ["two: OSError: it hangs"]


def test_a_cause_that_tells_of_other_alerts_than_the_table_is_noticed() -> None:
    play = Play()
    fault = play.fault("one", "Soon")
    play.run([[Fault("one", fault.cause, {"Later": 10.0})]])
    assert "the fault could not be made: AssertionError: one: " in play.course.results["Later"].problem
