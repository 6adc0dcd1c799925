"""Jobs as modules declare them: plain data, so that nothing of the job library loads before the app is ready.

A job runs at least once: write it so that running it twice does no harm. It gets its payload as keyword arguments,
which are plain JSON and no secrets: the queue keeps them for half a day, and administrators read it.

A tracked job (`Job.tracked`) is one that people see: its handler gets a `job_runs.Run` first, and says with `Run.step`,
in the transaction of each effect, how far it is.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.auth import Principal


@dataclass(frozen=True, kw_only=True)
class Job:
    """`name` is `<module>.<verb>`. `single`: at most one waiting and one running at any time, in the whole tenant."""

    name: str
    run: Callable[..., Awaitable[None]]
    cron: str | None = None
    at_start: bool = False
    stays_awake: Callable[[], bool] | None = None
    """Of a schedule: whether a brokerage that nobody uses stays awake for it. Without it, what it slept through is done
    once, when it wakes."""
    single: bool = False
    tracked: bool = False
    """People see how it goes. Put on the queue with `Jobs.ask`; never by a schedule."""
    attempts: int = 1
    """How often it may be tried before it counts as failed; tries are 5 s, 25 s, 125 s … apart.

    With more than one, a try that failed because something was away (`backoff.AWAY`) is followed by one every 5 s, for
    five hours.
    """
    hopeless: tuple[type[Exception], ...] = ()
    """After these no other try would end otherwise: there is none."""

    def check(self, payload: Mapping[str, Any]) -> None:
        """Raises TypeError for a payload that the handler does not take: who puts it on the queue is wrong."""
        given = {name: value for name, value in payload.items() if name != "run_id"}
        inspect.signature(self.run).bind(*([None] if self.tracked else []), **given)


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

    async def ask(self, name: str, *, session: AsyncSession, principal: Principal | None, **payload: Any) -> UUID:
        """Queue a tracked job for somebody, or for nobody but us, in the caller's transaction; the id of its run.

        Of a `single` one that is waiting already the id is that of the one who asked first.
        """
        ...
