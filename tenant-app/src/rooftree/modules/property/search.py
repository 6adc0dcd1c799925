"""What people look for, and where a page of the answer starts. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Sort = Literal["relevance", "-list_price", "list_price", "-modified", "-area", "area", "-year", "year", "distance"]
DEFAULT_SORT: Sort = "-modified"
Source = Literal["search", "database"]
State = Literal["ready", "rebuilding", "unavailable"]
MAX_RADIUS = 100_000  # metres
MIN_CORNERS, MAX_CORNERS = 3, 200
Range = tuple[int | None, int | None]
ANY: Range = (None, None)


@dataclass(frozen=True, slots=True)
class Point:
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees. A box whose west is greater than its east crosses the date line."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Circle:
    """`radius` in metres along the ground."""

    center: Point
    radius: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """None and empty mean anything. Prices in minor units, areas in square feet, bounds included."""

    text: str | None = None
    list_price: Range = ANY
    living_area: Range = ANY
    bedrooms: Range = ANY
    min_bathrooms: int | None = None
    year_built: Range = ANY
    sub_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    subdivisions: tuple[str, ...] = ()
    box: Box | None = None
    near: Circle | None = None
    polygon: tuple[Point, ...] = field(default=())

    @property
    def is_forgiving(self) -> bool:
        """Plain words: when none of them is found, words that are spelled nearly alike count.

        The signs of the search language (`-word`, `"phrase"`, `or`) say exactly what is meant.
        """
        words = (self.text or "").split()
        return bool(words) and not any(word.startswith("-") or '"' in word or word.lower() == "or" for word in words)

    @property
    def tells_the_place(self) -> bool:
        """Whether being found gives away where a listing is; its words include the address."""
        return bool(self.text or self.box or self.near or self.polygon)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: after the row with this sort value and id."""

    value: int | float
    id: UUID


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must all occur, or a phrase, or what must not occur."""

    text: str
    is_phrase: bool = False
    is_negated: bool = False


_TERM = re.compile(r'(-?)(?:"([^"]*)(?:"|$)|(\S+))')
# "3br", "2 ba", "1500sqft": a number and its unit belong together.
_ROOMS = re.compile(r"\b(\d+)[\s-]?(beds?|bedrooms?|bd|bds|br|brs|bdrm|bdrms|baths?|bathrooms?|ba)\b", re.IGNORECASE)


def terms(text: str) -> tuple[tuple[Term, ...], ...]:
    """The alternatives of the search language, each a list of terms that hold together.

    As PostgreSQL's `websearch_to_tsquery` reads it: words are joined by `and`, `or` between two words parts
    alternatives, quotes make a phrase, a minus before a word or phrase excludes it. Any text is a search.
    """
    alternatives: list[list[Term]] = [[]]
    for sign, phrase, word in _TERM.findall(_ROOMS.sub(r'"\1 \2"', text) if '"' not in text else text):
        if word.lower() == "or" and not sign:
            alternatives.append([])
        elif phrase.strip() or word:
            alternatives[-1].append(Term(phrase.strip() or word, bool(phrase), bool(sign)))
    return tuple(tuple(_joined(alternative)) for alternative in alternatives if alternative)


def _joined(alternative: list[Term]) -> Iterable[Term]:
    """Neighbouring plain words as one term, so that synonyms of several words are seen."""
    plain: list[str] = []
    for term in alternative:
        if term.is_phrase or term.is_negated:
            yield from _words(plain)
            plain = []
            yield term
        else:
            plain.append(term.text)
    yield from _words(plain)


def _words(plain: list[str]) -> Iterable[Term]:
    if plain:
        yield Term(" ".join(plain))


def parse_point(text: str) -> Point:
    """`lat,lon`. Raises ValueError that says what is wrong."""
    latitude, longitude = _numbers(text, 2, "latitude,longitude")
    return _point(latitude, longitude)


def parse_box(text: str) -> Box:
    """`west,south,east,north`. Raises ValueError that says what is wrong."""
    west, south, east, north = _numbers(text, 4, "west,south,east,north")
    _point(south, west)
    _point(north, east)
    if south > north:
        raise ValueError("The south lies north of the north.")
    return Box(west, south, east, north)


def parse_polygon(text: str) -> tuple[Point, ...]:
    """`lon,lat;lon,lat;…`, closed or not. Raises ValueError that says what is wrong."""
    corners: list[Point] = []
    for part in text.strip().strip(";").split(";"):
        longitude, latitude = _numbers(part, 2, "lon,lat;lon,lat;…")
        corners.append(_point(latitude, longitude))
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if not MIN_CORNERS <= len(corners) <= MAX_CORNERS:
        raise ValueError(f"A polygon has {MIN_CORNERS} to {MAX_CORNERS} different points.")
    if is_line(corners):
        raise ValueError("The points lie on one line.")
    return tuple(corners)


def is_line(corners: Sequence[Point]) -> bool:
    """Whether nothing can lie inside."""
    first, second = corners[0], next((corner for corner in corners if corner != corners[0]), corners[0])
    up, right = second.latitude - first.latitude, second.longitude - first.longitude
    return all((one.latitude - first.latitude) * right == (one.longitude - first.longitude) * up for one in corners)


def _numbers(text: str, count: int, form: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise ValueError(f"Write it as {form} in degrees.")
    return found


def _point(latitude: float, longitude: float) -> Point:
    if not -90 <= latitude <= 90:
        raise ValueError("A latitude is between -90 and 90.")
    if not -180 <= longitude <= 180:
        raise ValueError("A longitude is between -180 and 180.")
    return Point(latitude, longitude)
