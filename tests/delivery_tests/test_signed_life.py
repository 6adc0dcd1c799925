"""What operator and app, who are strangers, must agree on: how long something signed is good for."""

from rooftree.modules.identity import tokens
from rooftree.modules.identity.domain import ACCESS_LIFE
from rooftree_operator.generations import SIGNED_LIFE


def test_a_former_signing_key_is_forgotten_only_when_nothing_that_it_signed_is_good_any_more() -> None:
    assert ACCESS_LIFE + tokens._LEEWAY <= SIGNED_LIFE
