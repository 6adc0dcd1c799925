"""What this process has sent, by its own count."""

from prometheus_client import REGISTRY


def effects(system: str | None = None) -> float:
    """Requests that were named as changing something, to one system or to all."""
    found = [
        one for metric in REGISTRY.collect() if metric.name == "rooftree_operator_effects" for one in metric.samples
    ]
    counts = [one for one in found if one.name.endswith("_total")]
    return sum(one.value for one in counts if system in (None, one.labels["system"]))
