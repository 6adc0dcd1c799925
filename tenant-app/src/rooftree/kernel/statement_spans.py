"""A span for each statement that is sent within a recorded trace: its kind and its table, nothing else."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rooftree.kernel import telemetry

_KEY = "rooftree_span"
_LITERAL = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITE = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_FIRST = re.compile(r"\s*([A-Za-z]+)")
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE|JOIN)\s+"?([a-z_]+)"?\."?([a-z_0-9]+)"?')


@lru_cache(maxsize=512)
def describe(statement: str) -> tuple[str, str | None]:
    """What it does and the first table with a schema that it names. Texts between quotes are not looked at."""
    bare = _LITERAL.sub("''", statement)
    first = _FIRST.match(bare)
    word = first[1].upper() if first else "OTHER"
    write = _WRITE.search(bare) if word == "WITH" else None
    operation = write[1].upper() if write else "SELECT" if word == "WITH" else word
    table = _TABLE.search(bare)
    return operation, f"{table[1]}.{table[2]}" if table else None


def trace_statements(engine: AsyncEngine) -> None:
    """Call once for an engine."""
    target = engine.sync_engine
    event.listen(target, "before_cursor_execute", _begin)
    event.listen(target, "after_cursor_execute", _end)
    event.listen(target, "handle_error", _fail)


@contextmanager
def statement_span(statement: str) -> Generator[None]:
    """Around a statement that does not go through the engine."""
    started = _started(statement)
    try:
        yield
    except Exception as error:
        _failed(started, error)
        raise
    if started is not None:
        started.end()


def _started(statement: str) -> Span | None:
    if not trace.get_current_span().is_recording():
        return None
    operation, table = describe(statement)
    attributes: dict[str, str] = {"db.system.name": "postgresql", "db.operation.name": operation}
    if table:
        attributes["db.collection.name"] = table
    return telemetry.begin(f"{operation} {table}" if table else operation, SpanKind.CLIENT, attributes)


def _failed(started: Span | None, error: BaseException | None) -> None:
    if started is not None:
        sqlstate: str | None = getattr(error, "sqlstate", None)
        telemetry.fail(started, sqlstate or type(error).__qualname__)
        started.end()


def _begin(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is not None and (started := _started(statement)) is not None:
        setattr(context, _KEY, started)


def _end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    started: Span | None = getattr(context, _KEY, None)
    if started is not None:
        started.end()


def _fail(failure: Any) -> None:
    _failed(getattr(failure.execution_context, _KEY, None), failure.original_exception)
