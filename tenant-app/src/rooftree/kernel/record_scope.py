"""Which records somebody reaches: where a record belongs, compared with who asks; in Python and in SQL alike.

A grant names ways to reach a record. These ones are known here: `company` (every record), `office` (it belongs to the
caller's), `team` (its owner is a team mate), `own` (its owner is the caller), `delegated` (its owner's work was handed
to the caller, for a time). Others belong to one resource, whose module says what they mean (`more`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, true

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


class Columns(NamedTuple):
    """Where a table says so. `office` None: its records belong to no office."""

    owner: Any
    office: Any = None


def reaches(grant: Grant, principal: Principal | None, place: Place, *, more: Mapping[str, bool] = _NO_MORE) -> bool:
    """Whether the caller reaches one record. None: somebody who did not sign in."""
    return any(_reaches(way, grant, principal, place, more) for way in grant.ways)


def rows(
    grant: Grant,
    principal: Principal | None,
    columns: Columns,
    *,
    more: Mapping[str, ColumnElement[bool]] = _NO_MORE,
) -> ColumnElement[bool]:
    """`reaches` for every row of a query. It may be NULL for a row that belongs to nobody, which is not true."""
    if "company" in grant.ways:
        return true()
    return or_(false(), *(_rows(way, grant, principal, columns, more) for way in grant.ways))


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


def _rows(
    way: str,
    grant: Grant,
    principal: Principal | None,
    columns: Columns,
    more: Mapping[str, ColumnElement[bool]],
) -> ColumnElement[bool]:
    if way not in GENERAL:
        return more[way]
    if principal is None:
        return false()
    match way:
        case "office":
            return false() if principal.office_id is None else columns.office == principal.office_id
        case "own":
            return columns.owner == principal.user_id
        case "team":
            return columns.owner.in_(sorted(principal.team_mates)) if principal.team_mates else false()
        case _:
            # By the database's clock as the transaction began: a principal that was kept gets nothing after the end.
            delegated = _delegated(grant, principal).items()
            return or_(false(), *(and_(columns.owner == owner, func.now() < until) for owner, until in delegated))


def _delegated(grant: Grant, principal: Principal | None) -> dict[UUID, datetime]:
    """Whose records of this resource were handed to the caller, and until when."""
    found: dict[UUID, datetime] = {}
    for delegation in principal.delegations if principal else ():
        if grant.resource in delegation.resources:
            found[delegation.for_user] = max(delegation.until, found.get(delegation.for_user, delegation.until))
    return found
