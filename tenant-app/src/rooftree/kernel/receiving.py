"""Files that people send: whole, within a size and a time, and few at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.requests import ClientDisconnect

from rooftree.kernel.errors import BadRequest, LengthRequired, PayloadTooLarge, Unavailable

# Each is held in memory; a pod of the smallest plan has some 150 MiB beside what the app needs.
AT_ONCE = 2
RECEIVE_SECONDS = 120.0  # 20 MiB at 1.4 Mbit/s
TURN_SECONDS = 10.0
UPLOAD_ENDS = timedelta(hours=1)
"""What was announced and has not arrived by then never does, however late its storage answered."""


def announced(length: str | None) -> int:
    """What Content-Length says. Raises LengthRequired."""
    if length is None or not length.isdigit():
        raise LengthRequired
    return int(length)


class Receiving:
    """`what`: the word for one of them, `most`: how many bytes it may have."""

    def __init__(self, what: str, *, most: int) -> None:
        self._what = what
        self._most = most
        self._turns = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Few are held at once. Raises Unavailable when the others take long."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable(f"Other {self._what}s are being received; try again.") from None
        try:
            yield
        finally:
            self._turns.release()

    async def whole(self, body: AsyncIterator[bytes], length: int) -> bytes:
        """Raises PayloadTooLarge, BadRequest for a body that does not come to its end."""
        if length > self._most:
            raise PayloadTooLarge(f"A {self._what} may have {self._most // 1024**2} MiB.")
        content = bytearray()
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                async for part in body:
                    content += part
        except TimeoutError:
            raise BadRequest(f"The {self._what} did not arrive within {RECEIVE_SECONDS:.0f} s.") from None
        except ClientDisconnect:
            raise BadRequest(f"The {self._what} did not arrive whole.") from None
        return bytes(content)
