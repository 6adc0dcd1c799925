"""What must be the same after a crash: everything that exists of a brokerage, and how often it was made. Pure.

A duplicate is a thing that is there twice: two tenant ids for one brokerage, two databases, two topics of one name.
That a request is sent again is none, as every one of ours may be: but what was made, with an answer that a living
process read, must not be made again (`repeated`): whoever does so has not looked. Unless it was deleted in between.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .crash_points import Trace

# They come and go with pods, or by what the app does, at any time.
PASSING = {"Pod", "ReplicaSet.apps", "EndpointSlice.discovery.k8s.io", "group", "index", "alias", "keys", "objects"}
ID = re.compile(r"[0-9a-f]{8}")
MAKING = re.compile(r"[a-z0-9]+\.(create|insert)\.(?!probe$|Event$|registry$)\w+|postgres\.insert\.registry")


@dataclass(frozen=True)
class State:
    """What exists of a brokerage, without what differs between two of them, and how often; tombstones beside it."""

    things: Counter[str]
    passing: Counter[str]
    tombstones: int

    @classmethod
    def of(cls, slug: str, found: Mapping[str, Any], objects: Iterable[Mapping[str, Any]]) -> State:
        """Of an inventory of the slug, with each id that it ever had, and of its objects with all that they declare."""
        things, passing = Counter[str](), Counter[str]()
        for item in found["items"]:
            text = normal(" ".join(filter(None, (item["system"], item["kind"], item["name"], item["detail"]))), slug)
            (passing if item["kind"] in PASSING else things)[text] += 1
        declared = Counter(normal(json.dumps(comparable(one), sort_keys=True), slug) for one in objects)
        return cls(things + declared, passing, len(found["tombstones"]))


@dataclass(frozen=True)
class Verdict:
    """All empty when the crash did no harm."""

    orphans: tuple[str, ...] = ()
    """There, and not in the undisturbed run."""
    missing: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    """There more often than in the undisturbed run."""
    repeated: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return self == Verdict()


def compared(expected: State, found: State) -> Verdict:
    """What differs; when nothing is to be left, nothing passing is either."""
    there = found.things if expected.things else found.things + found.passing
    more = there - expected.things
    twice = [text for text in more if text in expected.things]
    if found.tombstones > expected.tombstones:
        twice.append(f"{found.tombstones} tombstones")
    missing = list(expected.things - there)
    if found.tombstones < expected.tombstones:
        missing.append("tombstone")
    return Verdict(
        orphans=tuple(sorted(more.keys() - set(twice))),
        missing=tuple(sorted(missing)),
        duplicates=tuple(sorted(twice)),
    )


def repeated(expected: Trace, before: Trace, after: Trace) -> tuple[str, ...]:
    """What was made more often than in the undisturbed run, although each time somebody knew that it was."""
    more = before.done + after.done - expected.done

    def is_again(name: str) -> bool:
        system, _, kind = name.split(".")
        return MAKING.fullmatch(name) is not None and more[name] > more[f"{system}.delete.{kind}"]

    return tuple(sorted(filter(is_again, more)))


def normal(text: str, slug: str) -> str:
    """The text with the same words for the same thing of any brokerage."""
    return re.sub(rf"{re.escape(slug)}-{ID.pattern}", "<id>", text).replace(slug, "<slug>")


def comparable(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an object declares: no versions, times or generated secrets; of a Brokerage also what it tells."""
    metadata = {name: item["metadata"].get(name) for name in ("name", "namespace", "labels", "finalizers")}
    rest = {name: value for name, value in item.items() if name not in ("metadata", "status", "data", "stringData")}
    spec = json.loads(json.dumps(rest.get("spec", {})))
    for name in ("clusterIP", "clusterIPs", "replicas"):
        spec.pop(name, None)
    spec.get("template", {}).get("metadata", {}).pop("annotations", None)
    data = sorted(item.get("data") or {})
    going = "deletionTimestamp" in item["metadata"]
    told = _told(item.get("status", {})) if item["kind"] == "Brokerage" else {}
    return {**rest, "metadata": metadata, "spec": spec, "data": data, "going": going, "told": told}


def _told(status: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {one["type"]: [one["status"], one["reason"]] for one in status.get("conditions", [])}
    rotation = {name: value for name, value in status.get("rotation", {}).items() if name in ("phase", "generation")}
    told = {name: status.get(name) for name in ("phase", "tenantID")}
    return told | {"conditions": conditions, "rotation": rotation}
