"""How many bytes each system keeps, all that it keeps."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import redis.asyncio as redis

from bench_operator.api import pki, trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ETCD = "https://127.0.0.1:2379"


async def of_etcd() -> int:
    """The size of its file after what is old has been removed and its holes have been closed."""
    connector = aiohttp.TCPConnector(ssl=trust(client="etcd-client", authority="etcd-ca"))
    async with aiohttp.ClientSession(ETCD, connector=connector) as session:

        async def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
            async with session.post(f"/v3/{path}", data=json.dumps(body)) as answer:
                answer.raise_for_status()
                return await answer.json()

        revision = (await ask("maintenance/status", {}))["header"]["revision"]
        await ask("kv/compaction", {"revision": revision, "physical": True})
        await ask("maintenance/defragment", {})
        return int((await ask("maintenance/status", {}))["dbSize"])


async def of_postgres() -> int:
    """All databases; the log of changes, which is used again, apart."""
    async with await psycopg.AsyncConnection.connect(os.environ["ROOFTREE_TEST_POSTGRES"], autocommit=True) as server:
        await server.execute("CHECKPOINT")
        cursor = await server.execute("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def of_redis() -> int:
    """Memory in use, and the file of users."""
    client = redis.Redis(
        host=os.environ["ROOFTREE_TEST_REDIS_HOST"],
        port=int(os.environ["ROOFTREE_TEST_REDIS_PORT"]),
        username=os.environ["ROOFTREE_TEST_REDIS_USER"],
        password=os.environ["ROOFTREE_TEST_REDIS_PASSWORD"],
        ssl=True,
        ssl_ca_certs=os.environ["ROOFTREE_CA_FILE"],
    )
    async with client:
        used = (await client.info("memory"))["used_memory"]
    return used + (pki().parent / "redis" / "users.acl").stat().st_size


def on_disk(folder: Path) -> int:
    """What its files take on the disk; sparse ones only what they hold, and those that go meanwhile nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_blocks * 512
    return total


def _elasticsearch() -> aiohttp.ClientSession:
    """As its administrator."""
    password = os.environ["ROOFTREE_TEST_ELASTICSEARCH_PASSWORD"]
    login = aiohttp.BasicAuth(os.environ["ROOFTREE_TEST_ELASTICSEARCH_USER"], password)
    connector = aiohttp.TCPConnector(ssl=trust())
    return aiohttp.ClientSession(os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"], auth=login, connector=connector)


async def of_elasticsearch() -> int:
    """All indices after what was in memory has been written, those of its own users and roles too."""
    async with _elasticsearch() as session, session.post("/_flush?expand_wildcards=all") as answer:
        answer.raise_for_status()
    return on_disk(pki().parent / "elasticsearch" / "data")


async def make_indices(names: Sequence[str]) -> None:
    """Makes empty indices, as the tenants' apps would at their first start."""
    async with _elasticsearch() as session:
        for name in names:
            async with session.put(f"/{name}") as answer:
                answer.raise_for_status()


async def measured(*, elasticsearch: bool) -> dict[str, int]:
    """Bytes by system."""
    state = pki().parent
    found = {"etcd": await of_etcd(), "postgres": await of_postgres(), "redis": await of_redis()}
    found |= {"kafka": on_disk(state / "kafka" / "data"), "s3": on_disk(state / "s3")}
    return found | ({"elasticsearch": await of_elasticsearch()} if elasticsearch else {})
