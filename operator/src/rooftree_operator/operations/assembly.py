"""Puts the kinds of operations together; a new kind is a line here and one in `api/operations.py`."""

from collections.abc import Callable
from functools import partial

from ..adapters.kubernetes import PLAN
from ..adapters.postgres_swaps import Swaps
from ..api.operations import OperationKind
from ..backends import Backends
from ..reconcile import Reconciler
from ..resolving import Resolver
from .artifacts import Artifacts
from .backup import Backup
from .drill import Drill
from .keyring import Keyring
from .loading import Loading
from .restore import Restore
from .running import Operations
from .work import Bench, Work


def operations(
    reconciler: Reconciler, backends: Backends, artifacts: Artifacts, swaps: Swaps, wake: Callable[[str], None]
) -> Operations:
    """Operations on the brokerages of `reconciler`; `wake` has one of these looked at now."""
    kube, platform = reconciler.kube, reconciler.platform
    bench, keyring = Bench(kube, artifacts.place, wake), Keyring(kube, platform.namespace)
    lease = reconciler.deletion.lease
    loading = Loading(bench, artifacts, keyring, backends.postgres)
    works: dict[str, Work] = {
        OperationKind.BACKUP: Backup(bench, artifacts, keyring),
        OperationKind.RESTORE: Restore(loading, backends, swaps, lease),
        OperationKind.DRILL: Drill(loading),
        OperationKind.CLONE: Restore(loading, backends, swaps, lease, is_clone=True),
    }
    resolver = Resolver(kube, reconciler.releases, platform, partial(kube.get, PLAN))
    return Operations(
        kube=kube,
        resolver=resolver,
        works=works,
        now=reconciler.now,
        namespace=platform.namespace,
        turns=reconciler.turns,
        shards=reconciler.shards,
        artifacts=artifacts,
        wake=wake,
    )
