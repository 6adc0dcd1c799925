"""A span for each statement that is sent within a recorded trace: its kind and its table, nothing else.

The time of those that a request waits for is counted as its time in the database, recorded or not.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span, SpanKind
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rooftree.kernel import server_spans, telemetry
from rooftree.kernel.server_spans import Wait

_KEY = "rooftree_statement"
_ABOUT = {"db.system.name": "postgresql"}
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
    sent = _sent(statement)
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        if sent is not None:
            sent.end(failure)


class _Statement:
    """One that was sent: its span, if its trace is kept, and the wait for it, if it is a request's."""

    __slots__ = ("_span", "_wait")

    def __init__(self, span: Span | None, wait: Wait | None) -> None:
        self._span = span
        self._wait = wait

    def end(self, failure: BaseException | None = None) -> None:
        if self._wait is not None:
            self._wait.end()
        if self._span is not None:
            if failure is not None:
                sqlstate: str | None = getattr(failure, "sqlstate", None)
                telemetry.fail(self._span, sqlstate or type(failure).__qualname__)
            self._span.end()


def _sent(statement: str) -> _Statement | None:
    """None: nobody wants to know."""
    wait = server_spans.waiting(_ABOUT)
    if telemetry.is_recording():
        return _Statement(_begun(statement), wait)
    return _Statement(None, wait) if wait is not None else None


def _begun(statement: str) -> Span:
    operation, table = describe(statement)
    attributes = _ABOUT | {"db.operation.name": operation}
    if table:
        attributes["db.collection.name"] = table
    return telemetry.begin(f"{operation} {table}" if table else operation, SpanKind.CLIENT, attributes)


def _begin(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is not None and (sent := _sent(statement)) is not None:
        setattr(context, _KEY, sent)


def _end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if (sent := _taken(context)) is not None:
        sent.end()


def _fail(failure: Any) -> None:
    if (sent := _taken(failure.execution_context)) is not None:
        sent.end(failure.original_exception)


def _taken(context: Any) -> _Statement | None:
    """Once: reading its rows may fail after the statement has ended."""
    sent: _Statement | None = getattr(context, _KEY, None)
    if sent is not None:
        delattr(context, _KEY)
    return sent
