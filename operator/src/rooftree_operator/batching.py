"""What several passes ask of a system at the same moment, in one request.

Whoever asks alone is answered at once. While an answer is under way, what comes waits `LINGER` for company; what comes
while a request waits at the gate goes with it, too. An entry that fails, fails for whoever asked it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Histogram

from . import tracing
from .errors import Unavailable
from .gate import Gate, urgency

LINGER = 0.005  # seconds; about the time that one request takes
MOST = 100  # entries of a request
ENTRIES = Histogram(
    "rooftree_operator_batch_entries",
    "Entries of a request that may hold several tenants'.",
    ["kind"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 100),
)

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class _Asked(Generic[ItemT, AnswerT]):
    item: ItemT
    answer: asyncio.Future[AnswerT]


class Batches(Generic[ItemT, AnswerT]):
    """Requests of one kind.

    `send` answers each entry, or gives the error of it, in their order; what it raises is everybody's. Two entries with
    the same `key` never share a request: the second sees what the first has done.
    """

    def __init__(
        self,
        kind: str,
        gate: Gate,
        send: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT | Exception]]],
        key: Callable[[ItemT], Hashable],
    ) -> None:
        self._kind = kind
        self._gate = gate
        self._send = send
        self._key = key
        self._line: list[_Asked[ItemT, AnswerT]] = []
        self._coming: set[int] = set()  # urgencies of the requests that are about to take from the line
        self._under_way: set[Hashable] = set()  # keys of entries whose answers are awaited
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, item: ItemT) -> AnswerT:
        """The answer to one entry. Raises its error, and `Unavailable` while the gate is shut."""
        self._gate.check()
        asked = _Asked(item, asyncio.get_running_loop().create_future())
        self._line.append(asked)
        with tracing.step(self._kind):
            self._prepare()
            return await asked.answer

    def _prepare(self) -> None:
        """Sees to it that a request comes that is urgent enough: it gets the urgency of whoever sets it off."""
        mine = urgency.get()
        if not any(other <= mine for other in self._coming):
            self._coming.add(mine)
            task = asyncio.create_task(self._request(mine))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _request(self, mine: int) -> None:
        try:
            if self._under_way:
                await asyncio.sleep(LINGER)
            async with self._gate.call(self._kind):
                self._coming.discard(mine)
                if taken := self._take():
                    await self._answer(taken)
        except Unavailable as outage:
            self._coming.discard(mine)
            line, self._line = self._line, []
            _tell(line, [outage] * len(line))

    def _take(self) -> list[_Asked[ItemT, AnswerT]]:
        """Those who still want an answer, in order, as far as they may share a request; sees to the others."""
        taken: dict[Hashable, _Asked[ItemT, AnswerT]] = {}
        left: list[_Asked[ItemT, AnswerT]] = []
        for asked in self._line:
            if asked.answer.done():
                continue
            key = self._key(asked.item)
            if key in taken or key in self._under_way or len(taken) == MOST:
                left.append(asked)
            else:
                taken[key] = asked
        self._line = left
        return list(taken.values())

    async def _answer(self, taken: Sequence[_Asked[ItemT, AnswerT]]) -> None:
        ENTRIES.labels(self._kind).observe(len(taken))
        keys = {self._key(asked.item) for asked in taken}
        self._under_way |= keys
        try:
            answers = await self._send([asked.item for asked in taken])
        except Exception as error:
            answers = [error] * len(taken)
        finally:
            self._under_way -= keys
        _tell(taken, answers)
        if self._line:
            self._prepare()


def _tell(line: Sequence[_Asked[ItemT, AnswerT]], answers: Sequence[AnswerT | Exception]) -> None:
    for asked, answer in zip(line, answers, strict=True):
        if asked.answer.done():
            continue
        if isinstance(answer, Exception):
            asked.answer.set_exception(_own(answer))
        else:
            asked.answer.set_result(answer)


def _own(error: Exception) -> Exception:
    """For each who is told, as whoever catches an error writes its own way into it."""
    if not isinstance(error, Unavailable):
        return error
    own = Unavailable(error.reason, error.message)
    own.__cause__ = error.__cause__
    return own
