"""One replica of the live replay, by itself in a pod: a virtual core.

It works on one request at a time, first come, first served; work is a sleep of as many seconds as the request says, so
that many replicas fit on a few real cores. It counts as the app does, under the same names, and is ready START seconds
after its own start. Standard library only: it starts in no time, which START then stands for.

    GET /work?seconds=0.1   one request: answers with the seconds that the work took, without the wait before it
    GET /enter              begins a request that waits for any replica; GET /leave?seconds=0.4 ends it, after so many
    GET /labour?seconds=0.1 the work of a request that waits, whichever replica it entered; answers as /work
    GET /readyz             503 before it is ready, and when it is about to end
    GET /metrics?name[]=…   all, or those that are named
"""

import asyncio
import contextlib
import os
import signal
import time
from urllib.parse import parse_qs, urlsplit

PORT = 9464
# Whoever has not heard yet that it ends still sends requests for so long.
LINGER = 2.0


class Replica:
    """`start`: seconds until it is ready."""

    def __init__(self, start: float) -> None:
        self.begun = 0
        self.ended = 0
        self._stayed = 0.0
        self._worked = 0.0
        self._working_since: float | None = None
        self._slot = asyncio.Lock()
        self.labours = 0
        self._ready_at = time.monotonic() + start
        self.is_ending = False

    @property
    def is_ready(self) -> bool:
        return time.monotonic() >= self._ready_at and not self.is_ending

    @property
    def is_idle(self) -> bool:
        """Nobody waits for it."""
        return self.begun == self.ended and not self.labours

    async def work(self, seconds: float) -> float:
        """A whole request; seconds that the work itself took."""
        began = time.monotonic()
        self.enter()
        took = await self.labour(seconds)
        self.leave(time.monotonic() - began)
        return took

    def enter(self) -> None:
        """A request begins."""
        self.begun += 1

    def leave(self, seconds: float) -> None:
        """A request ends, so many seconds after it began."""
        self._stayed += seconds
        self.ended += 1

    async def labour(self, seconds: float) -> float:
        """Work alone, when it is this one's turn; seconds that it took."""
        self.labours += 1
        async with self._slot:
            self._working_since = time.monotonic()
            await asyncio.sleep(seconds)
            took, self._working_since = time.monotonic() - self._working_since, None
            self._worked += took
        self.labours -= 1
        return took

    def metrics(self, names: list[str]) -> str:
        """As text; all if none is named."""
        now = time.monotonic()
        working = now - self._working_since if self._working_since is not None else 0.0
        values = {
            "rooftree_server_spans_total": f" {self.begun}",
            "rooftree_server_spans_ended_total": f" {self.ended}",
            "http_server_active_requests": f" {self.begun - self.ended}",
            "rooftree_span_seconds_total": f'{{part="server"}} {self._stayed}',
            "rooftree_replica_busy_seconds_total": f" {self._worked + working}",
        }
        return "".join(f"{name}{value}\n" for name, value in values.items() if not names or name in names)

    async def answer(self, target: str) -> tuple[str, str]:
        """Status and body for a request's target."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        seconds = float(query.get("seconds", ["0"])[0])
        if parts.path in ("/work", "/labour"):
            take = self.work if parts.path == "/work" else self.labour
            return "200 OK", f"{await take(seconds)}"
        if parts.path in ("/enter", "/leave"):
            self.enter() if parts.path == "/enter" else self.leave(seconds)
            return "200 OK", ""
        if parts.path == "/metrics":
            return "200 OK", self.metrics(query.get("name[]", []))
        if parts.path == "/readyz":
            return ("200 OK", "ready") if self.is_ready else ("503 Service Unavailable", "not ready")
        return "404 Not Found", ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after the other, until either side ends it."""
        ends = ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        with contextlib.suppress(*ends), contextlib.closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = await self.answer(head.split(b" ", 2)[1].decode())
                lines = f"HTTP/1.1 {status}", "Content-Type: text/plain; version=0.0.4", f"Content-Length: {len(body)}"
                writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
                await writer.drain()


async def main() -> None:
    """Until it is told to end and everybody is answered."""
    replica, ends = Replica(float(os.environ.get("START", "0"))), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ends.set)
    await asyncio.start_server(replica.serve, "0.0.0.0", PORT)  # noqa: S104 - the pod's own
    await ends.wait()
    replica.is_ending = True
    await asyncio.sleep(LINGER)
    while not replica.is_idle:  # noqa: ASYNC110 - once in a pod's life
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
