"""What the watches have told of children, so that a pass need not ask for each again.

What a watch does not know of is missing, or has lost our label: to apply it anew is right for both. An object is kept
as text, which is small and a copy whenever it is read, and without `managedFields`. Versions are compared as numbers,
which Kubernetes promises for one kind (KEP-5504): so a watch that lags never covers what we have written since.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..drift import Object

# Seconds without a word after which a watch is not believed. Kopf begins it anew after 70 s without one, not even the
# bookmark of each minute.
SILENT = 75.0
FORGOTTEN = 3600.0  # seconds for which is kept that something went: far longer than an answer from before may take
FOREIGN = "namespaces"  # whose names are not in a place of ours: one that is there must not be taken for missing
SUBRESOURCES = ("/scale", "/status")


@dataclass(frozen=True)
class _Kept:
    """`text`: None if all that is known is that an object was there, gone or another, at this version.

    `gone`: that it was there at this version has nobody told.
    """

    version: int
    text: str | None
    gone: bool = False


@dataclass
class _Watch:
    """One kind by the paths of its objects.

    `heard`: when its watch last told anything, or began anew; None before it had listed.
    `told`: the version up to which all is known. `gone`: since when that is known of each. `own`: which version our
    own last write made of each.
    """

    kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    heard: float | None = None
    told: int = 0
    gone: deque[tuple[float, str, _Kept]] = field(default_factory=deque[tuple[float, str, _Kept]])
    own: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, path: str, kept: _Kept, now: float) -> bool:
        """Unless something newer is known; tells whether it was taken."""
        before = self.kept.get(path)
        if before is not None and before.version + before.gone > kept.version:
            return False
        self.kept[path] = kept
        if kept.gone:
            self.gone.append((now, path, kept))
        return True

    def forget(self, before: float) -> None:
        """What went before that moment, and of which nothing was heard since."""
        while self.gone and self.gone[0][0] < before:
            _, path, kept = self.gone.popleft()
            if self.kept.get(path) is kept:
                del self.kept[path]


class WentBack(Exception):
    """The API server has an earlier state than before: what we know may never have been. Whoever starts anew lists."""


class Watched:
    """Objects of the kinds that are `kept`, named by their plurals."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watches: dict[str, _Watch] = {}

    def keeps(self, plurals: Iterable[str]) -> None:
        self._watches = {plural: _Watch() for plural in plurals}

    def _heard(self, plural: str) -> _Watch:
        watch = self._watches.get(plural)
        if watch is None or watch.heard is None or self._clock() - watch.heard > SILENT:
            raise LookupError(f"no watch tells of {plural}")
        return watch

    def opens(self, plural: str) -> None:
        """The apiserver has answered a watch that goes on from where the one before ended: it tells at once of what was
        missed. A server whose etcd tells of no progress has no bookmarks for a kind of which nothing happens."""
        if (watch := self._watches.get(plural)) is not None and watch.heard is not None:
            watch.heard = self._clock()

    def breaks(self, plural: str) -> None:
        """The watch has ended with an error: what happened since may never be told, until all is listed anew."""
        if (watch := self._watches.get(plural)) is not None:
            watch.heard = None

    def find(self, plural: str, path: str) -> Object | None:
        """The object, or None if there is none. Raises LookupError if only the apiserver can tell."""
        watch = self._heard(plural)
        if (kept := watch.kept.get(path)) is None:
            if plural == FOREIGN:
                raise LookupError(f"{path} may be there, and somebody else's")
            return None
        if kept.text is None:
            raise LookupError(f"{path} has been written, or was deleted, since a watch told of it")
        return json.loads(kept.text)

    def having(self, plural: str, label: str, value: str) -> list[Object]:
        """All objects with this label that are known to be there. Raises LookupError if only the apiserver can tell."""
        watch = self._heard(plural)
        # Most have no such word at all, and are not read.
        texts = [kept.text for kept in watch.kept.values() if kept.text is not None and value in kept.text]
        return [item for item in map(json.loads, texts) if item["metadata"].get("labels", {}).get(label) == value]

    def unsure(self, plural: str) -> list[str]:
        """The paths of what only the apiserver can tell of: a write was refused, or got lost, or is not told of yet."""
        return [path for path, kept in self._heard(plural).kept.items() if kept.text is None and not kept.gone]

    def lists(self, plural: str, items: Iterable[tuple[str, Object]]) -> set[str]:
        """Takes a part of a listing, by paths, which it returns."""
        watch, told = self._watches.get(plural), set[str]()
        for path, item in items if watch else ():
            self._take(plural, path, item)
            told.add(path)
        return told

    def listed(self, plural: str, told: set[str], version: str) -> None:
        """The listing as of `version` is complete: what it did not tell of is gone. Raises `WentBack`."""
        if (watch := self._watches.get(plural)) is None:
            return
        if int(version) < watch.told:
            raise WentBack(f"{plural} are as of version {version}, and were as of {watch.told} before")
        gone = [path for path, kept in watch.kept.items() if path not in told and kept.version <= int(version)]
        for path in gone:
            del watch.kept[path]
            watch.own.pop(path, None)
        watch.heard, watch.told = self._clock(), int(version)

    def hears(self, plural: str, event: str, path: str, item: Object) -> None:
        """Takes an event of the watch; also a bookmark, which only says that there was nothing else."""
        if (watch := self._watches.get(plural)) is None:
            return
        watch.heard, watch.told = self._clock(), max(watch.told, _version(item))
        watch.forget(watch.heard - FORGOTTEN)
        if event == "DELETED":
            watch.own.pop(path, None)
            watch.take(path, _Kept(_version(item), None, gone=True), watch.heard)
        elif event in ("ADDED", "MODIFIED"):
            self._take(plural, path, item)

    def writes(self, plural: str, path: str) -> None:
        """Something is being sent to `path`, whose answer may get lost: what is known of it does not count any more."""
        own = _own(path)
        if (watch := self._watches.get(plural)) is not None:
            kept = watch.kept.get(own) or _Kept(0, None, gone=True)
            watch.take(own, _Kept(kept.version, None, kept.gone), self._clock())

    def answered(self, plural: str, path: str, answer: Object, *, deleted: bool = False) -> None:
        """What the apiserver answered to what was sent to `path`: the object as it is now, or at least its version.

        To a deletion it answers, for some kinds, with the object as it was, at the very version of the event.
        """
        watch = self._watches.get(plural)
        if watch is None or "resourceVersion" not in answer.get("metadata", {}):
            return
        item, version = _own(path), _version(answer)
        if item not in watch.kept and version <= watch.told:
            return  # it was on its way so long that a listing since then has not told of the object any more
        if deleted or path.endswith(SUBRESOURCES):
            is_newest = watch.take(item, _Kept(version, None), self._clock())
        else:
            is_newest = self._take(plural, path, answer)
        if is_newest and not deleted:
            watch.own[item] = version

    def is_own(self, plural: str, path: str, item: Object) -> bool:
        """Whether the object is as our own last write has made it, which is news to nobody here."""
        watch = self._watches.get(plural)
        return watch is not None and watch.own.get(path) == _version(item)

    def _take(self, plural: str, path: str, item: Object) -> bool:
        metadata: dict[str, Any] = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
        text = json.dumps({**item, "metadata": metadata}, separators=(",", ":"))
        return self._watches[plural].take(path, _Kept(_version(item), text), self._clock())


def _own(path: str) -> str:
    """Of the object that a subresource belongs to."""
    for end in SUBRESOURCES:
        path = path.removesuffix(end)
    return path


def _version(item: Object) -> int:
    return int(item["metadata"]["resourceVersion"])
