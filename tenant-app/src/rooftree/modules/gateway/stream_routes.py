"""HTTP of the stream of changes (server-sent events)."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rooftree.contracts.access.routes import needs
from rooftree.kernel.auth import Authenticator, CurrentPrincipal, Principal
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.modules.gateway.streams import Streams

router = APIRouter(prefix="/api/v1")
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events for as long as the page is looked at.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _Counted(StreamingResponse):
    """Given back when it ends, however that comes about."""

    def __init__(self, streams: Streams, principal: Principal, content: Any) -> None:
        super().__init__(content, headers=_HEADERS, media_type="text/event-stream")
        self._close = partial(streams.close, principal.user_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


@router.get(
    "/stream",
    dependencies=needs("stream", "read"),
    response_class=StreamingResponse,
    responses=_STREAM | responses(401, 422, 429, 503),
)
async def follow_changes(
    request: Request,
    principal: CurrentPrincipal,
    streams: Annotated[Streams, Depends(provided(Streams))],
    last_event_id: Annotated[str | None, Header(max_length=64, pattern=r"^[b0-9a-f][0-9a-f-]*$")] = None,
) -> StreamingResponse:
    """What changes of what the caller may see, for pages that want to be up to date without asking again and again."""
    authenticate: Authenticator = request.app.state.authenticator
    streams.open(principal.user_id)
    events = streams.follow(principal, last_event_id, partial(authenticate, request))
    return _Counted(streams, principal, events)
