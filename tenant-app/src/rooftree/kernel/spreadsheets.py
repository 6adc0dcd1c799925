"""Tables that people bring and take along: CSV, XLSX and JSON lines, read and written by a process of its own.

Files come from strangers, and the libraries are large: nothing of either loads here (`spreadsheet_worker`). A table is
text: rows of cells under a header (`cells`).
"""

import csv
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from typing import Any, Literal, get_args

from rooftree.kernel.cells import FileUnreadable, TableTooLarge, safe
from rooftree.kernel.errors import UnsupportedMediaType
from rooftree.kernel.workers import Limits, WorkerFailed, Workers

Format = Literal["csv", "xlsx", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}
MAX_BYTES = 10 * 1024 * 1024
MOST_FILLED = 250_000
"""Cells of a workbook that is written: with plain letters 300,000 fit into what the worker may hold, 387,000 do not."""
_WORKER = "rooftree.kernel.spreadsheet_worker"
# What 20 MiB of text take as objects of Python, after what a workbook takes; the app takes up to 170 of a pod's 320.
_LIMITS = Limits(data_bytes=140 * 1024 * 1024, cpu_seconds=30, seconds=60.0)


_FAULTS = {kind.code: kind for kind in (FileUnreadable, TableTooLarge)}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that was read. `encoding`: of its text, where that had to be found out."""

    columns: Sequence[str]
    encoding: str | None
    rows: int
    _lines: bytes

    def pages(self, size: int) -> Iterator[list[str]]:
        """Rows as JSON: their number in the file, their cells and, of one that cannot be read, why."""
        lines = (line.decode() for line in BytesIO(self._lines))
        while page := list(islice(lines, size)):
            yield page


def require_format(content_type: str) -> Format:
    """Raises `UnsupportedMediaType`."""
    given = content_type.partition(";")[0].strip().lower()
    for name, media_type in MEDIA_TYPES.items():
        if given == media_type:
            return name
    raise UnsupportedMediaType(f"Send {', '.join(MEDIA_TYPES.values())}.")


class Spreadsheets:
    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def read(self, kind: Format, content: bytes) -> Sheet:
        """Raises `FileUnreadable`, `TableTooLarge`."""
        try:
            answer = await self._workers.run(_WORKER, "read", kind, content=content, limits=_LIMITS)
        except WorkerFailed as error:
            raise TableTooLarge("It takes more time or memory than there is to read it.") from error
        first, _, rest = answer.partition(b"\n")
        told: dict[str, Any] = json.loads(first)
        if "fault" in told:
            raise _FAULTS[told["fault"]](told["detail"])
        return Sheet(told["columns"], told["encoding"], told["rows"], rest)

    async def workbook(self, lines: bytes) -> bytes:
        """XLSX of rows that are arrays of texts, one a line of JSON; the first one is the header.

        Raises `TableTooLarge`.
        """
        try:
            return await self._workers.run(_WORKER, "write", "xlsx", content=lines, limits=_LIMITS)
        except WorkerFailed as error:
            raise TableTooLarge("It takes more time or memory than there is to write it.") from error


def csv_header(names: Iterable[str]) -> bytes:
    """The first line of CSV, behind the mark without which Excel does not take it for UTF-8."""
    return BOM_UTF8 + csv_lines([names])


def csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    """Rows of CSV (RFC 4180), with cells that are `safe`."""
    out = StringIO()
    csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()
