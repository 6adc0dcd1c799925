"""A bounded open-loop load: requests begin at fixed times, however long earlier ones take. What came back is kept."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import httpx2

from ..conftest import required

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

IN_FLIGHT = 200
GIVE_UP_SECONDS = 15.0  # of one request; five times what any may take
LONGEST_SECONDS = 900.0  # of a load, whatever happens, unless it is meant to last longer
PROBLEM = "application/problem+json"
CLOSING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `began` and `seconds` by the monotonic clock; `status` is 0 when none came."""

    kind: str
    began: float
    seconds: float
    status: int
    is_good: bool
    is_proper: bool
    """A refusal as promised: 503 as a problem, with a time to come again."""
    words: str

    @property
    def ended(self) -> float:
        return self.began + self.seconds


@dataclass(frozen=True, slots=True)
class Line:
    """What is sent every so many seconds. `send` may make several requests; it asks for them by `Client.ask`."""

    every: float
    send: Callable[[Client], Awaitable[None]]


class Refused(Exception):
    """The rest of a line's requests makes no sense now."""


@dataclass
class Client:
    """Sends requests to one brokerage and notes every answer."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    _http: httpx2.AsyncClient | None = None

    async def ask(
        self, kind: str, method: str, path: str, *, good: Iterable[int] = (200,), **options: Any
    ) -> httpx2.Response:
        """One request, with no cookie but its own. Raises Refused unless its status is `good`."""
        assert self._http is not None
        began = time.monotonic()
        try:
            answer = await self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            self._note(kind, began, 0, words=repr(error))
            raise Refused from error
        is_good = answer.status_code in good
        proper = answer.headers.get("content-type") == PROBLEM and answer.headers.get("retry-after", "").isdigit()
        words = "" if is_good else answer.text[:500]
        self._note(
            kind, began, answer.status_code, good=is_good, proper=answer.status_code == 503 and proper, words=words
        )
        if not is_good:
            raise Refused
        return answer

    def _note(
        self, kind: str, began: float, status: int, *, good: bool = False, proper: bool = False, words: str = ""
    ) -> None:
        self.answers.append(Answer(kind, began, time.monotonic() - began, status, good, proper, words))

    def open(self) -> None:
        context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        limits = httpx2.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=20)
        self._http = httpx2.AsyncClient(
            verify=context,
            base_url=self.url,
            timeout=GIVE_UP_SECONDS,
            limits=limits,
            trust_env=False,
            # Requests of several people are under way at once: a cookie that is kept for a moment is another's.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()


class Load:
    """Runs lines in a thread of its own for as long as the block lasts; afterwards nothing is under way."""

    def __init__(self, client: Client, lines: Iterable[Line], *, longest: float = LONGEST_SECONDS) -> None:
        self.client = client
        self._lines = tuple(lines)
        self._longest = longest
        self._loop = asyncio.new_event_loop()
        self._ends = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join(GIVE_UP_SECONDS + CLOSING_SECONDS)
        assert not self._thread.is_alive(), "the load does not end"
        self._loop.close()
        if self._failure is not None:
            raise AssertionError("the load itself is broken") from self._failure

    @property
    def answers(self) -> list[Answer]:
        return list(self.client.answers)

    async def _run(self) -> None:
        self.client.open()
        try:
            await asyncio.gather(*(self._send(line) for line in self._lines))
        except Exception as error:
            self._failure = error
        finally:
            await self.client.close()

    async def _send(self, line: Line) -> None:
        begin, number = time.monotonic(), 0
        under_way: set[asyncio.Task[None]] = set()
        while not self._ends.is_set() and time.monotonic() < begin + self._longest:
            assert len(under_way) < IN_FLIGHT, f"{IN_FLIGHT} requests of a line are under way"
            under_way.add(asyncio.create_task(_once(line, self.client)))
            number += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, begin + number * line.every - time.monotonic())):
                    await self._ends.wait()
            for done in [one for one in under_way if one.done()]:
                under_way.remove(done)
                done.result()
        await asyncio.gather(*under_way)


async def _once(line: Line, client: Client) -> None:
    try:
        await line.send(client)
    except Refused:
        return


def show(answers: Iterable[Answer]) -> str:
    """Some of them, for a failing test's words."""
    some = list(answers)[:8]
    return json.dumps(
        [{"kind": a.kind, "status": a.status, "seconds": round(a.seconds, 2), "words": a.words} for a in some]
    )
