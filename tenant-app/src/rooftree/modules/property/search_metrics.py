"""What search tells Prometheus: who answers, whether the index can be reached, and how far it is behind."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class SearchMetrics:
    def __init__(self, registry: CollectorRegistry, *, indexed: bool = True) -> None:
        # A tenant without an index has nothing that could be away.
        self.answered = Counter("rooftree_searches", "Searches by who answered.", ["source"], registry=registry)
        self.available = Gauge(
            "rooftree_search_available",
            "1: the search index could be reached at the last look.",
            registry=registry if indexed else None,
        )
        self.repaired = Counter(
            "rooftree_search_repaired", "Listings that a comparison found different.", registry=registry
        )
