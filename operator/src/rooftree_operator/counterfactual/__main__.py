"""`python -m rooftree_operator.counterfactual`: serves the page of replays until it is told to stop."""

import asyncio
import signal

import structlog
import uvloop

from .. import logs
from ..adapters.prometheus import Prometheus
from .server import Replays, serving
from .settings import Settings

log = structlog.get_logger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set; who is being answered by then still is."""
    prometheus = Prometheus(settings.prometheus_url, settings.prometheus_seconds)
    try:
        async with serving(Replays(prometheus, patience=settings.patience_seconds), settings) as port:
            log.info("serving", port=port)
            await stop.wait()
    finally:
        await prometheus.close()
    log.info("stopped")


async def _main(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def main() -> None:
    settings = Settings()
    logs.configure(settings.log_level)
    uvloop.run(_main(settings))


if __name__ == "__main__":
    main()
