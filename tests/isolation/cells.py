"""Cells of the matrix: one attempt on something that is another tenant's, and what came of it.

A cell is red when the attempt was accepted, or when bytes came back that are another's. What the attempt itself held
is no finding in its answer: error messages repeat the names that they refuse.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Cell:
    """One attempt. `area`: the part of the system; `foreign`: bytes of another tenant in the answer."""

    area: str
    what: str
    accepted: bool
    foreign: int
    answer: str

    @property
    def red(self) -> bool:
        return self.accepted or self.foreign > 0

    def __str__(self) -> str:
        why = "accepted" if self.accepted else f"{self.foreign} foreign bytes"
        return f"{self.area}: {self.what}: {why}: {self.answer}"


@dataclass
class Matrix:
    """All attempts of one run."""

    cells: list[Cell] = field(default_factory=list)
    controls: Counter[str] = field(default_factory=Counter)
    holes: Counter[str] = field(default_factory=Counter)

    def tried(
        self,
        area: str,
        what: str,
        *,
        accepted: bool,
        answer: bytes | str = b"",
        sent: bytes | str = b"",
        marks: Iterable[str] = (),
    ) -> Cell:
        """Notes an attempt. `marks`: texts that only another tenant has."""
        got, given = (text.encode() if isinstance(text, str) else text for text in (answer, sent))
        found = [mark.encode() for mark in marks if mark.encode() not in given]
        foreign = sum(len(mark) * got.count(mark) for mark in found)
        cell = Cell(area, what, accepted, foreign, got[:300].decode(errors="replace"))
        self.cells.append(cell)
        return cell

    def control(self, area: str, what: str, worked: object, answer: object = "") -> None:
        """The same attempt on one's own: it works, so a refusal above says something."""
        assert worked, f"{area}: {what} does not work on one's own either: {answer!r}"
        self.controls[area] += 1

    def red(self) -> list[str]:
        return [str(cell) for cell in self.cells if cell.red]

    def hole(self, notes: Matrix) -> None:
        """A hole was made on purpose and looked at: it is found where it is red."""
        self.holes.update({cell.area for cell in notes.cells if cell.red})

    def add(self, other: Matrix) -> None:
        self.cells += other.cells
        self.controls += other.controls
        self.holes += other.holes

    def figures(self) -> list[str]:
        """One JSON line for each figure, with its parts by area."""
        tried = Counter(cell.area for cell in self.cells)
        accepted = Counter(cell.area for cell in self.cells if cell.accepted)
        foreign: Counter[str] = Counter()
        for cell in self.cells:
            foreign[cell.area] += cell.foreign
        figures = (
            ("isolation_cells", tried, "1"),
            ("isolation_controls", self.controls, "1"),
            ("isolation_accepted", accepted, "1"),
            ("isolation_foreign_bytes", foreign, "B"),
            ("isolation_holes_found", self.holes, "1"),
        )
        return [
            json.dumps(
                {"figure": name, "value": sum(parts.values()), "unit": unit, "by_area": dict(sorted(parts.items()))}
            )
            for name, parts, unit in figures
        ]
