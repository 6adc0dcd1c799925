"""What the stack's own Prometheus says: numbers, and which alerts are pending or fire."""

from __future__ import annotations

import time
from typing import Any

import httpx2

from ..conftest import required

TIMEOUT = 20.0  # seconds; it has to do while all faults are made


class Prometheus:
    """Asks; raises `httpx2.HTTPError` while there is no answer, which whoever looks again and again survives."""

    def __init__(self) -> None:
        self._client = httpx2.Client(
            base_url=required("ROOFTREE_TEST_PROMETHEUS_URL"), timeout=TIMEOUT, trust_env=False
        )

    def series(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        """What an instant query finds, now or at this Unix time."""
        return self._ask("query", query=query, time=time.time() if at is None else at)["result"]

    def value(self, query: str) -> float:
        """The sum of what it finds; 0 for nothing."""
        return sum(float(one["value"][1]) for one in self.series(query))

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are pending or fire: `labels` and `state`."""
        return self._ask("alerts")["alerts"]

    def close(self) -> None:
        self._client.close()

    def _ask(self, what: str, **parameters: Any) -> Any:
        return self._client.get(f"/api/v1/{what}", params=parameters).raise_for_status().json()["data"]
