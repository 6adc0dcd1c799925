"""An apiserver whose children are followed by watches, as in the running operator: passes read what these told."""

from typing import Any

from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, KINDS, Kind
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.drift import Object
from rooftree_operator.handlers import KEPT

from .faults import Faults
from .kubernetes import FakeKubernetes, Key


class FollowedKubernetes(FakeKubernetes):
    """The watches tell of everything whenever things settle, as a listing of what carries our label."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.watched = Watched(lambda: 0.0)
        self.watched.keeps(KEPT)
        self.tell()

    def tell(self) -> None:
        for plural, kind in KEPT.items():
            items = [(_path(key), item) for key, item in self.objects.items() if key[0] == kind.kind and _is_ours(item)]
            told = self.watched.lists(plural, items)
            self.watched.listed(plural, told, str(self._number))

    def put(self, item: Object) -> Object:
        result = super().put(item)
        if _is_ours(result):
            key = self._key(result)
            self.watched.hears(_kind(key).plural, "MODIFIED", _path(key), result)
        return result

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        self.watched.writes(DEPLOYMENT.plural, f"{DEPLOYMENT.path(name, namespace)}/scale")
        await super().scale(name, namespace, replicas, version=version)

    def settle(self) -> set[str]:
        migrated = super().settle()
        self.tell()
        return migrated

    def _begin(self, write: str, key: Key) -> None:
        super()._begin(write, key)
        self.watched.writes(_kind(key).plural, _path(key))

    def _answered(self, answer: Object) -> Object:
        key = self._key(answer)
        self.watched.answered(_kind(key).plural, _path(key), answer)
        return answer

    async def apply(self, wanted: Object, *, subresource: str | None = None) -> Object:
        return self._answered(await super().apply(wanted, subresource=subresource))

    async def create(self, wanted: Object) -> Object:
        return self._answered(await super().create(wanted))


def _is_ours(item: Object) -> bool:
    labels: dict[str, Any] = item["metadata"].get("labels") or {}
    return labels.get(names.LABEL_MANAGED_BY) == names.MANAGER


def _kind(key: Key) -> Kind:
    return next(kind for kind in KINDS.values() if kind.kind == key[0])


def _path(key: Key) -> str:
    return _kind(key).path(key[2], key[1])
