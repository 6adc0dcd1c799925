"""How answers look: tables, times, colours on a terminal, JSON and YAML. Pure, but for `Style.of`."""

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

WIDTH = 80
_CODES = {"bad": "31", "good": "32", "busy": "33", "faint": "2", "bold": "1"}


@dataclass(frozen=True)
class Style:
    """Whether words are coloured: on a terminal only, and not where NO_COLOR is set."""

    colours: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> "Style":
        return cls(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")

    def __call__(self, kind: str, text: str) -> str:
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self.colours and text else text


PLAIN = Style()


@dataclass(frozen=True)
class Answer:
    """What a verb found: as text, as data, and whether all is well."""

    text: str
    data: Any
    fine: bool = True


def printed(answer: Answer, form: str) -> str:
    """The answer in the form that `-o` asks for."""
    if form == "json":
        return json.dumps(answer.data, indent=2, ensure_ascii=False)
    if form == "yaml":
        import yaml

        return yaml.safe_dump(answer.data, sort_keys=False, allow_unicode=True, width=120).rstrip()
    return answer.text


def table(head: Sequence[str], rows: Iterable[Sequence[str]], style: Style = PLAIN) -> str:
    """Columns as wide as their longest entry. The head is left out where there are no rows."""
    cells = [[entry or "-" for entry in row] for row in rows]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in [head, *cells]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "   ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)).rstrip()

    return "\n".join([style("bold", line(head)), *(line(row) for row in cells)])


def wrapped(label: str, text: str, *, indent: int = 14) -> list[str]:
    """A labelled paragraph that stays within 80 columns; what has no spaces is not torn."""
    first = f"  {label}".ljust(indent)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def moment(stamp: str) -> datetime:
    """A time that the API server wrote."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def since(stamp: str | None, now: datetime) -> str:
    """How long ago that was, as kubectl says it: 45s, 12m, 3h, 8d."""
    return _span(now - moment(stamp)) if stamp else ""


def until(stamp: str, now: datetime) -> str:
    """How long it is until then, in the same words."""
    return _span(moment(stamp) - now)


def _span(time: timedelta) -> str:
    seconds = max(0, int(time.total_seconds()))
    for size, unit, enough in ((1, "s", 120), (60, "m", 120 * 60), (3600, "h", 48 * 3600)):
        if seconds < enough:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def clock() -> datetime:
    return datetime.now(UTC)


def say(text: str) -> None:
    """Writes a line, and ends quietly when nobody reads on."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
