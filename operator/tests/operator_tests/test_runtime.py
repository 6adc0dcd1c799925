"""What the running operator does around its passes."""

from typing import Any

from rooftree_operator.runtime import Operator
from rooftree_operator.workqueue import WorkQueue

from .world import World, brokerage

UNUSED: Any = None


def operator(world: World) -> Operator:
    return Operator(
        settings=UNUSED,
        queue=WorkQueue(lambda: 100.0),
        kube=world.kube,
        postgres=world.postgres,
        registry=UNUSED,
        reconciler=world.reconciler,
        templates=world.templates,
        releases=world.releases,
        lease=UNUSED,
    )


async def test_a_resync_feeds_every_tenant_while_postgres_is_away() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    world.postgres.down = True
    running = operator(world)
    await running._feed_all()
    assert [running.queue.pop(), running.queue.pop(), running.queue.pop()] == ["release/1.0.0", "tenant/acme", None]
