"""What Prometheus answers to queries."""

import httpx2

from ..gate import Gate

TIMEOUT = 1.5  # seconds: less than a tick, as an answer that comes late tells of the past


class NoAnswer(Exception):
    """Nobody answers at that address, or not in time."""


class Prometheus:
    """The server at `url`, which has `timeout` seconds for an answer."""

    name = "prometheus"

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.gate = Gate(self.name, most=1)
        self._client = httpx2.AsyncClient(base_url=url, timeout=timeout, trust_env=False)

    async def query(self, text: str) -> bytes:
        """The answer, be it an error of the query, as it came. Raises `NoAnswer`."""
        return await self._asked("query", {"query": text})

    async def query_range(self, text: str, *, start: int, end: int, step: int) -> bytes:
        """The same for each `step` seconds from `start` to `end`, in Unix seconds, both included."""
        return await self._asked("query_range", {"query": text, "start": start, "end": end, "step": step})

    async def _asked(self, path: str, data: dict[str, str | int]) -> bytes:
        async with self.gate.call(path):
            try:
                return (await self._client.post(f"/api/v1/{path}", data=data)).content
            except httpx2.HTTPError as error:
                raise NoAnswer(f"Prometheus does not answer: {error!r}") from error

    async def close(self) -> None:
        await self._client.aclose()
