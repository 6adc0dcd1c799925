"""The outermost layer of every request, in plain ASGI.

It begins the request's trace, whose id is also the request's (a UUID; the trace's is the same without dashes), counts
it and writes one log line (route template, never the path: paths can hold one-time links). What the span tells of the
request is set once, when it is answered. It turns bugs into a 500 problem, adds the security headers and refuses before
any routing: a foreign or doubtful Host, an oversized body, a state change that another site started.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from opentelemetry.trace import Span, SpanKind
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rooftree.kernel import errors, problems, telemetry
from rooftree.kernel.auth import SESSION_COOKIE
from rooftree.kernel.database import REQUEST_SECONDS, Patience, patience
from rooftree.kernel.errors import Problem
from rooftree.kernel.ids import new_id
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.rate_limits import RateLimits, told
from rooftree.kernel.routing import route_of
from rooftree.kernel.server_spans import Serving
from rooftree.kernel.settings import Settings
from rooftree.kernel.written import Written, carried, handed_out, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rooftree.kernel.module import Upload

MAX_BODY = 1024 * 1024
PROBES = frozenset({"/livez", "/readyz", "/startupz"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COUNTED = ("/api/", "/auth/", "/oauth/")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _CSP.encode()),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-frame-options", b"DENY"),
)
_HTTPS_PORT = 443
_EVENTS = b"text/event-stream; charset=utf-8"
FORWARDED = "rooftree.forwarded"
"""Member of the scope of a request that our own gateway handed on."""
_log = structlog.get_logger("rooftree.request")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Such a request goes on in the gateway's trace, with what is left of its time in seconds."""

    traceparent: str | None
    seconds: float


class Guard:
    """Wraps the whole app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        metrics: Metrics,
        rate_limits: RateLimits,
        uploads: "Sequence[Upload]" = (),
    ) -> None:
        self._app = app
        self._rate_limits = rate_limits
        self._uploads = uploads
        self._settings = settings
        self._metrics = metrics
        self._addresses = {host.encode(): _address(host) for host in settings.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        forwarded: Forwarded | None = scope.get(FORWARDED)
        patience.set(Patience(forwarded.seconds if forwarded else REQUEST_SECONDS))
        if scope["path"] in PROBES or _is_operators(scope):
            await self._answered(scope, receive, _Answer(scope, send, str(new_id()), None))
            return
        session = self._session(scope)
        with self._metrics.server_spans.begin() as serving, _server_span(scope) as span:
            trace_id = str(UUID(int=span.get_span_context().trace_id))
            answer = _Answer(scope, send, trace_id, serving, session)
            try:
                await self._answered(scope, receive, answer)
            finally:
                self._record(scope, answer.status, serving.end(), span)

    async def _answered(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        scope["request_id"] = answer.request_id
        told(scope)
        scope["client_address"] = client_address(scope, self._settings.forwarded_hops)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=answer.request_id)
        try:
            check(scope, self._settings)
            if is_visit(scope):
                await self._rate_limits.visitor(scope)
            await self._app(scope, limited(scope, receive, self._most(scope)), answer)
        except Exception as error:
            await self._refuse(error, scope, answer)

    def _session(self, scope: Scope) -> Written | None:
        """What the request's session wrote before, if there is a standby which that matters to."""
        session = None
        if self._settings.database_standby_host:
            cookies = [value.decode("latin-1") for value in header_values(scope, b"cookie")]
            session = carried(cookies, is_noting=scope["method"] not in _SAFE_METHODS)
        written.set(session)
        return session

    def _most(self, scope: Scope) -> int:
        """How many bytes the request's body may have."""
        for upload in self._uploads:
            if scope["method"] == upload.method and upload.path.fullmatch(scope["path"]):
                return upload.max_bytes
        return MAX_BODY

    def _record(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        method, route = _method(scope), _route(scope)
        _log.info("request", method=method, route=route or "-", status=status, milliseconds=round(seconds * 1000, 1))
        kept = f"{span.get_span_context().trace_id:032x}" if span.is_recording() else None
        self._metrics.request(method, route or "-", status, seconds, trace_id=kept)
        if kept:
            span.update_name(f"{method} {route}" if route else method)
            span.set_attributes(self._described(scope, method, route, status))
            if status >= 500:
                telemetry.fail(span, str(status))

    def _described(self, scope: Scope, method: str, route: str | None, status: int) -> dict[str, str | int]:
        """OpenTelemetry's conventions of HTTP servers, without what tells of people: path, query, client, browser."""
        told: dict[str, str | int] = {
            "http.request.method": method,
            "url.scheme": "https",
            "network.protocol.version": scope.get("http_version", "1.1"),
        }
        if route:
            told["http.route"] = route
        if status:
            told["http.response.status_code"] = status
        # One that means no tenant is the client's own word.
        for host in header_values(scope, b"host"):
            told |= self._addresses.get(host.lower(), {})
        return told

    async def _refuse(self, error: Exception, scope: Scope, answer: "_Answer") -> None:
        if not isinstance(error, Problem):
            _log.error("unhandled_error", exc_info=error)
        if answer.status:
            # Half an answer is out; only closing the connection can tell the client so.
            raise error
        problem = error if isinstance(error, Problem) else Problem()
        content = problems.body(problem, request_id=scope["request_id"])
        headers = {**problem.headers, "Content-Type": problems.MEDIA_TYPE, "Content-Length": str(len(content))}
        headers["Cache-Control"] = "no-store"
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await answer({"type": "http.response.start", "status": problem.status, "headers": raw})
        await answer({"type": "http.response.body", "body": content})


class _Answer:
    """Sends the response with our headers and remembers its status.

    To those who count, one that streams events ends as it begins: it lasts minutes, in which nothing is done.
    """

    def __init__(
        self, scope: Scope, send: Send, request_id: str, serving: Serving | None, session: Written | None = None
    ) -> None:
        self._scope = scope
        self._send = send
        self._serving = serving
        self._session = session
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name.lower() for name, _ in message["headers"]}
            if self._serving is not None and (b"content-type", _EVENTS) in message["headers"]:
                self._serving.end()
            extra = [item for item in _SECURITY_HEADERS if item[0] not in own]
            if self._session is not None and self._session.is_new:
                name, value = handed_out(self._session)
                extra.append((name.lower().encode(), value.encode()))
            message["headers"] = [
                *message["headers"],
                *extra,
                *told(self._scope),
                (b"x-request-id", self.request_id.encode()),
            ]
        await self._send(message)


def _server_span(scope: Scope) -> AbstractContextManager[Span]:
    """A new trace. A caller's own trace is linked, not joined: callers are strangers, who could claim any id."""
    forwarded: Forwarded | None = scope.get(FORWARDED)
    if forwarded is not None:
        return telemetry.span(_method(scope), SpanKind.SERVER, parent=forwarded.traceparent)
    callers = [value.decode("latin-1") for value in header_values(scope, b"traceparent")[:1]]
    return telemetry.span(_method(scope), SpanKind.SERVER, links=callers)


def _method(scope: Scope) -> str:
    """One of those that exist: clients may send any word."""
    return scope["method"] if scope["method"] in _METHODS else "_OTHER"


def _route(scope: Scope) -> str | None:
    route = route_of(scope)
    return getattr(route, "path_format", None) or getattr(route, "path", None)


def _address(host: str) -> dict[str, str | int]:
    parts = urlsplit(f"https://{host}")
    return {"server.address": parts.hostname or host, "server.port": parts.port or _HTTPS_PORT}


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a header; `name` in lower case."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value for key, value in headers if key == name]


def client_address(scope: Scope, hops: int) -> str:
    """The address our edge saw: the `hops`-th entry of X-Forwarded-For from the right, else the peer's.

    Entries further left are the client's own words and never read.
    """
    entries = b",".join(header_values(scope, b"x-forwarded-for")).decode("latin-1").split(",")
    entries = [entry.strip() for entry in entries if entry.strip()]
    if hops and len(entries) >= hops:
        return entries[-hops][:64]
    peer: tuple[Any, ...] | None = scope.get("client")
    return str(peer[0]) if peer else "unknown"


def _is_operators(scope: Scope) -> bool:
    """The operator asks for the version at each look: no use of the app, for which a brokerage would stay awake."""
    return scope["path"] == "/version" and header_values(scope, b"user-agent") == [b"rooftree-operator"]


def check(scope: Scope, settings: Settings) -> None:
    """Refuse what must not reach a route. Raises `Problem`."""
    path: str = scope["path"]
    if not path.startswith("/"):
        raise errors.BadRequest("The request target must be a path.")
    if path in PROBES:
        return
    hosts = header_values(scope, b"host")
    if len(hosts) != 1 or hosts[0].decode("latin-1").lower() not in settings.hosts:
        raise errors.MisdirectedRequest
    if scope["method"] not in _SAFE_METHODS:
        _check_origin(scope, settings)


def _check_origin(scope: Scope, settings: Settings) -> None:
    """A browser says where a state change comes from; whoever sends the session cookie must say so."""
    origins = header_values(scope, b"origin")
    sites = header_values(scope, b"sec-fetch-site")
    if any(origin.decode("latin-1") != settings.public_url for origin in origins):
        raise errors.Forbidden("The request comes from another origin.")
    if any(site != b"same-origin" for site in sites):
        raise errors.Forbidden("The request comes from another site.")
    if not origins and not sites and _carries_session(scope):
        raise errors.Forbidden("A request with a session must say its origin.")


def is_visit(scope: Scope) -> bool:
    """Of somebody who does not even say who they are, and wants more than the web app's files."""
    return (
        scope["path"].startswith(_COUNTED)
        and FORWARDED not in scope
        and not header_values(scope, b"authorization")
        and not _carries_session(scope)
    )


def _carries_session(scope: Scope) -> bool:
    return any(SESSION_COOKIE.encode() in value for value in header_values(scope, b"cookie"))


def limited(scope: Scope, receive: Receive, most: int = MAX_BODY) -> Receive:
    """A `receive` that refuses bodies above `most` bytes, announced or not."""
    announced = b"".join(header_values(scope, b"content-length")[:1])
    if announced.isdigit() and int(announced) > most:
        raise errors.PayloadTooLarge
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > most:
                # FastAPI passes HTTPExceptions of middleware through; any other error would become "bad body".
                raise HTTPException(errors.PayloadTooLarge.status)
        return message

    return counted
