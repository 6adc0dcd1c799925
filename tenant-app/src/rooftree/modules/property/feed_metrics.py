"""Numbers about feeds: two series each."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge


class FeedMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._last_success = Gauge(
            "rooftree_feed_last_success_timestamp_seconds",
            "When everything of the feed was last read and compared.",
            ["feed"],
            registry=registry,
        )
        self._failures = Counter("rooftree_feed_run_failures", "Runs that failed.", ["feed"], registry=registry)

    def known(self, feed: str, last_success: datetime | None) -> None:
        """Before a run, also one that is put off. Who read it last may be a process that is gone; its age goes on."""
        self._failures.labels(feed)  # so that a rate has something to start from
        if last_success is not None:
            self._last_success.labels(feed).set(last_success.timestamp())

    def succeeded(self, feed: str, at: datetime) -> None:
        self._last_success.labels(feed).set(at.timestamp())

    def failed(self, feed: str) -> None:
        self._failures.labels(feed).inc()
