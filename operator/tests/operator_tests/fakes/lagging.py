"""An apiserver of several: reads of Brokerages may be of one that is behind, as its own watch on etcd hangs."""

import builtins
import copy
from collections.abc import Mapping

from rooftree_operator.adapters.kubernetes import BROKERAGE, Kind
from rooftree_operator.drift import Object

from .faults import Faults
from .kubernetes import FakeKubernetes, Key


class LaggingKubernetes(FakeKubernetes):
    """Writes go to the one that is up to date. `behind`: how many versions of a Brokerage a read is older."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.versions: list[Object] = []
        self.behind = 0

    def _store(self, key: Key, item: Object, old: Object | None) -> Object:
        result = super()._store(key, item, old)
        if key[0] == BROKERAGE.kind:
            self.versions.append(copy.deepcopy(result))
        return result

    def seen(self) -> Object | None:
        """The Brokerage as a reader gets it."""
        if not self.versions:
            return None
        return copy.deepcopy(self.versions[max(0, len(self.versions) - 1 - self.behind)])

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        found = await super().get(kind, name, namespace)
        return self.seen() if kind == BROKERAGE and found else found

    async def list(
        self, kind: Kind, namespace: str | None = None, *, labels: Mapping[str, str | None]
    ) -> builtins.list[Object]:
        found = await super().list(kind, namespace, labels=labels)
        seen = self.seen()
        return [seen] if kind == BROKERAGE and found and seen else found
