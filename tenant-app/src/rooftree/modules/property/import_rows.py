"""What a row of a file says of a listing, and what is to be done about it. Pure.

Cells become what a request would have, and are then held to the same rules: those of `PropertyInput`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rooftree.bulk import subject
from rooftree.bulk.cells import Cell, Fault, RowProblem, error
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import split
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.text import email_key, tidy
from rooftree.modules.property import import_values, listing_status, rights
from rooftree.modules.property.editor_schemas import PropertyInput
from rooftree.modules.property.import_fields import FIELDS, Kind
from rooftree.modules.property.listing_edit import COLUMNS, Edited, edited, empty_draft, of_agent
from rooftree.modules.property.listing_status import DRAFT
from rooftree.modules.property.values import MAX_NAME
from rooftree.modules.property.visibility import is_hidden

# More than a list of a listing can have: 200 values of 255 signs, each of which may have to be doubled.
_CELL_LETTERS = 110_000
_ID_SIGNS = 4_000  # of a cell; what is longer is none after all is taken away that nobody sees
# As `OwnListings.next_keys` makes them.
_OURS = re.compile(r"RT-[0-9]+")
_NOTHING: tuple[Any, ...] = (None, "", [])  # such as a cell of separators says
_NO_WHOLE = "This is no whole number, such as 1850. Give a whole number, or leave the column out."
_NO_COLLEAGUE = "There is no such colleague whom you could choose."


@dataclass(frozen=True, slots=True)
class Directory:
    """What a row cannot say by itself. `colleagues`: by `email_key`; `own`: the caller, if new listings are theirs."""

    currency: str
    colleagues: Mapping[str, User]
    own: User | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A listing as one row has it. `values`: members of `PropertyInput`; what the row leaves out is not there.

    `own`: the caller, if it is theirs when it is new and names nobody.
    """

    number: int
    listing_id: str | None
    values: Mapping[str, Any]
    agent: User | None
    own: User | None


class Decided(NamedTuple):
    """`values`: what an edit is to make of the listing, or of an empty draft (`listing_edit.edited`). `replaces`: a
    deleted draft whose id the new one gets."""

    decision: subject.Decision
    values: Mapping[str, Any] = {}
    errors: Sequence[RowProblem] = ()
    replaces: UUID | None = None


# -- what it says ----------------------------------------------------------------------------------------------------


def parsed(
    number: int, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], directory: Directory
) -> tuple[Candidate | None, list[dict[str, Any]]]:
    """The listing, or all that is wrong with the row."""
    given = [
        Cell(name, field, text)
        for (name, field), text in zip(columns, cells, strict=False)
        if field is not None and text.strip()
    ]
    read, errors = _read(given, directory)
    listing_id, agent = read.pop("listing_id", None), read.pop("list_agent", None)
    values, refused = _held_to_rules(read, given, directory.currency)
    errors += refused
    if not errors and not (values or agent):
        errors = [_nothing(given, listing_id)]
    if errors:
        return None, errors
    candidate = Candidate(number=number, listing_id=listing_id, values=values, agent=agent, own=directory.own)
    return candidate, []


def _nothing(given: Sequence[Cell], listing_id: str | None) -> dict[str, Any]:
    if listing_id is None:
        return error("missing", "There is nothing in the columns of this row that fill a field.")
    cell = next(cell for cell in given if cell.field == "listing_id")
    return _wrong(cell, "missing", "There is nothing but an id in this row.")


def _read(given: Sequence[Cell], directory: Directory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What cells say, by field, and what is wrong with them."""
    found: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for cell in given:
        try:
            if len(cell.text) > _CELL_LETTERS:
                raise Fault("too-long", f"A cell has {_CELL_LETTERS:,} letters at most.")
            value = _READERS[FIELDS[cell.field].kind](cell.text, directory)
            if value not in _NOTHING:
                found[cell.field] = value
        except Fault as fault:
            errors.append(_wrong(cell, fault.code, fault.message))
    return found, errors


def _held_to_rules(
    read: Mapping[str, Any], given: Sequence[Cell], currency: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a request with these members would say, and what of it would be refused: of each field one thing."""
    try:
        return PropertyInput.model_validate(read).model_dump(exclude_unset=True), []
    except ValidationError as refused:
        cells = {cell.field: cell for cell in given}
        first: dict[str, ErrorDetails] = {}
        for one in refused.errors(include_url=False):
            first.setdefault(str(one["loc"][0]), one)
        return {}, [_wrong(cells[name], *_told(one, name, currency)) for name, one in first.items()]


def _told(refused: ErrorDetails, name: str, currency: str) -> tuple[str, str]:
    limits = refused.get("ctx", {})
    is_money = FIELDS[name].kind == "money"

    def shown(limit: int) -> str:
        return import_values.major_units(limit, currency) if is_money else str(limit)

    match refused["type"]:
        case "string_too_long":
            return "too-long", f"This takes {limits['max_length']:,} letters at most."
        case "too_long":
            return "too-many", f"This takes {limits['max_length']:,} values at most."
        case "greater_than_equal":
            return "out-of-range", f"This is {shown(limits['ge'])} at least."
        case "less_than_equal":
            return "out-of-range", f"This is {shown(limits['le'])} at most."
        case _:
            return "not-a-text", "There are signs in it that cannot be stored."


def _wrong(cell: Cell, code: str, message: str) -> dict[str, Any]:
    return error(code, message, column=cell.column, field=cell.field, value=cell.text)


# -- what is to be done ----------------------------------------------------------------------------------------------


def decided(
    principal: Principal,
    candidate: Candidate,
    row: Any | None,
    *,
    currency: str,
    is_known: bool = False,
    is_pictured: bool = False,
) -> Decided:
    """`row`: the own listing of that id, if there is one; `is_pictured`: it has or had photos.

    `is_known`: there was one when the file was looked at; what was to be changed is never made new.
    Raises `Forbidden` for a manager of no office.
    """
    try:
        if row is not None:
            _require_theirs(principal, candidate, row)
            if row.removed_at is None:
                return _changed(principal, candidate, row, currency)
            # Others may know the number of what they have seen, and files of photos are removed by their rows.
            if is_pictured or row.version:
                raise _Refused(error("deleted", "This listing was deleted.", field="listing_id"))
        if is_known:
            raise _Refused(error("unknown-listing", "This listing is not there any more.", field="listing_id"))
        return _new(principal, candidate, row, currency)
    except _Refused as refused:
        return Decided("faulty", errors=refused.errors)


class _Refused(Exception):
    """What is wrong with a row."""

    def __init__(self, *errors: RowProblem) -> None:
        super().__init__()
        self.errors = errors


def _new(principal: Principal, candidate: Candidate, deleted: Any | None, currency: str) -> Decided:
    """A draft, as `EditorService.create` makes it; where the caller deleted one, in its place."""
    if deleted is None and _is_ours(candidate.listing_id):
        raise _Refused(_unknown())
    values = dict(candidate.values)
    if (agent := candidate.agent or candidate.own) is not None:
        values |= of_agent(_choosable(principal, agent))
    if rights.makes_of_office(principal):
        values["list_office_id"] = principal.office_id
    _edited(empty_draft(), values, currency)
    return Decided("create", values, replaces=None if deleted is None else deleted.id)


def _changed(principal: Principal, candidate: Candidate, row: Any, currency: str) -> Decided:
    """A listing that there is; its agent is changed only if that is another one."""
    if not rights.may_edit(principal, row):
        raise _Refused(error("closed", "A closed listing is not yours to change any more.", field="listing_id"))
    values = dict(candidate.values)
    if candidate.agent is not None and candidate.agent.id != row.list_agent_id:
        if not rights.may_assign(principal, row):
            raise _Refused(error("not-yours", "This listing is not yours to give away.", field="list_agent"))
        values |= of_agent(_choosable(principal, candidate.agent))
    change = _edited(row, values, currency)
    if not change.fields:
        return Decided("unchanged")
    after = {name: change.columns.get(name, getattr(row, name)) for name in COLUMNS}
    if row.standard_status != DRAFT and (lacking := listing_status.missing(after)):
        raise _Refused(*_places(lacking, "incomplete"))
    return Decided("update", values)


def _require_theirs(principal: Principal, candidate: Candidate, row: Any) -> None:
    """That the caller looks after it. Of another's number they hear that it is taken; ours tells of no draft."""
    if rights.looks_after(principal, row):
        return
    if _is_ours(candidate.listing_id) and is_hidden(row):
        raise _Refused(_unknown())
    raise _Refused(error("not-yours", "This listing is not yours to change.", field="listing_id"))


def _is_ours(listing_id: str | None) -> bool:
    return listing_id is not None and _OURS.fullmatch(listing_id) is not None


def _unknown() -> RowProblem:
    why = "No listing has this id. Leave the cell empty for a new one."
    return error("unknown-listing", why, field="listing_id")


def _choosable(principal: Principal, agent: User) -> User:
    try:
        return rights.require_agent(principal, agent)
    except (Forbidden, Unprocessable):
        raise _Refused(error("unknown-colleague", _NO_COLLEAGUE, field="list_agent")) from None


def _edited(row: Any, values: Mapping[str, Any], currency: str) -> Edited:
    try:
        return edited(row, values, currency=currency)
    except Unprocessable as refused:
        raise _Refused(*_places(refused.errors, "missing")) from None


def _places(errors: Sequence[FieldError], code: str) -> Iterator[RowProblem]:
    return (error(code, one.detail, field=_field(one.pointer.removeprefix("/"))) for one in errors)


def _field(member: str) -> str:
    """Which field fills this member of `PropertyInput`."""
    return "list_agent" if member == "list_agent_id" else member


# -- values ----------------------------------------------------------------------------------------------------------

_Read = Callable[[str, Directory], Any]


def _listing_id(text: str, _: Directory) -> str | None:
    """The same for `a-17` and `A-17`, and in whatever width it is written."""
    if len(text) > _ID_SIGNS or len(listing_id := _plain(_plain(text).upper())) > MAX_NAME:
        raise Fault("too-long", f"This takes {MAX_NAME:,} letters at most.")
    return listing_id or None


def _plain(text: str) -> str:
    return tidy(unicodedata.normalize("NFKC", text))


def _colleague(text: str, directory: Directory) -> User:
    if (found := directory.colleagues.get(email_key(text))) is None:
        raise Fault("unknown-colleague", _NO_COLLEAGUE)
    return found


def _money(text: str, directory: Directory) -> dict[str, Any]:
    currency = directory.currency
    try:
        return {"amount": import_values.minor_units(text, currency), "currency": currency}
    except ValueError:
        example = import_values.major_units(1_234_500, currency)
        raise Fault("not-an-amount", f"This is no amount of {currency}, such as {example}.") from None


def _by(read: Callable[[str], Any], code: str, message: str) -> _Read:
    def reading(text: str, _: Directory) -> Any:
        try:
            return read(text)
        except ValueError:
            raise Fault(code, message) from None

    return reading


_READERS: Mapping[Kind, _Read] = {
    "id": _listing_id,
    "agent": _colleague,
    "text": lambda text, _: text,
    "list": lambda text, _: split(text),
    # Which the API takes with commas between; never longer than it took them.
    "parts": lambda text, _: ",".join(split(text)),
    "money": _money,
    "whole": _by(import_values.whole_number, "not-a-number", _NO_WHOLE),
    "number": _by(import_values.number, "not-a-number", "This is no number, such as 2.5."),
    "date": _by(import_values.day, "not-a-date", "This is no date. Give the year first: 2026-05-31."),
    "flag": _by(import_values.flag, "not-yes-or-no", "Say yes or no."),
    "type": _by(import_values.property_type, "unknown-type", "There is no such type of property."),
}
