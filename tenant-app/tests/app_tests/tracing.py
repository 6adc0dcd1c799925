"""Spans that are recorded in the test's process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rooftree.kernel.telemetry import Telemetry, TelemetrySettings

from .conftest import Tenant


@asynccontextmanager
async def tracing(tenant: Tenant, endpoint: str, ratio: float = 1.0) -> AsyncGenerator[Telemetry]:
    running = Telemetry(TelemetrySettings(otlp_endpoint=endpoint, trace_ratio=ratio), tenant.settings())
    await running.start()
    try:
        yield running
    finally:
        await running.stop()
