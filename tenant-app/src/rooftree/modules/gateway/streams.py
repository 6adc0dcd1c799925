"""What one open page hears (server-sent events): changes of what its person may see, from when it asks or from where
it was cut off.

Events: `hello` begins; `change` names a resource and the ids that changed (none: many); `reset` says that something
may be missing, so everything shown has to be read anew; `beat` that the connection is alive; `bye` that it is of no
use to come back at once. Each carries the id to go on from. A stream ends with its session, when rights change, when
the process stops, and after ten minutes: whoever still looks at the page comes back, so nobody's forgotten page keeps
a session or a brokerage awake.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rooftree.contracts.access.hearing import heard
from rooftree.kernel.auth import Principal
from rooftree.kernel.database import REQUEST_SECONDS, Patience, patience
from rooftree.kernel.ears import Ears, Notice
from rooftree.kernel.errors import Problem, TooManyRequests, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from prometheus_client import Gauge

LIFE_SECONDS = 600.0
BEAT_SECONDS = 15.0
# Who is asked again whether they are who they were: before each delivery, and this often.
CHECK_SECONDS = 5.0
MOST_OF_A_USER = 8
MOST = 500
_RETRY_MS = 2_000

Again = Callable[[], Awaitable[Principal]]


class Streams:
    """Those of this process."""

    def __init__(self, ears: Ears, count: "Gauge") -> None:
        """`count`: tells how many there are."""
        self._ears = ears
        self._count = count
        self._open: Counter[UUID] = Counter()

    def open(self, user_id: UUID) -> None:
        """Raises Unavailable where nothing can be heard now, TooManyRequests for one too many."""
        if not self._ears.listening:
            raise Unavailable("Nothing can be heard now; ask again.")
        if self._open[user_id] >= MOST_OF_A_USER or self._open.total() >= MOST:
            raise TooManyRequests("Too many pages follow what changes.", retry_after=30)
        self._open[user_id] += 1
        self._count.set(self._open.total())

    def close(self, user_id: UUID) -> None:
        self._open[user_id] -= 1
        if self._open[user_id] <= 0:
            del self._open[user_id]
        self._count.set(self._open.total())

    async def follow(self, principal: Principal, last_id: str | None, again: Again) -> AsyncGenerator[bytes]:
        """`again`: who the caller is now."""
        ears, loop = self._ears, asyncio.get_running_loop()
        known = await ears.position_after(last_id) if last_id else None
        # The id of what is sent never passes what was not sent yet: a page that is cut off goes on after it.
        position, seen = (ears.head, ears.last_id) if known is None else (known, last_id)
        yield f"retry: {_RETRY_MS}\n\n".encode()
        yield _event("reset" if last_id and known is None else "hello", seen)
        until, beat = loop.time() + LIFE_SECONDS, loop.time()
        while ears.listening and loop.time() < until:
            await ears.wait(position, CHECK_SECONDS)
            if (ending := await _ending(principal, again)) is not None:
                yield _event(ending, seen)
                return
            notices = ears.after(position)
            position, seen = ears.head, ears.last_id
            if notices is None:
                yield _event("reset", seen)
                continue
            for notice in notices:
                if (data := _told(principal, notice)) is not None:
                    yield _event("change", notice.id, data)
            if loop.time() >= beat + BEAT_SECONDS:
                beat = loop.time()
                yield _event("beat", seen)


async def _ending(principal: Principal, again: Again) -> str | None:
    """How the stream ends if its person is not who they were."""
    patience.set(Patience(REQUEST_SECONDS))
    try:
        return None if await again() == principal else "reset"
    except Unauthenticated:
        return "bye"
    except Problem:
        return "beat"  # nobody can tell now: the page comes back and asks


def _told(principal: Principal, notice: Notice) -> dict[str, Any] | None:
    ids = heard(principal, notice.resource, notice.records)
    if ids is None or (notice.records and not ids):
        return None
    told: dict[str, Any] = {"resource": notice.resource, "ids": ids}
    return told if notice.data is None else {**told, "data": notice.data}


def _event(name: str, event_id: str | None, data: dict[str, Any] | None = None) -> bytes:
    content = json.dumps(data or {}, separators=(",", ":"))
    return f"event: {name}\nid: {event_id}\ndata: {content}\n\n".encode()
