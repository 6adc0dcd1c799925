"""Every error leaves as application/problem+json (RFC 9457); the only place that translates errors to HTTP."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from rooftree.kernel import errors
from rooftree.kernel.errors import FieldError, Problem

TYPES = "https://rooftree.dev/problems/"
MEDIA_TYPE = "application/problem+json"

_BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.PayloadTooLarge,
        errors.UnsupportedMediaType,
    )
}

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "current_version": {"type": "integer", "description": "Of what was to be changed; with status 412."},
        "changed_at": {"type": "string", "format": "date-time", "description": "Likewise, like the next two."},
        "changed_by": {"type": ["string", "null"], "description": "A person's name."},
        "changed_fields": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "What changed since the version of If-Match; null if that is not known.",
        },
        "person_id": {"type": "string", "format": "uuid", "description": "Who is known already; with person-known."},
        "violated-policies": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Which limits are reached, as RateLimit-Policy names them; with status 429.",
        },
        "people": {"type": "integer", "description": "How many are in the stage; with stage-in-use."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: these statuses answer with a problem."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def body(problem: Problem, *, request_id: str) -> bytes:
    """The document of one problem. Its instance is the request's id and not its path, which can hold a secret."""
    document: dict[str, Any] = {
        **problem.extensions,
        "type": TYPES + problem.code,
        "title": problem.title,
        "status": problem.status,
        "instance": f"urn:uuid:{request_id}",
        "request_id": request_id,
    }
    if problem.detail:
        document["detail"] = problem.detail
    if problem.errors:
        document["errors"] = [{"pointer": item.pointer, "detail": item.detail} for item in problem.errors]
    return json.dumps(document, ensure_ascii=False).encode()


def response(problem: Problem, request: Request) -> Response:
    content = body(problem, request_id=request.scope["request_id"])
    return Response(content, problem.status, {**problem.headers, "Cache-Control": "no-store"}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the translations; unexpected errors are the outermost middleware's business."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        structlog.get_logger(__name__).warning("problem", code=error.code, exc_info=error)
    return response(error, request)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Refusals of the framework itself: unknown path, wrong method, unreadable body."""
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, errors.BadRequest)
    problem = kind()
    problem.headers |= _allowed(error.headers)
    return response(problem, request)


def _allowed(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (headers or {}).items() if name.lower() in {"allow", "retry-after"}}


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    items: Sequence[Any] = error.errors()
    if any(item["type"] == "json_invalid" for item in items):
        return response(errors.BadRequest("The body is not valid JSON."), request)
    fields = [FieldError(_pointer(item["loc"]), str(item["msg"])) for item in items]
    return response(errors.Unprocessable(errors=fields), request)


def _pointer(location: Sequence[int | str]) -> str:
    """`("body", "a", 0)` → `/a/0`; `("query", "limit")` → `?limit`; other places by their name."""
    place, *rest = location or ("body",)
    if place == "query":
        return "?" + ".".join(str(part) for part in rest)
    escaped = [str(part).replace("~", "~0").replace("/", "~1") for part in rest]
    return "".join(f"/{part}" for part in escaped)
