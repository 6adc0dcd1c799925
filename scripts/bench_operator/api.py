"""The apiserver as an administrator sees it, with as little as possible between: JSON over one pool of connections."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import yaml
from rooftree_operator.adapters.kubernetes import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

Object = dict[str, Any]
ROUTE_STATUS = "application/merge-patch+json"
# Of the apiserver's fair queues, the one that the operator's requests are in; control plane and nodes have others.
SERVICE_ACCOUNTS = 'flow_schema="service-accounts"'
AGAIN = 0.5  # seconds after which a watch that was refused is tried again, from a new list
DISPATCHED = "apiserver_flowcontrol_dispatched_requests_total{"


class Refused(Exception):
    """The apiserver refused a request."""


class Api:
    """Requests by path. `manager` is the field manager that changes are made under."""

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def send(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Object:
        """Sends one request; raises `Refused` with the apiserver's words."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(
            method, f"{self._server}{path}", data=data, headers={"Content-Type": content}
        ) as answer:
            if not answer.ok:
                raise Refused(f"{method} {path}: {answer.status} {(await answer.text())[:400]}")
            return await answer.json()

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object:
        return await self.send("GET", kind.path(name, namespace))

    async def list(self, kind: Kind, *, labels: str = "", namespace: str | None = None) -> list[Object]:
        """All of a kind, with what a list leaves out of its items."""
        found = await self.send("GET", f"{kind.path(None, namespace)}?labelSelector={labels}")
        return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in found["items"]]

    async def create(self, wanted: Object) -> Object:
        kind = KINDS[wanted["apiVersion"], wanted["kind"]]
        return await self.send("POST", kind.path(None, wanted["metadata"].get("namespace")), wanted)

    async def merge(self, kind: Kind, name: str, body: Object, namespace: str | None = None, part: str = "") -> Object:
        """Merge patch of the object, or of its subresource `part` (`/status`)."""
        return await self.send("PATCH", f"{kind.path(name, namespace)}{part}", body, ROUTE_STATUS)

    async def follow(
        self, kind: Kind, *, labels: str = "", namespace: str | None = None, begun: asyncio.Event | None = None
    ) -> AsyncGenerator[Object]:
        """Objects as they are, and then each time that one is new or changed; without end.

        `begun` is set when all that were there are told of: of whatever happens from then on nothing is missed.
        """
        while True:
            path = f"{kind.path(None, namespace)}?labelSelector={labels}"
            found = await self.send("GET", path)
            for item in found["items"]:
                yield item
            if begun is not None:
                begun.set()
            async for item in self._changes(path, found["metadata"]["resourceVersion"]):
                yield item

    async def _changes(self, path: str, version: str) -> AsyncGenerator[Object]:
        """Until the apiserver ends the watch, or does not begin it: it may still be loading what it is to watch."""
        path = f"{path}&watch=1&resourceVersion={version}"
        async with self._session.get(f"{self._server}{path}", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            if answer.status != HTTPStatus.OK:
                await asyncio.sleep(AGAIN)
                return
            while line := await answer.content.readline():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                if event["type"] != "DELETED":
                    yield event["object"]

    async def requests_of_service_accounts(self) -> float:
        """Requests that the apiserver has taken from service accounts outside kube-system: from the operator's."""
        async with self._session.get(f"{self._server}/metrics") as answer:
            return dispatched(await answer.text())


def dispatched(text: str) -> float:
    """The sum of the samples that count the operator's requests."""
    lines = [line for line in text.splitlines() if line.startswith(DISPATCHED) and SERVICE_ACCOUNTS in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def address() -> str:
    """Of the stack's apiserver."""
    return yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]["server"]


def pki() -> Path:
    """Where the stack's certificates are."""
    return Path(os.environ["ROOFTREE_CA_FILE"]).parent


def trust(*, client: str | None = None, authority: str = "ca") -> ssl.SSLContext:
    """Trust in an authority of the stack, with the certificate of `client` if one is to be shown."""
    context = ssl.create_default_context(cafile=str(pki() / f"{authority}.crt"))
    if client:
        context.load_cert_chain(pki() / f"{client}.crt", pki() / f"{client}.key")
    return context


@asynccontextmanager
async def connect(server: str, *, connections: int = 32) -> AsyncIterator[Api]:
    """The apiserver at `server` (https://host:port), as the stack's administrator."""
    connector = aiohttp.TCPConnector(ssl=trust(client="admin"), limit=connections)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**22) as session:
        yield Api(server, session)


async def until(answer: Any, *, within: float, what: str, every: float = 0.1) -> Any:
    """Asks the async callable `answer` until it says something true; `what` was awaited, if it does not in time."""
    deadline = asyncio.get_running_loop().time() + within
    while not (found := await answer()):
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"{what} within {within:.0f} s")
        await asyncio.sleep(every)
    return found
