"""What the activator tells of itself: of all brokerages together, as one of each would be thousands of series."""

from prometheus_client import Counter, Gauge, Histogram

WAITING = Gauge("rooftree_activator_waiting", "Requests that wait for the first word of an app's answer.")
WAKES = Counter(
    "rooftree_activator_wakes", "Brokerages that had to answer: woken, awake already, or not in time.", ["result"]
)
WAKE_SECONDS = Histogram(
    "rooftree_activator_wake_seconds",
    "From the first request to the first readiness of a brokerage that was woken.",
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 20, 30),
)
for _result in ("woken", "awake", "late"):
    WAKES.labels(_result)  # from the beginning, as 0: the first one is an increase, too
REQUESTS = Counter("rooftree_activator_requests", "Requests by what became of them.", ["result"])
