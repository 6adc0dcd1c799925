"""Letting other tasks run until something is so."""

import asyncio
from collections.abc import Callable


async def until(check: Callable[[], object]) -> None:
    """Returns as soon as `check` says so; raises `TimeoutError` after five seconds."""
    async with asyncio.timeout(5):
        while not check():
            await others_run()


async def others_run() -> None:
    """Every other task that can go on goes on once."""
    await asyncio.sleep(0)
