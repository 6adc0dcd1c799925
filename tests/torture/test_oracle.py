"""The oracle tells what is wrong, and only that."""

from uuid import UUID

import pytest

from .oracle import CLEAN, Cause, Effect, Verdict, judge

ONE, TWO = UUID(int=1), UUID(int=2)
CAUSES = [Cause(10, ONE), Cause(20, TWO), Cause(11, ONE), Cause(12, ONE)]
EFFECTS = [Effect(10, ONE, 1), Effect(11, ONE, 2), Effect(20, TWO, 1), Effect(12, ONE, 3)]


def told(effects: list[Effect], *, causes: list[Cause] = CAUSES, withdrawn: tuple[int, ...] = ()) -> Verdict:
    return judge(causes, effects, acknowledged=(10, 20), withdrawn=withdrawn)


def test_each_event_once_and_in_order_is_clean() -> None:
    assert told(EFFECTS) == CLEAN
    assert told(EFFECTS).is_clean


def test_between_aggregates_there_is_no_order() -> None:
    assert told([EFFECTS[2], EFFECTS[0], EFFECTS[1], EFFECTS[3]]).is_clean


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        (EFFECTS[:3], Verdict(lost=1, doubled=0, inverted=0, uncommitted=0)),
        ([*EFFECTS, EFFECTS[0], EFFECTS[0]], Verdict(lost=0, doubled=2, inverted=0, uncommitted=0)),
        ([*EFFECTS, Effect(99, TWO, 2)], Verdict(lost=0, doubled=0, inverted=0, uncommitted=1)),
        ([EFFECTS[1], EFFECTS[0], *EFFECTS[2:]], Verdict(lost=0, doubled=0, inverted=1, uncommitted=0)),
        ([EFFECTS[3], *EFFECTS[:3]], Verdict(lost=0, doubled=0, inverted=2, uncommitted=0)),
    ],
    ids=["lost", "doubled", "uncommitted", "one place", "two places"],
)
def test_what_is_wrong_is_counted(effects: list[Effect], expected: Verdict) -> None:
    assert told(effects) == expected
    assert not told(effects).is_clean


def test_a_sequence_that_is_not_the_order_of_commits_is_an_inversion() -> None:
    swapped = [EFFECTS[0], Effect(12, ONE, 2), EFFECTS[2], Effect(11, ONE, 3)]
    assert told(swapped).inverted == 1


def test_an_acknowledged_commit_that_the_database_forgot_is_a_loss() -> None:
    assert told(EFFECTS[1:], causes=CAUSES[1:]).lost == 1


def test_an_effect_of_what_was_rolled_back_is_told_also_when_the_database_kept_it() -> None:
    assert told(EFFECTS, withdrawn=(12,)) == Verdict(lost=0, doubled=0, inverted=0, uncommitted=1)
