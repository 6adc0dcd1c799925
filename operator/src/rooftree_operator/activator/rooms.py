"""How many requests wait, of each brokerage and of all, and how much of their bodies is held meanwhile. No I/O.

A body is not read before the app answers: its sender is held back, once the connection's buffers are full. So what a
request holds is at most `HELD`, and a body may be as large as the app takes it.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .metrics import WAITING

HELD = 288 * 1024  # bytes of a body that wait with its request: two buffers, and what one read of the loop may bring


class Crowded(Exception):
    """Too many wait already."""


@dataclass(frozen=True)
class Limits:
    """Numbers of requests, bytes of their bodies, and how many of a brokerage are sent at a time."""

    requests: int = 4_000
    requests_of_one: int = 2_000
    held: int = 96 * 2**20
    held_of_one: int = 32 * 2**20
    # A pod that has just begun has few connections to its database: more at a time would wait there, with a deadline.
    sent_of_one: int = 64


DEFAULT = Limits()


@dataclass
class Room:
    """Where requests of a brokerage wait. `turn`: held while one is sent, until its answer begins."""

    turn: asyncio.Semaphore
    requests: int = 0
    held: int = 0


@dataclass
class Rooms:
    """Of all brokerages that somebody waits for."""

    limits: Limits
    requests: int = 0
    held: int = 0
    _rooms: dict[str, Room] = field(default_factory=dict[str, Room])

    @contextmanager
    def place(self, namespace: str, held: int) -> Generator[Room]:
        """A place for a request of which so many bytes may wait. Raises `Crowded` if there is none."""
        room = self._rooms.get(namespace) or Room(asyncio.Semaphore(self.limits.sent_of_one))
        limits = self.limits
        if (
            self.requests >= limits.requests
            or room.requests >= limits.requests_of_one
            or self.held + held > limits.held
            or room.held + held > limits.held_of_one
        ):
            raise Crowded
        self._rooms[namespace] = room
        self._count(room, 1, held)
        try:
            yield room
        finally:
            self._count(room, -1, -held)
            if not room.requests:
                del self._rooms[namespace]

    def _count(self, room: Room, requests: int, held: int) -> None:
        room.requests += requests
        room.held += held
        self.requests += requests
        self.held += held
        WAITING.set(self.requests)
