"""Elasticsearch as the operator needs it: a tenant's role, user, index template and indices, and a look as the tenant.

Plain REST: a dozen requests do not need the client library, which takes most of a second to load.
"""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from .. import effects
from ..drift import Object
from ..errors import LoginRefused, Unavailable
from ..gate import Gate

CONNECT_TIMEOUT = 3.0  # seconds
TIMEOUT = 15.0  # seconds for one request; a new index on a busy node takes well under one
PING_TIMEOUT = 4.0  # seconds
NAMES_A_REQUEST = 50  # indices deleted by one request; they stand in its path


@dataclass(frozen=True)
class Server:
    """How to reach Elasticsearch."""

    url: str
    user: str
    password: str = field(repr=False)
    ca_file: str


@dataclass(frozen=True)
class Login:
    """Somebody to be instead of our own user."""

    user: str
    password: str = field(repr=False)


class Elasticsearch:
    """One cluster."""

    name = "elasticsearch"

    def __init__(self, server: Server, most: int = 8) -> None:
        self.gate = Gate(self.name, most)
        self.server = server
        self._client = httpx2.AsyncClient(
            base_url=server.url,
            auth=(server.user, server.password),
            verify=ssl.create_default_context(cafile=server.ca_file),
            timeout=httpx2.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT),
            limits=httpx2.Limits(max_connections=most + 1),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """Asks the cluster itself, whatever the gate says. Raises `Unavailable` if it does not let us in."""
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await self._request("GET", "/_security/_authenticate")
        except TimeoutError as error:
            raise self._unreachable(error) from error

    async def role(self, name: str) -> Object | None:
        found = await self._look(f"/_security/role/{name}")
        return found[name] if found else None

    async def user(self, name: str) -> Object | None:
        """Without its password, of which the cluster tells nothing."""
        found = await self._look(f"/_security/user/{name}")
        return found[name] if found else None

    async def template(self, name: str) -> Object | None:
        found = await self._look(f"/_index_template/{name}")
        return found["index_templates"][0]["index_template"] if found else None

    async def put_role(self, name: str, body: Object) -> None:
        await self._change("put", "role", f"/_security/role/{name}", body)

    async def put_user(self, name: str, body: Object) -> None:
        await self._change("put", "user", f"/_security/user/{name}", body)

    async def put_template(self, name: str, body: Object) -> None:
        await self._change("put", "template", f"/_index_template/{name}", body)

    async def delete_role(self, name: str) -> None:
        await self._change("delete", "role", f"/_security/role/{name}")

    async def delete_user(self, name: str) -> None:
        await self._change("delete", "user", f"/_security/user/{name}")

    async def delete_template(self, name: str) -> None:
        await self._change("delete", "template", f"/_index_template/{name}")

    async def indices(self, prefix: str) -> list[str]:
        """Names of all indices, closed and hidden ones too, that begin with `prefix`."""
        found = await self._look(f"/_resolve/index/{prefix}*?expand_wildcards=all") or {}
        named = [index["name"] for index in found.get("indices", [])]
        return [name for name in named if name.startswith(prefix)]

    async def delete_indices(self, indices: Iterable[str]) -> None:
        """Deletes exactly these; those that are gone are fine."""
        wanted = sorted(indices)
        for start in range(0, len(wanted), NAMES_A_REQUEST):
            some = ",".join(wanted[start : start + NAMES_A_REQUEST])
            await self._change("delete", "index", f"/{some}?ignore_unavailable=true")

    async def probe(self, login: Login, role: Object) -> None:
        """Asks as the tenant whether it may do all that `role` grants; no index need be there for that.

        Raises `LoginRefused` if it does not get in, and `Unavailable` if it may not.
        """
        wanted = {"cluster": role["cluster"], "index": role["indices"]}
        found = await self._send("POST", "/_security/user/_has_privileges", wanted, login)
        if not found["has_all_requested"]:
            raise Unavailable("ElasticsearchRefused", f"{self._where} refuses {_subject(login)} what its role grants")

    async def _look(self, path: str) -> Object | None:
        """What is there; None if nothing is."""
        return await self._send("GET", path, missing_is_fine=True)

    async def _change(self, verb: str, kind: str, path: str, body: Object | None = None) -> None:
        self.gate.check()
        method = "DELETE" if verb == "delete" else "PUT"
        with effects.sending("elasticsearch", verb, kind):
            await self._send(method, path, body, missing_is_fine=verb == "delete")

    async def _send(self, method: str, *what: Any, **how: Any) -> Any:
        """A request in the gate."""
        async with self.gate.call(method):
            return await self._request(method, *what, **how)

    async def _request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        login: Login | None = None,
        *,
        missing_is_fine: bool = False,
    ) -> Any:
        who: dict[str, Any] = {"auth": (login.user, login.password)} if login else {}
        try:
            answer = await self._client.request(method, path, json=body, **who)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if answer.is_success:
            return answer.json()
        if answer.status_code == 404 and missing_is_fine:
            return None
        message = f"{self._where} refuses {_subject(login)}: {_words(answer)}"
        if login and answer.status_code == 401:
            raise LoginRefused(message)
        raise Unavailable("ElasticsearchRefused", message)

    @property
    def _where(self) -> str:
        return f"Elasticsearch at {self.server.url}"

    def _unreachable(self, error: Exception) -> Unavailable:
        words = str(error) or type(error).__name__
        return Unavailable("ElasticsearchUnreachable", f"{self._where} does not answer: {words}")


def _subject(login: Login | None) -> str:
    return f"the tenant's own user {login.user}" if login else "the operator"


def _words(answer: httpx2.Response) -> str:
    """Why, in the cluster's own words."""
    try:
        reason = str(answer.json()["error"]["reason"])
    except (ValueError, KeyError, TypeError):
        reason = answer.reason_phrase
    return f"{reason[:300]} ({answer.status_code})"
