"""Compares a wanted Kubernetes object with the observed one, so that nothing is written when nothing differs. Pure.

Server-side apply of an unchanged object would still be a request. Two marks tell: the hash of what was applied last
(catches fields that are no longer wanted) and a deep comparison of the wanted fields (catches changes by others).
"""

import hashlib
import json
import re
from decimal import Decimal
from typing import Any, cast

from .names import ANNOTATION_APPLIED

Object = dict[str, Any]
Path = tuple[str | int, ...]

_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_SCALE = {
    None: Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip


def stamped(wanted: Object) -> Object:
    """`wanted` with the hash of itself as an annotation."""
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    metadata = wanted["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_APPLIED: digest}
    return {**wanted, "metadata": {**metadata, "annotations": annotations}}


def differing(wanted: Any, observed: Any, path: Path = ()) -> list[Path]:
    """Paths of wanted fields that the observed object lacks or holds with another value."""
    if isinstance(wanted, dict):
        if not isinstance(observed, dict):
            return [path]
        have = cast("Object", observed)
        fields = cast("Object", wanted).items()
        return [found for name, value in fields for found in differing(value, have.get(name), (*path, name))]
    if isinstance(wanted, list):
        items, have_items = cast("list[Any]", wanted), cast("list[Any]", observed or [])
        if len(items) != len(have_items):
            return [path]
        pairs = enumerate(zip(items, have_items, strict=True))
        return [found for i, (item, have) in pairs for found in differing(item, have, (*path, i))]
    return [] if _same(wanted, observed) else [path]


def differences(wanted: Any, observed: Any) -> list[str]:
    """The same paths as people write them."""
    return [spelled(path) for path in differing(wanted, observed)]


def spelled(path: Path) -> str:
    """A path as people write it; a name with dots of its own in brackets."""

    def step(part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        return f"['{part}']" if "." in part or "/" in part else f".{part}"

    return "".join(map(step, path))


def is_current(wanted: Object, observed: Object | None) -> bool:
    """Whether applying `wanted` would change nothing."""
    return observed is not None and not differing(wanted, observed)


def stamp_of(item: Object) -> str | None:
    """The hash of what was applied last."""
    annotations: dict[str, str] = item["metadata"].get("annotations") or {}
    return annotations.get(ANNOTATION_APPLIED)


def _same(wanted: Any, observed: Any) -> bool:
    if wanted == observed:
        return True
    # The apiserver writes quantities in its own spelling: 1000m becomes 1.
    left, right = quantity(wanted), quantity(observed)
    return left is not None and left == right


def quantity(value: Any) -> Decimal | None:
    """The number behind a Kubernetes quantity such as 250m or 1Gi; None if it is none."""
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    return Decimal(match[1]) * _SCALE[match[2]] if match else None


def pending(wanted: list[Object], seen: list[Object | None]) -> tuple[Object, ...]:
    """Those of `wanted`, stamped, that differ from what was seen at the same place."""
    pairs = zip((stamped(item) for item in wanted), seen, strict=True)
    return tuple(item for item, have in pairs if not is_current(item, have))
