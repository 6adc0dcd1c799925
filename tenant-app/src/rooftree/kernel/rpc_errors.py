"""Refusals between processes, by one table: the same exception with the same fields is raised on the other side.

A refusal's status is for gRPC's own tools; its fields go as JSON in the trailing metadata. A bug tells nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import orjson
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from rooftree.kernel.errors import FieldError, Problem, Unavailable

# By HTTP status. Whoever adds a kernel error adds its row.
STATUS: Mapping[int, StatusCode] = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    405: StatusCode.UNIMPLEMENTED,
    409: StatusCode.ABORTED,
    410: StatusCode.NOT_FOUND,
    411: StatusCode.INVALID_ARGUMENT,
    412: StatusCode.FAILED_PRECONDITION,
    413: StatusCode.INVALID_ARGUMENT,
    415: StatusCode.INVALID_ARGUMENT,
    421: StatusCode.INVALID_ARGUMENT,
    422: StatusCode.INVALID_ARGUMENT,
    428: StatusCode.FAILED_PRECONDITION,
    429: StatusCode.RESOURCE_EXHAUSTED,
    500: StatusCode.INTERNAL,
    502: StatusCode.UNAVAILABLE,
    503: StatusCode.UNAVAILABLE,
}
# What the transport says when nobody answered in time.
_NO_ANSWER = frozenset({StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED})
_PROBLEM = "rooftree-problem-bin"
# A refusal is an answer: gRPC must not ask again, whatever its status.
_NOT_AGAIN = ("grpc-retry-pushback-ms", "-1")


class RemoteFailure(Exception):
    """A bug on the other side, whose log tells more; as unexpected here as it was there."""


def encoded(problem: Problem) -> tuple[StatusCode, tuple[tuple[str, str | bytes], ...]]:
    """Status and trailing metadata of a refusal."""
    fields = {
        "code": problem.code,
        "detail": problem.detail,
        "errors": [[item.pointer, item.detail] for item in problem.errors],
        "headers": problem.headers,
        "extensions": problem.extensions,
    }
    return STATUS[problem.status], ((_PROBLEM, orjson.dumps(fields)), _NOT_AGAIN)


def decoded(error: AioRpcError, *, module: str) -> Exception:
    """What the caller gets to see of a call that failed."""
    trailing: Metadata | None = error.trailing_metadata()
    raw = trailing.get(_PROBLEM) if trailing is not None else None
    if isinstance(raw, bytes):
        return _problem(orjson.loads(raw))
    if error.code() in _NO_ANSWER:
        return Unavailable(f"The module {module} does not answer now.")
    return RemoteFailure(f"{module} failed: {error.code().name}")


def _problem(fields: Mapping[str, Any]) -> Problem:
    kind = next((kind for kind in _kinds(Problem) if kind.code == fields["code"]), None)
    if kind is None:
        raise RemoteFailure(f"no contract has the refusal {fields['code']}")
    # Subclasses take arguments of their own, which have become fields already.
    problem = kind.__new__(kind)
    Problem.__init__(
        problem,
        fields["detail"],
        errors=[FieldError(*item) for item in fields["errors"]],
        headers=fields["headers"],
        extensions=fields["extensions"],
    )
    return problem


def _kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
    """Every refusal that is known here: the kernel's, and those of the contracts that are in use."""
    yield kind
    for further in kind.__subclasses__():
        yield from _kinds(further)


async def refuse(context: "grpc.aio.ServicerContext[Any, Any]", problem: Problem) -> None:
    """End the call with this refusal."""
    code, trailing = encoded(problem)
    await context.abort(code, problem.title, trailing)
