"""What tells of people is named in one place, for clones: each column of text is masked, or known to tell nothing."""

from collections.abc import Iterator

import pytest
from rooftree.manifest import manifest
from rooftree.modules.crm.tables import Table as Crm
from rooftree.modules.gateway.tables import Table as Gateway
from rooftree.modules.identity.tables import Table as Identity
from rooftree.personal import EMPTIED, MASKED
from sqlalchemy import MetaData, Table, Text
from sqlalchemy.types import String

DATA: tuple[MetaData, ...] = (Crm.metadata, Gateway.metadata, Identity.metadata)
# Text that tells nothing of a person: what an office chose, words of a fixed list, ids of others.
TELLS_NOTHING = {
    "crm.activities": {"kind", "direction"},
    "crm.agents": {"role"},
    "crm.assignments": {"reason"},
    "crm.contacts": {"kind"},
    "crm.history": {"subject", "action"},
    "crm.leads": {"lead_type", "source", "listing_key", "listing_address", "state"},
    "crm.people": {"source"},
    "crm.stage_changes": {"from_name", "to_name"},
    "crm.stages": {"name", "name_key"},
    "crm.tasks": {"time_zone"},
    "identity.offices": {"name", "name_key"},
    "identity.teams": {"name", "name_key"},
    "identity.users": {"role"},
}


def tables() -> Iterator[Table]:
    for metadata in DATA:
        yield from metadata.tables.values()


def texts(table: Table) -> set[str]:
    return {column.name for column in table.columns if isinstance(column.type, String | Text)}


@pytest.mark.parametrize(
    "table", [one for one in tables() if one.fullname not in EMPTIED], ids=lambda one: one.fullname
)
def test_every_column_of_text_is_masked_or_tells_nothing(table: Table) -> None:
    known = MASKED.get(table.fullname, {}).keys() | TELLS_NOTHING.get(table.fullname, set())
    assert texts(table) - known == set(), "mask it in personal.py, or say here that it tells nothing"


def test_what_is_masked_is_there_and_may_be_empty_only_where_it_is_made_so() -> None:
    found = {one.fullname: one for one in tables()}
    for name, columns in MASKED.items():
        for column, form in columns.items():
            assert column in found[name].columns
            source = form.partition(":")[2]
            assert not source or source in found[name].columns
            assert form != "null" or found[name].columns[column].nullable


def test_what_is_emptied_of_these_modules_is_there() -> None:
    mine = {one.fullname for one in tables()}
    assert {name for name in EMPTIED if name.split(".")[0] in ("crm", "gateway", "identity")} <= mine


def test_a_table_is_emptied_before_those_that_it_refers_to() -> None:
    found = {one.fullname: one for one in tables()}
    for place, name in enumerate(EMPTIED):
        for key in found[name].foreign_keys if name in found else ():
            target = key.column.table.fullname
            assert target not in EMPTIED[:place], f"{target} is emptied before {name}, which refers to it"


def test_the_operator_is_told() -> None:
    told = manifest("1.0.0")["clones"]
    assert told["emptied"] == list(EMPTIED)
    assert told["masked"]["identity.users"]["password_hash"] == "nothing"
