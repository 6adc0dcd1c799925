"""A cache of the app on a Redis of its own, which can be killed and stopped at will."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rooftree.kernel import cache as cache_module
from rooftree.kernel.background import Background
from rooftree.kernel.cache import Cache, RedisSettings
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import Secrets

from .ports import free_port


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time is not what is tested, an answer may take as long as a machine of tests needs."""
    monkeypatch.setattr(cache_module, "BUDGET_SECONDS", 10.0)


@asynccontextmanager
async def opened(tenant_id: str = "acme-0a1b2c3d", password: str = "x", **settings: Any) -> AsyncGenerator[Cache]:
    background = Background()
    cache = Cache(
        RedisSettings(**{name: value for name, value in settings.items() if name != "ca_file"}),
        Secrets(Path("/nonexistent"), {"redis_password": password}),
        tenant_id=tenant_id,
        ca_file=settings.get("ca_file"),
        metrics=Metrics("test"),
        background=background,
    )
    try:
        yield cache
    finally:
        await cache.close()
        await background.close(1)


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + 15
    while not await condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def connected(cache: Cache) -> Cache:
    async def works() -> bool:
        await cache.set("probe", b"1", 60)
        return await cache.get("probe") == b"1"

    await until(works, "the cache never connected")
    return cache


def counted(cache: Cache, result: str) -> float:
    return cache._counted.labels(result)._value.get()


class RedisServer:
    """A server of its own on loopback, to be killed and stopped at will."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        argv = ("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp")
        self.child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"
                time.sleep(0.02)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
