"""Work that outlives a request but not the process: every task is held, its failure logged, its end awaited."""

import asyncio
import contextlib
import contextvars
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

import structlog

_CLEAN_UP_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class Background:
    """Spawns tasks in a context of their own and waits for them when the process stops."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        # A fresh context: the task must not believe that the caller's transaction or request is its own.
        task = asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_task_failed", task=task.get_name(), exc_info=error)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - a grace period, not a deadline of the caller
        """Give tasks `timeout` seconds to end, then cancel them and wait a little for those that clean up."""
        if not self._tasks:
            return
        _, pending = await asyncio.wait(set(self._tasks), timeout=timeout)
        for task in pending:
            task.cancel()
        if pending:
            _, stuck = await asyncio.wait(pending, timeout=_CLEAN_UP_SECONDS)
            for task in stuck:
                _log.warning("background_task_left", task=task.get_name())


class Loop(ABC):
    """Work without an end of a module's own: begun once the app has started, cancelled when it stops."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @abstractmethod
    async def _run(self) -> None:
        """The work; returns never by itself."""
