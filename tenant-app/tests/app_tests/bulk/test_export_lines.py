"""Lines of exports, whatever their records are."""

import json

import pytest
from rooftree.bulk import export
from rooftree.bulk.columns import Column, Field, misfits
from rooftree.bulk.errors import ExportTooLarge
from rooftree.bulk.export import ExportedFile, header, line
from rooftree.kernel.cells import TableTooLarge

FIELDS = (Field(name="name", label="Name"), Field(name="tags", label="Tags", takes_several=True))
ADA = {"more": "is not offered", "name": "Ada", "tags": ["a;b", "c"]}


def test_a_record_is_a_line_of_what_is_offered_in_its_order() -> None:
    assert header("csv", FIELDS) + line("csv", FIELDS, ADA) == '\ufeffName,Tags\r\nAda,"""a;b""; c"\r\n'.encode()
    assert [json.loads(one) for one in (header("xlsx", FIELDS), line("xlsx", FIELDS, ADA))] == [
        ["Name", "Tags"],
        ["Ada", '"a;b"; c'],
    ]
    assert header("jsonl", FIELDS) == b""
    assert json.loads(line("jsonl", FIELDS, ADA)) == {"name": "Ada", "tags": ["a;b", "c"]}


def test_what_a_workbook_would_leave_out_is_refused() -> None:
    long = {"name": "x" * 32_768, "tags": []}
    with pytest.raises(TableTooLarge, match="CSV or JSON lines"):
        line("xlsx", FIELDS, long)
    assert len(line("csv", FIELDS, long)) > 32_768
    assert line("xlsx", FIELDS, long | {"name": "x" * 32_767})


def test_a_file_is_no_larger_than_one_that_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ExportedFile("csv", FIELDS)
    made.add(ADA)
    assert made.content == header("csv", FIELDS) + line("csv", FIELDS, ADA)
    monkeypatch.setattr(export, "MAX_BYTES", len(made.content))
    with pytest.raises(ExportTooLarge) as refused:
        made.add(ADA)
    assert refused.value.detail is not None
    assert refused.value.detail.endswith("Filter more narrowly.")


def test_a_workbook_has_no_more_cells_than_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_FILLED", 3)
    empty = {"name": "Bea", "tags": []}
    book, lines = ExportedFile("xlsx", FIELDS), ExportedFile("jsonl", FIELDS)
    for record in (ADA, empty):
        book.add(record)
        lines.add(record)
    lines.add(empty)
    with pytest.raises(ExportTooLarge, match="ask for CSV"):
        book.add(empty)


def test_a_field_takes_one_column_unless_it_takes_several() -> None:
    columns = [
        Column(str(place), (), field) for place, field in enumerate(("name", "tags", "tags", "name", "none", None))
    ]
    assert [name for name, _ in misfits(columns, FIELDS)] == ["3", "4"]
