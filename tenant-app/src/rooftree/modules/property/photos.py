"""Photos of the feeds: one lasting connection to each feed's origin, few at once, each within a total time."""

import asyncio
from typing import TYPE_CHECKING

from rooftree.modules.property.reso import FeedConfig, FeedError, ResoClient, new_http

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

AT_ONCE = 8  # of one origin; each photo may hold 8 MiB
TOTAL_SECONDS = 20.0  # waiting for a turn included


class Photos:
    """Clients are made with an origin's first photo (a TLS context costs some 40 ms) and live until `close`."""

    def __init__(self, connect: "Callable[[], httpx2.AsyncClient]" = new_http) -> None:
        self._connect = connect
        self._origins: dict[str, tuple[httpx2.AsyncClient, asyncio.Semaphore]] = {}

    async def get(self, config: FeedConfig, url: str) -> bytes:
        """The photo at an address of the feed's own origin. Raises FeedError."""
        if config.origin not in self._origins:
            self._origins[config.origin] = (self._connect(), asyncio.Semaphore(AT_ONCE))
        http, turn = self._origins[config.origin]
        try:
            async with asyncio.timeout(TOTAL_SECONDS), turn:
                return await ResoClient(config, http).photo(url)
        except TimeoutError:
            raise FeedError(f"the feed gave no photo within {TOTAL_SECONDS:.0f} s") from None

    async def close(self) -> None:
        while self._origins:
            http, _ = self._origins.popitem()[1]
            await http.aclose()
