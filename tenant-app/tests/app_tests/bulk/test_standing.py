"""Where an import stands, by its row and by how its newest job has ended."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rooftree.bulk.imports_repository import Import, _import
from rooftree.kernel.ids import new_id
from rooftree.modules.crm.tables import ImportRow

NOW = datetime(2026, 5, 4, tzinfo=UTC)
ENDED = ("cancelled", None, None)
DIED = ("failed", "workers-died", "It took its worker with it three times.")
RUNNING = ("running", None, None)
GONE = (None, None, None)


def told(state: str, run: tuple[str | None, ...], **given: Any) -> Import:
    """Of 10,000 rows, 9,900 of which are to become people."""
    counts = {"create": 9_000, "update": 900, "unchanged": 60, "faulty": 40}
    row = ImportRow(id=new_id(), file_name="a.csv", format="csv", state=state, job_id=new_id(), row_count=10_000)
    row.counts, row.outcome, row.actor_id, row.created_at, row.version = counts, {}, new_id(), NOW, 3
    for name, value in given.items():
        setattr(row, name, value)
    return _import(row, run)


@pytest.mark.parametrize(
    ("run", "why"),
    [(ENDED, ("conflict", "It was ended by hand.")), (DIED, ("workers-died", DIED[2])), (GONE, None), (RUNNING, None)],
)
def test_an_application_that_broke_off_says_why(run: tuple[str | None, ...], why: tuple[str, str] | None) -> None:
    done = {"create": 200, "unchanged": 60, "faulty": 40}
    shown = told("applying", run, outcome=done, applied_at=NOW)
    assert shown.counts == {"create": 200, "update": 0, "unchanged": 60, "faulty": 40}
    assert shown.state == ("applied" if why else "applying")
    assert (shown.error_code, shown.error_detail) == (why or (None, None))
    assert shown.error_step == ("applying" if why else None)


def test_one_that_broke_off_before_its_first_row_can_begin_anew_and_says_why() -> None:
    shown = told("applying", DIED)
    assert (shown.state, shown.counts["create"]) == ("checked", 9_000)
    assert (shown.error_step, shown.error_code, shown.error_detail) == ("applying", "workers-died", DIED[2])


def test_an_undo_that_broke_off_says_why_and_how_far_it_came() -> None:
    shown = told("undoing", ENDED, applied_at=NOW, undone=1_200, kept=7)
    assert (shown.state, shown.undone, shown.kept) == ("applied", 1_200, 7)
    assert (shown.error_step, shown.error_code) == ("undoing", "conflict")


def test_a_check_that_broke_off_has_failed_like_one_of_a_file_that_cannot_be_read() -> None:
    shown = told("checking", ENDED)
    assert (shown.state, shown.error_step, shown.error_detail) == ("failed", "checking", "It was ended by hand.")
    shown = told("failed", ("succeeded", None, None), error_code="file-unreadable", error_detail="It is empty.")
    assert (shown.error_step, shown.error_code, shown.error_detail) == ("checking", "file-unreadable", "It is empty.")


def test_what_broke_off_before_and_has_gone_on_since_is_no_error_any_more() -> None:
    for state in ("checked", "applied", "undone"):
        shown = told(state, ("succeeded", None, None), applied_at=NOW)
        assert (shown.state, shown.error_code, shown.error_step) == (state, None, None)


def test_while_it_is_applied_its_figures_are_of_what_was_done_from_the_first() -> None:
    shown = told("applying", RUNNING)
    assert shown.counts == {"create": 0, "update": 0, "unchanged": 60, "faulty": 40}
    shown = told("applying", RUNNING, outcome={"create": 200, "unchanged": 60, "faulty": 40}, applied_at=NOW)
    assert shown.counts == {"create": 200, "update": 0, "unchanged": 60, "faulty": 40}
