"""Columns of imports, their rows, and exports. Each module that has them has such tables in its own schema."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem


class ImportTable:
    """A file of records. `receiving`: it is not stored yet, and nobody is told of it.

    How a step ended that was broken off tells the job (`imports_repository`).
    """

    __tablename__ = "imports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    format: Mapped[str]
    encoding: Mapped[str | None]
    state: Mapped[str]
    job_id: Mapped[UUID | None]
    row_count: Mapped[int]
    columns: Mapped[list[Any] | None] = mapped_column(JSONB)
    """Name, sample and field of each; None: the file was not read yet."""
    counts: Mapped[dict[str, Any]]
    """Rows by what is to become of them."""
    outcome: Mapped[dict[str, Any]]
    """Likewise, by what has become of them."""
    actor_id: Mapped[UUID]
    office_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone: Mapped[int | None]
    kept: Mapped[int | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    version: Mapped[int]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (
            CheckConstraint("format IN ('csv', 'xlsx', 'jsonl')", name="imports_format_check"),
            CheckConstraint(
                "state IN ('receiving', 'checking', 'checked', 'applying', 'applied', 'undoing', 'undone', 'failed')",
                name="imports_state_check",
            ),
            Index("imports_by_actor", "actor_id", "id"),
            Index("imports_by_office", "office_id", "id"),
            Index("imports_by_change", "changed_at"),
        )


class LineTable:
    """One row of such a file: what stands in it, what is to become of it, what has, and what it takes to undo that."""

    __tablename__ = "import_lines"
    metadata: ClassVar[MetaData]
    record: ClassVar[str]
    """What a row is about, as the column with its id is named."""

    number: Mapped[int] = mapped_column(primary_key=True)
    """As the file's reader counts."""
    cells: Mapped[list[Any]] = mapped_column(JSONB)
    """Of a row that cannot be read, behind those of the columns, what else is in it."""
    fault: Mapped[str | None]
    """Why the row cannot be read."""
    verdict: Mapped[str | None]
    errors: Mapped[list[Any] | None] = mapped_column(JSONB)
    outcome: Mapped[str | None]
    revision: Mapped[int | None]
    """The record's after that."""
    before: Mapped[dict[str, Any] | None]
    """What an update changed, as it was."""
    undone: Mapped[bool | None]

    @declared_attr
    @classmethod
    def import_id(cls) -> Mapped[UUID]:
        schema = cls.metadata.schema
        return mapped_column(ForeignKey(f"{schema}.imports.id", ondelete="CASCADE"), primary_key=True)

    @declared_attr
    @classmethod
    def record_id(cls) -> Mapped[UUID | None]:
        """Which it made or changed."""
        return mapped_column(f"{cls.record}_id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        known = f"{cls.record}_id"
        return (
            CheckConstraint(
                "verdict IN ('create', 'update', 'unchanged', 'faulty')", name="import_lines_verdict_check"
            ),
            CheckConstraint(
                "outcome IN ('create', 'update', 'unchanged', 'faulty')", name="import_lines_outcome_check"
            ),
            Index("import_lines_faulty", "import_id", "number", postgresql_where=text("verdict = 'faulty'")),
            Index(
                f"import_lines_by_{cls.record}",
                "import_id",
                known,
                postgresql_where=text(f"{known} IS NOT NULL"),
            ),
        )


class ExportTable:
    """A file of records that somebody asked for. `stored_at` None: it is not made yet."""

    __tablename__ = "exports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID]
    format: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    """The list's filters."""
    created_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (
            CheckConstraint("format IN ('csv', 'xlsx', 'jsonl')", name="exports_format_check"),
            Index("exports_by_creation", "created_at"),
        )


@dataclass(frozen=True, slots=True)
class Tables:
    """Those of one module."""

    imports: type[ImportTable]
    lines: type[LineTable]
    exports: type[ExportTable]
