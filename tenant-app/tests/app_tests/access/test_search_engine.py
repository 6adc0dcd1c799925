"""The matrix of searches where Elasticsearch answers: its filters and masks are the same as PostgreSQL's."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from rooftree.kernel import middleware
from rooftree.modules.property import search_document, search_queries
from rooftree.modules.property.search_watch import REBUILD_JOB
from rooftree.modules.property.visibility import visible_documents

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage
from ..property.conftest import elasticsearch, indexed_tenant
from . import truth
from .matrix import Matrix
from .probes import PROBES
from .world import World, build

_ = elasticsearch, indexed_tenant  # fixtures
SEARCHES = ("search_properties", "suggest_properties", "map_properties")


@pytest.fixture
async def indexed(
    start: Any, indexed_tenant: Tenant, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[World]:
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    owner: Browser = await start(indexed_tenant)
    await owner.accept_owner()
    await owner.sign_in()
    async with AsyncExitStack() as stack:
        world = await build(Brokerage(owner, database, stack))
        parts = owner.app.state.parts
        (job,) = [job for job in parts.queue.declared() if job.name == REBUILD_JOB]
        await job.run()
        yield world


@pytest.mark.integration
@pytest.mark.timeout(600)
async def test_searches_of_the_index_show_what_the_matrix_says(indexed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = await searched(indexed)
    assert matrix.wrong == []
    columns = sum(len(probe.columns()) for probe in PROBES if probe.operation in SEARCHES)
    assert matrix.counted["cells"] == len(truth.CALLERS) * columns
    assert matrix.counted["facets"] > 0
    page = (await indexed.callers["client"].get("/api/v1/properties?limit=100")).json()
    assert page["source"] == "search"
    for owner, name, hole in (
        (search_queries, "visible_documents", lambda **_: visible_documents(everything=True)),
        (search_queries, "visible_documents", _without_places),
        (search_document, "shows_place", lambda *_, **__: True),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, hole)
            assert (await searched(indexed)).wrong, name


def _without_places(*, everything: bool, **_: bool) -> list[Any]:
    return visible_documents(everything=everything)


async def searched(world: World) -> Matrix:
    matrix = Matrix(world)
    for probe in PROBES:
        if probe.operation in SEARCHES:
            for caller in truth.CALLERS:
                for column in probe.columns():
                    await matrix.cell(probe, column, caller)
    return matrix
