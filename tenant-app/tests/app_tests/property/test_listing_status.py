"""A listing's status: the table of moves, walked at random, and what each needs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rooftree.modules.property import listing_status
from rooftree.modules.property.listing_status import CORRECTIONS, DRAFT, MOVES, change_type, closing_errors, missing
from rooftree.modules.property.market_time import ON_MARKET, Move, cumulative_days, days_on_market
from rooftree.modules.property.values import STANDARD_STATUSES

TODAY = date(2026, 6, 1)
START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "moves"),
    [
        ("Incomplete", {"Coming Soon", "Active", "Delete"}),
        ("Coming Soon", {"Active"}),
        ("Active", {"Active Under Contract", "Hold", "Expired", "Withdrawn", "Canceled"}),
        ("Hold", {"Active"}),
        ("Active Under Contract", {"Pending", "Active"}),
        ("Pending", {"Closed", "Active"}),
        *[(status, set()) for status in ("Closed", "Expired", "Withdrawn", "Canceled", "Delete")],
    ],
)
def test_each_status_has_its_moves_and_no_other(status: str, moves: set[str]) -> None:
    assert set(listing_status.moves(status, corrects=False)) == moves


def test_only_a_closed_listing_can_be_corrected() -> None:
    for status in STANDARD_STATUSES:
        expected = CORRECTIONS if status == "Closed" else MOVES[status]
        assert listing_status.moves(status, corrects=True) == expected


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("Incomplete", "Active", "New Listing"),
        ("Coming Soon", "Active", "New Listing"),
        ("Incomplete", "Coming Soon", "Coming Soon"),
        ("Pending", "Active", "Back On Market"),
        ("Active Under Contract", "Active", "Back On Market"),
        ("Hold", "Active", "Active"),
        ("Active", "Hold", "Hold"),
        ("Pending", "Closed", "Closed"),
        ("Closed", "Active", "Active"),
    ],
)
def test_history_calls_a_move_as_reso_does(before: str, after: str, word: str) -> None:
    assert change_type(before, after) == word


COMPLETE = {
    "unparsed_address": "1 Elm St",
    "city": "Ames",
    "list_price": 1,
    "property_type": "Land",
    "list_agent_id": "somebody",
}


@pytest.mark.parametrize("name", COMPLETE)
def test_what_is_missing_is_pointed_at(name: str) -> None:
    assert missing(COMPLETE) == []
    assert [error.pointer for error in missing(COMPLETE | {name: ""})] == [f"/{name}"]
    assert [error.pointer for error in missing(COMPLETE | {name: None})] == [f"/{name}"]


@pytest.mark.parametrize(
    ("after", "price", "day", "pointers"),
    [
        ("Closed", 5, TODAY, []),
        ("Closed", 5, TODAY - timedelta(days=400), []),
        ("Closed", None, None, ["/close_price", "/close_date"]),
        ("Closed", 0, TODAY, ["/close_price"]),
        ("Closed", 5, TODAY + timedelta(days=1), ["/close_date"]),
        ("Active", None, None, []),
        ("Active", 5, TODAY, ["/close_price", "/close_date"]),
        ("Pending", 0, None, ["/close_price"]),
    ],
)
def test_a_closing_has_a_price_and_a_day_that_has_come(
    after: str, price: int | None, day: date | None, pointers: list[str]
) -> None:
    found = closing_errors(after, close_price=price, close_date=day, today=TODAY)
    assert [error.pointer for error in found] == pointers


class Listing(RuleBasedStateMachine):
    """A listing moved at random, beside a model that knows only what each status means."""

    @initialize()
    def begin(self) -> None:
        self.status = DRAFT
        self.now = START
        self.moves = [Move(START, DRAFT)]
        self.sold_time = timedelta()
        self.published = False

    @rule(hours=st.integers(0, 100))
    def wait(self, hours: int) -> None:
        if self.status in ON_MARKET:
            self.sold_time += timedelta(hours=hours)
        self.now += timedelta(hours=hours)

    @precondition(lambda self: listing_status.moves(self.status, corrects=True))
    @rule(data=st.data(), corrects=st.booleans())
    def move(self, data: st.DataObject, corrects: bool) -> None:
        allowed = listing_status.moves(self.status, corrects=corrects)
        if not allowed:
            assert self.status == "Closed"
            return
        before, self.status = self.status, data.draw(st.sampled_from(sorted(allowed)))
        self.moves.append(Move(self.now, self.status))
        self.published |= self.status not in (DRAFT, "Delete")
        if before == "Closed":
            assert corrects
        if self.status == "Closed":
            assert before in ("Pending", "Closed")
        if change_type(before, self.status) == "Back On Market":
            assert "Active Under Contract" in [move.status for move in self.moves]

    @invariant()
    def what_was_published_never_is_a_draft_again(self) -> None:
        assert not self.published or self.status not in (DRAFT, "Delete")

    @invariant()
    def days_are_those_on_the_market(self) -> None:
        assert days_on_market(self.moves, now=self.now) == self.sold_time.days
        assert cumulative_days([self.moves], now=self.now) == self.sold_time.days


TestListing = Listing.TestCase
TestListing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def lived(began: int, *spans: tuple[str, int]) -> list[Move]:
    """Moves that begin on a day, each status for so many days."""
    at, found = START + timedelta(days=began), []
    for status, days in spans:
        found.append(Move(at, status))
        at += timedelta(days=days)
    return found


@pytest.mark.parametrize(
    ("earlier", "days"),
    [
        ([], 10),
        ([lived(0, ("Active", 30), ("Withdrawn", 0))], 40),
        ([lived(40, ("Active", 30), ("Expired", 0)), lived(0, ("Active", 20), ("Canceled", 0))], 60),
        ([lived(0, ("Active", 30), ("Closed", 0))], 10),
        ([lived(-200, ("Active", 30), ("Withdrawn", 0))], 10),
        ([[], lived(0, ("Coming Soon", 9), ("Active", 30), ("Hold", 5), ("Active", 1), ("Withdrawn", 0))], 41),
    ],
)
def test_the_same_home_on_the_market_again_counts_on(earlier: list[list[Move]], days: int) -> None:
    current = lived(100, ("Coming Soon", 5), ("Active", 10))
    now = START + timedelta(days=115)
    assert cumulative_days([current, *earlier], now=now) == days
    assert days_on_market(current, now=now) == 10


@given(st.lists(st.tuples(st.sampled_from(STANDARD_STATUSES), st.integers(0, 1000)), max_size=12), st.integers(0, 500))
def test_days_never_exceed_the_time_that_passed(spans: list[Any], rest: int) -> None:
    moves = lived(0, *spans)
    now = START + timedelta(days=sum(days for _, days in spans) + rest)
    assert 0 <= days_on_market(moves, now=now) <= (now - START).days
