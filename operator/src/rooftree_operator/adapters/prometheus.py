"""What Prometheus answers to an instant query."""

import httpx2

from ..gate import Gate

TIMEOUT = 1.5  # seconds: less than a tick, as an answer that comes late tells of the past


class NoAnswer(Exception):
    """Nobody answers at that address, or not in time."""


class Prometheus:
    """The server at `url`."""

    name = "prometheus"

    def __init__(self, url: str) -> None:
        self.gate = Gate(self.name, most=1)
        self._client = httpx2.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)

    async def query(self, text: str) -> bytes:
        """The answer, be it an error of the query, as it came. Raises `NoAnswer`."""
        async with self.gate.call("query"):
            try:
                return (await self._client.post("/api/v1/query", data={"query": text})).content
            except httpx2.HTTPError as error:
                raise NoAnswer(f"Prometheus does not answer: {error!r}") from error

    async def close(self) -> None:
        await self._client.aclose()
