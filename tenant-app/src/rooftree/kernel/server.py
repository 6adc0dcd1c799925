"""Runs the app under uvicorn and stops it so that no accepted request is lost.

On SIGTERM readiness fails first; only after `drain_seconds` (time for proxies to notice) the listener closes, running
requests finish, then the lifespan ends jobs and connections. A second signal stops at once.
"""

import asyncio
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rooftree.kernel import problems
from rooftree.kernel.errors import BadRequest
from rooftree.kernel.health import Health
from rooftree.kernel.ids import new_id
from rooftree.kernel.middleware import PROBES
from rooftree.kernel.settings import Settings
from rooftree.kernel.telemetry import TelemetrySettings

_GRACE_SECONDS = 20
MAX_HEAD = 32 * 1024
"""Bytes of a request before its body."""
_log = structlog.get_logger(__name__)


class Protocol(HttpToolsProtocol):
    """Adds what its parser leaves to others: a limit of the head, one place for the host, no other protocol.

    What is no request is refused with a problem, as everything else is.
    """

    _awaits_head = True
    _head_ended = False
    _unfinished = 0
    """Bytes of a head whose end did not come yet."""

    def data_received(self, data: bytes) -> None:
        awaited, self._head_ended = self._awaits_head, False
        super().data_received(data)
        self._unfinished = self._unfinished + len(data) if awaited and not self._head_ended else 0
        if self._unfinished > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def send_400_response(self, msg: str) -> None:
        request_id = str(new_id())
        content = problems.body(BadRequest(msg), request_id=request_id)
        head = {
            "content-type": problems.MEDIA_TYPE,
            "content-length": len(content),
            "cache-control": "no-store",
            "x-request-id": request_id,
            "connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.transport.write(f"HTTP/1.1 400 Bad Request\r\n{lines}\r\n".encode() + content)
        self.transport.close()

    def on_headers_complete(self) -> None:
        self._awaits_head, self._head_ended = False, True
        if not self.url.startswith(b"/"):
            # Of `GET http://other/` uvicorn would keep the path, and the Host header would tell another host.
            raise ValueError("the request target must be a path")
        super().on_headers_complete()
        parser: Any = self.parser
        if parser.should_upgrade():
            # We go on in HTTP/1.1, but the parser has stopped for what it takes for another protocol.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._awaits_head = True
        super().on_message_complete()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, health: Health, drain_seconds: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_log_loop_error)
        await super().startup(sockets)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._health.draining or self._loop is None:
            super().handle_exit(sig, frame)
            return
        self._health.draining = True
        self._loop.call_soon_threadsafe(self._health.drain)
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, super().handle_exit, sig, frame)


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's own handler prints the task with its exception's message."""
    _log.error("event_loop_error", reason=context["message"], exc_info=context.get("exception"))


def probes_only(app: ASGIApp) -> ASGIApp:
    """The app as it is seen on the plain port of a process that other modules' processes call by gRPC."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            await PlainTextResponse("Only probes are answered here.", 404)(scope, receive, send)
            return
        await app(scope, receive, send)

    return answer


def serve(app: FastAPI, settings: Settings, telemetry: TelemetrySettings) -> None:
    """Blocks until the process is told to stop. Metrics are on a port of their own, which no edge routes to."""
    if telemetry.metrics_port:
        app.state.parts.runtime.metrics.serve(settings.bind_host, telemetry.metrics_port)
    config = uvicorn.Config(
        app if app.state.is_public else probes_only(app),
        host=settings.bind_host,
        port=settings.bind_port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _Server(config, health=app.state.health, drain_seconds=settings.drain_seconds).run()
