"""argon2id (19 MiB, 2 passes, 1 lane) in two threads at most; a longer queue is refused, never grown.

Each running hash takes 19 MiB, so two bound the memory; the eight that may wait bound the time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from rooftree.kernel.errors import Unavailable
from rooftree.modules.identity.domain import normalized_password

T = TypeVar("T")
_AT_ONCE = 2
_MAX_WAITING = 8
# A hash of random bytes with the same cost; checking against it takes as long as against a real one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$W8nDz61w5xe75A5dKdoAdQ$vnNI1XckP3RqX/2tQC+nNB/WySNosxMwS72i6cfjs/g"


class Passwords:
    def __init__(self) -> None:
        self._hasher = Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._busy = 0

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, normalized_password(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """None for `stored` takes as long and is never right."""
        right = await self._run(self._hasher.verify, normalized_password(password), stored or _NOBODY)
        return right and stored is not None

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._busy >= _AT_ONCE + _MAX_WAITING:
            raise Unavailable("Too many people are signing in at this moment.", retry_after=2)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._busy -= 1
