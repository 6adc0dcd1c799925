"""What is read and written over HTTP about imports and exports, of whatever records."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rooftree.bulk.imports_repository import Step
from rooftree.bulk.subject import Kind
from rooftree.contracts.identity.schemas import Colleague
from rooftree.kernel.cells import MAX_COLUMNS, MAX_NAME
from rooftree.kernel.spreadsheets import Format
from rooftree.kernel.text import tidy

ImportState = Literal["checking", "checked", "applying", "applied", "undoing", "undone", "failed"]


def _named(value: str) -> str:
    return tidy(value) or "file"


FileName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_named)]


class ImportCounts(BaseModel):
    """Rows by what is to become of them; once applied, by what became of them."""

    create: int = Field(description="New ones.")
    update: int = Field(description="Known ones that are completed or changed.")
    unchanged: int
    faulty: int = Field(description="Left out; see `errors`.")


class ImportColumn(BaseModel):
    name: str = Field(description="As the file's header says; made up or numbered where it says nothing or one twice.")
    sample: list[str] = Field(description="Some of its values, three at most.")
    field: str | None = Field(description="Which of `fields` it fills; null: it is left out.")


class ImportField(BaseModel):
    name: str
    label: str
    required: bool = Field(description="Of somebody or something new; what is known is completed without it.")


class ImportUndo(BaseModel):
    """How many are as they were before, and how many others stayed as they are; so far, until it is `undone`."""

    undone: int
    kept: int


class ImportFailure(BaseModel):
    """Why the file as a whole cannot be used, or why a step broke off; what it had done until then stays done."""

    step: Step = Field(description="Which one broke off.")
    code: str = Field(description="As the last part of a problem's type.")
    detail: str | None


class BulkImport(BaseModel):
    """A file on its way into the brokerage; forgotten seven days after its last step."""

    id: UUID
    kind: Kind
    file_name: str
    format: Format
    encoding: str | None = Field(description="How the text was read, such as `utf-8`; null: not yet, or no text.")
    state: ImportState
    job_id: UUID = Field(description="Of the newest step; its progress is told by `GET /jobs/{job_id}`.")
    rows: int = Field(
        description="Without the header and empty rows; 0 until the file is read. More than `counts` has together: an "
        "application that broke off did not come to the others."
    )
    counts: ImportCounts
    columns: list[ImportColumn] = Field(json_schema_extra={"maxItems": MAX_COLUMNS})
    fields: list[ImportField] = Field(description="Which the caller may fill.", json_schema_extra={"maxItems": 100})
    truncated_errors: bool = Field(description="`errors` tells of the first faulty rows only; errors.csv has them all.")
    created_at: datetime
    created_by: Colleague
    applied_at: datetime | None
    undone_at: datetime | None
    undo: ImportUndo | None
    error: ImportFailure | None = Field(description="Until the next step begins.")
    version: int = Field(description="For If-Match; likewise in ETag.")


class BulkImportPage(BaseModel):
    items: list[BulkImport]
    next_cursor: str | None


class ImportPatch(BaseModel):
    """Columns that are left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    mapping: dict[Annotated[str, Field(max_length=MAX_NAME)], str | None] = Field(
        max_length=MAX_COLUMNS, description="A field for a column, or null to leave it out."
    )


class RowError(BaseModel):
    """What is wrong with one cell, or with `column` null, with a row."""

    row: int = Field(description="As the file's reader counts: the header is row 1. Of JSON lines, the line.")
    column: str | None
    field: str | None
    value: str
    code: str
    message: str


class RowErrorPage(BaseModel):
    items: list[RowError]
    total: int
    next_cursor: str | None


class BulkExport(BaseModel):
    """A file on its way out. The job's `result` is where it can be fetched, for 24 hours."""

    id: UUID
    job_id: UUID
    format: Format
    created_at: datetime
