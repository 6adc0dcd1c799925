"""What a row of a file says of a person, and what is to be done about it. Pure.

The rules for what a person may have are those of `schemas`; a test compares the two.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from rooftree.bulk.cells import Cell, Fault, error
from rooftree.bulk.subject import Decision
from rooftree.contracts.identity.api import User
from rooftree.kernel.cells import split
from rooftree.kernel.text import email_address, email_key, name_key, tidy
from rooftree.modules.crm import domain
from rooftree.modules.crm.domain import (
    LABEL,
    LABEL_MAX,
    MAX_CONTACTS,
    MAX_TAGS,
    NAME_MAX,
    PHONE_MAX,
    Contact,
    ContactKey,
)
from rooftree.modules.crm.import_fields import LISTS

T = TypeVar("T")
_CELL_LETTERS = 8_000  # more than the values that a contact can have
_EMAIL_MAX = 320
_MOST: Mapping[str, tuple[int, str]] = {
    "emails": (MAX_CONTACTS, "addresses"),
    "phones": (MAX_CONTACTS, "numbers"),
    "tags": (MAX_TAGS, "tags"),
}
_LABEL = re.compile(LABEL)


@dataclass(frozen=True, slots=True)
class Directory:
    """What names in a file stand for. `stages`: ids by `name_key`; `colleagues`: by `email_key`."""

    stages: Mapping[str, UUID]
    colleagues: Mapping[str, User]
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person as one row has them; what the row leaves out is empty."""

    number: int
    name: str
    contacts: tuple[Contact, ...]
    source: str | None
    tags: tuple[str, ...]
    stage_id: UUID | None
    assignee: User | None

    @property
    def keys(self) -> list[ContactKey]:
        return [contact.key for contact in self.contacts]


@dataclass(frozen=True, slots=True)
class Known:
    """Who has one of a row's addresses or numbers. `theirs`: the caller may change them, `gives`: give them away."""

    id: UUID
    contacts: Sequence[Contact]
    tags: Sequence[str]
    is_assigned: bool
    theirs: bool
    gives: bool


class Addition(NamedTuple):
    """What a person gets who is known."""

    contacts: tuple[Contact, ...] = ()
    tags: tuple[str, ...] = ()
    assignee: User | None = None

    @property
    def fields(self) -> list[str]:
        kinds = {contact.key.kind for contact in self.contacts}
        found = [f"{kind}s" for kind in ("email", "phone") if kind in kinds]
        return found + ["tags"] * bool(self.tags) + ["assigned_to"] * (self.assignee is not None)


class _Values:
    """Those of a row's cells, of each field no more than a person can have. `errors`: what is wrong with them."""

    def __init__(self, given: Sequence[Cell]) -> None:
        self._given = given
        self.errors: list[dict[str, Any]] = []

    def of(self, field: str, use: Callable[[str], T]) -> list[T]:
        most, word = _MOST.get(field, (1, "value"))
        found = list(islice(self._found(field), most + 1))
        made = [one for cell, value in found[:most] for one in self._read(cell, value, use)]
        if len(found) > most:
            self.errors.append(error("too-many", f"A contact has {most} {word} at most; here are more.", field=field))
        return made

    def _found(self, field: str) -> Iterator[tuple[Cell, str]]:
        for cell in self._given:
            if cell.field == field and len(cell.text) > _CELL_LETTERS:
                self._wrong(cell, cell.text, Fault("too-long", f"A cell has {_CELL_LETTERS:,} letters at most."))
            elif cell.field == field:
                yield from ((cell, one) for one in (split(cell.text) if field in LISTS else [cell.text]) if one.strip())

    def _read(self, cell: Cell, value: str, use: Callable[[str], T]) -> Iterable[T]:
        try:
            return (use(value),)
        except Fault as fault:
            self._wrong(cell, value, fault)
            return ()

    def _wrong(self, cell: Cell, value: str, fault: Fault) -> None:
        self.errors.append(error(fault.code, fault.message, column=cell.column, field=cell.field, value=value))


def parsed(
    number: int, cells: Sequence[str], columns: Sequence[tuple[str, str | None]], directory: Directory
) -> tuple[Candidate | None, list[dict[str, Any]]]:
    """The person, or all that is wrong with the row."""
    given = [Cell(name, field, text) for (name, field), text in zip(columns, cells, strict=False) if field]
    values = _Values(given)
    errors = values.errors
    whole = " ".join(filter(None, (tidy(cell.text) for cell in given if cell.field == "name")))
    if len(whole) > NAME_MAX:
        column = next(cell.column for cell in given if cell.field == "name")
        errors.append(
            error("too-long", f"A name has {NAME_MAX} letters at most.", column=column, field="name", value=whole)
        )
    candidate = Candidate(
        number=number,
        name=whole,
        contacts=tuple(
            domain.distinct(
                [*values.of("emails", _email), *values.of("phones", lambda text: _phone(text, directory.region))]
            )
        ),
        source=next(iter(values.of("source", _label)), None),
        tags=tuple(domain.tidy_tags(values.of("tags", _tag))),
        stage_id=next(iter(values.of("stage", lambda text: _stage(text, directory))), None),
        assignee=next(iter(values.of("assigned_to", lambda text: _colleague(text, directory))), None),
    )
    return (None, errors) if errors else (candidate, [])


def decided(candidate: Candidate, known: Known | None) -> tuple[Decision, Addition, list[dict[str, Any]]]:
    """What is to be done: `create`, `update`, `unchanged` or `faulty`; what a known person gets; what is wrong."""
    if known is None:
        if not candidate.name:
            return "faulty", Addition(), [error("missing", "A new contact needs a name.", field="name")]
        return "create", Addition(), []
    if not known.theirs:
        why = "You see this contact, but nobody looks after them yet; claim them first."
        has = {contact.key for contact in known.contacts}
        same = next((contact for contact in candidate.contacts if contact.key in has), None)
        field, value = (same.field, same.typed) if same else (None, "")
        return "faulty", Addition(), [error("not-yours", why, field=field, value=value)]
    addition = _addition(candidate, known)
    wrong = _too_many([*known.contacts, *addition.contacts], [*known.tags, *addition.tags])
    if wrong:
        return "faulty", Addition(), wrong
    return ("update" if addition != Addition() else "unchanged"), addition, []


def _addition(candidate: Candidate, known: Known) -> Addition:
    has, tags = {contact.key for contact in known.contacts}, {tag.casefold() for tag in known.tags}
    is_given = candidate.assignee is not None and not known.is_assigned and known.gives
    return Addition(
        contacts=tuple(one for one in candidate.contacts if one.key not in has),
        tags=tuple(tag for tag in candidate.tags if tag.casefold() not in tags),
        assignee=candidate.assignee if is_given else None,
    )


def _too_many(contacts: Iterable[Contact], tags: Sequence[str]) -> list[dict[str, Any]]:
    kinds = [contact.key.kind for contact in contacts]
    counts = {"emails": kinds.count("email"), "phones": kinds.count("phone"), "tags": len(tags)}
    return [
        error("too-many", f"A contact has {most} {word} at most; this would be {counts[field]}.", field=field)
        for field, (most, word) in _MOST.items()
        if counts[field] > most
    ]


# -- values -----------------------------------------------------------------------------------------------------------


def _email(text: str) -> Contact:
    try:
        if len(text) > _EMAIL_MAX:
            raise ValueError
        return domain.email_contact(email_address(text))
    except ValueError:
        raise Fault("not-an-email", "This is not a mail address.") from None


def _phone(text: str, region: str | None) -> Contact:
    if len(text) > PHONE_MAX:
        raise Fault("too-long", f"A number has {PHONE_MAX} signs at most.")
    try:
        return domain.phone_contact(tidy(text), region=region)
    except ValueError:
        raise Fault("not-a-phone", "This is not a phone number.") from None


def _tag(text: str) -> str:
    if len(text) > LABEL_MAX:
        raise Fault("too-long", f"A tag has {LABEL_MAX} letters at most.")
    if not (tag := tidy(text)):
        raise Fault("not-a-label", "Use at least one letter that can be seen.")
    return tag


def _label(text: str) -> str:
    label = text.strip()
    if len(label) > LABEL_MAX:
        raise Fault("too-long", f"A source has {LABEL_MAX} letters at most.")
    if not _LABEL.match(label):
        raise Fault("not-a-label", "A source takes letters, digits, spaces and . _ & + / ~ - and begins with a letter.")
    return label


def _stage(text: str, directory: Directory) -> UUID:
    found = directory.stages.get(name_key(tidy(text)))
    if found is None:
        raise Fault("unknown-stage", "There is no such stage.")
    return found


def _colleague(text: str, directory: Directory) -> User:
    found = directory.colleagues.get(email_key(text))
    if found is None:
        raise Fault("unknown-colleague", "There is no such colleague whom you could choose.")
    return found
