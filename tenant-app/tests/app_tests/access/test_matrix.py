"""Every operation as every caller on records in every place, with every field of the answers, against the real app.

What is expected is written by hand in `truth`. An operation, a letter or a field that nobody thought of fails.
"""

import sys

import pytest

from ..identity.conftest import Brokerage
from . import truth
from .matrix import METHODS, Matrix
from .probes import OPEN, PROBES, SESSION
from .world import build


def test_every_operation_is_tried() -> None:
    assert {probe.operation for probe in PROBES} | OPEN.keys() | SESSION.keys() == METHODS.keys()


@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_every_caller_gets_what_the_matrix_says(brokerage: Brokerage, capsys: pytest.CaptureFixture[str]) -> None:
    world = await build(brokerage)
    world.sql("DROP SCHEMA IF EXISTS kept CASCADE")
    world.sql("CREATE SCHEMA kept")
    world.sql("CREATE TABLE kept.sessions AS SELECT * FROM gateway.sessions")
    matrix = Matrix(world)
    try:
        for probe in PROBES:
            for column in probe.columns():
                for caller in truth.CALLERS:
                    await matrix.cell(probe, column, caller)
        await matrix.whoever_asks()
        await matrix.sessions()
    finally:
        world.sql("DROP SCHEMA kept CASCADE")
    with capsys.disabled():
        sys.stdout.write(f"\n{matrix.told()}\n")
    assert matrix.wrong == []
    assert matrix.counted["requests"] >= 9_000
    assert set(matrix.outcomes) >= {"ok", "401", "403", "404", "409", "/list_agent_id", "?/user_id", "?/assigned_to"}


def test_the_truth_is_whole() -> None:
    """Each probe has a letter for every caller and column, and knows what it means."""
    for probe in PROBES:
        callers = set(truth.CALLERS) - set(truth.UNKNOWN)
        assert probe.letters.keys() == {(caller, column) for caller in callers for column in probe.columns()}
        assert set(probe.letters.values()) <= set(probe.says), probe.operation
