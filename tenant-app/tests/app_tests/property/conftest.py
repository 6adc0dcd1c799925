"""The sample MLS on loopback with a log of what was asked, and a tenant that is connected to it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from rooftree import assembly
from rooftree.kernel.jobs import Job
from rooftree.modules.property import search_engine, search_queries, search_service
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.settings import Settings as FeedSettings

from ..conftest import Tenant
from .elasticsearch import Cluster, tenant_in

CLIENT = ("a client", "a secret")


@dataclass
class Server:
    """An ASGI app on a free port of loopback in a thread of this process."""

    app: Any
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pages(self) -> list[str]:
        """The queries of the pages of records that were asked for, in order; counts and lists of keys are none."""
        return [target for target in self.requests if target.startswith("/odata/Property") and "$select=" not in target]

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.requests.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await self.app(scope, receive, send)

    def run(self) -> "RunningServer":
        return RunningServer(self)


class RunningServer:
    def __init__(self, server: Server) -> None:
        self._server = server
        config = uvicorn.Config(
            server.answer, host="127.0.0.1", port=0, log_level="warning", lifespan="off", interface="asgi3"
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._uvicorn.started:
            assert self._thread.is_alive(), "the server ended"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        self._server.port = self._uvicorn.servers[0].sockets[0].getsockname()[1]
        return self._server

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Server]]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(Server(app).run())


@pytest.fixture
def mls(serve: Callable[[Any], Server]) -> Server:
    """The sample feed."""
    return serve(build_app(FeedSettings(*CLIENT)))


def feeds_file(**origins: str) -> str:
    """`feeds.json` for feeds by name."""
    entries = [
        {
            "name": name,
            "url": f"{origin}/odata",
            "token_url": f"{origin}/oauth/token",
            "client_id": CLIENT[0],
            "client_secret": CLIENT[1],
        }
        for name, origin in origins.items()
    ]
    return json.dumps(entries)


def connected(tenant: Tenant, **origins: str) -> Tenant:
    return tenant.but(secret_files={"feeds.json": feeds_file(**origins)})


def sync_job(parts: assembly.Parts) -> Job:
    (job,) = [job for job in parts.queue.declared() if job.name == "property.sync_feeds"]
    return job


async def sync(tenant: Tenant, clock: Any = None) -> CollectorRegistry:
    """What the job does, once, as in a process of its own; what that told of itself."""
    parts = assembly.build(assembly.find(), tenant.settings(), tenant.secrets(), clock)
    try:
        await sync_job(parts).run()
    finally:
        await parts.close()
    return parts.runtime.metrics.registry


@pytest.fixture(scope="session")
def elasticsearch() -> Cluster:
    return Cluster.given()


@pytest.fixture
def indexed_tenant(stored_tenant: Tenant, elasticsearch: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """A tenant with a database and a place in Elasticsearch, both empty.

    Its searches wait for the index even on a machine that is busy with other tests.
    """
    for module in (search_engine, search_service):
        monkeypatch.setattr(module, "SEARCH_SECONDS", 20.0)
    monkeypatch.setattr(search_queries, "TIMEOUT", "19s")
    with tenant_in(elasticsearch) as (tenant_id, password):
        monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_URL", elasticsearch.url)
        monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_USER", f"{tenant_id}.app")
        yield stored_tenant.but(tenant_id=tenant_id, secret_files={"elasticsearch_password": password})
