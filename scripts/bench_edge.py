"""Requests to brokerages through the stack's edge, cheap enough to make a load of."""

from __future__ import annotations

import os
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

EDGE = "https://127.0.0.1:8443"
PATIENCE = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True)
class Edge:
    """The edge with the stack's own CA; hosts need no DNS."""

    session: aiohttp.ClientSession

    async def status(self, host: str, path: str, headers: Mapping[str, str]) -> int:
        """Of a GET whose answer was read to its end; 0 if none came."""
        wanted = {**headers, "Host": f"{host}:8443"}
        try:
            async with self.session.get(f"{EDGE}{path}", headers=wanted, server_hostname=host) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


@asynccontextmanager
async def connect() -> AsyncIterator[Edge]:
    """Connections are kept and as many as are needed; no cookie is."""
    context = ssl.create_default_context(cafile=os.environ["ROOFTREE_CA_FILE"])
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=PATIENCE) as session:
        yield Edge(session)


async def measured(expression: str) -> dict[str, float]:
    """What the stack's Prometheus answers to an instant query, by the label `tenant`, or "" without one."""
    url = f"{os.environ['ROOFTREE_TEST_PROMETHEUS_URL']}/api/v1/query"
    async with (
        aiohttp.ClientSession(timeout=PATIENCE) as session,
        session.post(url, data={"query": expression}, raise_for_status=True) as answer,
    ):
        found: dict[str, Any] = await answer.json()
    return {one["metric"].get("tenant", ""): float(one["value"][1]) for one in found["data"]["result"]}
