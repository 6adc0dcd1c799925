"""What this process has sent, by its own count."""

from prometheus_client import REGISTRY


def effects(system: str | None = None) -> float:
    """Requests that were named as changing something, to one system or to all."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "rooftree_operator_effects_total" and system in (None, sample.labels["system"])
    )
