"""Sends a request to a pod, once, and tells whether anything of it was sent when that fails."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, web
from multidict import CIMultiDict
from yarl import URL

from . import sleepers
from .endpoints import Address

CONNECT = 1.0  # seconds; packets to a pod that is gone vanish
PROBE = aiohttp.ClientTimeout(total=1.0, sock_connect=0.25)
READY = "/readyz"
MOST_OF_HEAD = 32 * 1024  # bytes of a line or a header, as in the app
# Of this connection, and not of the message (RFC 9110, 7.6.1). `Expect` has been answered here.
_OF_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "expect"}
)
_OURS = frozenset(name.lower() for name in sleepers.HEADERS)
_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # by the client library, if nobody had set them


class NotSent(Exception):
    """Nobody listens there: nothing of the request was sent."""


class Unanswered(Exception):
    """The request was sent, at least in part, and no answer came."""


@asynccontextmanager
async def session() -> AsyncGenerator[ClientSession]:
    """Connections to pods, a new one for each request: none can be one that its other end has just given up."""
    async with ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_ADDED,
        # An answer has no deadline here, as it has none at the edge.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        max_line_size=MOST_OF_HEAD,
        max_field_size=MOST_OF_HEAD,
        middlewares=(_once,),
    ) as opened:
        yield opened


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """The library sends a GET, PUT or DELETE again that was not answered; the first one may have had its effect."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotSent from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unanswered from error


async def is_ready(http: ClientSession, address: Address) -> bool:
    """Whether the app at this address takes requests."""
    try:
        async with http.get(f"http://{address}{READY}", timeout=PROBE) as answer:
            return answer.status == 200
    except (NotSent, Unanswered, TimeoutError):
        return False


async def send(http: ClientSession, request: web.BaseRequest, address: Address) -> ClientResponse:
    """The app's answer, as soon as it begins. Raises `NotSent` or `Unanswered`."""
    return await http.request(
        request.method,
        URL(f"http://{address}{request.raw_path}", encoded=True),
        headers=end_to_end(request.headers.items()),
        data=request.content if request.body_exists else None,
        allow_redirects=False,
    )


def end_to_end(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    """Headers as the next one gets them: without what was for us only."""
    every = CIMultiDict(headers)
    listed = {name.strip().lower() for value in every.getall("Connection", ()) for name in value.split(",")}
    left_out = _OF_HOP | _OURS | listed
    return CIMultiDict((name, value) for name, value in every.items() if name.lower() not in left_out)
