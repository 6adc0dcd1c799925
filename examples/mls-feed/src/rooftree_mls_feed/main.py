"""Serves the sample feed: `python -m rooftree_mls_feed.main`."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import uvicorn

from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.control import HOST, build_control
from rooftree_mls_feed.settings import Settings, read_settings
from rooftree_mls_feed.store import Mls


class Control(uvicorn.Server):
    """Ends with the feed, which gets the signals."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


async def serve(settings: Settings) -> None:
    mls = Mls()
    feed = uvicorn.Config(build_app(settings, mls), host=settings.host, port=settings.port, server_header=False)
    control = Control(uvicorn.Config(build_control(mls), host=HOST, port=settings.control_port, lifespan="off"))
    beside = asyncio.create_task(control.serve())
    try:
        await uvicorn.Server(feed).serve()
    finally:
        control.should_exit = True
        await beside


def main() -> None:
    asyncio.run(serve(read_settings()))


if __name__ == "__main__":
    main()
