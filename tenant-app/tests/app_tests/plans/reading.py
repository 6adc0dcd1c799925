"""The statements that a request really sends, and what PostgreSQL plans for them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg.sql
import pytest

MOST_ROWS = 1_000


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: Any


@contextmanager
def sent(patch: pytest.MonkeyPatch) -> Generator[list[Statement]]:
    """What goes to databases within the block, with its values, by SQLAlchemy or without it."""
    found: list[Statement] = []
    execute = psycopg.AsyncCursor.execute

    async def noting(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        found.append(Statement(_text(self, query), params))
        return await execute(self, query, params, **more)

    with patch.context() as patched:
        patched.setattr(psycopg.AsyncCursor, "execute", noting)
        yield found


def _text(cursor: psycopg.AsyncCursor[Any], query: Any) -> str:
    if isinstance(query, psycopg.sql.Composable):
        return query.as_string(cursor)
    return query.decode() if isinstance(query, bytes) else query


@dataclass(frozen=True)
class Reading:
    """Tables that one statement would read: those of more than MOST_ROWS rows from end to end, and the small ones."""

    end_to_end: frozenset[str] = frozenset()
    small: frozenset[str] = frozenset()


class Planner:
    """Asks as the app's own role, over a connection with its settings."""

    def __init__(self, connection: psycopg.Connection, sizes: dict[str, int]) -> None:
        self._connection = connection
        self._sizes = sizes
        self._known: dict[str, Reading] = {}

    def forget(self) -> None:
        """Indexes are others now."""
        self._known.clear()

    def read_by(self, statement: Statement) -> Reading:
        if (key := repr(statement)) not in self._known:
            self._known[key] = self._looked(statement)
        return self._known[key]

    def _looked(self, statement: Statement) -> Reading:
        if not statement.text.lstrip("( \n").upper().startswith(("SELECT", "WITH")):
            return Reading()
        found = [node for node in nodes(self.plan(statement)) if "Relation Name" in node]
        scans = [node for node in found if node["Node Type"] == "Seq Scan"]
        return Reading(
            frozenset(_table(node) for node in scans if self._rows_read(node) > MOST_ROWS),
            frozenset(_table(node) for node in found if self._sizes[_table(node)] <= MOST_ROWS),
        )

    def plan(self, statement: Statement) -> dict[str, Any]:
        explained = f"EXPLAIN (FORMAT JSON, VERBOSE) {statement.text}".encode()
        row = self._connection.execute(explained, statement.parameters).fetchone()
        assert row is not None
        return row[0][0]["Plan"]

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
