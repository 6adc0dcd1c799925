"""Who asked for a step of an import, and what its rows say to them, as it is now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from rooftree.bulk.cells import RowProblem, error
from rooftree.bulk.columns import Column
from rooftree.bulk.subject import Line, Subject
from rooftree.contracts.access.askers import asker
from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden

C = TypeVar("C")
PAGE = 200
"""Rows that are judged, taken or taken back in one transaction."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[C]):
    """A row with what it says, or with all that is wrong with it."""

    line: Line
    candidate: C | None
    errors: Sequence[RowProblem]


class Desk(Generic[C]):
    def __init__(self, identity: IdentityApi, subject: Subject[C]) -> None:
        self._identity = identity
        self._subject = subject

    async def principal(self, user_id: UUID | None) -> Principal:
        """Raises `Forbidden` for who may import no more."""
        principal = await asker(self._identity, user_id)
        if not grant(principal, "import", "update"):
            raise Forbidden("Your role does not open this.")
        self._subject.require(principal)
        return principal

    async def parsed(self, principal: Principal, columns: Sequence[Column], lines: Sequence[Line]) -> list[Parsed[C]]:
        """In a thread: values take their time."""
        directory = await self._subject.directory(principal, columns, lines)
        pairs = [(column.name, column.field) for column in columns]

        def parse() -> list[Parsed[C]]:
            return [self._read(line, pairs, directory) for line in lines]

        return await asyncio.to_thread(parse)

    def _read(self, line: Line, columns: Sequence[tuple[str, str | None]], directory: Any) -> Parsed[C]:
        if line.fault is not None:
            return Parsed(line, None, [error("unreadable-row", line.fault)])
        return Parsed(line, *self._subject.parsed(line.number, line.cells, columns, directory))
