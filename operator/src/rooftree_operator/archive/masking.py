"""What becomes of a clone's data: what must not go along is emptied, and what tells of people is masked on request.

The release says which tables and columns these are (`clones` of its manifest); here is only how. The same value always
becomes the same mask within one clone, so that a mailbox which two rows name is still one mailbox; the salt is the
clone's own, so that nobody finds a person by masking a guess. Pure but for `apply`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from .envelope import Damaged

DIGEST = sql.SQL("encode(sha256(convert_to({salt} || lower({column}), 'UTF8')), 'hex')")
NAME = "'Person ' || left({digest}, 8)"
EMAIL = "left({digest}, 12) || '@masked.invalid'"
PHONE = "'+1555' || lpad((('x' || left({digest}, 7))::bit(28)::int % 10000000)::text, 7, '0')"
FORMS = {
    "name": NAME,
    "name_key": f"lower({NAME})",
    "email": EMAIL,
    "phone": PHONE,
    "text": "'masked'",
    "nothing": "''",
    "null": "NULL",
}
# Of a row that holds one or the other, as its column `kind` says.
CONTACT = f"CASE WHEN kind = 'email' THEN {EMAIL} ELSE {PHONE} END"


@dataclass(frozen=True)
class Rules:
    """`emptied`: tables, in an order that foreign keys allow. `masked`: by table and column the form, and after a
    colon the column that it is made of if that is another one: `email:email_key`."""

    emptied: tuple[str, ...] = ()
    masked: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


def parsed(told: Mapping[str, Any]) -> Rules:
    """Raises `Damaged` if a form is unknown."""
    rules = Rules(tuple(told.get("emptied", ())), dict(told.get("masked", {})))
    forms = {form.partition(":")[0] for columns in rules.masked.values() for form in columns.values()}
    if unknown := forms - {*FORMS, "contact"}:
        raise Damaged(f"the release masks by forms that are not known: {', '.join(sorted(unknown))}")
    return rules


def statements(rules: Rules, salt: str, *, mask: bool) -> list[sql.Composed]:
    """All that is to be done, in order."""
    changes = [(name, sql.SQL("DELETE FROM {}").format(_table(name))) for name in rules.emptied]
    if mask:
        changes += [(table, _update(table, columns, salt)) for table, columns in rules.masked.items()]
    # Triggers of a table name what is beside it without its schema.
    return [one for table, change in changes for one in (_beside(table), change)]


def _beside(table: str) -> sql.Composed:
    schema = sql.Identifier(table.partition(".")[0])
    return sql.SQL("SET LOCAL search_path TO pg_catalog, {}, pg_temp").format(schema)


def apply(connection: psycopg.Connection, rules: Rules, salt: str, *, mask: bool) -> None:
    """In one transaction."""
    with connection.transaction():
        for statement in statements(rules, salt, mask=mask):
            connection.execute(statement)


def _update(table: str, columns: Mapping[str, str], salt: str) -> sql.Composed:
    changes = [
        sql.SQL("{} = {}").format(sql.Identifier(column), _masked(column, form, salt))
        for column, form in columns.items()
    ]
    return sql.SQL("UPDATE {} SET {}").format(_table(table), sql.SQL(", ").join(changes))


def _masked(column: str, form: str, salt: str) -> sql.Composed:
    """What a column becomes; what is empty stays so."""
    kind, _, source = form.partition(":")
    own, origin = sql.Identifier(column), sql.Identifier(source or column)
    digest = DIGEST.format(salt=sql.Literal(salt), column=origin)
    text = CONTACT if kind == "contact" else FORMS[kind]
    value = sql.SQL(text).format(digest=digest)  # pyright: ignore[reportArgumentType] -- constants of this file
    return sql.SQL("CASE WHEN {own} IS NULL THEN NULL ELSE {value} END").format(own=own, value=value)


def _table(name: str) -> sql.Identifier:
    schema, _, table = name.partition(".")
    return sql.Identifier(schema, table)
