"""What Prometheus answers to an instant query."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from ..errors import Unavailable
from ..gate import Gate

TIMEOUT = 1.5  # seconds: less than a tick, so that an answer that comes late is none


@dataclass(frozen=True)
class Sample:
    """One value of an instant vector. `at`: when it holds, in seconds of the epoch."""

    labels: Mapping[str, str]
    at: float
    value: float


class Prometheus:
    """The server at `url`."""

    name = "prometheus"

    def __init__(self, url: str) -> None:
        self.gate = Gate(self.name, most=1)
        self._client = httpx2.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)

    async def vector(self, query: str) -> list[Sample]:
        """The vector that the query gives now. Raises `Unavailable`."""
        async with self.gate.call("query"):
            try:
                answer = await self._client.post("/api/v1/query", data={"query": query})
                body = answer.json()
            except httpx2.HTTPError as error:
                raise Unavailable("PrometheusUnreachable", f"Prometheus does not answer: {error!r}") from error
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise Unavailable("PrometheusUnreachable", f"no Prometheus answers: {answer.status_code}") from error
        return understood(body)

    async def close(self) -> None:
        await self._client.aclose()


def understood(body: Any) -> list[Sample]:
    """The samples of an answer. Raises `Unavailable` if it is an error."""
    try:
        if body["status"] != "success":
            raise Unavailable("PrometheusRefuses", f"Prometheus refuses: {body.get('error', body['status'])}")
        return [Sample(one["metric"], one["value"][0], float(one["value"][1])) for one in body["data"]["result"]]
    except (KeyError, TypeError, IndexError) as error:
        raise Unavailable("PrometheusRefuses", f"Prometheus answers what is no vector: {error!r}") from error
