"""One HTTPS request through the edge on a tenant's own host, as a browser would make it."""

import json
import ssl
from dataclasses import dataclass

import httpx2

from .. import expiry
from ..activator import answers
from ..activator.visitors import OPERATOR_AGENT
from ..host_pages import PROBLEM

TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class Answer:
    """Who answers for a tenant: its app, as `/version` says, the page of a suspended brokerage, or the activator of one
    that is asleep; else a `problem`."""

    problem: str
    tenant_id: str = ""
    version: str = ""
    suspended: bool = False
    asleep: bool = False


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
                # Who asks only for this wakes nobody.
                headers={"Host": f"{host}:{port}", "Accept": "application/json", "User-Agent": OPERATOR_AGENT},
                extensions={"sni_hostname": host},
            )
        except httpx2.HTTPError as error:
            return Answer(f"the edge at {self._address} does not answer for {host}: {error!r}")
        connection = answer.extensions.get("network_stream")
        if connection is not None:
            expiry.note_shown(expiry.EDGE, connection.get_extra_info("ssl_object"))
        return understood(f"https://{host}:{port}/version", answer)

    async def close(self) -> None:
        await self._client.aclose()


def understood(url: str, answer: httpx2.Response) -> Answer:
    """Who gave this answer."""
    try:
        body = answer.json()
        if body.get("type") == PROBLEM:
            return Answer("", suspended=True)
        if body.get("type") == f"{answers.ROOT}{answers.ASLEEP.code}":
            return Answer("", asleep=True)
        if answer.is_success:
            return Answer("", str(body["tenant_id"]), str(body["version"]))
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError):
        if answer.is_success:
            return Answer(f"{url} is not answered by a tenant app")
    return Answer(f"{url} answers {answer.status_code}")
