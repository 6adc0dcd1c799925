"""What in a Brokerage's spec holds the operator back, and how that ends. Pure; loads in no time, as the plugin must."""

import json
from collections.abc import Mapping
from typing import Any

CHANGES, EVERYTHING, OBSERVE = "Changes", "Everything", "Observe"
LEVELS = (CHANGES, EVERYTHING, OBSERVE)
CONDITIONS = ("Paused", "Observed")
"""Conditions that are there only while the operator is held back; the reason is the level."""


def level(spec: Mapping[str, Any]) -> str | None:
    """Whoever pauses everything means it; whoever only observes changes nothing, paused or not."""
    if spec.get("pause") == EVERYTHING:
        return EVERYTHING
    return OBSERVE if spec.get("managementPolicy") == OBSERVE else spec.get("pause")


def ending(spec: Mapping[str, Any]) -> str | None:
    """The merge patch of a Brokerage that ends the level in force; None: nothing holds the operator back."""
    found = level(spec)
    if found is None:
        return None
    return json.dumps({"spec": {"managementPolicy": "Manage"} if found == OBSERVE else {"pause": None}})
