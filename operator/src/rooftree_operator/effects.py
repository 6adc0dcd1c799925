"""Counts every mutating request to every system, at the client wrappers.

An unchanged tenant must cause none (the `idle_writes` figure): adapters call `count` before each request that writes.
Kind `lease` is the heartbeat of the holder election, not an effect on any tenant.
"""

from prometheus_client import Counter

from . import tracing

EFFECTS = Counter(
    "rooftree_operator_effects", "Mutating requests sent, by system, verb and kind.", ["system", "verb", "kind"]
)


def count(system: str, verb: str, kind: str) -> None:
    """Notes one mutating request, for example ("kubernetes", "apply", "Deployment")."""
    EFFECTS.labels(system, verb, kind).inc()
    tracing.note_change()
