"""Jobs as modules declare them: plain data, so that nothing of the job library loads before the app is ready.

A job runs at least once: write it so that running it twice does no harm. It gets its payload as keyword arguments.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, kw_only=True)
class Job:
    """`name` is `<module>.<verb>`. `single`: at most one waiting and one running at any time, in the whole tenant."""

    name: str
    run: Callable[..., Awaitable[None]]
    cron: str | None = None
    at_start: bool = False
    single: bool = False
    attempts: int = 1
    """How often it may be tried before it counts as failed; tries are 5 s, 25 s, 125 s … apart.

    With more than one, a try that failed because something was away (`backoff.AWAY`) is followed by one every 5 s, for
    five hours.
    """


class Jobs(Protocol):
    """Puts jobs on the queue."""

    async def defer(
        self,
        name: str,
        *,
        session: AsyncSession | None = None,
        at: datetime | None = None,
        **payload: Any,
    ) -> bool:
        """Queue one run; with `session` in the caller's transaction. False: a `single` job is waiting already."""
        ...
