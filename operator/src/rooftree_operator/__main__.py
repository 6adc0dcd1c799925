"""`python -m rooftree_operator`: runs the operator until it is told to stop or loses the Lease."""

import logging
from contextlib import AsyncExitStack

import prometheus_client
import structlog
import uvloop

from . import effects, handlers, runtime
from .settings import Settings


def configure_logs(level: str) -> None:
    """JSON lines, ours and those of libraries; Kopf's per-object chatter only when something is wrong."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    renderer = structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # At DEBUG the Kafka client would log its whole configuration, the password too.
    for name in ("kopf.objects", "kopf.activities", "httpx2", "aiohttp", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def _run(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        await handlers.run(settings, await runtime.build(settings, stack))


def main() -> None:
    settings = Settings()
    configure_logs(settings.log_level)
    effects.begin(settings.drilled())
    prometheus_client.start_http_server(settings.metrics_port)
    uvloop.run(_run(settings))


if __name__ == "__main__":
    main()
