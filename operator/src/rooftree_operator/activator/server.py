"""The activator's two ports: requests from the edge on one, probes and metrics on the other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .proxy import Proxy
from .sending import MOST_OF_HEAD
from .settings import Settings

BACKLOG = 4096  # connections that the kernel keeps while we are busy; the edge opens one for each waiting request
BUFFER = 16 * 1024  # bytes of a body that are read before anybody wants them; twice that, and the sender is held back
LEFT = 5.0  # seconds beyond the patience that an answer may take once we stop
CUT = 1.0  # seconds in which what is left then has to end


@dataclass
class Ports:
    """Where it listens; with port 0 in the settings, the kernel has chosen. While `draining`, it is not ready."""

    requests: int = 0
    own: int = 0
    draining: bool = False


@asynccontextmanager
async def serving(proxy: Proxy, settings: Settings, *, host: str = "") -> AsyncGenerator[Ports]:
    """Serves until it is left; requests that are here by then are still answered. `host`: empty, all addresses."""
    ports = Ports()
    own = web.AppRunner(_about(ports), access_log=None)
    await own.setup()
    try:
        ports.own = await _listen(own, host, settings.own_port)
        requests = web.ServerRunner(_server(proxy), shutdown_timeout=CUT)
        await requests.setup()
        try:
            ports.requests = await _listen(requests, host, settings.port)
            yield ports
        finally:
            await _end(requests, proxy, settings.patience_seconds + LEFT)
    finally:
        await own.cleanup()


def _server(proxy: Proxy) -> web.Server:
    return web.Server(
        proxy,
        # A client that leaves frees its place.
        handler_cancellation=True,
        # Bodies are handed on as they are.
        auto_decompress=False,
        access_log=None,
        read_bufsize=BUFFER,
        max_line_size=MOST_OF_HEAD,
        max_field_size=MOST_OF_HEAD,
    )


async def _end(requests: web.BaseRunner, proxy: Proxy, seconds: float) -> None:
    """Takes no more connections, and leaves those that are here so much time.

    Only then the library ends: from its beginning on it drops what a body still brings.
    """
    for site in list(requests.sites):
        await site.stop()
    proxy.leave()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await proxy.idle()
    await requests.cleanup()


async def _listen(runner: web.BaseRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host or None, port, backlog=BACKLOG)
    await site.start()
    return site.port


def _about(ports: Ports) -> web.Application:
    """What the kubelet and Prometheus ask. It is answered in the loop that serves: if that hangs, so does this."""

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="stopping\n", status=503) if ports.draining else web.Response(text="ready\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/livez", live)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app
