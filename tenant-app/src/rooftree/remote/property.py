"""Property between processes."""

from typing import cast
from uuid import UUID

from rooftree_pb import property_pb2 as pb

from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import (
    Feed,
    FeedRun,
    FeedState,
    ListingReference,
    Progress,
    PropertyApi,
    RunKind,
    RunState,
)
from rooftree.kernel.auth import Principal
from rooftree.kernel.rpc_client import Peer
from rooftree.remote.values import optional, optional_id, optional_time, stamp, text, time, token

SERVICE = pb.DESCRIPTOR.services_by_name["Property"]
CONTRACT = PropertyApi
_CALL = f"/{SERVICE.full_name}/"


class Client:
    """Fulfils `PropertyApi`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def feeds(self) -> tuple[Feed, ...]:
        answer = await self._peer.call(_CALL + "Feeds", pb.FeedsRequest(), pb.FeedsAnswer)
        return tuple(_feed(one) for one in answer.feeds)

    async def feed_runs(self, feed: str, *, limit: int) -> tuple[FeedRun, ...]:
        request = pb.FeedRunsRequest(feed=feed, limit=limit)
        answer = await self._peer.call(_CALL + "FeedRuns", request, pb.FeedRunsAnswer)
        return tuple(_run(one) for one in answer.runs)

    async def listing(self, property_id: UUID, *, reader: Principal | None) -> ListingReference:
        request = pb.ListingRequest(property_id=str(property_id), reader=None if reader is None else token(reader))
        answer = await self._peer.call(_CALL + "Listing", request, pb.ListingAnswer)
        return ListingReference(
            id=UUID(answer.id),
            listing_key=answer.listing_key,
            address=answer.address,
            list_agent_id=optional_id(answer, "list_agent_id"),
            list_office_id=optional_id(answer, "list_office_id"),
        )


class Servicer:
    def __init__(self, port: PropertyApi, identity: IdentityApi) -> None:
        """`identity` tells whom a token stands for."""
        self._port = port
        self._identity = identity

    async def feeds(self, _request: pb.FeedsRequest) -> pb.FeedsAnswer:
        return pb.FeedsAnswer(feeds=[_feed_message(feed) for feed in await self._port.feeds()])

    async def feed_runs(self, request: pb.FeedRunsRequest) -> pb.FeedRunsAnswer:
        runs = await self._port.feed_runs(request.feed, limit=request.limit)
        return pb.FeedRunsAnswer(runs=[_run_message(run) for run in runs])

    async def listing(self, request: pb.ListingRequest) -> pb.ListingAnswer:
        reader = await self._identity.authenticate(request.reader) if request.HasField("reader") else None
        listing = await self._port.listing(UUID(request.property_id), reader=reader)
        return pb.ListingAnswer(
            id=str(listing.id),
            listing_key=listing.listing_key,
            address=listing.address,
            list_agent_id=text(listing.list_agent_id),
            list_office_id=text(listing.list_office_id),
        )


def _feed(one: pb.Feed) -> Feed:
    progress = one.progress
    return Feed(
        name=one.name,
        url=one.url,
        state=cast("FeedState", one.state),
        imported=one.imported,
        rejected=one.rejected,
        last_started_at=optional_time(one, "last_started_at"),
        last_finished_at=optional_time(one, "last_finished_at"),
        last_error=optional(one, "last_error"),
        checkpoint=optional(one, "checkpoint"),
        last_change_at=optional_time(one, "last_change_at"),
        lag_seconds=optional(one, "lag_seconds"),
        progress=Progress(seen=progress.seen, total=optional(progress, "total")) if one.HasField("progress") else None,
    )


def _feed_message(feed: Feed) -> pb.Feed:
    progress = feed.progress
    return pb.Feed(
        name=feed.name,
        url=feed.url,
        state=feed.state,
        imported=feed.imported,
        rejected=feed.rejected,
        last_started_at=stamp(feed.last_started_at),
        last_finished_at=stamp(feed.last_finished_at),
        last_error=feed.last_error,
        checkpoint=feed.checkpoint,
        last_change_at=stamp(feed.last_change_at),
        lag_seconds=feed.lag_seconds,
        progress=pb.Feed.Progress(seen=progress.seen, total=progress.total) if progress else None,
    )


def _run(one: pb.FeedRun) -> FeedRun:
    return FeedRun(
        id=UUID(one.id),
        kind=cast("RunKind", one.kind),
        state=cast("RunState", one.state),
        started_at=time(one.started_at),
        finished_at=optional_time(one, "finished_at"),
        seen=one.seen,
        created=one.created,
        updated=one.updated,
        removed=one.removed,
        unchanged=one.unchanged,
        rejected=one.rejected,
        total=optional(one, "total"),
        error=optional(one, "error"),
        checkpoint=optional(one, "checkpoint"),
    )


def _run_message(run: FeedRun) -> pb.FeedRun:
    return pb.FeedRun(
        id=str(run.id),
        kind=run.kind,
        state=run.state,
        started_at=stamp(run.started_at),
        finished_at=stamp(run.finished_at),
        seen=run.seen,
        created=run.created,
        updated=run.updated,
        removed=run.removed,
        unchanged=run.unchanged,
        rejected=run.rejected,
        total=run.total,
        error=run.error,
        checkpoint=run.checkpoint,
    )
