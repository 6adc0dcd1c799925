"""Tasks that live and die together, also where one does not notice that it shall die."""

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN = 1.0  # seconds after which a task that goes on is cancelled once more


async def together(*parts: Coroutine[Any, Any, Any]) -> None:
    """Runs all until the first fails or all are done, and ends the others before it raises what that one did.

    `asyncio.TaskGroup` cancels once. Python's `wait_for` (until 3.12) and libraries lose that when what they wait for
    comes at the same moment, as all does in a process that was stopped and goes on: the group would wait for ever.
    """
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _ended(tasks)
    for task in done:
        task.result()


async def _ended(tasks: list[asyncio.Task[Any]]) -> None:
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN)
