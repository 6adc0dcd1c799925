"""Which records somebody reaches: where a record belongs, compared with who asks; in Python and in SQL alike.

A grant names ways to reach a record. These ones are known here: `company` (every record), `office` (it belongs to the
caller's), `team` (its owner is a team mate), `own` (its owner is the caller), `delegated` (its owner's work was handed
to the caller, for a time). Others belong to one resource, whose module says what they mean (`more`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Uuid, any_, bindparam, false, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from rooftree.kernel.auth import Principal

GENERAL = ("company", "office", "team", "own", "delegated")
_NO_MORE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody reaches of a resource by an action. Without any way it is refused."""

    resource: str
    ways: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ways)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record belongs: to whom, and to which office."""

    owner_id: UUID | None
    office_id: UUID | None


# What a resource's own ways mean for one who asks.
More = Callable[["Who"], Mapping[str, ColumnElement[bool]]]


def _no_more(_: "Who") -> Mapping[str, ColumnElement[bool]]:
    return {}


class Columns(NamedTuple):
    """Where a table says so. `office` None: its records belong to no office."""

    owner: Any
    office: Any = None


def reaches(grant: Grant, principal: Principal | None, place: Place, *, more: Mapping[str, bool] = _NO_MORE) -> bool:
    """Whether the caller reaches one record. None: somebody who did not sign in."""
    return any(_reaches(way, grant, principal, place, more) for way in grant.ways)


class Who:
    """Who asks, as parameters of SQL by their names; without `values` they come with each execution."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = values

    @property
    def user(self) -> ColumnElement[UUID]:
        return self._parameter("caller", Uuid())

    @property
    def office(self) -> ColumnElement[UUID]:
        return self._parameter("caller_office", Uuid())

    @property
    def team_mates(self) -> ColumnElement[Any]:
        return self._parameter("team_mates", ARRAY(Uuid()))

    def delegated(self, resource: str) -> ColumnElement[Any]:
        """Whose records were handed over until later than now.

        By the database's clock as the transaction began: a principal that was kept gets nothing after the end. As an
        array, so that an index can be asked for its elements.
        """
        by = self._parameter(f"{resource}_delegated_by", ARRAY(Uuid()))
        until = self._parameter(f"{resource}_delegated_until", ARRAY(DateTime(timezone=True)))
        one = func.unnest(by, until).table_valued("owner", "until").render_derived()
        held = select(one.c.owner).where(func.now() < one.c.until)
        return func.array(held.scalar_subquery(), type_=ARRAY(Uuid()))

    def lacks(self, way: str, resource: str) -> bool:
        """Whether it is known that this way leads nowhere: nobody's record is no match for who is nobody."""
        asks = {"own": "caller", "office": "caller_office", "team": "team_mates"}
        name = f"{resource}_delegated_by" if way == "delegated" else asks.get(way)
        return self._values is not None and name is not None and not self._values[name]

    def _parameter(self, name: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
        return bindparam(name, type_=kind) if self._values is None else bindparam(name, self._values[name], type_=kind)


def rows(grant: Grant, principal: Principal | None, columns: Columns, *, more: More = _no_more) -> ColumnElement[bool]:
    """`reaches` for every row of a query. It may be NULL for a row that belongs to nobody, which is not true."""
    return _rows(grant, Who(parameters(grant, principal)), columns, more)


def rows_of(grant: Grant, columns: Columns, *, more: More = _no_more) -> ColumnElement[bool]:
    """`rows` for whoever has this grant, for statements that are kept; who asks comes as `parameters`."""
    return _rows(grant, Who(), columns, more)


def parameters(grant: Grant, principal: Principal | None) -> dict[str, Any]:
    """Values of what `Who` names, for records of the grant's resource."""
    delegated = _delegated(grant, principal)
    return {
        "caller": principal.user_id if principal else None,
        "caller_office": principal.office_id if principal else None,
        "team_mates": list(principal.team_mates) if principal else [],
        f"{grant.resource}_delegated_by": list(delegated),
        f"{grant.resource}_delegated_until": list(delegated.values()),
    }


def _reaches(way: str, grant: Grant, principal: Principal | None, place: Place, more: Mapping[str, bool]) -> bool:
    match way:
        case "company":
            return True
        case "office":
            return principal is not None and principal.office_id is not None and place.office_id == principal.office_id
        case "own":
            return principal is not None and place.owner_id == principal.user_id
        case "team":
            return principal is not None and place.owner_id in principal.team_mates
        case "delegated":
            return place.owner_id in _delegated(grant, principal)
        case _:
            return more[way]


def _rows(grant: Grant, who: Who, columns: Columns, more: More) -> ColumnElement[bool]:
    if "company" in grant.ways:
        return true()
    ways = (way for way in grant.ways if not who.lacks(way, grant.resource))
    return or_(false(), *(_way(way, grant.resource, who, columns, more) for way in ways))


def _way(way: str, resource: str, who: Who, columns: Columns, more: More) -> ColumnElement[bool]:
    match way:
        case "office":
            return columns.office == who.office
        case "own":
            return columns.owner == who.user
        case "team":
            return columns.owner == any_(who.team_mates)
        case "delegated":
            return columns.owner == any_(who.delegated(resource))
        case _:
            return more(who)[way]


def _delegated(grant: Grant, principal: Principal | None) -> dict[UUID, datetime]:
    """Whose records of this resource were handed to the caller, and until when."""
    found: dict[UUID, datetime] = {}
    for delegation in principal.delegations if principal else ():
        if grant.resource in delegation.resources:
            found[delegation.for_user] = max(delegation.until, found.get(delegation.for_user, delegation.until))
    return found
