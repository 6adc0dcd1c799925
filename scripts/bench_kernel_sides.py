"""What `make bench-kernel` compares the app with: `python scripts/bench_kernel_sides.py bare|stock|unscoped`.

    bare      Starlette and psycopg: the statement that the app sends, its rows as JSON; no person, no spans, no log
    stock     FastAPI, SQLAlchemy's ORM and OpenTelemetry's own instrumentations, as their manuals show them
    unscoped  the app itself without the policy's record scope in the two reads that are measured

Their HTTP parser and event loop are those that uvicorn recommends (httptools and uvloop). Where things are they learn
from the app's own settings; BENCH_SQL is the list's statement, BENCH_CALLER whose list it is (ids as JSON).
"""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import uvicorn
from rooftree.kernel.database import connection_arguments
from rooftree.kernel.settings import Secrets, Settings, load

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

PATH = "/api/v1/people"
CONNECTIONS = 3  # as the app's pool


def main() -> None:
    sides = {"bare": bare, "stock": stock}
    if sys.argv[1] == "unscoped":
        unscoped()
        return
    port = int(os.environ["ROOFTREE_BIND_PORT"])
    uvicorn.run(sides[sys.argv[1]](), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _arguments() -> dict[str, Any]:
    settings = load(Settings)
    return connection_arguments(settings, Secrets(settings.secrets_dir))


def bare() -> Any:
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    sql: Any = os.environ["BENCH_SQL"].encode()
    names = {UUID(key): name for key, name in json.loads(os.environ["BENCH_CALLER"])["names"].items()}
    more = {"row_factory": dict_row, "autocommit": True}
    pool: Any = AsyncConnectionPool(min_size=CONNECTIONS, max_size=CONNECTIONS, open=False, kwargs=_arguments() | more)

    async def ready(_: Request) -> Response:
        return Response()

    async def people(_: Request) -> JSONResponse:
        async with pool.connection() as connection:
            rows = await (await connection.execute(sql)).fetchall()
        items = [_item(row, names) for row in rows[:20]]
        last = items[-1]["last_activity_at"].replace("Z", "+00:00")
        key = json.dumps(["-last_activity_at", last, items[-1]["id"]], separators=(",", ":"))
        cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
        return JSONResponse({"items": items, "total": rows[0]["total"], "next_cursor": cursor})

    @asynccontextmanager
    async def life(_: Starlette) -> Any:
        async with pool:
            yield

    return Starlette(routes=[Route("/readyz", ready), Route(PATH, people)], lifespan=life)


def _item(row: dict[str, Any], names: dict[UUID, str]) -> dict[str, Any]:
    whose = row["assigned_to"]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "emails": row["emails"] or [],
        "phones": [{"value": typed, "e164": e164} for typed, e164 in row["phones"] or []],
        "stage_id": str(row["stage_id"]),
        "stage_name": row["stage_name"],
        "source": row["source"],
        "tags": row["tags"],
        "assigned_to": {"id": str(whose), "name": names[whose]} if whose else None,
        "office_id": str(row["office_id"]) if row["office_id"] else None,
        "open_leads": row["open_leads"],
        "last_activity_at": _text(row["last_activity_at"]),
        "created_at": _text(row["created_at"]),
        "version": row["version"],
        "can_edit": row["can_edit"],
        "can_assign": row["can_assign"],
        "can_claim": row["can_claim"],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def stock() -> Any:
    """One class for a table, relations loaded as the manual advises for lists, the answer by its model."""
    import bench_kernel_stock

    return bench_kernel_stock.app(_arguments(), json.loads(os.environ["BENCH_CALLER"]), CONNECTIONS)


def unscoped() -> None:
    from rooftree import main as app
    from rooftree.modules.crm import summaries_repository
    from rooftree.modules.property import repository
    from sqlalchemy import true

    scope = summaries_repository._scope  # pyright: ignore[reportPrivateUsage]
    # All people are read; what may be done with each is part of the answer and stays.
    summaries_repository._scope = lambda principal: scope(principal)._replace(read=true())
    repository.readable_rows_of = lambda _: true()
    sys.argv[1:] = []
    sys.exit(app.main())


if __name__ == "__main__":
    main()
