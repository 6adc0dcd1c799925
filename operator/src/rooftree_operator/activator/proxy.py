"""Requests of brokerages that are asleep: each waits until the app answers, and is sent to it once.

What was sent is never sent again, whatever its method: its first copy may have had an effect. So nobody is lost but
those who were told so.
"""

import asyncio

import structlog
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, HttpVersion11, web

from ..host_pages import Reply
from . import answers, sending, sleepers, visitors
from .metrics import REQUESTS
from .rooms import DEFAULT, HELD, Crowded, Limits, Room, Rooms
from .sending import NotSent, Unanswered
from .sleepers import Sleeper
from .waking import POLL, Waker

log = structlog.get_logger(__name__)

SERVER = "rooftree"  # the header, without versions that help nobody but an attacker


class Proxy:
    """Answers every request. `patience`: how long one waits for its app, in seconds."""

    def __init__(self, waker: Waker, http: ClientSession, *, patience: float, limits: Limits = DEFAULT) -> None:
        self._waker = waker
        self._http = http
        self._patience = patience
        self._rooms = Rooms(limits)
        self._under_way = 0
        self._idle = asyncio.Event()
        self._is_leaving = False
        self._idle.set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self._under_way += 1
        self._idle.clear()
        try:
            result, answer = await self._answered(request)
        except asyncio.CancelledError:
            REQUESTS.labels("left").inc()  # the client, or we when the time to end is over
            raise
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        REQUESTS.labels(result).inc()
        if self._is_leaving and not answer.prepared:
            answer.force_close()
        return answer

    def leave(self) -> None:
        """From now on each connection ends with its answer, so that the edge makes its next ones to others."""
        self._is_leaving = True

    async def idle(self) -> None:
        """Returns when no request is under way."""
        await self._idle.wait()

    async def _answered(self, request: web.BaseRequest) -> tuple[str, web.StreamResponse]:
        """What became of it, and the answer."""
        sleeper = sleepers.sleeper_of(request.headers)
        if sleeper is None:
            return "stranger", _given(request, answers.stranger(request.headers))
        if (known := _unwaking(request)) is not None:
            return known
        try:
            with self._rooms.place(sleeper.namespace, _held(request)) as room:
                upstream = await self._sent(request, sleeper, room)
        except Crowded:
            return "crowded", _problem(request, answers.CROWDED)
        except TimeoutError:
            return "late", _problem(request, answers.STARTING)
        except Unanswered as error:
            log.warning("unanswered", namespace=sleeper.namespace, error=repr(error.__cause__))
            return "unanswered", _problem(request, answers.UNANSWERED)
        return await self._relayed(request, upstream)

    async def _sent(self, request: web.BaseRequest, sleeper: Sleeper, room: Room) -> ClientResponse:
        """The app's answer. Raises `TimeoutError` if it did not take the request in time, and `Unanswered`."""
        until = asyncio.get_running_loop().time() + self._patience
        async with asyncio.timeout_at(until) as limit:
            while True:
                address = await self._waker.address(sleeper)
                if address is None:
                    continue
                async with room.turn:
                    limit.reschedule(None)  # what is being sent is not cut off
                    try:
                        await _invite(request)
                        return await sending.send(self._http, request, address)
                    except NotSent:
                        self._waker.forget(sleeper, address)
                    limit.reschedule(until)
                await asyncio.sleep(POLL)

    async def _relayed(self, request: web.BaseRequest, upstream: ClientResponse) -> tuple[str, web.StreamResponse]:
        """Hands the answer on as it comes."""
        async with upstream:
            headers = sending.end_to_end(upstream.headers.items())
            headers.setdefault("Server", SERVER)
            answer = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
            if self._is_leaving:
                answer.force_close()
            await answer.prepare(request)
            try:
                async for piece in upstream.content.iter_any():
                    await answer.write(piece)
            except ClientPayloadError as error:
                # Half an answer is out; only an end of the connection can tell the client so.
                log.warning("answer_broken_off", error=repr(error))
                request.protocol.force_close()
                return "broken_off", answer
        return "answered", answer


def _unwaking(request: web.BaseRequest) -> tuple[str, web.Response] | None:
    """The answer to a request that wakes nobody; None if it does."""
    if request.path == visitors.ROBOTS and request.method in ("GET", "HEAD"):
        return "robots", _given(request, answers.robots())
    if not visitors.wakes(request.headers.get("User-Agent", "")):
        return "unwaking", _problem(request, answers.ASLEEP)
    return None if _is_sendable(request) else ("malformed", _problem(request, answers.MALFORMED))


def _is_sendable(request: web.BaseRequest) -> bool:
    """Whether it is a request for a path, in characters that can be sent on."""
    try:
        request.raw_path.encode("ascii")
        "".join(request.headers.values()).encode()
    except UnicodeEncodeError:
        return False
    return request.raw_path.startswith("/")


def _held(request: web.BaseRequest) -> int:
    """Bytes of its body that wait with it."""
    if not request.body_exists:
        return 0
    return min(HELD, HELD if request.content_length is None else request.content_length)


async def _invite(request: web.BaseRequest) -> None:
    """Whoever has sent only the head so far is told to send the body."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _problem(request: web.BaseRequest, problem: answers.Problem) -> web.Response:
    return _given(request, answers.reply(problem, request.method, request.headers.get("Accept", "")))


def _given(request: web.BaseRequest, reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={**reply.headers, "Server": SERVER})
