"""HTTP of feeds: how they are doing, their runs, what they refused."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from rooftree.contracts.access.routes import needs
from rooftree.kernel.api_route import ApiRoute
from rooftree.kernel.idempotency import REPEATABLE
from rooftree.kernel.module import provided
from rooftree.kernel.pagination import PageQuery
from rooftree.kernel.problems import responses
from rooftree.kernel.sparse import SPARSE
from rooftree.modules.property.feed_schemas import (
    FeedOutput,
    FeedRunOutput,
    FeedRunPage,
    Feeds,
    ReasonOutput,
    RejectionOutput,
    RejectionPage,
    RunQuery,
)
from rooftree.modules.property.feed_service import FeedService

router = APIRouter(route_class=ApiRoute)
Service = Annotated[FeedService, Depends(provided(FeedService))]
Name = Annotated[str, Path(max_length=100)]


@router.get("/feeds", dependencies=[*needs("feed", "read"), SPARSE], responses=responses(401, 403))
async def list_feeds(service: Service) -> Feeds:
    return Feeds(items=[FeedOutput(**asdict(feed)) for feed in await service.feeds()])


@router.get(
    "/feeds/{name}/runs",
    dependencies=[*needs("feed", "read"), SPARSE],
    responses=responses(401, 403, 404, 422),
)
async def list_feed_runs(name: Name, query: Annotated[RunQuery, Query()], service: Service) -> FeedRunPage:
    page = await service.runs(name, **query.model_dump())
    return FeedRunPage(items=[FeedRunOutput(**asdict(run)) for run in page.items], next_cursor=page.next_cursor)


@router.post(
    "/feeds/{name}/runs",
    dependencies=[*needs("feed", "run"), REPEATABLE],
    status_code=202,
    responses=responses(401, 403, 404, 409, 422),
)
async def start_feed_run(name: Name, service: Service) -> FeedRunOutput:
    return FeedRunOutput(**asdict(await service.start_run(name)))


@router.get(
    "/feeds/{name}/rejections", dependencies=[*needs("feed", "read"), SPARSE], responses=responses(401, 403, 404, 422)
)
async def list_feed_rejections(name: Name, query: Annotated[PageQuery, Query()], service: Service) -> RejectionPage:
    page = await service.rejections(name, limit=query.limit, cursor=query.cursor)
    items = [
        RejectionOutput(
            listing_key=row.listing_key,
            reasons=[ReasonOutput(**reason) for reason in row.reasons],
            record=row.record,
            seen_at=row.seen_at,
        )
        for row in page.items
    ]
    return RejectionPage(items=items, total=page.total, next_cursor=page.next_cursor)
