"""First pages of searches, kept in the cache until a listing changes: most people who arrive ask for the same few.

What is kept belongs to a generation, a random name under a key of its own. When a change has become findable, the
generation gets another name and nobody asks for the old pages again. A page that was read before the change is kept
under the name that was read before it, so it cannot come back. If the cache does not take the new name, it is told
again until it does or until every page that it can still hold has expired.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256

import structlog

from rooftree.kernel.background import Loop
from rooftree.kernel.cache import Cache
from rooftree.kernel.ids import new_id
from rooftree.modules.property.search_engine import IndexMissing
from rooftree.modules.property.search_keeper import SearchKeeper

PAGE_SECONDS = 10.0
"""How old a page can get when the cache was away just when a listing changed."""
GENERATION_SECONDS = 86_400.0
PAUSE_SECONDS = 0.25  # at most 4 refreshes of the index a second, however many changes come
RETRY_SECONDS = 1.0
_GENERATION = "pages.generation"
_log = structlog.get_logger(__name__)


class SearchPages:
    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        # While the cache is away, one load still serves all who ask for the same.
        self._alone = new_id().hex

    async def get_or_load(self, question: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """`question` names all that the answer depends on; who asks the same meanwhile waits for the same `load`."""
        kept = await self._cache.get(_GENERATION)
        generation = kept.decode() if kept else await self.renew() or self._alone
        digest = sha256(question.encode()).hexdigest()[:32]
        return await self._cache.get_or_load(f"pages.{generation}.{digest}", PAGE_SECONDS, load)

    async def renew(self) -> str | None:
        """Forget all pages; None while the cache is away."""
        generation = new_id().hex
        return generation if await self._cache.set(_GENERATION, generation.encode(), GENERATION_SECONDS) else None


class SearchRefresh(Loop):
    """Makes changes findable at once, and then forgets pages from before; one in every process that writes."""

    def __init__(self, keeper: SearchKeeper, pages: SearchPages) -> None:
        super().__init__("property.search_refresh")
        self._keeper = keeper
        self._pages = pages
        self._untold_until: float | None = None
        """Until when a page from before a change may still be held by a cache that was not told."""

    async def _run(self) -> None:
        while True:
            changed = await self._waited()
            if not changed or await self._refreshed():
                await self._forget(changed=changed)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _waited(self) -> bool:
        """Whether something changed; otherwise it is time to tell the cache again."""
        try:
            async with asyncio.timeout(None if self._untold_until is None else RETRY_SECONDS):
                await self._keeper.changed.wait()
        except TimeoutError:
            return False
        self._keeper.changed.clear()
        return True

    async def _refreshed(self) -> bool:
        try:
            await self._keeper.index.refresh("live")
        except IndexMissing:
            return False  # the rebuild that follows counts as a change
        except Exception as error:
            # Whatever it is: without another try, pages from before the change would be kept as good ones.
            _log.warning("search_not_refreshed", exc_info=error)
            await asyncio.sleep(RETRY_SECONDS)
            self._keeper.changed.set()
            return False
        return True

    async def _forget(self, *, changed: bool) -> None:
        now = asyncio.get_running_loop().time()
        if changed or self._untold_until is None:
            self._untold_until = now + PAGE_SECONDS
        if await self._pages.renew() or now >= self._untold_until:
            self._untold_until = None
