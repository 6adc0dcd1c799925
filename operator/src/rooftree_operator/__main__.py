"""`python -m rooftree_operator`: runs the operator until it is told to stop or loses the Lease."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

import prometheus_client
import structlog
import uvloop

from . import composition, effects, handlers, tracing
from .settings import Settings
from .tracing import Trace


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


async def _send_traces(settings: Settings, stack: AsyncExitStack) -> None:
    def opened() -> tuple[Callable[[Trace], None], Callable[[], None]]:
        from . import span_export  # takes a moment, and is needed only where somebody takes traces

        return span_export.opened(settings.otlp_endpoint, settings.pod_name)

    tracing.sending.take, close = await asyncio.to_thread(opened)
    stack.push_async_callback(asyncio.to_thread, close)


async def _run(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        if settings.otlp_endpoint:
            await _send_traces(settings, stack)
        await handlers.run(settings, await composition.build(settings, stack))


def main() -> None:
    settings = Settings()
    configure_logs(settings.log_level)
    effects.begin(settings.drilled())
    prometheus_client.start_http_server(settings.metrics_port)
    uvloop.run(_run(settings))


if __name__ == "__main__":
    main()
