"""`python -m rooftree_operator`: runs the operator until it is told to stop or loses the Lease."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import prometheus_client
import uvloop

from . import composition, effects, handlers, logs, tracing
from .settings import Settings
from .tracing import Trace


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
    logs.configure(settings.log_level)
    effects.begin(settings.drilled())
    prometheus_client.start_http_server(settings.metrics_port)
    uvloop.run(_run(settings))


if __name__ == "__main__":
    main()
