"""Who asked for a step of an import, and what its rows say to them, as it is now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.cells import RowProblem, error
from rooftree.bulk.columns import Column
from rooftree.bulk.imports_repository import ImportsRepository
from rooftree.bulk.subject import Line, Subject
from rooftree.contracts.access.askers import asker
from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Forbidden

C = TypeVar("C")
PAGE = 200
"""Rows that are judged, taken or taken back in one transaction."""
PAGE_LETTERS = 1_000_000
"""Of such rows together, unless one alone has more; ordinary rows of listings have a fifth of that."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[C]):
    """A row with what it says, or with all that is wrong with it. `columns`: name and field of each."""

    line: Line
    columns: Sequence[tuple[str, str | None]]
    candidate: C | None
    errors: Sequence[RowProblem]

    def placed(self, errors: Sequence[RowProblem]) -> list[RowProblem]:
        """What else is wrong with it, with the cell that each is about."""
        return placed(errors, self.columns, self.line.cells)


class Desk(Generic[C]):
    def __init__(self, identity: IdentityApi, subject: Subject[C]) -> None:
        self._identity = identity
        self._subject = subject

    def imports(self, session: AsyncSession) -> ImportsRepository:
        return ImportsRepository(session, self._subject.tables)

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
            return Parsed(line, columns, None, [error("unreadable-row", line.fault)])
        candidate, errors = self._subject.parsed(line.number, line.cells, columns, directory)
        return Parsed(line, columns, candidate, placed(errors, columns, line.cells))


def light(lines: Sequence[Line]) -> Sequence[Line]:
    """As many from the first as are read and taken at once; one at least if there are any."""
    letters = accumulate(sum(map(len, line.cells)) for line in lines)
    return lines[: max(1, sum(count <= PAGE_LETTERS for count in letters))]


def placed(
    errors: Sequence[RowProblem], columns: Sequence[tuple[str, str | None]], cells: Sequence[str]
) -> list[RowProblem]:
    """With the cell that each is about, where it names a field and there is one such cell."""
    return [_placed(one, columns, cells) for one in errors]


def _placed(one: RowProblem, columns: Sequence[tuple[str, str | None]], cells: Sequence[str]) -> RowProblem:
    if one["field"] is None or one["column"] is not None:
        return one
    of_field = [(name, cell) for (name, field), cell in zip(columns, cells, strict=False) if field == one["field"]]
    holding = [(name, cell) for name, cell in of_field if cell.strip() and one["value"] in cell]
    found = holding[:1] if one["value"] else holding or of_field
    if len(found) != 1:
        return one
    ((column, cell),) = found
    return error(one["code"], one["message"], column=column, field=one["field"], value=one["value"] or cell)
