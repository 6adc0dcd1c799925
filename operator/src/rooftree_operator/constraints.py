"""What may not be done with a tenant now, and why: `status.constraints`. Pure.

A constraint is known before anybody tries. It is asked of the part itself that would refuse; so it says what that says.
"""

from dataclasses import replace
from typing import Any

from .api.brokerage import Topology
from .provisioners import modules
from .tenant import Tenant


def constraints(tenant: Tenant) -> list[dict[str, Any]]:
    """The constraints in force, by type."""
    found: list[dict[str, Any]] = []
    apart = replace(tenant, spec=tenant.spec.model_copy(update={"topology": Topology.MICROSERVICES}))
    if refusal := modules.refused(apart):
        found.append(_refused("Microservices", refusal.reason, refusal.message))
    if not tenant.platform.s3_url:
        message = "photos cannot be kept: a platform admin must give this installation an object storage"
        found.append(_refused("Photos", "NotConfigured", message))
    return found


def _refused(kind: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": "False", "reason": reason, "message": message}
