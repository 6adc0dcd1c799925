"""Finds hot reads by their path at once, and calls what they depend on by a plan that was made at the start.

FastAPI tries one route after the other, then walks through all that a handler depends on, with every request: together
that costs more than the statement of a list. A hot read's handler, parameters and errors are FastAPI's all the same,
and so is its part of the API description. Whatever is not quite usual goes FastAPI's way: another method, a path that
is spelled differently, dependencies that a test replaced.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from rooftree.kernel.api_route import ApiRoute, Handle
from rooftree.kernel.sparse import SPARSE

HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Response]])
_hot: set[Callable[..., Any]] = set()


def hot_route(handler: HandlerT) -> HandlerT:
    """Below `router.get`: its path has no parameters, and it makes its response itself."""
    _hot.add(handler)
    return handler


@dataclass(frozen=True, slots=True)
class _Step:
    """A dependency or, at last, the handler. `given`: names of parameters, and which step yields their values."""

    call: Callable[..., Awaitable[Any]]
    request: str | None
    given: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    steps: tuple[_Step, ...]
    query: tuple[Any, ...]
    """The handler's parameters, as FastAPI reads them."""
    scope: Scope

    async def response(self, request: Request) -> Response:
        yielded: list[Any] = []
        *before, handler = self.steps
        for step in before:
            yielded.append(await step.call(**_arguments(step, request, yielded)))
        asked, errors = request_params_to_args(self.query, request.query_params)
        if errors:
            raise RequestValidationError(errors)
        return await handler.call(**_arguments(handler, request, yielded), **asked)


def _arguments(step: _Step, request: Request, yielded: list[Any]) -> dict[str, Any]:
    arguments = {name: yielded[place] for name, place in step.given}
    if step.request is not None:
        arguments[step.request] = request
    return arguments


class HotRoutes(BaseRoute):
    """The first route of an app; it knows those of the app's other routes that are hot."""

    def __init__(self, app: FastAPI) -> None:
        """Raises TypeError for a hot route that needs more than a plan can give."""
        self._app = app
        contexts = [one for one in iter_route_contexts(app.router.routes) if "GET" in (one.methods or ())]
        self._plans = {str(one.path): _plan(one, contexts) for one in contexts if one.endpoint in _hot}
        self._handles = {str(one.path): self._with_manners(one) for one in contexts if one.endpoint in _hot}

    def _with_manners(self, hot: RouteContext) -> Handle:
        route, handle = hot.original_route, self._plans[str(hot.path)].response
        return route.with_manners(handle) if isinstance(route, ApiRoute) else handle

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] != "GET" or self._app.dependency_overrides:
            return Match.NONE, {}
        plan = self._plans.get(scope["path"])
        return (Match.FULL, plan.scope) if plan else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._handles[scope["path"]](Request(scope, receive, send))
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The routes themselves know."""
        raise NoMatchFound(name, path_params)


def _plan(hot: RouteContext, contexts: Iterable[RouteContext]) -> _Plan:
    if next(one for one in contexts if one.path_regex.match(hot.path)).endpoint is not hot.endpoint:
        raise TypeError(f"another route comes before {hot.path}")
    node: Dependant = hot.dependant
    steps: list[_Step] = []
    _add(node, steps, {})
    scope: Scope = {"endpoint": hot.endpoint, "path_params": {}, "route": hot}
    return _Plan(tuple(steps), tuple(node.query_params), scope)


def _add(node: Dependant, steps: list[_Step], known: dict[Any, int]) -> int:
    """Append what the node of the tree needs, each once, and itself; returns its place."""
    given: list[tuple[str, int]] = []
    for one in node.dependencies:
        if isinstance(one.call, SecurityBase) or one.call is SPARSE.dependency:
            continue  # For the API description only: `kernel.auth` reads the raw headers, the route's class `fields`.
        if one.query_params:
            raise TypeError(f"{one.call} reads the query, which is its handler's business")
        place = known[one.call] if one.use_cache and one.call in known else _add(one, steps, known)
        if one.name is not None:
            given.append((one.name, place))
    _require_plain(node)
    assert node.call is not None
    known[node.call] = len(steps)
    steps.append(_Step(node.call, node.request_param_name, tuple(given)))
    return known[node.call]


def _require_plain(node: Dependant) -> None:
    """That it asks for nothing but the request, the query and other dependencies, and is a coroutine function."""
    call: Any = node.call
    unknown = (
        node.path_params,
        node.header_params,
        node.cookie_params,
        node.body_params,
        node.websocket_param_name,
        node.http_connection_param_name,
        node.response_param_name,
        node.background_tasks_param_name,
        node.security_scopes_param_name,
        node.concurrency,
    )
    if any(unknown) or not (iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)):
        raise TypeError(f"{call} needs more than a hot route gives")
