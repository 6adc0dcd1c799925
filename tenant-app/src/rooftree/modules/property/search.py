"""What people look for, and where a page of the answer starts. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Sort = Literal["-list_price", "list_price", "-modified", "-area", "area"]
DEFAULT_SORT: Sort = "-modified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """None and empty mean anything. Prices in minor units, areas in square feet, bounds included."""

    text: str | None = None
    list_price: tuple[int | None, int | None] = (None, None)
    living_area: tuple[int | None, int | None] = (None, None)
    min_bedrooms: int | None = None
    min_bathrooms: int | None = None
    sub_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()

    @property
    def is_forgiving(self) -> bool:
        """Plain words: when none of them is found, words that are spelled nearly alike count.

        The signs of the search language (`-word`, `"phrase"`, `or`) say exactly what is meant.
        """
        words = (self.text or "").split()
        return bool(words) and not any(word.startswith("-") or '"' in word or word.lower() == "or" for word in words)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: after the row with this sort value and id."""

    value: int | datetime
    id: UUID
