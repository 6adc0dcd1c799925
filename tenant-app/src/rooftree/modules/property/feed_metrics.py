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

    def succeeded(self, feed: str, at: datetime) -> None:
        self._last_success.labels(feed).set(at.timestamp())
        self._failures.labels(feed)  # from the first run on, so that a rate has something to start from

    def failed(self, feed: str, last_success: datetime | None) -> None:
        """`last_success` may be another process's, which is gone; its age must go on counting."""
        self._failures.labels(feed).inc()
        if last_success is not None:
            self._last_success.labels(feed).set(last_success.timestamp())
