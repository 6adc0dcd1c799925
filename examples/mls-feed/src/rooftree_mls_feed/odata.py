"""The part of OData 4.01 that RESO clients need to copy an MLS: query options -> one page of records. Pure.

`$filter` takes comparisons of a field with a literal joined by `and` and `or`, without parentheses; a value that is not
of its field's type (this feed has such records on purpose) matches nothing. `$top` bounds the whole answer, pages are
sized by the client's `Prefer: odata.maxpagesize`; `$skiptoken` is the number of matching records that earlier pages
held.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rooftree_mls_feed.fields import BOOLEAN, DATE, DECIMAL, INTEGER, PROPERTY, STRING, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OPTIONS = frozenset({"$top", "$skip", "$skiptoken", "$orderby", "$filter", "$select", "$expand", "$count"})
DEFAULT_PAGE, MAX_PAGE = 200, 1000

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
CLAUSE = re.compile(r"\s*(?P<field>\w+)\s+(?P<operator>\w+)\s+(?P<literal>'(?:[^']|'')*'|[^\s']+)\s*(?P<rest>.*)", re.S)


class BadQuery(Exception):
    """The query cannot be understood; `target` is the option at fault."""

    def __init__(self, target: str, message: str) -> None:
        super().__init__(message)
        self.target = target


@dataclass(frozen=True)
class Clause:
    field: str
    compare: Callable[[Any, Any], bool]
    literal: Any

    def matches(self, record: Mapping[str, Any]) -> bool:
        value = typed_value(PROPERTY[self.field], record.get(self.field))
        return value is not None and self.compare(value, self.literal)


@dataclass(frozen=True)
class Query:
    filters: tuple[tuple[Clause, ...], ...] = ((),)  # any of these, each of which takes all its clauses
    order: tuple[tuple[str, bool], ...] = ()  # (field, descending)
    select: tuple[str, ...] = ()
    expand_media: bool = False
    count: bool = False
    top: int | None = None
    skip: int = 0
    skiptoken: int = 0


@dataclass(frozen=True)
class Page:
    records: Sequence[Mapping[str, Any]]
    total: int
    next_skiptoken: int | None


def parse_query(options: Mapping[str, str]) -> Query:
    """The query of an address's options. Raises BadQuery for what this server does not do."""
    for name in options:
        if name.startswith("$") and name not in OPTIONS:
            raise BadQuery(name, f"the query option {name} is not supported")
    if options.get("$expand", "Media") != "Media":
        raise BadQuery("$expand", "only Media can be expanded")
    return Query(
        filters=parse_filter(options.get("$filter", "")),
        order=parse_order(options.get("$orderby", "")),
        select=_fields("$select", options.get("$select", "")),
        expand_media="$expand" in options,
        count=_boolean("$count", options.get("$count", "false")),
        top=_number("$top", options["$top"]) if "$top" in options else None,
        skip=_number("$skip", options.get("$skip", "0")),
        skiptoken=_number("$skiptoken", options.get("$skiptoken", "0")),
    )


def parse_filter(text: str) -> tuple[tuple[Clause, ...], ...]:
    """The alternatives of a filter; `and` binds closer than `or`."""
    alternatives: list[list[Clause]] = [[]]
    rest = text.strip()
    while rest:
        if alternatives[-1]:
            joint = re.match(r"(and|or)\s", rest)
            if not joint:
                raise BadQuery("$filter", f"expected 'and' or 'or' before: {rest}")
            rest = rest[joint.end() :]
            if joint[1] == "or":
                alternatives.append([])
        match = CLAUSE.match(rest)
        if not match or match["operator"] not in COMPARISONS:
            raise BadQuery("$filter", f"expected <field> {'|'.join(COMPARISONS)} <value>: {rest}")
        (field,) = _fields("$filter", match["field"])
        alternatives[-1].append(Clause(field, COMPARISONS[match["operator"]], _literal(field, match["literal"])))
        rest = match["rest"]
    return tuple(tuple(clauses) for clauses in alternatives)


def parse_order(text: str) -> tuple[tuple[str, bool], ...]:
    order: list[tuple[str, bool]] = []
    for part in filter(None, text.split(",")):
        name, _, direction = part.strip().partition(" ")
        if not name or direction.strip() not in {"", "asc", "desc"}:
            raise BadQuery("$orderby", f"expected asc or desc: {part}")
        order.append((_fields("$orderby", name)[0], direction.strip() == "desc"))
    return tuple(order)


def run_query(query: Query, records: Sequence[Mapping[str, Any]], page_size: int) -> Page:
    """The page that the query asks for, before `$select`."""
    found = [record for record in records if any(all(c.matches(record) for c in clauses) for clauses in query.filters)]
    for field, descending in reversed(query.order):
        found.sort(key=lambda record: _sort_key(field, record), reverse=descending)
    wanted = found[query.skip :]
    if query.top is not None:
        wanted = wanted[: query.top]
    end = query.skiptoken + page_size
    return Page(wanted[query.skiptoken : end], len(found), end if end < len(wanted) else None)


def select_fields(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: record[name] for name in names if name in record} if names else dict(record)


def typed_value(kind: str, value: Any) -> Any:
    """The value as its field's type, None if it is absent or not of that type."""
    try:
        match kind:
            case "Edm.DateTimeOffset":
                return datetime.fromisoformat(value)
            case "Edm.Date":
                return date.fromisoformat(value)
            case "Edm.Int64" | "Edm.Decimal":
                return value if isinstance(value, int | float) else None
            case _:
                return value
    except (TypeError, ValueError):
        return None


def _sort_key(field: str, record: Mapping[str, Any]) -> tuple[bool, Any]:
    value = typed_value(PROPERTY[field], record.get(field))
    return (value is not None, 0 if value is None else value)


def _fields(option: str, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in PROPERTY:
            raise BadQuery(option, f"Property has no field {name}")
    return names


def _literal(field: str, text: str) -> Any:
    kind = PROPERTY[field]
    try:
        if kind == STRING and text.startswith("'"):
            return text[1:-1].replace("''", "'")
        if kind in {TIMESTAMP, DATE}:
            value = datetime.fromisoformat(text) if kind == TIMESTAMP else date.fromisoformat(text)
            if isinstance(value, datetime) and value.tzinfo is None:
                raise BadQuery("$filter", f"{field}: a time needs its offset: {text}")
            return value
        if kind in {INTEGER, DECIMAL}:
            return float(text) if "." in text else int(text)
        if kind == BOOLEAN and text in {"true", "false"}:
            return text == "true"
    except ValueError as error:
        raise BadQuery("$filter", f"{field}: {text} is not an {kind}") from error
    raise BadQuery("$filter", f"{field}: {text} is not an {kind}")


def _number(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise BadQuery(option, f"expected a whole number: {text}")
    return int(text)


def _boolean(option: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise BadQuery(option, f"expected true or false: {text}")
    return text == "true"
