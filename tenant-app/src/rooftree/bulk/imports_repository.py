"""SQL of imports: whose they are, where they stand, and their rows. What rows do to records says `subject`.

A step that was broken off, cancelled or given up says so by its job alone: every reading here puts the two together.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from string import Template
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import Select, TextClause, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.bulk.columns import Column
from rooftree.bulk.subject import DECISIONS, Decision, Line, Outcome
from rooftree.bulk.tables import ImportTable, LineTable, Tables
from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.job_runs import RUNS
from rooftree.kernel.record_scope import Columns, rows
from rooftree.kernel.spreadsheets import Format

Step = Literal["checking", "applying", "undoing"]
MOST_SHOWN = 1_000
"""Faulty rows whose errors are listed."""
# `$lines`: the table of a module, `$record`: its column with the id of what a row is about.
_ADD_LINES = """
    INSERT INTO $lines (import_id, number, cells, fault)
    SELECT :import_id, (line->>0)::integer, line->1, line->>2
    FROM (SELECT given::jsonb AS line FROM unnest(CAST(:lines AS text[])) AS given) AS read
"""
_JUDGE = """
    UPDATE $lines AS lines SET verdict = told.verdict, errors = told.errors
    FROM (
        SELECT number, verdict, errors::jsonb AS errors
        FROM unnest(CAST(:numbers AS integer[]), CAST(:verdicts AS text[]), CAST(:errors AS text[]))
            AS given (number, verdict, errors)
    ) AS told
    WHERE lines.import_id = :import_id AND lines.number = told.number
"""
_OUTCOMES = """
    UPDATE $lines AS lines SET
        outcome = told.outcome, errors = coalesce(told.errors, lines.errors),
        verdict = CASE told.outcome WHEN 'faulty' THEN 'faulty' ELSE lines.verdict END,
        $record = told.record_id, revision = told.revision, before = told.before
    FROM (
        SELECT number, outcome, errors::jsonb AS errors, record_id, revision, before::jsonb AS before
        FROM unnest(CAST(:numbers AS integer[]), CAST(:outcomes AS text[]), CAST(:errors AS text[]),
            CAST(:records AS uuid[]), CAST(:revisions AS integer[]), CAST(:former AS text[]))
            AS given (number, outcome, errors, record_id, revision, before)
    ) AS told
    WHERE lines.import_id = :import_id AND lines.number = told.number
"""
_UNDONE = """
    UPDATE $lines AS lines SET undone = told.undone
    FROM unnest(CAST(:numbers AS integer[]), CAST(:undone AS boolean[])) AS told (number, undone)
    WHERE lines.import_id = :import_id AND lines.number = told.number
"""
_FIRST_FAULTY = f"""
    FROM (
        SELECT number, errors FROM $lines WHERE import_id = :import_id AND verdict = 'faulty'
        ORDER BY number LIMIT {MOST_SHOWN}
    ) AS faulty
"""  # noqa: S608 - a constant
_ERRORS = f"""
    SELECT number, place, error {_FIRST_FAULTY}, jsonb_array_elements(errors) WITH ORDINALITY AS one (error, place)
    WHERE (number, place) > (:number, :place) ORDER BY number, place LIMIT :limit
"""
_ERROR_COUNT = f"SELECT coalesce(sum(jsonb_array_length(errors)), 0) {_FIRST_FAULTY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import as it stands. `counts`: what is to become of its rows; once it is applied, what has.

    `error_step`: which step broke off. `undone` and `kept`: so far, while it is undone and after that broke off.
    """

    id: UUID
    file_name: str
    format: Format
    encoding: str | None
    state: str
    job_id: UUID
    rows: int
    counts: Mapping[str, int]
    columns: Sequence[Column]
    actor_id: UUID
    created_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    undone: int | None
    kept: int | None
    error_code: str | None
    error_detail: str | None
    error_step: Step | None
    version: int

    @property
    def truncated_errors(self) -> bool:
        return self.counts["faulty"] > MOST_SHOWN


class ImportsRepository:
    def __init__(self, session: AsyncSession, tables: Tables) -> None:
        self._session = session
        self._imports, self._lines = tables.imports, tables.lines

    # -- imports ------------------------------------------------------------------------------------------------------

    async def add(self, row: ImportTable) -> None:
        self._session.add(row)
        await self._session.flush()

    async def one(self, principal: Principal, import_id: UUID) -> Import | None:
        """Which the caller may read."""
        found = await self._found(self._shown(principal).where(self._imports.id == import_id))
        return found[0] if found else None

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Sequence[Import]:
        """Newest first."""
        query = self._shown(principal).order_by(self._imports.id.desc()).limit(limit)
        return await self._found(query if before is None else query.where(self._imports.id < before))

    async def locked(self, import_id: UUID) -> ImportTable | None:
        """Nobody else changes it before this transaction ends."""
        query = select(self._imports).where(self._imports.id == import_id).with_for_update()
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def state(self, row: ImportTable) -> str:
        """Where it stands, as `standing` says."""
        return standing(row, await self._session.scalar(select(RUNS.c.state).where(RUNS.c.id == row.job_id)))

    async def forget(self, import_ids: Collection[UUID]) -> None:
        await self._session.execute(delete(self._imports).where(self._imports.id.in_(import_ids)))

    async def due(self, *, changed_before: datetime, begun_before: datetime, limit: int) -> Sequence[UUID]:
        """Those whose last step, or whose beginning if they never arrived, is longer ago."""
        is_old = self._imports.changed_at < changed_before
        is_lost = (self._imports.state == "receiving") & (self._imports.changed_at < begun_before)
        return (await self._session.scalars(select(self._imports.id).where(is_old | is_lost).limit(limit))).all()

    async def _found(self, query: Select[ImportTable, Any, Any, Any]) -> list[Import]:
        return [_import(row, run) for row, *run in (await self._session.execute(query)).all()]

    # -- rows ---------------------------------------------------------------------------------------------------------

    async def add_lines(self, import_id: UUID, lines: Sequence[str]) -> None:
        """As `Sheet.pages` has them."""
        await self._session.execute(_for(self._lines, _ADD_LINES), {"import_id": import_id, "lines": lines})

    async def clear_lines(self, import_id: UUID) -> None:
        await self._session.execute(delete(self._lines).where(self._lines.import_id == import_id))

    async def lines(
        self, import_id: UUID, *, after: int, limit: int, verdicts: Collection[str] | None = None
    ) -> list[Line]:
        """The next rows after this number; `verdicts`: only of these."""
        query = select(self._lines).where(self._lines.import_id == import_id, self._lines.number > after)
        if verdicts is not None:
            query = query.where(self._lines.verdict.in_(verdicts))
        found = await self._session.execute(
            query.with_only_columns(
                self._lines.number,
                self._lines.cells,
                self._lines.fault,
                self._lines.verdict,
                self._lines.errors,
            )
            .order_by(self._lines.number)
            .limit(limit)
        )
        return [Line(row[0], row[1], row[2], row[3], row[4] or ()) for row in found]

    async def judge(self, import_id: UUID, judged: Sequence[tuple[int, str, Sequence[Mapping[str, Any]]]]) -> None:
        """Number, verdict and errors of rows."""
        values = {
            "import_id": import_id,
            "numbers": [number for number, _, _ in judged],
            "verdicts": [verdict for _, verdict, _ in judged],
            "errors": [json.dumps(list(errors)) for _, _, errors in judged],
        }
        await self._session.execute(_for(self._lines, _JUDGE), values)

    async def record(self, import_id: UUID, outcomes: Sequence[Outcome]) -> None:
        values = {
            "import_id": import_id,
            "numbers": [one.number for one in outcomes],
            "outcomes": [one.outcome for one in outcomes],
            "errors": [json.dumps(list(one.errors)) if one.errors else None for one in outcomes],
            "records": [one.record_id for one in outcomes],
            "revisions": [one.revision for one in outcomes],
            "former": [None if one.before is None else json.dumps(one.before) for one in outcomes],
        }
        await self._session.execute(_for(self._lines, _OUTCOMES), values)

    async def touched(self, import_id: UUID, record_ids: Collection[UUID]) -> set[UUID]:
        """Which of these the import has made or changed."""
        query = select(self._lines.record_id).where(
            self._lines.import_id == import_id, self._lines.record_id.in_(record_ids)
        )
        return {one for one in await self._session.scalars(query) if one is not None}

    async def done(self, import_id: UUID, *, after: int, limit: int) -> list[Outcome]:
        """Rows that made or changed a record."""
        query = (
            select(self._lines)
            .where(self._lines.import_id == import_id, self._lines.number > after)
            .where(self._lines.record_id.is_not(None), self._lines.undone.is_(None))
            .order_by(self._lines.number)
            .limit(limit)
        )
        return [
            Outcome(
                number=row.number,
                outcome=cast("Decision", row.outcome),
                record_id=row.record_id,
                revision=row.revision,
                before=row.before,
            )
            for row in await self._session.scalars(query)
        ]

    async def undone(self, import_id: UUID, lines: Mapping[int, bool]) -> None:
        """Whether each row's record is as before now, or stays."""
        values = {"import_id": import_id, "numbers": list(lines), "undone": list(lines.values())}
        await self._session.execute(_for(self._lines, _UNDONE), values)

    async def undone_counts(self, import_id: UUID) -> tuple[int, int]:
        """How many records are as before, and how many stayed."""
        query = select(
            func.count().filter(self._lines.undone.is_(True)), func.count().filter(self._lines.undone.is_(False))
        ).where(self._lines.import_id == import_id)
        row = (await self._session.execute(query)).one()
        return row[0], row[1]

    async def errors(
        self, import_id: UUID, *, after: tuple[int, int], limit: int
    ) -> tuple[list[tuple[int, int, dict[str, Any]]], int]:
        """Of the first faulty rows: number, place and error of those after this one, and how many there are."""
        values = {"import_id": import_id, "number": after[0], "place": after[1], "limit": limit}
        found = await self._session.execute(_for(self._lines, _ERRORS), values)
        total = await self._session.scalar(_for(self._lines, _ERROR_COUNT), {"import_id": import_id})
        return [(row[0], row[1], row[2]) for row in found], int(total or 0)

    def _shown(self, principal: Principal) -> Select[ImportTable, Any, Any, Any]:
        table = self._imports
        whose = Columns(table.actor_id, table.office_id)
        return (
            select(table, RUNS.c.state, RUNS.c.error_code, RUNS.c.error_detail)
            .outerjoin(RUNS, RUNS.c.id == table.job_id)
            .where(rows(grant(principal, "import", "read"), principal, whose), table.state != "receiving")
        )


@cache
def _for(lines: type[LineTable], statement: str) -> TextClause:
    """The statement for the tables of a module."""
    table, record = f"{lines.metadata.schema}.{lines.__tablename__}", f"{lines.record}_id"
    return text(Template(statement).substitute(lines=table, record=record))


def standing(row: ImportTable, run_state: str | None) -> str:
    """Where it stands: a step whose job has ended without its end goes on no more.

    What an application has done until then stays done, and can be undone.
    """
    if run_state not in ("failed", "cancelled"):
        return row.state
    before = "checked" if row.applied_at is None else "applied"
    return {"checking": "failed", "applying": before, "undoing": "applied"}.get(row.state, row.state)


def begun(row: ImportTable) -> dict[str, int]:
    """What was decided by the dry run alone."""
    return {name: count for name, count in row.counts.items() if name not in ("create", "update")}


def _import(row: ImportTable, run: Sequence[Any]) -> Import:
    run_state, run_code, run_detail = run
    state = standing(row, run_state)
    code, detail = row.error_code, row.error_detail
    step = None if code is None else "checking"
    if state != row.state:
        by_hand = "It was ended by hand." if run_state == "cancelled" else None
        code, detail, step = run_code or "conflict", run_detail or by_hand, row.state
    counts = row.counts if row.applied_at is None else row.outcome
    if state == "applying":
        counts = row.outcome or begun(row)
    assert row.job_id is not None  # all but those that were not received have one
    return Import(
        id=row.id,
        file_name=row.file_name,
        format=row.format,  # pyright: ignore[reportArgumentType] - the table's own check
        encoding=row.encoding,
        state=state,
        job_id=row.job_id,
        rows=row.row_count,
        counts={name: counts.get(name, 0) for name in DECISIONS},
        columns=[Column(**one) for one in row.columns or ()],
        actor_id=row.actor_id,
        created_at=row.created_at,
        applied_at=row.applied_at,
        undone_at=row.undone_at,
        undone=row.undone,
        kept=row.kept,
        error_code=code,
        error_detail=detail,
        error_step=step,  # pyright: ignore[reportArgumentType] - `standing` makes others of these alone
        version=row.version,
    )
