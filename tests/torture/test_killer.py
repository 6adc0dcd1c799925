"""What is struck follows from the seed, and nothing is spared."""

from itertools import islice

import pytest

from .killer import BACKENDS_DECK, LONGEST_HANG_SECONDS, WORKERS_DECK, blows

DECKS = [WORKERS_DECK, BACKENDS_DECK]


@pytest.mark.parametrize("deck", DECKS)
def test_the_same_seed_strikes_the_same_and_another_one_something_else(deck: list[tuple[str, str]]) -> None:
    first, again, other = (list(islice(blows(seed, deck, pause=10), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("deck", DECKS)
def test_each_card_of_the_deck_is_played_before_any_comes_again(deck: list[tuple[str, str]]) -> None:
    planned = blows(3, deck, pause=10)
    for _ in range(5):
        assert sorted((blow.target, blow.kind) for blow in islice(planned, len(deck))) == sorted(deck)


def test_some_hangs_are_longer_than_a_group_waits_for_a_member() -> None:
    hangs = [blow.seconds for blow in islice(blows(4, WORKERS_DECK, pause=10), 200) if blow.kind == "hang"]
    assert 10 < max(hangs) <= LONGEST_HANG_SECONDS
