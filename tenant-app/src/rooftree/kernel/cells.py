"""Cells of tables, how large tables may be, and what is wrong with a file as a whole. Pure.

Where a cell holds several values, they are in one notation in all formats: separated by `;` or `,`, and in double
quotes if they hold one of these. Imports little: the process that reads tables begins with it.
"""

import re
from collections.abc import Iterable

from rooftree.kernel.errors import Unprocessable

MAX_ROWS = 20_000
MAX_COLUMNS = 100
MAX_NAME = 200
"""Of a column's name, in letters."""
# Where a cell begins to some program: one that takes `;` or tabs for separators begins cells within ours.
_BEGINS = r"(^|[;,\t\r\n])"
_RISKY = r"""(?=[ '"\v\f\xa0]*+[=+\-@\t\r])"""
_UNSAFE, _MADE_SAFE = re.compile(_BEGINS + _RISKY), re.compile(f"{_BEGINS}'{_RISKY}")
# Which no program runs. A sign + is of phone numbers, which it would take away.
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"\s*(?:[;,]|$)')
_PLAIN = re.compile(r"([^;,]*)(?:[;,]|$)")


class FileUnreadable(Unprocessable):
    code, title = "file-unreadable", "The file cannot be read"


class TableTooLarge(Unprocessable):
    code, title = "table-too-large", "The table is larger than what is taken at once"


def safe(cell: str) -> str:
    """No program takes it, or a part of it, for a formula (OWASP, CSV injection): an apostrophe is before such."""
    return cell if _NUMBER.fullmatch(cell) else _UNSAFE.sub(r"\1'", cell)


def meant(cell: str) -> str:
    """What `safe` was given."""
    return _MADE_SAFE.sub(r"\1", cell)


def as_text(cell: str) -> str:
    """The same for a cell that is text to every program: only `meant` must not take from it what is its own."""
    return cell if meant(cell) == cell else safe(cell)


def joined(values: Iterable[str]) -> str:
    """Several values in one cell."""
    return "; ".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    doubled = value.replace('"', '""')
    return f'"{doubled}"' if re.search('[;,"]', value) or value != value.strip() else value


def split(cell: str) -> list[str]:
    """The values of a cell, without those that are empty."""
    found: list[str] = []
    place = 0
    while place < len(cell):
        while place < len(cell) and cell[place].isspace():
            place += 1
        quoted = _QUOTED.match(cell, place)
        part = quoted or _PLAIN.match(cell, place)
        assert part is not None  # a plain one may be empty
        value = part[1].replace('""', '"') if quoted else part[1].strip()
        if value.strip():
            found.append(value)
        place = max(part.end(), place + 1)
    return found
