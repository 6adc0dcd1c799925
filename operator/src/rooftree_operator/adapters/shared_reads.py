"""Objects that several parts of one pass read are asked for once.

Inside `shared()` the first answer holds for its object until the pass ends or writes to it. An answer may so be as old
as the pass: what changed meanwhile comes as an event, and is seen by the pass after this one.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from ..drift import Object


@dataclass
class _Known:
    """By the path of an object. `writes` counts those of this pass, so that no older answer is taken for newer."""

    answers: dict[str, Object | None] = field(default_factory=dict[str, Object | None])
    asking: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])
    writes: int = 0


_known: ContextVar[_Known | None] = ContextVar("known", default=None)


@contextmanager
def shared() -> Generator[None]:
    """All reads of the block and of the tasks that begin in it are shared."""
    token = _known.set(_Known())
    try:
        yield
    finally:
        _known.reset(token)


async def read(
    path: str, ask: Callable[[], Awaitable[Object | None]], near: Callable[[], Object | None]
) -> Object | None:
    """The object at `path`; asks for it if nobody of this pass did since it was written. An error is nobody else's.

    `near` answers without a request, or raises LookupError.
    """
    known = _known.get()
    if known is None:
        return await ask()
    async with known.asking.setdefault(path, asyncio.Lock()):
        if path not in known.answers:
            before = known.writes
            try:
                answer = near()
            except LookupError:
                answer = await ask()
            if known.writes != before:
                return answer
            known.answers[path] = answer
        return copy.deepcopy(known.answers[path])


def wrote(path: str) -> None:
    """Something at `path`, in or under it is being written."""
    if (known := _known.get()) is None:
        return
    known.writes += 1
    for other in [one for one in known.answers if one.startswith(path) or path.startswith(one)]:
        del known.answers[other]
