"""`python -m rooftree_operator.activator`: lets requests of sleeping brokerages wait until it is told to stop."""

import asyncio
import resource
import signal
from contextlib import aclosing
from functools import partial

import structlog
import uvloop

from .. import logs
from ..adapters.kubernetes import Kubernetes
from . import sending
from .proxy import Proxy
from .server import serving
from .settings import Settings
from .waking import Waker

log = structlog.get_logger(__name__)

CALLS = 32  # of the API server at a time
WAKES = 1_000  # brokerages whose endpoints are followed at a time, each by a connection


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set, then as long as requests may still come and wait."""
    async with await Kubernetes.connect(CALLS, connections=CALLS + WAKES) as kube, sending.session() as http:
        waker = Waker(kube, partial(sending.is_ready, http), patience=settings.patience_seconds)
        proxy = Proxy(waker, http, patience=settings.patience_seconds)
        async with aclosing(waker), serving(proxy, settings) as ports:
            log.info("serving", port=ports.requests)
            await stop.wait()
            ports.draining = True
            proxy.leave()
            await asyncio.sleep(settings.drain_seconds)
    log.info("stopped")


async def _main(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def _allow_connections() -> None:
    """Every request that waits has a connection. Containers often begin with a soft limit of 1,024 files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    settings = Settings()
    logs.configure(settings.log_level)
    _allow_connections()
    uvloop.run(_main(settings))


if __name__ == "__main__":
    main()
