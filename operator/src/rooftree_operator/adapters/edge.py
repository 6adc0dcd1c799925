"""One HTTPS request through the edge on a tenant's own host, as a browser would make it."""

import json
import ssl
from dataclasses import dataclass

import httpx2

TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class Answer:
    """What the tenant's `/version` said; `problem` is empty if it answered as a tenant app does."""

    problem: str
    tenant_id: str = ""
    version: str = ""


class Edge:
    """The edge at `address` (host:port), whose certificate our own CA signed."""

    def __init__(self, address: str, ca_file: str) -> None:
        self._address = address
        self._client = httpx2.AsyncClient(
            verify=ssl.create_default_context(cafile=ca_file),
            timeout=TIMEOUT,
            trust_env=False,
            # A kept connection could be one to a proxy process that is gone.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def version(self, host: str, port: int) -> Answer:
        """Asks the tenant at `host` who it is."""
        try:
            answer = await self._client.get(
                f"https://{self._address}/version",
                headers={"Host": f"{host}:{port}"},
                extensions={"sni_hostname": host},
            )
        except httpx2.HTTPError as error:
            return Answer(f"the edge at {self._address} does not answer for {host}: {error!r}")
        if not answer.is_success:
            return Answer(f"https://{host}:{port}/version answers {answer.status_code}")
        try:
            body = answer.json()
            return Answer("", str(body["tenant_id"]), str(body["version"]))
        except (json.JSONDecodeError, KeyError, TypeError):
            return Answer(f"https://{host}:{port}/version is not answered by a tenant app")

    async def close(self) -> None:
        await self._client.aclose()
