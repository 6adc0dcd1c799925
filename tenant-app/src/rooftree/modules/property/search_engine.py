"""The connection to Elasticsearch: one pool, TLS checked, every request with a time limit.

Only the transport of the official client is used: its generated API costs 0.5 s and 18 MiB at import and would add
nothing to requests that are plain JSON. It loads in the background; until then Elasticsearch counts as away.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import urlencode, urlsplit

import orjson
import structlog
from opentelemetry.trace import SpanKind
from pydantic import AfterValidator

from rooftree.kernel.errors import Unavailable
from rooftree.kernel.settings import Secrets, SettingsSection
from rooftree.kernel.telemetry import span

if TYPE_CHECKING:
    from elastic_transport import AsyncTransport

CONNECTIONS = 8
SEARCH_SECONDS = 1.0
WRITE_SECONDS = 30.0
_BUSY = frozenset({429, 502, 503, 504})
_REFUSED = frozenset({401, 403})
_NOT_FOUND = 404
_log = structlog.get_logger(__name__)
Json = dict[str, Any]


def _url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise ValueError("must be an http or https URL without user and query")
    return value.rstrip("/")


class ElasticsearchSettings(SettingsSection):
    """Where the search index is; without a URL PostgreSQL answers all searches."""

    elasticsearch_url: Annotated[str, AfterValidator(_url)] = ""
    elasticsearch_user: str = ""


class EngineAway(Unavailable):
    """Elasticsearch does not answer, is too busy, or does not let us in."""

    code: ClassVar[str] = "search-unavailable"
    title: ClassVar[str] = "The search index is away"


class IndexMissing(EngineAway):
    """There is no such index or alias (any more)."""


class EngineRefused(Exception):
    """A request that Elasticsearch does not understand: a fault of ours. Says the kind of error, no values."""


class Engine:
    def __init__(self, settings: ElasticsearchSettings, secrets: Secrets, ca_file: Path | None) -> None:
        self._settings = settings
        self._secrets = secrets
        self._ca_file = ca_file
        self._transport: AsyncTransport | None = None
        self._opening = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def open(self) -> None:
        """Load the library beside the event loop; connects with the first request."""
        async with self._opening:
            if self._transport is None:
                make = await asyncio.to_thread(self._load)
                self._transport = make()

    def _load(self) -> "Callable[[], AsyncTransport]":
        from elastic_transport import AsyncTransport, JsonSerializer, NdjsonSerializer, TextSerializer
        from elastic_transport.client_utils import basic_auth_to_header, url_to_node_config

        class Quick(JsonSerializer):
            """Reads answers, most of them pages of listings, in a tenth of the time."""

            def json_loads(self, data: bytes) -> Any:
                return orjson.loads(data)

        password = self._secrets.read("elasticsearch_password").get_secret_value()
        config = url_to_node_config(self._settings.elasticsearch_url, use_default_ports_for_scheme=True)
        options: Json = {
            "headers": {"authorization": basic_auth_to_header((self._settings.elasticsearch_user, password))},
            "connections_per_node": CONNECTIONS,
        }
        if config.scheme == "https":
            options["ssl_context"] = ssl.create_default_context(cafile=self._ca_file)
        config = config.replace(**options)
        serializers = {kind.mimetype: kind() for kind in (Quick, TextSerializer, NdjsonSerializer)}
        return lambda: AsyncTransport([config], max_retries=0, meta_header=False, serializers=serializers)

    async def close(self) -> None:
        async with self._opening:
            transport, self._transport = self._transport, None
            if transport is not None:
                await transport.close()

    async def get(self, path: str, **parameters: str) -> Json:
        return await self.send("GET", path, timeout=WRITE_SECONDS, **parameters)

    async def post(self, path: str, body: Json | None = None, **parameters: str) -> Json:
        return await self.send("POST", path, body, timeout=WRITE_SECONDS, **parameters)

    async def search(self, path: str, body: Json, **parameters: str) -> Json:
        return await self.send("POST", path, body, timeout=SEARCH_SECONDS, **parameters)

    async def searches(self, path: str, bodies: Iterable[Json]) -> list[Json]:
        """The answers of several searches, asked at once. Raises as `send` does if one of them fails."""
        lines = [line for body in bodies for line in ({}, body)]
        answer = await self.send("POST", path, _lines(lines), timeout=SEARCH_SECONDS)
        for one in answer["responses"]:
            await self._check(one["status"], one)
        return answer["responses"]

    async def bulk(self, path: str, lines: list[Json], **parameters: str) -> Json:
        return await self.send("POST", path, _lines(lines), timeout=WRITE_SECONDS, **parameters)

    async def send(
        self,
        method: str,
        path: str,
        body: Json | str | None = None,
        *,
        timeout: float,  # noqa: ASYNC109 - the library's own, for one request
        **parameters: str,
    ) -> Json:
        """One request's JSON. Raises EngineAway (IndexMissing for 404) or EngineRefused."""
        await self.open()
        assert self._transport is not None
        from elastic_transport import TransportError

        kind = "x-ndjson" if isinstance(body, str) else "json"
        headers = {"accept": "application/json"} | ({"content-type": f"application/{kind}"} if body else {})
        operation = path.rpartition("/")[2]
        attributes = {"db.system.name": "elasticsearch", "db.operation.name": operation, "http.request.method": method}
        try:
            with span(f"{method} {operation}" if operation.startswith("_") else method, SpanKind.CLIENT, attributes):
                answer = await self._transport.perform_request(
                    method,
                    f"{path}?{urlencode(parameters)}" if parameters else path,
                    body=body,
                    headers=headers,
                    request_timeout=timeout,
                )
        except TransportError as error:
            raise EngineAway(f"Elasticsearch does not answer: {type(error).__name__}.") from error
        await self._check(answer.meta.status, answer.body)
        return answer.body

    async def _check(self, status: int, body: Any) -> None:
        if status < 400:
            return
        reason = _kind(body)
        if status == _NOT_FOUND:
            raise IndexMissing(f"Elasticsearch has no such index: {reason}.")
        if status in _BUSY:
            raise EngineAway(f"Elasticsearch is busy: {status} {reason}.")
        if status in _REFUSED:
            await self.close()  # the next attempt reads the password again: it may be a new one
            raise EngineAway(f"Elasticsearch does not let us in: {status} {reason}.")
        raise EngineRefused(f"{status} {reason}")


def _lines(lines: Iterable[Json]) -> str:
    return "".join(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n" for line in lines)


def _kind(body: Any) -> str:
    """The type of an error; its reason may quote what people typed."""
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("type")) if isinstance(error, dict) else "unknown"


class Breaker:
    """After a failure nobody asks for some seconds; then one may try, and its luck decides for all."""

    def __init__(self, *, pause: float = 3.0, now: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._now = now
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether asking makes no sense now."""
        return self._now() < self._closed_until

    def allows(self) -> bool:
        """True for everybody, or for the one who tries; its caller must report how it went."""
        if self._closed_until == 0.0:
            return True
        if self.is_open:
            return False
        self._closed_until = self._now() + self._pause
        return True

    def succeeded(self) -> None:
        self._closed_until = 0.0

    def failed(self) -> None:
        self._closed_until = self._now() + self._pause
