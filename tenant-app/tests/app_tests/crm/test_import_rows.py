"""What a row of a file means; and that what was exported comes back unchanged, in every format."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rooftree.bulk.export import header, line
from rooftree.bulk.imports import _returned
from rooftree.bulk.subject import Line
from rooftree.kernel.cells import FileUnreadable, as_text, joined, meant, safe, split
from rooftree.kernel.ids import new_id
from rooftree.kernel.spreadsheet_worker import Row, read, workbook
from rooftree.kernel.spreadsheets import FORMATS, Format, csv_lines
from rooftree.kernel.text import email_address, name_key, tidy
from rooftree.modules.crm import domain
from rooftree.modules.crm.domain import MAX_CONTACTS, Contact
from rooftree.modules.crm.export_people import values_of
from rooftree.modules.crm.import_fields import FIELDS as ALL_FIELDS
from rooftree.modules.crm.import_fields import LISTS, guessed, open_to
from rooftree.modules.crm.import_rows import Directory, Known, decided, parsed
from rooftree.modules.crm.people_schemas import PersonInput

STAGE = new_id()
DIRECTORY = Directory({name_key("Hot; Prospect"): STAGE}, {}, "US")
FIELDS = open_to(assigns=False)
SIGNS = st.characters(exclude_categories=("Cs", "Cn", "Co"))
LINES = st.text(st.one_of(SIGNS, st.sampled_from("=+-@;,\"' \t")), max_size=40).map(tidy).filter(bool)


@st.composite
def given_people(draw: st.DrawFn) -> dict[str, Any]:
    """As the API takes one."""
    local = st.text("abc.\"';,=+-@", min_size=1, max_size=6).map(lambda part: f"{part}@client.test").filter(is_email)
    phones = st.text("0123456789+-(). ,;", min_size=5, max_size=20).filter(lambda text: sum(map(str.isdigit, text)) > 4)
    person = {
        "name": draw(LINES),
        "emails": draw(st.lists(local, max_size=3)),
        "phones": draw(st.lists(phones, max_size=3)),
        "tags": draw(st.lists(LINES, max_size=4)),
        "source": "a" + draw(st.text("abc +.&~/_-", max_size=12)),
    }
    return PersonInput.model_validate(person).model_dump()


def is_email(text: str) -> bool:
    try:
        return email_address(text) == text
    except ValueError:
        return False


def summary(person: dict[str, Any]) -> tuple[dict[str, Any], Known]:
    """A person as the list has them, and as they are known."""
    contacts = domain.distinct(
        [
            *(domain.email_contact(one) for one in person["emails"]),
            *(domain.phone_contact(one, region="US") for one in person["phones"]),
        ]
    )
    tags, typed = domain.tidy_tags(person["tags"]), typed_of(contacts)
    shown = {"name": person["name"], "source": person["source"], "tags": tags, "stage_name": "Hot; Prospect"}
    shown |= {"emails": typed["email"], "phones": [(one, None) for one in typed["phone"]], "assigned_to": None}
    return shown, Known(UUID(int=1), contacts, tags, is_assigned=False, theirs=True, gives=False)


def typed_of(contacts: Iterable[Contact]) -> dict[str, list[str]]:
    """By kind."""
    return {kind: [one.typed for one in contacts if one.key.kind == kind] for kind in ("email", "phone")}


def file_of(kind: Format, shown: dict[str, Any]) -> bytes:
    made = header(kind, FIELDS) + line(kind, FIELDS, values_of(shown, {}))  # type: ignore[arg-type] - what it reads
    return workbook(made.splitlines()) if kind == "xlsx" else made


@pytest.mark.parametrize("kind", FORMATS)
@given(person=given_people())
def test_what_was_exported_comes_back_unchanged(kind: Format, person: dict[str, Any]) -> None:
    shown, known = summary(person)
    content = file_of(kind, shown)
    table = read(kind, content)
    assert content.startswith(BOM_UTF8) is (kind == "csv")  # else Excel takes it for what Windows wrote before UTF-8
    (row,) = table.rows
    fields = guessed(table.columns, FIELDS)
    assert set(fields) == {field.name for field in FIELDS}
    candidate, errors = parsed(row.number, row.cells, list(zip(table.columns, fields, strict=True)), DIRECTORY)
    assert errors == []
    assert candidate is not None
    assert (candidate.name, candidate.source, candidate.stage_id) == (person["name"], person["source"], STAGE)
    assert (list(candidate.contacts), list(candidate.tags)) == (known.contacts, known.tags)
    assert decided(candidate, known)[0] == "unchanged"


@given(person=given_people(), junk=st.lists(st.text(max_size=130), min_size=5, max_size=5))
def test_what_a_row_may_say_the_api_takes_too(person: dict[str, Any], junk: list[str]) -> None:
    columns = [(name, name) for name in ("name", "emails", "phones", "tags", "source")]
    for cells in (junk, [person["name"], *map(joined, (person["emails"], person["phones"], person["tags"])), "Fair"]):
        candidate, _ = parsed(2, cells, columns, DIRECTORY)
        if candidate is not None and candidate.name:
            typed = {
                kind: [one.typed for one in candidate.contacts if one.key.kind == kind] for kind in ("email", "phone")
            }
            PersonInput.model_validate(
                {
                    "name": candidate.name,
                    "emails": typed["email"],
                    "phones": typed["phone"],
                    "tags": list(candidate.tags),
                    "source": candidate.source or "Import",
                }
            )


def faults_of(columns: list[tuple[str, str | None]], *cells: str) -> list[tuple[str | None, str]]:
    candidate, errors = parsed(2, cells, columns, DIRECTORY)
    assert candidate is None
    return [(one["column"], one["code"]) for one in errors]


@pytest.mark.parametrize("field", sorted(LISTS))
def test_a_cell_of_a_mebibyte_is_one_error_and_is_not_taken_apart(field: str) -> None:
    assert faults_of([("N", "name"), ("C", field)], "Ada", "x;" * 512 * 1024) == [("C", "too-long")]


def test_no_row_has_more_errors_than_a_person_can_have_values() -> None:
    faults = faults_of([("A", "emails"), ("B", "emails"), ("C", "tags")], "x;" * 3_000, "y;" * 3_000, "t;" * 21)
    assert faults == [("A", "not-an-email")] * MAX_CONTACTS + [(None, "too-many")] * 2
    over_columns: list[tuple[str, str | None]] = [(f"E{n}", "emails") for n in range(MAX_CONTACTS + 1)]
    assert faults_of(over_columns, *(f"m{n}@client.test" for n in range(MAX_CONTACTS + 1))) == [(None, "too-many")]


@given(st.lists(st.text(SIGNS, min_size=1).filter(str.strip)))
def test_several_values_share_a_cell(values: list[str]) -> None:
    assert split(joined(values)) == values


CELLS = st.one_of(st.text(), st.text(st.sampled_from("=+-@;,\t\r\n '\"ab0")))


@given(CELLS)
@example("Bob;=cmd|'/C calc'!A0")
@example("+49 30 901820; +49 30 901821")
def test_a_cell_that_was_made_safe_means_what_it_did(cell: str) -> None:
    assert meant(safe(cell)) == cell
    assert meant(as_text(cell)) == cell
    if re.fullmatch(r"-[0-9.eE+-]+", cell):
        return
    for separator in ";,\t\r\n":  # of which one may be what a spreadsheet takes cells apart by
        for part in safe(cell).split(separator):
            assert part.lstrip(' "')[:1] not in tuple("=+-@")
    assert safe(cell)[:1] not in tuple("\t\r")


@pytest.mark.parametrize("number", ["-93.62", "-5", "0", "-1e-05", "-1.5E+10"])
def test_a_number_is_no_formula(number: str) -> None:
    assert safe(number) == number


@pytest.mark.parametrize("other", ["+5155550199", "-", "-5-1", "-93.62\n", "-1,5", "-A1", "--5", "-5;-6", "-٣"])
def test_what_is_no_plain_number_is_made_safe(other: str) -> None:
    assert safe(other).startswith("'-") or safe(other).startswith("'+")


def test_a_workbook_gets_an_apostrophe_only_where_one_would_be_taken_away() -> None:
    for plain in ("=1+1", "+1 515 232 0199", "-2;@x", "O'Neil", "'quoted"):
        assert as_text(plain) == plain
    assert as_text("'=1+1") == "''=1+1"


def test_what_begins_like_a_formula_after_a_separator_is_made_safe_too() -> None:
    assert safe("Bob;=cmd|'/C calc'!A0") == "Bob;'=cmd|'/C calc'!A0"
    assert safe("+49 30 901820; +49 30 901821") == "'+49 30 901820;' +49 30 901821"
    for plain in ("Bob; a=b, c-d @home", "King, Ada", "5 Main St; Ames", "O'Neil;'s"):
        assert safe(plain) == plain
    long = "\t \"'" * 100_000
    assert meant(safe(long)) == long  # in time that grows with the cell alone


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (["First Name", "Last Name", "E-mail 1 - Value", "Phone 1 - Value"], ["name", "name", "emails", "phones"]),
        (["Full name", "First name", "Email", "Work email"], ["name", None, "emails", "emails"]),
        (["name", "stage", "Stage", "assigned_to", "Notes"], ["name", "stage", None, None, None]),
    ],
)
def test_a_header_that_clearly_means_a_field_fills_it(headers: list[str], fields: list[str | None]) -> None:
    assert guessed(headers, FIELDS) == fields
    assert guessed(["assigned_to"], ALL_FIELDS) == ["assigned_to"]


@pytest.mark.parametrize(
    ("content", "columns", "rows", "encoding"),
    [
        ("\ufeffName;Email\nÄ;a".encode(), ["Name", "Email"], [["Ä", "a"]], "utf-8"),
        ("Name\tEmail\nÄ\ta".encode("utf-16"), ["Name", "Email"], [["Ä", "a"]], "utf-16"),
        ("Name,Name,,\nÄ\r\n".encode("cp1252"), ["Name", "Name (2)"], [["Ä", ""]], "windows-1252"),
        (b'"Na,me";b\n"two\nlines";\n', ["Na,me", "b"], [["two\nlines", ""]], "utf-8"),
    ],
)
def test_text_is_read_as_it_was_written(content: bytes, columns: list[str], rows: Any, encoding: str) -> None:
    table = read("csv", content)
    assert (table.columns, table.encoding, [row.cells for row in table.rows]) == (columns, encoding, rows)


def test_a_quote_that_is_never_closed_is_told_and_swallows_nothing() -> None:
    content = b'name,email,address\nAda,a@x.de,"4 ""Old"" St"\nBea,b@x.de,"5 Main St\nCleo,c@x.de,6\nDee,d@x.de,7\n'
    with pytest.raises(FileUnreadable, match=r"A quote is opened in row 3 and never closed\."):
        list(read("csv", content).rows)
    for closed in (b'n,e\n"a"b,"x\ny"', b'n,e\n5" x,"x\ny"\r\n', b'n,e\na"b,""'):
        assert len(list(read("csv", closed).rows)) == 1


def test_what_of_a_faulty_row_is_in_no_column_comes_back_behind_its_error() -> None:
    table = read("csv", b"Name,Tags\nKing, Ada,buyer,x,\nBea,,\n" + b"Cleo,a" + b",b" * 200)
    surplus, plain, many = table.rows
    assert (surplus.cells, plain.cells, len(many.cells)) == (["King", " Ada", "buyer", "x"], ["Bea", ""], 102)
    assert (plain.fault, surplus.fault) == (None, many.fault)
    row = Line(2, surplus.cells, surplus.fault, "faulty", [{"message": "Why."}, {"message": "And."}])
    assert _returned(row, 2) == ["King", " Ada", "Why. And.", "buyer", "x"]
    again = read("csv", csv_lines([["Name", "Tags", "error"], _returned(row, 2)]))
    assert [row.fault for row in again.rows] == [surplus.fault]


def test_rows_have_the_numbers_that_people_see() -> None:
    numbers = [row.number for row in read("csv", b"\nName\n\nAda\n,,\nBea\n").rows]
    assert numbers == [4, 6]
    lines = json.dumps({"name": "Ada", "phones": [1, None]}) + "\n\n" + "[" * 100_000 + "\n" + '{"a": {"b": 1}}'
    table = read("jsonl", lines.encode())
    first, deep, nested = table.rows
    assert (deep.cells, nested.cells) == (["", "", "[" * 2_000], ["", "", '{"a": {"b": 1}}'])
    assert first == Row(1, ["Ada", "1; "])
    assert [(row.number, row.fault) for row in (deep, nested)] == [
        (3, "This line is not a JSON object."),
        (4, "A value is an object, or a list of more than texts and numbers."),
    ]
