"""JSON lines on standard output, with the ids of the request and of its trace, without secrets.

Library loggers pass through the same pipe. What an error says about *values* is cut off: they are people's data, and
logs are read by more people than the database. So an exception is told by its type and place, and by its message only
where that cannot hold data: our own exceptions, and what the operating system says.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, cast

import structlog
from structlog.typing import Processor

from rooftree.kernel.telemetry import current_ids

_QUIET = (
    "uvicorn.access",
    "procrastinate",
    "sqlalchemy",
    "asyncio",
    "httpx2",
    "httpcore2",
    "aiokafka",
    "elasticsearch",
    "elastic_transport",
)
# They repeat payloads of jobs, or what `kernel.span_export` tells once.
_MUTE = ("procrastinate.worker", "opentelemetry")
_PLAIN = (OSError, ImportError, AttributeError, NameError)
_MAX_MESSAGE = 500
_MAX_FRAMES = 12
_LAST_FRAMES = 3


def configure(level: str, *, tenant_id: str) -> None:
    """Send structlog and standard logging to standard output as JSON; call once, before anything is logged."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_tenant(tenant_id),
        _with_trace,
        _safe_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _MUTE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _with_tenant(tenant_id: str) -> Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["tenant_id"] = tenant_id
        return event

    return add


def _with_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The span that a line belongs to: that of the request, job or message, or of a step within it."""
    if (ids := current_ids()) is not None:
        event["trace_id"], event["span_id"] = ids
    return event


def _safe_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by where it happened and what may be said about it."""
    info = event.pop("exc_info", None)
    record = event.get("_record")
    if not info and record is not None and record.exc_info:
        info, record.exc_info, record.exc_text = record.exc_info, None, None
    if info is True:
        info = sys.exc_info()
    error: Any = cast("Any", info)[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> dict[str, Any]:
    """Type, scrubbed message, frames and cause of an error."""
    described: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": scrubbed_message(error),
        "frames": _frames(error.__traceback__),
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = {"type": type(cause).__qualname__, "message": scrubbed_message(cause)}
    return described


def scrubbed_message(error: BaseException) -> str:
    """The error's text if it cannot hold values of data; of the database's errors their code."""
    database_error = getattr(error, "orig", error)
    if sqlstate := getattr(database_error, "sqlstate", None):
        constraint = getattr(getattr(database_error, "diag", None), "constraint_name", None)
        return f"SQLSTATE {sqlstate}" + (f" of {constraint}" if constraint else "")
    ours = type(error).__module__.partition(".")[0] == "rooftree"
    return str(error)[:_MAX_MESSAGE] if ours or _is_plain(error) or _is_plain(database_error) else "(left out)"


def _is_plain(error: object) -> bool:
    """Whether its message tells of files, names in the code or connections only (psycopg's without a code)."""
    return isinstance(error, _PLAIN) or any(
        (kind.__module__, kind.__name__) == ("psycopg", "OperationalError") for kind in type(error).__mro__
    )


def _frames(trace: TracebackType | None) -> list[str]:
    """Our own frames and where it was raised; the libraries between them say nothing."""
    frames = traceback.extract_tb(trace)
    shown = [frame for frame in frames[:-_LAST_FRAMES] if "site-packages" not in frame.filename]
    shown = [*shown, *frames[-_LAST_FRAMES:]][-_MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in shown]
