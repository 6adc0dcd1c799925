"""Reads that were measured and found to matter: compiled once, run on psycopg's own cursor, encoded without a model.

SQLAlchemy writes the statement (`prepare`, once for each shape that it can have, by an `lru_cache`), so that scope
clauses, columns and conditions are those of all other queries; only what it does at each execution is left out. What
differs between two executions comes as named values: `bindparam` in the statement, a member of `values` in `fetch`.
The route keeps its `response_model` for the API description and returns `json_answer`; a test holds that both agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from fastapi import Response
from psycopg.rows import dict_row
from sqlalchemy import Connection, Select
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from rooftree.kernel.statement_spans import statement_span

_DIALECT = postgresql.dialect()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement's text, with the values that are the same at each execution."""

    sql: str
    fixed: Mapping[str, Any]


def prepare(statement: Select[*tuple[Any, ...]]) -> Prepared:
    """Raises ValueError for `in_` with a list, whose text would depend on its length; use `any_` of an array."""
    compiled = statement.compile(dialect=_DIALECT)
    sql = str(compiled)
    if "POSTCOMPILE" in sql:
        raise ValueError("a prepared statement cannot have lists of parameters; compare with any_ of an array")
    # What has no value of its own is None here and a member of `values` later.
    return Prepared(sql, {name: value for name, value in compiled.params.items() if value is not None})


async def fetch(connection: AsyncConnection, prepared: Prepared, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All rows, by the statement's column names. `values`: as psycopg writes them; more than it needs do no harm."""
    raw = _raw(connection)
    try:
        with statement_span(prepared.sql):
            async with raw.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(prepared.sql.encode(), {**prepared.fixed, **values})
                return await cursor.fetchall()
    except psycopg.Error as error:
        if raw.closed:
            await connection.run_sync(_give_up, error)
        raise


def _give_up(connection: Connection, error: psycopg.Error) -> None:
    """As SQLAlchemy does for an error that it sees itself: nobody gets this connection or one as old as it any more."""
    connection.engine.pool._invalidate(connection.connection, error, _checkin=False)  # pyright: ignore[reportPrivateUsage]
    connection.invalidate(error)


def _raw(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """It has one since it was opened: no need to go through SQLAlchemy's switch between kinds of code for it."""
    assert connection.sync_connection is not None
    raw: Any = connection.sync_connection.connection.driver_connection
    return raw


def json_answer(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """As the route's model would be written: ids and times as text, UTC as `Z`."""
    return Response(orjson.dumps(content, option=orjson.OPT_UTC_Z), headers=headers, media_type="application/json")
