"""Between which counts, and for which latency, the pods of a Deployment are counted by load. Pure.

They stand on the Deployment itself, so that whoever counts needs nothing else, and an admin sees them where they act.
"""

import json
from typing import Any

from .. import fitting, names
from ..api.scaling import ScalingMode
from ..drift import Object
from ..tenant import Tenant
from .policy import Limits


def mode(tenant: Tenant) -> ScalingMode:
    """Who counts. Where nobody measures what arrives, load is measured by CPU."""
    wanted = tenant.spec.autoscaling.mode
    if tenant.plan.replicas.min == tenant.plan.replicas.max:
        return ScalingMode.FIXED
    return ScalingMode.HPA if wanted is ScalingMode.LOAD_TUNED and not tenant.platform.measures_load else wanted


def annotations(tenant: Tenant) -> dict[str, dict[str, str]]:
    """Of each Deployment of a tenant, as part of its metadata; empty if its pods are not counted by load."""
    if mode(tenant) is not ScalingMode.LOAD_TUNED:
        return {}
    limits = {
        "floor": tenant.plan.replicas.min,
        "ceiling": fitting.most(tenant),
        "objectiveMilliseconds": tenant.plan.autoscaling.objective_milliseconds,
    }
    return {"annotations": {names.ANNOTATION_SCALING: json.dumps(limits)}}


def of(deployment: Object) -> Limits | None:
    """None: its pods are not counted by load, or somebody has spoilt what says how."""
    annotations: dict[str, str] = deployment["metadata"].get("annotations") or {}
    try:
        found: dict[str, Any] = json.loads(annotations[names.ANNOTATION_SCALING])
        return Limits(found["objectiveMilliseconds"] / 1000, int(found["floor"]), int(found["ceiling"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
