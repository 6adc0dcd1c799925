"""What this process has heard on `kernel.live`'s channel, for all pages that follow it.

PostgreSQL gives notices to all listeners in the order of commits, so every process has the same ones in the same
order, and whoever was cut off can go on at another one after the last id that it has seen. What is too long ago, or
was told while nobody listened, cannot be had again: the follower has to read everything anew, and is told so.

A process has one connection that listens, that of its relay (`kernel.relay`); where none runs, one of its own.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from rooftree.kernel.backoff import Backoff
from rooftree.kernel.database import Connection, connection_arguments
from rooftree.kernel.ids import new_id
from rooftree.kernel.live import CHANNEL, Record
from rooftree.kernel.settings import Secrets, Settings

KEPT = 1000
_NOTICE_SECONDS = 0.5
_BEHIND_SECONDS = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """`records` empty: many, of which none is named."""

    id: str
    resource: str
    records: tuple[Record, ...]
    data: dict[str, Any] | None


class Ears:
    """A window of what was heard; positions count up for the life of the process.

    `changed` is called with each notice, before any follower knows of it.
    """

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        self._changed = changed
        self._window: deque[Notice] = deque(maxlen=KEPT)
        self._next = 0
        self._began = ""
        self._heard = asyncio.Event()
        self.closed = False

    @property
    def listening(self) -> bool:
        return bool(self._began) and not self.closed

    @property
    def head(self) -> int:
        """The position after the newest."""
        return self._next

    @property
    def last_id(self) -> str:
        """Of the newest, or of the moment in which listening began."""
        return self._window[-1].id if self._window else self._began

    def begin(self) -> None:
        """A connection listens from now on; what was told before may be missing."""
        self._window.clear()
        self._next += 1  # nobody's position is that of the newest any more
        self._began = f"b{new_id()}"
        self._wake()

    def end(self) -> None:
        """The connection is gone."""
        self._began = ""
        self._wake()

    def close(self) -> None:
        """The process stops: whoever follows goes elsewhere."""
        self.closed = True
        self._wake()

    def hear(self, payload: str) -> None:
        told: dict[str, Any] = json.loads(payload)
        records = tuple(Record(one, _uuid(owner), _uuid(office)) for one, owner, office in told["records"])
        self._window.append(Notice(told["id"], told["resource"], records, told.get("data")))
        self._next += 1
        if self._changed is not None:
            self._changed()
        self._wake()

    async def position_after(self, last_id: str) -> int | None:
        """Where to go on; None: what came after it is not known here.

        Another process may have heard it a moment earlier than this one: it is given a second to come.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _BEHIND_SECONDS
        while (found := self._position_after(last_id)) is None and self.listening and loop.time() < until:
            await self.wait(self.head, until - loop.time())
        return found

    def _position_after(self, last_id: str) -> int | None:
        if last_id == self._began:
            first = self._next - len(self._window)
            return first if len(self._window) < KEPT else None
        for back, notice in enumerate(reversed(self._window)):
            if notice.id == last_id:
                return self._next - back
        return None

    def after(self, position: int) -> list[Notice] | None:
        """What was heard since; None: some of it is not known any more."""
        wanted = self._next - position
        if wanted > len(self._window):
            return None
        return list(self._window)[len(self._window) - wanted :]

    async def wait(self, position: int, seconds: float) -> None:
        """Until something was heard after it, nobody listens any more, or in vain."""
        if self._next != position or not self.listening:
            return
        heard = self._heard
        try:
            async with asyncio.timeout(seconds):
                await heard.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._heard.set()
        self._heard = asyncio.Event()


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value else None


async def listen(connection: Connection, ears: Ears) -> None:
    await connection.execute(f"LISTEN {CHANNEL}".encode())
    ears.begin()


async def hear(connection: Connection, ears: Ears | None, seconds: float | None = None) -> bool:
    """Wait for notices for half a second or so long at most. Whether there were some on other channels."""
    others = False
    timeout = _NOTICE_SECONDS if seconds is None else seconds
    # To its end: a generator that is left early forgets the notices that came in the same packet.
    async for notice in connection.notifies(timeout=timeout, stop_after=1):
        if ears is None or notice.channel != CHANNEL:
            others = True
        else:
            ears.hear(notice.payload)
    return others


class Listener:
    """The connection of a process without a relay."""

    def __init__(self, settings: Settings, secrets: Secrets, ears: Ears) -> None:
        self._settings = settings
        self._secrets = secrets
        self._ears = ears
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        backoff = Backoff(first=0.5, longest=5)
        while not self._stopping.is_set():
            try:
                arguments = connection_arguments(self._settings, self._secrets)
                async with await Connection.connect(**arguments, autocommit=True) as connection:
                    await listen(connection, self._ears)
                    backoff.reset()
                    while not self._stopping.is_set():
                        await hear(connection, self._ears)
            except Exception as error:
                _log.warning("listener_waits", exc_info=error)
                await backoff.wait(self._stopping)
            finally:
                self._ears.end()
