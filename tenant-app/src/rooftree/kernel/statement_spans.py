"""A span for each statement that SQLAlchemy sends within a recorded trace: its kind and its table, nothing else."""

import re
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


def _begin(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is None or not trace.get_current_span().is_recording():
        return
    operation, table = describe(statement)
    attributes: dict[str, str] = {"db.system.name": "postgresql", "db.operation.name": operation}
    if table:
        attributes["db.collection.name"] = table
    name = f"{operation} {table}" if table else operation
    setattr(context, _KEY, telemetry.begin(name, SpanKind.CLIENT, attributes))


def _end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    started: Span | None = getattr(context, _KEY, None)
    if started is not None:
        started.end()


def _fail(failure: Any) -> None:
    started: Span | None = getattr(failure.execution_context, _KEY, None)
    if started is not None:
        sqlstate: str | None = getattr(failure.original_exception, "sqlstate", None)
        telemetry.fail(started, sqlstate or type(failure.original_exception).__qualname__)
        started.end()
