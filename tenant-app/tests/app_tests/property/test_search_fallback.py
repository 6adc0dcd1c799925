"""Two places can answer a search. Whoever is back answers, and nobody is asked twice for nothing."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from rooftree.kernel.errors import Unavailable
from rooftree.modules.property.search import Search
from rooftree.modules.property.search_engine import EngineAway
from rooftree.modules.property.search_index import Answer
from rooftree.modules.property.search_metrics import SearchMetrics
from rooftree.modules.property.search_service import Page, SearchService

from .search_world import OWNER

NONE: Any = None


class Index:
    """An index without listings; counts who asks."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0

    async def find(self, *_: Any, **__: Any) -> Answer:
        self.asked += 1
        if self.is_away:
            raise EngineAway("away")
        return Answer([], 0, None)


class Keeper:
    def __init__(self) -> None:
        self.index = Index()


class Away:
    """The unit of work of a database that is away."""

    async def read(self, _work: Any) -> Any:
        raise Unavailable


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def service(keeper: Any) -> SearchService:
    """Its database is away."""
    metrics = SearchMetrics(CollectorRegistry(), indexed=True)
    uow: Any = Away()
    return SearchService(uow, NONE, NONE, metrics, pages=NONE, keeper=keeper, currency="USD")


async def find(service: SearchService) -> Page:
    return await service.find(OWNER, Search(), sort="-modified", limit=5, cursor=None)


async def test_an_index_that_missed_its_time_is_asked_again_when_the_database_cannot_answer(
    service: SearchService, keeper: Keeper
) -> None:
    keeper.index.is_away = True
    with pytest.raises(Unavailable):
        await find(service)
    keeper.index.is_away = False
    assert (await find(service)).source == "search"


async def test_an_index_that_was_just_asked_is_not_asked_twice(service: SearchService, keeper: Keeper) -> None:
    keeper.index.is_away = True
    with pytest.raises(Unavailable):
        await find(service)
    assert keeper.index.asked == 1
