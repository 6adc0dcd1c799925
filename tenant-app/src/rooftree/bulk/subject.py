"""What a module says of the records that its files bring and take along; all else is the same for all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.cells import RowProblem
from rooftree.bulk.columns import Column, Field
from rooftree.bulk.tables import Tables
from rooftree.kernel.auth import Principal

Kind = Literal["people", "properties"]
Decision = Literal["create", "update", "unchanged", "faulty"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
C = TypeVar("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`module`: its jobs begin with it. `path`: before `-imports` and `-exports`. `record`, `records`: in messages."""

    module: str
    kind: Kind
    path: str
    record: str
    records: str

    def job(self, verb: str) -> str:
        return f"{self.module}.{verb}"

    @property
    def export_job(self) -> str:
        return self.job(f"export_{self.kind}")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file. `fault`: why it cannot be read; `verdict`: what the dry run said."""

    number: int
    cells: Sequence[str]
    fault: str | None
    verdict: str | None
    errors: Sequence[RowProblem]


class About(NamedTuple):
    """What a row is about; `field` and `value`: what in it says so."""

    what: Hashable
    field: str | None = None
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What would become of a row. `about`: a later row about one of them is `repeated`."""

    number: int
    decision: Decision
    errors: Sequence[RowProblem] = ()
    about: Sequence[About] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row: which record it made or changed, its revision then, and what an update changed as it was.

    `before` is plain JSON.
    """

    number: int
    outcome: Decision
    errors: Sequence[RowProblem] = ()
    record_id: UUID | None = None
    revision: int | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """`finish` comes last in the transaction, after what became of the rows was kept: it may hold sequences."""

    outcomes: Sequence[Outcome]
    finish: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Whether each row's record is as before now, by the row's number; others stay as they are."""

    undone: Mapping[int, bool]
    finish: Callable[[], Awaitable[None]]


class Page(NamedTuple):
    """Records with their values by a field's name, in the fields' order: texts, and lists of texts."""

    rows: Sequence[Mapping[str, str | Sequence[str]]]
    total: int
    """Of the export, as it was counted last."""


class Subject(Protocol[C]):
    """`C`: a record as one row has it. Requests ask `require`, `offered` and `count`; the rest runs in jobs."""

    @property
    def names(self) -> Names: ...

    @property
    def tables(self) -> Tables: ...

    def require(self, principal: Principal) -> None:
        """Raises `Forbidden` for who may import no records at all."""
        ...

    def offered(self, principal: Principal) -> Sequence[Field]:
        """Which fields the caller may fill, and finds in an export."""
        ...

    def guessed(self, headers: Sequence[str], offered: Sequence[Field]) -> Sequence[str | None]:
        """A field for each header that clearly means one. Pure."""
        ...

    async def directory(self, principal: Principal, columns: Sequence[Column], lines: Sequence[Line]) -> Any:
        """What names in these rows stand for; whatever `parsed` needs. Outside of transactions."""
        ...

    def parsed(
        self, number: int, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], directory: Any
    ) -> tuple[C | None, Sequence[RowProblem]]:
        """The record, or all that is wrong with the row. `columns`: name and field of each. Pure; in a thread."""
        ...

    def bounded(self, page: Sequence[C]) -> int:
        """How many of these from the first may be taken in one transaction; one at least if there are any.

        They have no more letters than a page takes anyway (`Desk`)."""
        ...

    async def judged(self, session: AsyncSession, principal: Principal, page: Sequence[C]) -> Sequence[Verdict]:
        """What would become of each. Changes nothing and locks nothing; that rows repeat is no matter of it."""
        ...

    async def take(
        self,
        session: AsyncSession,
        principal: Principal,
        import_id: UUID,
        page: Sequence[C],
        *,
        updates: Collection[int],
        now: datetime,
    ) -> Taken:
        """Makes and changes records, as is found under locks with the rights of now; one outcome for each of `page`.

        `updates`: numbers of rows that the dry run found to be about a record that there was. That two rows are about
        one record is asked here, too: `ImportsRepository.touched`. Raises `Forbidden`.
        """
        ...

    async def former(self, principal: Principal, lines: Sequence[Outcome]) -> Any:
        """What names in `before` stand for now; whatever `take_back` needs. Outside of transactions."""
        ...

    async def take_back(
        self, session: AsyncSession, principal: Principal, lines: Sequence[Outcome], *, former: Any, now: datetime
    ) -> TakenBack:
        """As far as nobody has touched them since. `lines` have made or changed a record, each."""
        ...

    async def count(self, principal: Principal, wanted: Mapping[str, Any]) -> int:
        """How many records an export has. `wanted`: its filters, as plain JSON, as the module's route gives them."""
        ...

    def pages(self, principal: Principal, wanted: Mapping[str, Any]) -> AsyncIterator[Page]:
        """An export's records, some hundreds at a time, in an order that does not change; none: that was all."""
        ...
