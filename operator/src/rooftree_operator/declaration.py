"""In short, what a tenant is made from: as long as it is the same, a difference is somebody else's work. Pure.

The operator's own sources count, too: a new version may want something else, and nobody has changed anything then.
"""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from .api.plan import BrokeragePlanSpec
from .tenant import Tenant

LENGTH = 12  # hexadecimal digits
# They hold the operator back, or tell what becomes of the tenant, its pods or its data one day, and declare nothing of
# what it is made from.
_NOT_OF_THE_TENANT = {
    "pause",
    "management_policy",
    "deletion_policy",
    "deletion_protection",
    "rotation",
    "backup",
    "sleep",
}
# Of a plan: what it says of spares concerns no brokerage that is there, and backups are no part of one; nor is sleep.
_NOT_OF_A_TENANT = {"warm", "backup", "sleep"}


def digest(tenant: Tenant) -> str:
    """Of spec, plan, release, platform and operator."""
    spec = tenant.spec.model_dump(mode="json", exclude=_NOT_OF_THE_TENANT)
    return _digest([spec, tenant.plan, asdict(tenant.release), asdict(tenant.platform), _operator()])


def of_plan(plan: BrokeragePlanSpec) -> str:
    return _digest(plan)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _plain(value: object) -> Any:
    if isinstance(value, BrokeragePlanSpec):
        return value.model_dump(mode="json", exclude=_NOT_OF_A_TENANT)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    raise TypeError(f"no digest of {type(value).__name__}")


@cache
def _operator() -> str:
    """The hash of our sources: the package's version stays the same between two builds."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for source in sorted(root.rglob("*.py")):
        total.update(str(source.relative_to(root)).encode() + b"\0" + source.read_bytes() + b"\0")
    return total.hexdigest()
