"""What a row of a file says of a listing, and what is to be done about it. Pure.

Cells become what a request would have, and are then held to the same rules: those of `PropertyInput`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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

_CELL_LETTERS = 60_000  # more than a list of a listing can have
# As `OwnListings.next_keys` makes them.
_OURS = re.compile(r"RT-[0-9]+", re.IGNORECASE)
_NOTHING: tuple[Any, ...] = (None, "", [])  # such as a cell of separators says
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

    `own`: the caller, if it is theirs when it is new.
    """

    number: int
    listing_id: str | None
    values: Mapping[str, Any]
    agent: User | None
    own: User | None


class Decided(NamedTuple):
    """`values`: what an edit is to make of the listing, or of an empty draft (`listing_edit.edited`)."""

    decision: subject.Decision
    values: Mapping[str, Any] = {}
    errors: Sequence[RowProblem] = ()


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
    if not errors and not (listing_id or values or agent):
        errors = [error("missing", "There is nothing in the columns of this row that fill a field.")]
    if errors:
        return None, errors
    candidate = Candidate(number=number, listing_id=listing_id, values=values, agent=agent, own=directory.own)
    return candidate, []


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
        wrong = {str(one["loc"][0]): one for one in reversed(refused.errors(include_url=False))}
        return {}, [_wrong(cells[name], *_told(one, name, currency)) for name, one in reversed(wrong.items())]


def _told(refused: ErrorDetails, name: str, currency: str) -> tuple[str, str]:
    limits = refused.get("ctx", {})
    is_money = FIELDS[name].kind == "money"

    def shown(limit: int) -> str:
        return import_values.major_units(limit, currency) if is_money else f"{limit:,}"

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


def decided(principal: Principal, candidate: Candidate, row: Any | None, *, currency: str) -> Decided:
    """`row`: the own listing of that id, if there is one. Raises `Forbidden` for a manager of no office."""
    try:
        return _new(principal, candidate, currency) if row is None else _changed(principal, candidate, row, currency)
    except _Refused as refused:
        return Decided("faulty", errors=refused.errors)


class _Refused(Exception):
    """What is wrong with a row."""

    def __init__(self, *errors: RowProblem) -> None:
        super().__init__()
        self.errors = errors


def _new(principal: Principal, candidate: Candidate, currency: str) -> Decided:
    """A draft; as `EditorService.create` makes it."""
    if candidate.listing_id is not None and _OURS.fullmatch(candidate.listing_id):
        why = "No listing has this id. Leave the cell empty for a new one."
        raise _Refused(error("unknown-listing", why, field="listing_id", value=candidate.listing_id))
    values = dict(candidate.values)
    if (agent := candidate.agent or candidate.own) is not None:
        values |= of_agent(_choosable(principal, agent))
    if rights.makes_of_office(principal):
        values["list_office_id"] = principal.office_id
    _edited(empty_draft(), values, currency)
    return Decided("create", values)


def _changed(principal: Principal, candidate: Candidate, row: Any, currency: str) -> Decided:
    """A listing that there is; its agent is changed only if that is another one."""
    _require_open(principal, row)
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


def _require_open(principal: Principal, row: Any) -> None:
    """Whether the caller may change it, as the editor asks it."""
    if not rights.looks_after(principal, row):
        raise _Refused(error("not-yours", "This listing is not yours to change.", field="listing_id"))
    if row.removed_at is not None:
        raise _Refused(error("deleted", "This listing was deleted.", field="listing_id"))
    if not rights.may_edit(principal, row):
        raise _Refused(error("closed", "A closed listing is not yours to change any more.", field="listing_id"))


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
    return (error(code, one.detail, field=one.pointer.removeprefix("/")) for one in errors)


# -- values ----------------------------------------------------------------------------------------------------------

_Read = Callable[[str, Directory], Any]


def _listing_id(text: str, _: Directory) -> str | None:
    listing_id = tidy(text)
    if len(listing_id) > MAX_NAME:
        raise Fault("too-long", f"This takes {MAX_NAME:,} letters at most.")
    return (listing_id.upper() if _OURS.fullmatch(listing_id) else listing_id) or None


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
    "whole": _by(import_values.whole_number, "not-a-number", "This is no whole number, such as 1850."),
    "number": _by(import_values.number, "not-a-number", "This is no number, such as 2.5."),
    "date": _by(import_values.day, "not-a-date", "This is no date, such as 2026-05-31."),
    "flag": _by(import_values.flag, "not-yes-or-no", "Say yes or no."),
    "type": _by(import_values.property_type, "unknown-type", "There is no such type of property."),
}
