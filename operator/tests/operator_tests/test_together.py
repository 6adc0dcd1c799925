"""What loses the Lease ends, whatever its parts make of that."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from rooftree_operator import together as module
from rooftree_operator.together import together


class Deaf:
    """A part that takes this many cancellations for something else, as a library does that was just answered."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.ended = False

    async def run(self) -> None:
        try:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if not self.left:
                        raise
                    self.left -= 1
        finally:
            self.ended = True


async def fails() -> None:
    await asyncio.sleep(0)
    raise LookupError("lost")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.01)


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_when_one_fails_all_others_end_and_its_error_is_told(times: int) -> None:
    deaf = Deaf(times)
    async with asyncio.timeout(5):
        with pytest.raises(LookupError, match="lost"):
            await together(deaf.run(), fails())
    assert deaf.ended


async def test_whoever_is_cancelled_ends_all_parts_first() -> None:
    deaf = Deaf(1)
    running = asyncio.create_task(together(deaf.run(), asyncio.Event().wait()))
    await asyncio.sleep(0.01)
    running.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert deaf.ended


async def test_a_part_that_is_done_does_not_end_the_others() -> None:
    order: list[str] = []

    def part(name: str, rounds: int) -> Coroutine[Any, Any, None]:
        async def run() -> None:
            for _ in range(rounds):
                await asyncio.sleep(0)
            order.append(name)

        return run()

    await together(part("late", 5), part("early", 1))
    assert order == ["early", "late"]
