"""Names what differs in Kubernetes, field by field, and who did it as far as the API server remembers. Pure.

A stamp on each object tells whose the difference is: if it is that of the object that we want, we wanted the same when
we applied it last, so somebody else changed it since. If it is another one, it is we who want something new.
"""

import json
from typing import Any, cast

from .drift import Object, Path, differing, spelled, stamp_of
from .names import ANNOTATION_APPLIED, MANAGER
from .serving import ANNOTATION_SECRETS

OURS = frozenset({MANAGER, f"{MANAGER}-scale"})
MOST = 4  # paths of one object that are named
_SECRETS: Path = ("spec", "template", "metadata", "annotations", ANNOTATION_SECRETS)
_STAMP: Path = ("metadata", "annotations", ANNOTATION_APPLIED)


def is_foreign(wanted: Object, seen: Object | None) -> bool:
    """Whether somebody else's change is what `wanted`, which is stamped, sets back."""
    return seen is None or stamp_of(seen) in (stamp_of(wanted), None)


def is_renewal(wanted: Object, seen: Object | None) -> bool:
    """Whether pods stay as they are but for the secrets that they read at their start."""
    paths = set(differing(wanted, seen)) if seen else set[Path]()
    return _SECRETS in paths and paths <= {_SECRETS, _STAMP}


def words(wanted: Object, seen: Object | None) -> str:
    """For example `Deployment app: .spec.template.spec.containers[0].image (by kubectl-edit)`."""
    name = f"{wanted['kind']} {wanted['metadata']['name']}"
    if seen is None:
        return f"{name}: missing"
    paths = [path for path in differing(wanted, seen) if path != _STAMP]
    if not paths:
        return f"{name}: a field that is wanted no more"
    shown = ", ".join(spelled(path) for path in paths[:MOST])
    more = f" and {len(paths) - MOST} more" if len(paths) > MOST else ""
    by = sorted({manager for path in paths if (manager := culprit(seen, path))})
    return f"{name}: {shown}{more}" + (f" (by {', '.join(by)})" if by else "")


def culprit(seen: Object, path: Path) -> str | None:
    """The field manager, other than ours, that last set the field; None: nobody is remembered."""
    entries: list[Object] = seen["metadata"].get("managedFields") or []
    claims = [e for e in entries if e.get("manager") not in OURS and _claims(e.get("fieldsV1"), seen, path)]
    return max(claims, key=lambda entry: entry.get("time", ""))["manager"] if claims else None


def _claims(fields: Object | None, seen: Object, path: Path) -> bool:
    return bool(fields) and _owns(fields, seen, path)


def _owns(fields: Object, value: Any, path: Path) -> bool:
    """Whether a set of fields, as `managedFields` spells it, has the path in `value`, or a whole or a part of it."""
    if not fields or not path:
        return True
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = cast("list[Any]", value) if isinstance(value, list) else []
        inner = items[step] if step < len(items) else None
        return any(_owns(fields[key], inner, rest) for key in fields if _is_key_of(key, inner))
    inner = cast("Object", value).get(step) if isinstance(value, dict) else None
    key = f"f:{step}"
    return key in fields and _owns(fields[key], inner, rest)


def _is_key_of(key: str, item: Any) -> bool:
    """Whether a key such as `k:{"name":"app"}` is that of this item of a list."""
    if not key.startswith("k:") or not isinstance(item, dict):
        return False
    have, wanted = cast("Object", item), cast("Object", json.loads(key[2:]))
    return all(have.get(name) == value for name, value in wanted.items())
