"""The operator passes every oracle, wherever it dies; and each planted bug fails the one that is there for it."""

import os

import pytest

from .planted import BUGS, ORACLES

# Of the calls that may be disturbed, each, or some: `make full` tries all of them.
STEP = 1 if os.environ.get("THOROUGH") else 9
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("oracle", ORACLES)
async def test_without_a_bug_every_oracle_is_content(oracle: str) -> None:
    await ORACLES[oracle](STEP)


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, oracle, words = BUGS[bug]
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=words):
        await oracle(1)


def test_every_oracle_has_a_bug_to_notice() -> None:
    assert {id(oracle) for _, oracle, _ in BUGS.values()} == {id(oracle) for oracle in ORACLES.values()}
