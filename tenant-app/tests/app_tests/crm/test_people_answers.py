"""Lists of people are written without their model: whatever a row holds, the answer is what the model would write."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from rooftree.kernel.hot_reads import json_answer
from rooftree.modules.crm.people_routes import summaries
from rooftree.modules.crm.people_schemas import PersonPage, PersonSummary
from rooftree.modules.crm.summaries_repository import Summary

# PostgreSQL holds neither NUL nor halves of surrogate pairs.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
_FIRST, _LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - hypothesis adds the time zone
moments = st.datetimes(_FIRST, _LAST, timezones=st.sampled_from([UTC, ZoneInfo("UTC")]))  # as of the connection
phones = st.tuples(texts, st.none() | texts)
columns: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids(),
    "name": texts,
    "name_key": texts,
    "emails": st.none() | st.lists(texts, min_size=1),
    "phones": st.none() | st.lists(phones, min_size=1),
    "stage_id": st.uuids(),
    "stage_name": texts,
    "source": texts,
    "tags": st.lists(texts),
    "assigned_to": st.none() | st.uuids(),
    "office_id": st.none() | st.uuids(),
    "open_leads": st.integers(0, 2**53 - 1),
    "last_activity_at": moments,
    "created_at": moments,
    "version": st.integers(0, 2**31 - 1),
    "can_edit": st.booleans(),
    "can_assign": st.booleans(),
    "can_claim": st.booleans(),
}
rows = st.fixed_dictionaries(columns)


def test_the_strategy_makes_every_column() -> None:
    assert set(columns) == Summary.__required_keys__


@given(st.lists(rows, max_size=3), st.dictionaries(st.uuids(), texts), st.none() | texts)
def test_the_answer_is_what_the_model_would_write(
    found: list[dict[str, Any]], names: dict[UUID, str], cursor: str | None
) -> None:
    names |= {row["assigned_to"]: row["name"] for row in found[1:] if row["assigned_to"]}  # of some, not of all
    items = summaries(cast("list[Summary]", found), names)
    answer = bytes(json_answer({"items": items, "total": len(items), "next_cursor": cursor}).body)
    model = TypeAdapter(PersonPage)
    read = model.validate_json(answer)
    assert json.loads(answer) == json.loads(model.dump_json(read))
    for item, row in zip(read.items, found, strict=True):
        _agrees(item, row, names)


def _agrees(item: PersonSummary, row: dict[str, Any], names: dict[UUID, str]) -> None:
    """Every column reached the field that it is meant for: two of one kind could be exchanged and still be valid."""
    plain = set(Summary.__required_keys__) - {"name_key", "emails", "phones", "assigned_to"}
    assert {name: getattr(item, name) for name in plain} == {name: row[name] for name in plain}
    assert item.emails == (row["emails"] or [])
    assert [(phone.value, phone.e164) for phone in item.phones] == (row["phones"] or [])
    whose = (item.assigned_to.id, item.assigned_to.name) if item.assigned_to else None
    assert whose == ((row["assigned_to"], names.get(row["assigned_to"])) if row["assigned_to"] else None)


def test_a_time_of_another_zone_keeps_its_offset() -> None:
    moment = datetime(2026, 11, 28, 12, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(bytes(json_answer({"at": moment}).body)) == {"at": "2026-11-28T12:00:00+02:00"}
