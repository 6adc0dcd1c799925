"""Reads and writes one table, in a process of its own: `python -m rooftree.kernel.spreadsheet_worker read csv`.

`read`: the file comes in by standard input. Standard output begins with one line of JSON, `{"columns", "encoding",
"rows"}` or `{"fault", "detail"}`; each line after it is a row: its number in the file, its cells as text and, where it
cannot be read, why. `write xlsx`: lines of arrays of texts come in, a workbook goes out.

`kernel.workers` runs it within limits; a file that takes more ends it.
"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO, StringIO
from typing import Any, NamedTuple, cast
from zipfile import BadZipFile, ZipFile

from rooftree.kernel.cells import (
    MAX_COLUMNS,
    MAX_NAME,
    MAX_ROWS,
    FileUnreadable,
    TableTooLarge,
    joined,
    meant,
)

MAX_TEXT = 20 * 1024 * 1024
"""Of all cells together, in letters."""
MAX_UNPACKED = 80 * 1024 * 1024
# Of a sheet with what is empty.
MOST_HIGH, MOST_WIDE = 2 * MAX_ROWS, 10 * MAX_COLUMNS
_BYTE_ORDERS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "utf-8"),
    (b"\xff\xfe", "utf-16", "utf-16"),
    (b"\xfe\xff", "utf-16", "utf-16"),
)
_KEPT_LETTERS, _KEPT_CELLS = 2_000, MAX_COLUMNS  # of what is in no column
_DELIMITERS = ",;\t"
_NO_OBJECT = "This line is not a JSON object."
_NESTED = "A value is an object, or a list of more than texts and numbers."


class Row(NamedTuple):
    """`cells`: one for each column; where there is a fault, behind them what else is in it, up to a limit."""

    number: int
    cells: list[str]
    fault: str | None = None


class Table(NamedTuple):
    columns: list[str]
    encoding: str | None
    rows: Iterable[Row]


def read(kind: str, content: bytes) -> Table:
    """Raises `FileUnreadable`, `TableTooLarge`."""
    if kind == "xlsx":
        return _tabular(_sheet(content), None)
    text, encoding = _decoded(content)
    if kind == "jsonl":
        return _objects(text, encoding)
    return _tabular(_records(text), encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: by its mark, else UTF-8, else what Windows wrote before that."""
    try:
        for mark, codec, name in _BYTE_ORDERS:
            if content.startswith(mark):
                return content.decode(codec), name
        try:
            return content.decode(), "utf-8"
        except UnicodeDecodeError:
            return content.decode("cp1252"), "windows-1252"
    except UnicodeDecodeError:
        raise FileUnreadable("This is no text; save the table as CSV in UTF-8.") from None


def _delimiter(text: str) -> str:
    """Which the header has most of, outside of quotes."""
    header = next((line for line in text.split("\n", 50) if line.strip()), "")
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _records(text: str) -> Iterator[list[str]]:
    is_over = False

    def given() -> Iterator[str]:
        nonlocal is_over
        yield from StringIO(text, newline="")
        is_over = True

    for number, record in enumerate(csv.reader(given(), delimiter=_delimiter(text)), 1):
        if is_over:  # before the record was
            raise FileUnreadable(f"A quote is opened in row {number} and never closed.")
        yield list(map(meant, record))


def _sheet(content: bytes) -> Iterator[list[str]]:
    """Rows of the first sheet, from its first one on."""
    import python_calamine

    try:
        with ZipFile(BytesIO(content)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
    except (BadZipFile, OSError, ValueError):
        raise FileUnreadable("This is no XLSX file.") from None
    if unpacked > MAX_UNPACKED:
        raise TableTooLarge(f"Unpacked it has more than {MAX_UNPACKED // 1024**2} MiB.")
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        if sheet.total_height > MOST_HIGH or sheet.total_width > MOST_WIDE:
            raise TableTooLarge(f"The sheet goes to row {sheet.total_height:,} and column {sheet.total_width:,}.")
        rows = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise FileUnreadable(f"The workbook is damaged or protected ({type(error).__name__}).") from None
    # Also tables of ours that somebody saved as a workbook.
    return ([meant(_cell(value)) for value in row] for row in rows)


def _tabular(records: Iterable[list[str]], encoding: str | None) -> Table:
    """Under the first record that is not empty, which is the header."""
    numbered = _filled(records)
    number, header = next(numbered, (0, list[str]()))
    if not number:
        raise FileUnreadable("There is nothing in the file.")
    while header and not header[-1].strip():
        header.pop()
    if len(header) > MAX_COLUMNS:
        raise TableTooLarge(f"It has {len(header)} columns; {MAX_COLUMNS} are the most.")
    return Table(_distinct(header), encoding, (_row(number, cells, len(header)) for number, cells in numbered))


def _filled(records: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Those that hold something, with their numbers from 1."""
    try:
        for number, record in enumerate(records, 1):
            if any(cell.strip() for cell in record):
                yield number, record
    except csv.Error as error:
        raise FileUnreadable(f"The CSV is damaged: {error}.") from None


def _row(number: int, cells: list[str], width: int) -> Row:
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) > width:
        surplus = [cell[:_KEPT_LETTERS] for cell in cells[width : width + _KEPT_CELLS]]
        return Row(number, cells[:width] + surplus, "The row has more cells than the header; is there a quote missing?")
    return Row(number, [*cells, *[""] * (width - len(cells))])


def _distinct(names: Iterable[str]) -> list[str]:
    """Each name once: empty ones get one of their place, later ones a number."""
    found: dict[str, None] = {}
    for place, given in enumerate(names, 1):
        name = " ".join(_storable(given).split())[: MAX_NAME - 10] or f"Column {place}"
        again = 2
        while (unique := name if again == 2 and name not in found else f"{name} ({again})") in found:
            again += 1
        found[unique] = None
    return list(found)


def _objects(text: str, encoding: str) -> Table:
    """JSON lines: columns are the members, in the order in which they are met."""
    columns: dict[str, int] = {}
    found: list[tuple[int, dict[str, str], str | None, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            cells, fault = _members(line)
            found.append((number, cells, fault, line.strip()[:_KEPT_LETTERS] if fault else ""))
            for name in cells:
                columns.setdefault(name, len(columns))
        if len(columns) > MAX_COLUMNS or len(found) > MAX_ROWS:
            break
    if not any(fault is None for _, _, fault, _ in found):
        raise FileUnreadable("No line of the file is a JSON object." if found else "There is nothing in the file.")
    if len(columns) > MAX_COLUMNS:
        raise TableTooLarge(f"Its objects have more than {MAX_COLUMNS} members.")
    rows = (
        Row(number, [*(cells.get(name, "") for name in columns), *[whole] * bool(fault)], fault)
        for number, cells, fault, whole in found
    )
    return Table(_distinct(columns), encoding, rows)


def _members(line: str) -> tuple[dict[str, str], str | None]:
    """The cells of one object by their names, or why there are none."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return {}, _NO_OBJECT
    if not isinstance(value, dict):
        return {}, _NO_OBJECT
    cells: dict[str, str] = {}
    for name, member in cast("dict[str, Any]", value).items():
        values: list[Any] = cast("list[Any]", member) if isinstance(member, list) else [member]
        if any(isinstance(one, dict | list) for one in values):
            return {}, _NESTED
        texts = [_cell(one) for one in values]
        cells[name] = joined(texts) if isinstance(member, list) else texts[0]
    return cells, None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"  # a workbook has no other numbers, and phone numbers are some
    return str(value)


def _storable(text: str) -> str:
    """What PostgreSQL and UTF-8 can hold."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def lines(table: Table) -> Iterator[bytes]:
    """Rows as they go out. Raises `TableTooLarge`."""
    letters = 0
    for count, row in enumerate(table.rows, 1):
        letters += sum(map(len, row.cells))
        if count > MAX_ROWS:
            raise TableTooLarge(f"It has more than {MAX_ROWS:,} rows; send it in parts.")
        if letters > MAX_TEXT:
            raise TableTooLarge("It holds more text than is taken at once; leave out columns.")
        cells = [_storable(cell) for cell in row.cells]
        told = [row.number, cells] if row.fault is None else [row.number, cells, row.fault]
        yield json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def workbook(given: Iterable[bytes]) -> bytes:
    """XLSX of rows that are arrays of texts, which stay texts, whatever they look like."""
    import xlsxwriter  # pyright: ignore[reportMissingTypeStubs] - it says its types itself, in part

    out = BytesIO()
    book: Any = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    for place, line in enumerate(given):
        for column, text in enumerate(json.loads(line)):
            if text:
                sheet.write_string(place, column, text)
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def main() -> None:
    csv.field_size_limit(MAX_TEXT)
    action, kind = sys.argv[1:3]
    out = sys.stdout.buffer
    if action == "write":
        out.write(workbook(sys.stdin.buffer))
    else:
        try:
            table = read(kind, sys.stdin.buffer.read())
            made = list(lines(table))
            if not made:
                raise FileUnreadable("There is a header and nothing under it.")
            head = {"columns": table.columns, "encoding": table.encoding, "rows": len(made)}
        except (FileUnreadable, TableTooLarge) as error:
            head, made = {"fault": error.code, "detail": error.detail}, list[bytes]()
        out.write(json.dumps(head).encode() + b"\n")
        out.writelines(made)
    out.flush()


if __name__ == "__main__":
    main()
