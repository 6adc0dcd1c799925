"""The operator that runs, around the passes of a world: what it has of its own is real, and nothing of it has begun."""

from typing import Any

from rooftree_operator.health import Health
from rooftree_operator.reconcile import Reconciler
from rooftree_operator.runtime import Operator
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import WorkQueue

from .world import World

UNUSED: Any = None


def operator(
    world: World,
    *,
    queue: WorkQueue | None = None,
    storms: Storms | None = None,
    reconciler: Reconciler | None = None,
) -> Operator:
    """Its clock stands still, but for what is given. `reconciler`: of another shard."""
    operations = world.processes[reconciler.shards.own] if reconciler else world.operations
    queue = queue or WorkQueue(lambda: 100.0)
    return Operator(
        settings=UNUSED,
        queue=queue,
        kube=world.kube,
        backends=world.backends,
        registry=UNUSED,
        reconciler=reconciler or world.reconciler,
        purge=world.purge,
        pool=world.pool,
        templates=world.templates,
        releases=world.releases,
        lease=UNUSED,
        storms=storms or Storms(lambda: 100.0),
        health=Health(queue, lambda: 100.0),
        operations=operations,
        artifacts=operations.artifacts,
    )
