"""The statements that a request really sends, and what PostgreSQL plans for them."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

MOST_ROWS = 1_000


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: Any


@contextmanager
def sent(engine: AsyncEngine) -> Generator[list[Statement]]:
    """What goes to the database within the block, with its values."""
    found: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        found.append(Statement(statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


class Planner:
    """Asks as the app's own role, over a connection with its settings."""

    def __init__(self, connection: psycopg.Connection, sizes: dict[str, int]) -> None:
        self._connection = connection
        self._sizes = sizes
        self._known: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Indexes are others now."""
        self._known.clear()

    def plan(self, statement: Statement) -> dict[str, Any]:
        explained = f"EXPLAIN (FORMAT JSON, VERBOSE) {statement.text}".encode()
        row = self._connection.execute(explained, statement.parameters).fetchone()
        assert row is not None
        found = row[0] if isinstance(row[0], list) else json.loads(row[0])
        return found[0]["Plan"]

    def read_from_end_to_end(self, statement: Statement) -> list[str]:
        """Tables of more than MOST_ROWS rows that the statement would read so."""
        if (key := repr(statement)) not in self._known:
            self._known[key] = self._looked(statement)
        return self._known[key]

    def _looked(self, statement: Statement) -> list[str]:
        if not statement.text.lstrip("( \n").upper().startswith(("SELECT", "WITH")):
            return []
        scans = [node for node in nodes(self.plan(statement)) if node["Node Type"] == "Seq Scan"]
        return sorted({_table(node) for node in scans if self._rows_read(node) > MOST_ROWS})

    def _rows_read(self, scan: dict[str, Any]) -> float:
        size = self._sizes[_table(scan)]
        # EXISTS needs no column of a row, and ends with the first that there is.
        looks_for_one = scan.get("Parent Relationship") == "InitPlan" and scan["Plan Width"] == 0
        return size / max(scan["Plan Rows"], 1) if looks_for_one else size


def _table(scan: dict[str, Any]) -> str:
    return f"{scan['Schema']}.{scan['Relation Name']}"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def sizes(connection: psycopg.Connection) -> dict[str, int]:
    """Rows of each table, as the planner knows them."""
    query = """
        SELECT relnamespace::regnamespace || '.' || relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'
    """
    return dict(connection.execute(query).fetchall())
