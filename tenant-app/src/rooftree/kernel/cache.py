"""The tenant's part of Redis: copies that may vanish at any time. Away, slow or refusing, it is a miss, never an error.

A request never connects and never waits longer than the budget. The connection is made in the background, first when
the cache is first used, and again after a failure, with growing pauses; until then every read is a miss at once. One
connection a process: commands take parts of a millisecond.

Only GET, SET, INCRBY and UNLINK are sent; the operator allows these, the handshake and little else, for keys under the
tenant's prefix.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from opentelemetry.trace import SpanKind

from rooftree.kernel.background import Background
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.resp import Connection
from rooftree.kernel.settings import Secrets, SettingsSection
from rooftree.kernel.telemetry import span

BUDGET_SECONDS = 0.05
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE = 0.5  # seconds before a new connection, doubled each time
_LONGEST_PAUSE = 4.0  # with the time to connect, it is used again within 10 s after it is back
_log = structlog.get_logger(__name__)


class RedisSettings(SettingsSection):
    """Where the cache is; without a host there is none."""

    redis_host: str = ""
    redis_port: int = 6379
    redis_user: str = "default"


class Cache:
    """Byte strings under short keys, each for a limited time."""

    def __init__(
        self,
        settings: RedisSettings,
        secrets: Secrets,
        *,
        tenant_id: str,
        ca_file: Path | None,
        metrics: Metrics,
        background: Background,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._prefix = f"{tenant_id}."
        self._ca_file = ca_file
        self._counted = metrics.cache
        self._background = background
        self._redis: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._loading: dict[str, asyncio.Task[bytes]] = {}
        self._closed = False

    async def get(self, key: str) -> bytes | None:
        """None: not there, or the cache is away."""
        sent, found = await self._send(b"GET", self._key(key))
        self._counted.labels("away" if not sent else "hit" if found is not None else "miss").inc()
        return found

    async def set(self, key: str, value: bytes, ttl: float) -> bool:
        """Keep `value` for `ttl` seconds; whether the cache was there to take it."""
        milliseconds = max(1, round(ttl * 1000))
        sent, _ = await self._send(b"SET", self._key(key), value, b"PX", b"%d" % milliseconds)
        return sent

    async def increase(self, key: str, by: int, ttl: float) -> int | None:
        """The counter `key` with `by` added; it lasts `ttl` seconds from when it began. None: the cache is away."""
        word = self._key(key)
        sent, _ = await self._send(b"SET", word, b"0", b"PX", b"%d" % round(ttl * 1000), b"NX")
        sent, total = await self._send(b"INCRBY", word, b"%d" % by) if sent else (False, None)
        return int(total) if sent and total is not None else None

    async def delete(self, *keys: str) -> None:
        """Forget, if the cache is there; a value that must not outlive a change needs its version in its key."""
        await self._send(b"UNLINK", *map(self._key, keys))

    async def get_or_load(self, key: str, ttl: float, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """The kept value, or that of `load`; who asks for the same key meanwhile waits for the same `load`.

        Its error goes to all of them and is not kept. The key must name all that the value depends on.
        """
        if (running := self._loading.get(key)) is None:
            running = asyncio.get_running_loop().create_task(self._load(key, ttl, load))
            self._loading[key] = running
            running.add_done_callback(lambda _: self._loading.pop(key, None))
        # One caller that goes away must not end it for the others.
        return await asyncio.shield(running)

    async def close(self) -> None:
        """Let go of the connection; from here on everything is a miss."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        self._drop()

    def _key(self, key: str) -> bytes:
        return f"{self._prefix}{key}".encode()

    async def _load(self, key: str, ttl: float, load: Callable[[], Awaitable[bytes]]) -> bytes:
        if (kept := await self.get(key)) is not None:
            return kept
        value = await load()
        await self.set(key, value, ttl)
        return value

    async def _send(self, command: bytes, *words: bytes) -> tuple[bool, bytes | None]:
        """Whether it was answered in time, and the answer."""
        redis, name = self._redis, command.decode()
        if redis is None:
            self._connect()
            return False, None
        try:
            with span(name, SpanKind.CLIENT, {"db.system.name": "redis", "db.operation.name": name}):
                async with asyncio.timeout(BUDGET_SECONDS):
                    return True, await redis.command(command, *words)
        except Exception as error:
            # Whatever it is, the answer to it is the same; the log says what it was.
            _log.warning("cache_failed", command=name, exc_info=error)
            if self._redis is redis:
                self._drop()
                self._connect()
            return False, None

    def _connect(self) -> None:
        if self._settings.redis_host and self._connecting is None and not self._closed:
            self._connecting = self._background.spawn("cache.connect", self._connected())
            self._connecting.add_done_callback(lambda _: setattr(self, "_connecting", None))

    async def _connected(self) -> None:
        """Returns when there is a connection, however long that takes."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._redis = await self._opened()
            except Exception as error:
                _log.warning("cache_is_away", exc_info=error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                _log.info("cache_is_connected")
                return

    async def _opened(self) -> Connection:
        return await Connection.open(
            self._settings.redis_host,
            self._settings.redis_port,
            user=self._settings.redis_user,
            password=self._secrets.read("redis_password").get_secret_value(),
            ca_file=self._ca_file,
        )

    def _drop(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            redis.close()
