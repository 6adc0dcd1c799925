"""The closed set of refusals. Each carries its HTTP status and a code that is the last part of its problem type.

Contracts derive their own errors from these; nothing else is ever translated. Anything that is not a `Problem`
is a bug and answers 500 without its text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one place of the request; `pointer` is a JSON Pointer into the body, or `?name`."""

    pointer: str
    detail: str


class Problem(Exception):
    """A refusal that the caller may see. `keeps_changes`: the transaction is committed all the same.

    `extensions`: further members of the document (RFC 9457, 3.2), as plain JSON values.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    keeps_changes: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


class BadRequest(Problem):
    status, code, title = 400, "bad-request", "Bad request"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "Sign in first"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    status, code, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(Problem):
    status, code, title = 409, "conflict", "Conflict"


class Gone(Problem):
    status, code, title = 410, "gone", "No longer available"


class LengthRequired(Problem):
    status, code, title = 411, "length-required", "The request must say its length"


class VersionConflict(Problem):
    """`If-Match` names a version that is no longer the current one."""

    status, code, title = 412, "version-conflict", "It was changed meanwhile"

    def __init__(self, detail: str | None = None, *, current_version: int, **extensions: Any) -> None:
        super().__init__(detail, extensions={"current_version": current_version, **extensions})


class PayloadTooLarge(Problem):
    status, code, title = 413, "payload-too-large", "Request too large"


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class MisdirectedRequest(Problem):
    status, code, title = 421, "misdirected-request", "This host is not served here"


class Unprocessable(Problem):
    status, code, title = 422, "unprocessable", "The request has errors"


class PreconditionRequired(Problem):
    status, code, title = 428, "precondition-required", "The request must say which version it changes"


class TooManyRequests(Problem):
    status, code, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str | None = None, *, retry_after: int, **extensions: Any) -> None:
        """`retry_after`: whole seconds until a new attempt makes sense."""
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after))}, extensions=extensions)


class BadGateway(Problem):
    status, code, title = 502, "bad-gateway", "A system we depend on failed"


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after))})
