"""The operator of a shard stopped while it makes brokerages that are then moved: what wakes up does nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ..conftest import Database, Kubectl, fresh_name, manifest, until
from ..test_shards import LABEL, had_by, move
from ..test_shards import shard as shard
from .test_takeover import TAKEOVER_SECONDS, TENANTS, Operators, Stopped, sessions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..test_shards import Shard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600, func_only=True)]


@pytest.fixture
def names(kubectl: Kubectl, shard: Shard) -> Iterator[list[str]]:
    chosen = [fresh_name("over") for _ in range(TENANTS)]
    yield chosen
    kubectl.delete_brokerage(*chosen)


@pytest.fixture
def operators(kubectl: Kubectl, shard: Shard) -> Operators:
    return Operators(kubectl, shard.operator)


def test_brokerages_that_are_moved_away_from_a_stopped_operator_are_made_once_by_the_other_one(
    kubectl: Kubectl,
    shard: Shard,
    operators: Operators,
    names: list[str],
    superuser: Database,
    figure: Callable[..., None],
) -> None:
    operators.acting()
    began = time.time()
    for name in names:
        item = manifest(name)
        item["metadata"]["labels"] = {LABEL: shard.name}
        kubectl.apply(item)
    until(
        "ids",
        lambda: [kubectl.get("brokerage", name).get("status", {}).get("tenantID") for name in names],
        seconds=60,
        enough=any,
        every=0.05,
    )
    stopped = Stopped.now(operators)
    try:
        for name in names:
            move(kubectl, name, "")
        until(
            "the default operator has them",
            lambda: [had_by(kubectl, name) for name in names],
            enough=lambda shards: not any(shards),
            seconds=60,
            every=0.1,
        )
        takeover = time.time() - stopped.at
        stopped.wake()
    finally:
        stopped.let_go()
    for name in names:
        kubectl.wait_ready(name)
    assert stopped.writes(began, stopped.at), "it had been at it"
    effects = stopped.writes(stopped.woken, time.time())
    figure(
        "operator of a shard stopped, and its brokerages moved away",
        takeover_seconds=round(takeover, 2),
        stale_effects=len(effects),
    )
    assert takeover <= TAKEOVER_SECONDS
    assert effects == []
    assert sessions_of(superuser, stopped.epoch, shard.operator) == 0
    for name in names:
        namespaces = kubectl.items("namespaces", "-l", f"rooftree.dev/brokerage={name}")
        assert len(namespaces) == 1
        assert had_by(kubectl, name) == ""
        assert kubectl.conditions(name)["Ready"]["status"] == "True"
