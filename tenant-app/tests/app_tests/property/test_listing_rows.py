"""What a row of a file means for a listing; and that what was exported comes back unchanged, in every format."""

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rooftree.bulk.columns import Field
from rooftree.bulk.export import ExportedFile
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Principal
from rooftree.kernel.cells import joined
from rooftree.kernel.errors import Forbidden
from rooftree.kernel.money import exponent
from rooftree.kernel.spreadsheet_worker import read, workbook
from rooftree.kernel.spreadsheets import FORMATS, Format
from rooftree.modules.property import export_rows, import_rows
from rooftree.modules.property.editor_schemas import PropertyInput
from rooftree.modules.property.import_fields import FIELDS, guessed, open_to
from rooftree.modules.property.import_rows import Candidate, Directory, decided, parsed
from rooftree.modules.property.import_values import major_units, minor_units
from rooftree.modules.property.listing_draft import apply, new_draft
from rooftree.modules.property.tables import PropertyRow

ME, OTHER, HERE, THERE = (UUID(int=number) for number in range(1, 5))
AVA = User(id=OTHER, name="Ava Agent", email="ava@acme.test", role="agent", office_id=HERE)
AWAY = User(id=UUID(int=9), name="Al Away", email="al@acme.test", role="agent", office_id=THERE)
CARE = User(id=UUID(int=10), name="Cy Care", email="cy@acme.test", role="coordinator", office_id=HERE)
COLLEAGUES = {one.email: one for one in (AVA, AWAY, CARE)}
NOW = datetime(2026, 1, 31, tzinfo=UTC)
EVERY = open_to(assigns=True)


def person(role: str, office: UUID | None = HERE) -> Principal:
    return Principal(ME, "acme-0a1b2c3d", role, "web", frozenset(), office_id=office)


OWNER, MANAGER, AGENT = person("broker_owner", None), person("office_manager"), person("agent")
BOSS = User(id=ME, name="Bo", email="bo@acme.test", role="broker_owner", office_id=None)
ITSELF = User(id=ME, name="Mo Me", email="mo@acme.test", role="agent", office_id=HERE)


def directory(*, currency: str = "USD", own: User | None = None) -> Directory:
    return Directory(currency, COLLEAGUES, own)


def listing(given: dict[str, Any], *, currency: str = "USD", key: str = "RT-000001", **columns: Any) -> PropertyRow:
    """As the editor stores it."""
    row = new_draft(key, brokerage="Acme", currency=currency, now=NOW)
    apply(row, PropertyInput.model_validate(given).model_dump(exclude_unset=True), currency=currency)
    for name, value in columns.items():
        setattr(row, name, value)
    return row


def cells_of(values: dict[str, str]) -> tuple[list[str], list[tuple[str, str | None]]]:
    return list(values.values()), [(FIELDS[name].label, name) for name in values]


def row_of(using: Directory | None = None, /, **values: str) -> tuple[Candidate | None, list[Any]]:
    cells, columns = cells_of(values)
    candidate, errors = parsed(2, cells, columns, using or directory())
    return candidate, list(errors)


def good(using: Directory | None = None, /, **values: str) -> Candidate:
    candidate, errors = row_of(using, **values)
    assert errors == []
    assert candidate is not None
    return candidate


def faults(using: Directory | None = None, /, **values: str) -> list[tuple[str | None, str]]:
    candidate, errors = row_of(using, **values)
    assert candidate is None
    return [(one["field"], one["code"]) for one in errors]


# -- there and back ---------------------------------------------------------------------------------------------------

SIGNS = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\0")
WORDS = st.text(st.one_of(SIGNS, st.sampled_from("=+-@;,\"' ")), max_size=30)
ITEMS = st.lists(WORDS.filter(str.strip), max_size=4)
LINES = st.lists(WORDS, max_size=3).map("\n".join)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
_BOUNDS: dict[str, tuple[float, float]] = {
    "latitude": (-90, 90),
    "longitude": (-180, 180),
    "garage_spaces": (0, 10_000),
}


def _member(name: str, currency: str) -> st.SearchStrategy[Any]:
    amounts = st.integers(1, 10**15).map(lambda amount: {"amount": amount, "currency": currency})
    low, high = _BOUNDS.get(name, (0, 2_000_000_000))
    by_kind: dict[str, st.SearchStrategy[Any]] = {
        "list": ITEMS,
        "parts": st.lists(WORDS.map(lambda text: text.replace(",", "")), max_size=4).map(",".join),
        "money": amounts,
        "whole": st.integers(1600, 9999) if name == "year_built" else st.integers(0, 1000),
        "number": st.floats(low, high),
        "date": st.dates(),
        "flag": st.booleans(),
        "type": st.sampled_from(["Residential", "Commercial Lease", "Manufactured In Park"]),
    }
    return by_kind.get(FIELDS[name].kind, LINES if name.endswith("remarks") else WORDS)


@st.composite
def given_listings(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """As the API takes one, and its currency."""
    currency = draw(CURRENCIES)
    names = draw(st.sets(st.sampled_from(sorted(FIELDS.keys() - {"listing_id", "list_agent"}))))
    names |= {"latitude", "longitude"} if names & {"latitude", "longitude"} else set()
    return {name: draw(_member(name, currency)) for name in sorted(names)}, currency


def file_of(kind: Format, row: PropertyRow) -> bytes:
    made = ExportedFile(kind, EVERY)
    made.add(export_rows.values(row, EVERY, {AVA.id: AVA.email}))
    return workbook(io.BytesIO(made.content)) if kind == "xlsx" else made.content


@pytest.mark.parametrize("kind", FORMATS)
@given(made=given_listings(), agent=st.sampled_from([None, AVA.id]))
@example(made=({"roof": ",".join("abc" * 600)}, "USD"), agent=None)
@example(made=({"public_remarks": "'=1+1\n\t-2;@x"}, "JPY"), agent=AVA.id)
def test_what_was_exported_comes_back_unchanged(kind: Format, made: tuple[dict[str, Any], str], agent: UUID) -> None:
    given_values, currency = made
    row = listing(given_values, currency=currency, list_agent_id=agent)
    table = read(kind, file_of(kind, row))
    (line,) = table.rows
    fields = guessed(table.columns, EVERY)
    assert fields == [field.name for field in EVERY]
    using = directory(currency=currency)
    candidate, errors = parsed(line.number, line.cells, list(zip(table.columns, fields, strict=True)), using)
    assert errors == []
    assert candidate is not None
    assert candidate.listing_id == row.listing_key
    assert decided(OWNER, candidate, row, currency=currency).decision == "unchanged"


@given(made=given_listings())
@example(made=({"latitude": 42.03, "longitude": -93.62, "public_remarks": "=1+1", "heating": ["-x", "+y"]}, "USD"))
@example(made=({"public_remarks": "'=1+1"}, "USD"))
def test_what_was_exported_as_csv_and_saved_as_texts_of_a_workbook_comes_back_unchanged(
    made: tuple[dict[str, Any], str],
) -> None:
    given_values, currency = made
    row = listing(given_values, currency=currency)
    raw = list(csv.reader(io.StringIO(file_of("csv", row).decode("utf-8-sig"), newline="")))
    table = read("xlsx", workbook([json.dumps(cells).encode() for cells in raw]))
    (line,) = table.rows
    columns = list(zip(table.columns, guessed(table.columns, EVERY), strict=True))
    candidate, errors = parsed(line.number, line.cells, columns, directory(currency=currency))
    assert errors == []
    assert candidate is not None
    assert decided(OWNER, candidate, row, currency=currency).decision == "unchanged"


def test_a_coordinate_is_a_number_in_a_spreadsheet_too() -> None:
    row = listing({"latitude": 42.03, "longitude": -93.62})
    assert b",42.03,-93.62," in file_of("csv", row)


@given(cells=st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=300), min_size=len(FIELDS)))
def test_what_a_row_may_say_the_api_takes_too(cells: list[str]) -> None:
    for name, cell in zip(FIELDS, cells, strict=False):
        candidate, errors = row_of(**{name: cell})
        assert (candidate is None) is bool(errors)
        if candidate is not None:
            taken = PropertyInput.model_validate(candidate.values)
            assert taken.model_dump(exclude_unset=True) == candidate.values


def test_a_list_takes_as_many_letters_as_the_api() -> None:
    values = ['"' * 255] * 200
    assert good(heating=joined(values)).values == {"heating": values}


@pytest.mark.parametrize(
    ("name", "fits", "over", "code"),
    [
        ("city", "x" * 255, "x" * 256, "too-long"),
        ("public_remarks", "x" * 4_000, "x" * 4_001, "too-long"),
        ("heating", "x;" * 200, "x;" * 201, "too-many"),
        ("heating", "x" * 255, "x" * 256, "too-long"),
        ("bedrooms_total", "1000", "1001", "out-of-range"),
        ("bedrooms_total", "0", "-1", "out-of-range"),
        ("year_built", "1600", "1599", "out-of-range"),
        ("latitude", "-90", "-90.1", "out-of-range"),
        ("garage_spaces", "2.5", "1e999", "out-of-range"),
        ("list_price", "9999999999999.99", "10,000,000,000,000.01", "out-of-range"),
        ("listing_id", "x" * 255, "x" * 256, "too-long"),
    ],
)
def test_bounds_are_those_of_the_api(name: str, fits: str, over: str, code: str) -> None:
    assert good(**{"zoning": "R1", name: fits}).number == 2
    assert faults(**{name: over}) == [(name, code)]


def test_of_a_cell_one_thing_is_told_and_of_a_row_all_cells() -> None:
    candidate, errors = row_of(heating="x" * 256 + ";" + "y" * 300, list_price="cheap", year_built="1500")
    assert candidate is None
    assert {(one["column"], one["field"], one["code"]) for one in errors} == {
        ("Heating", "heating", "too-long"),
        ("List price", "list_price", "not-an-amount"),
        ("Year built", "year_built", "out-of-range"),
    }
    assert faults(heating="x;" * 512 * 1024) == [("heating", "too-long")]


# -- values -----------------------------------------------------------------------------------------------------------


@given(amount=st.integers(0, 10**15), currency=CURRENCIES)
def test_an_amount_is_told_and_read_exactly(amount: int, currency: str) -> None:
    assert minor_units(major_units(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("525000", "USD", 52_500_000),
        ("525,000.00", "USD", 52_500_000),
        ("$525,000", "USD", 52_500_000),
        (" $ 1,234.5 ", "USD", 123_450),
        ("525000 usd", "USD", 52_500_000),
        ("€99.99", "EUR", 9_999),
        ("¥12,500", "JPY", 12_500),
        ("12.345", "KWD", 12_345),
        ("0", "USD", 0),
    ],
)
def test_amounts(text: str, currency: str, amount: int) -> None:
    assert minor_units(text, currency) == amount
    assert exponent(currency) in (0, 2, 3)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("525.000", "USD"),
        ("525,00", "USD"),
        ("1.234,56", "USD"),
        ("525000.005", "USD"),
        ("5,25,000", "USD"),
        ("12.50", "JPY"),
        ("€525", "USD"),
        ("$525$", "USD"),
        ("-5", "USD"),
        ("5e5", "USD"),
        ("1 000", "USD"),
        ("five", "USD"),
        ("٣", "USD"),
        ("9" * 5_000, "USD"),
        ("", "USD"),
    ],
)
def test_what_is_no_amount_or_could_be_two(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        minor_units(text, currency)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("bedrooms_total", "3", 3),
        ("bedrooms_total", "3.0", 3),
        ("living_area", "1,850", 1850),
        ("living_area", "1,234,567", 1234567),
        ("lot_size_acres", "1.850", 1.85),
        ("lot_size_acres", "1e-05", 1e-05),
        ("listing_contract_date", "2026-05-31", date(2026, 5, 31)),
        ("listing_contract_date", "2026-05-31 00:00:00", date(2026, 5, 31)),
        ("internet_display", "YES", True),
        ("internet_display", "0", False),
        ("internet_display", "N", False),
        ("property_type", "residentialincome", "Residential Income"),
        ("property_type", " COMMERCIAL sale", "Commercial Sale"),
        ("roof", "Slate; Metal", "Slate,Metal"),
        ("heating", 'Forced Air, "Gas; new"', ["Forced Air", "Gas; new"]),
    ],
)
def test_values(name: str, text: str, value: Any) -> None:
    assert good(**{name: text}).values == {name: value}


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("bedrooms_total", "three", "not-a-number"),
        ("bedrooms_total", "2.5", "not-a-number"),
        ("living_area", "1.000", "not-a-number"),
        ("living_area", "1850 sq ft", "not-a-number"),
        ("latitude", "nan", "not-a-number"),
        ("lot_size_acres", "1,250", "not-a-number"),
        ("garage_spaces", "1,5", "not-a-number"),
        ("living_area", "12,34", "not-a-number"),
        ("listing_contract_date", "05/31/2026", "not-a-date"),
        ("listing_contract_date", "2026-02-30", "not-a-date"),
        ("listing_contract_date", "2026-05-31 10:00:00", "not-a-date"),
        ("internet_display", "maybe", "not-yes-or-no"),
        ("property_type", "House", "unknown-type"),
        ("list_agent", "nobody@acme.test", "unknown-colleague"),
        ("list_price", "1.000", "not-an-amount"),
    ],
)
def test_what_is_none(name: str, text: str, code: str) -> None:
    assert faults(**{name: text}) == [(name, code)]


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("bathrooms_total", "2.5", "Give a whole number, or leave the column out."),
        ("listing_contract_date", "5/31/2026", "Give the year first: 2026-05-31."),
    ],
)
def test_what_is_wrong_says_what_to_give(name: str, text: str, advice: str) -> None:
    _, (wrong,) = row_of(**{name: text})
    assert wrong["message"].endswith(advice)


def test_empty_cells_leave_out_and_a_row_of_them_is_faulty() -> None:
    assert good(city="  ", heating="", list_price="5").values == {"list_price": {"amount": 500, "currency": "USD"}}
    assert faults(city=" ", heating="") == [(None, "missing")]
    assert faults(listing_id="\u200b", heating=";", roof=" , ") == [(None, "missing")]
    assert good(city="Ames", heating=",").values == {"city": "Ames"}


def test_a_row_with_nothing_but_an_id_is_faulty() -> None:
    _, (wrong,) = row_of(listing_id="A-17", city="", heating=";")
    assert (wrong["column"], wrong["field"], wrong["value"]) == ("Listing ID", "listing_id", "A-17")
    assert (wrong["code"], wrong["message"]) == ("missing", "There is nothing but an id in this row.")


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=8))
def test_an_id_is_the_same_however_it_is_typed(text: str) -> None:
    once = import_rows._listing_id(text, directory())
    assert once is None or import_rows._listing_id(f" {once} ", directory()) == once


@pytest.mark.parametrize("text", ["A-17", "a-17", " a-17\u200b", "\uff41\uff0d\uff11\uff17"])
def test_ids_are_in_capitals(text: str) -> None:
    assert good(listing_id=text, city="Ames").listing_id == "A-17"


# -- headers ----------------------------------------------------------------------------------------------------------


def test_each_word_means_one_field() -> None:
    words = [word for field in FIELDS.values() for word in field.words.split()]
    names = list(FIELDS)
    assert len(set(words)) == len(words)
    assert guessed(names, EVERY) == names
    assert guessed([field.label for field in FIELDS.values()], EVERY) == names
    assert guessed([name.title().replace("_", "") for name in names], EVERY) == names
    for name, field in FIELDS.items():
        assert [guessed([word], EVERY) for word in field.words.split()] == [[name]] * len(field.words.split())


def test_headers_of_others() -> None:
    headers = ["MLS #", "ListPrice", "Beds", "Baths", "Zip", "Address", "BathroomsTotalInteger", "Sq. Ft.", "Notes", ""]
    fields = ["listing_id", "list_price", "bedrooms_total", "bathrooms_total", "postal_code", "unparsed_address", None]
    assert guessed(headers, EVERY) == [*fields, "living_area", None, None]
    assert guessed(["list_agent", "City"], open_to(assigns=False)) == [None, "city"]
    # Acres, perhaps.
    assert guessed(["LotSizeArea", "LotSizeUnits", "LivingArea"], EVERY) == [None, None, "living_area"]


def test_fields_are_the_members_of_an_edit() -> None:
    members = {"list_agent" if name == "list_agent_id" else name for name in PropertyInput.model_fields}
    assert FIELDS.keys() == members | {"listing_id"}
    assert EVERY[0] == Field(name="listing_id", label="Listing ID")


# -- what is to be done -----------------------------------------------------------------------------------------------


def verdict(
    principal: Principal, candidate: Candidate, row: PropertyRow | None = None
) -> tuple[str, list[tuple[str | None, str]]]:
    one = decided(principal, candidate, row, currency="USD")
    return one.decision, [(error["field"], error["code"]) for error in one.errors]


def test_a_row_of_no_listing_is_a_draft() -> None:
    assert verdict(OWNER, good(city="Ames")) == ("create", [])
    assert verdict(OWNER, good(listing_id="A-17", city="Ames")) == ("create", [])


def test_an_id_that_we_would_give_is_of_a_listing_that_there_is() -> None:
    for text in ("RT-000123", "rt-123", " RT-9999999 "):
        candidate = good(listing_id=text, city="Ames")
        assert verdict(OWNER, candidate) == ("faulty", [("listing_id", "unknown-listing")])
    assert good(listing_id=" rt-000123", city="Ames").listing_id == "RT-000123"
    assert verdict(OWNER, good(listing_id="RT-12b", city="Ames")) == ("create", [])


def test_what_was_found_to_be_a_change_is_never_made_new() -> None:
    candidate = good(listing_id="A-17", city="Ames")
    one = decided(OWNER, candidate, None, currency="USD", is_known=True)
    assert [(error["field"], error["code"]) for error in one.errors] == [("listing_id", "unknown-listing")]
    deleted = listing({}, standard_status="Delete", removed_at=NOW, list_agent_id=ME)
    assert decided(OWNER, candidate, deleted, currency="USD", is_known=True).decision == "faulty"
    assert decided(OWNER, candidate, listing({}), currency="USD", is_known=True).decision == "update"


def test_whose_a_new_draft_is() -> None:
    by_agent = decided(AGENT, good(directory(own=ITSELF), city="Ames"), None, currency="USD")
    assert {name: by_agent.values[name] for name in ("list_agent_id", "list_agent_full_name", "list_office_id")} == {
        "list_agent_id": ME,
        "list_agent_full_name": "Mo Me",
        "list_office_id": HERE,
    }
    of_office = decided(MANAGER, good(city="Ames"), None, currency="USD")
    assert of_office.values == {"city": "Ames", "list_office_id": HERE}
    given_to = decided(MANAGER, good(list_agent="AVA@acme.test"), None, currency="USD")
    assert (given_to.values["list_agent_id"], given_to.values["list_office_id"]) == (AVA.id, HERE)
    by_owner = decided(OWNER, good(directory(own=BOSS), city="Ames"), None, currency="USD").values
    assert (by_owner["list_agent_id"], by_owner["list_agent_full_name"], by_owner["list_office_id"]) == (ME, "Bo", None)
    assert decided(OWNER, good(list_agent=AWAY.email), None, currency="USD").values["list_office_id"] == THERE
    with pytest.raises(Forbidden):
        decided(person("office_manager", None), good(city="Ames"), None, currency="USD")


def test_an_agent_is_one_whom_the_caller_may_choose() -> None:
    nobody = ("faulty", [("list_agent", "unknown-colleague")])
    assert verdict(MANAGER, good(list_agent=AWAY.email)) == nobody
    assert verdict(OWNER, good(list_agent=CARE.email)) == nobody
    assert verdict(AGENT, good(directory(own=ITSELF), list_agent=AVA.email)) == nobody
    theirs = listing({}, list_agent_id=AVA.id, list_office_id=HERE)
    assert verdict(MANAGER, good(list_agent=AWAY.email), theirs) == nobody
    assert verdict(MANAGER, good(list_agent=AVA.email), theirs) == ("unchanged", [])
    # A manager's own listing, in an office that is not the manager's.
    away = listing({}, list_agent_id=ME, list_office_id=THERE)
    assert verdict(MANAGER, good(list_agent=AVA.email), away) == ("faulty", [("list_agent", "not-yours")])
    # Whoever is the agent already needs no permission, wherever they are now.
    moved = listing({}, list_agent_id=AWAY.id, list_office_id=HERE)
    assert verdict(MANAGER, good(list_agent=AWAY.email), moved) == ("unchanged", [])


def test_who_may_not_change_a_listing_hears_why() -> None:
    cell = good(directory(own=ITSELF), listing_id="A-17", city="Ames")
    assert verdict(AGENT, cell, listing({}, list_agent_id=OTHER)) == ("faulty", [("listing_id", "not-yours")])
    mine: dict[str, Any] = {"list_agent_id": ME, "list_office_id": HERE}
    assert verdict(AGENT, cell, listing({}, **mine)) == ("update", [])
    gone = listing({}, standard_status="Delete", removed_at=NOW, **mine)
    assert verdict(AGENT, cell, replaced(gone, list_agent_id=OTHER)) == ("faulty", [("listing_id", "not-yours")])
    closed = listing(PUBLISHED, standard_status="Closed", **mine)
    assert verdict(AGENT, good(bedrooms_total="3"), closed) == ("faulty", [("listing_id", "closed")])
    assert verdict(OWNER, good(bedrooms_total="3"), closed) == ("update", [])


PUBLISHED: dict[str, Any] = {
    "unparsed_address": "12 Canary Court",
    "city": "Ames",
    "property_type": "Residential",
    "list_price": {"amount": 35_000_000, "currency": "USD"},
    "latitude": 42.0,
    "longitude": -93.6,
    "heating": ["Forced Air"],
}


def test_a_deleted_draft_gives_its_id_back() -> None:
    cell = good(directory(own=ITSELF), listing_id="A-17", city="Ames")
    gone = listing({}, standard_status="Delete", removed_at=NOW, list_agent_id=ME, list_office_id=HERE)
    one = decided(AGENT, cell, gone, currency="USD")
    assert (one.decision, one.replaces, one.values["city"]) == ("create", gone.id, "Ames")
    # Its photos are to be removed first, or it was seen by others.
    for was in (
        decided(AGENT, cell, gone, currency="USD", is_pictured=True),
        decided(AGENT, cell, replaced(gone, version=1), currency="USD"),
    ):
        assert [error["code"] for error in was.errors] == ["deleted"]


def test_nobody_hears_of_a_listing_of_ours_that_they_may_not_see() -> None:
    ours = good(directory(own=ITSELF), listing_id="RT-000001", city="Ames")
    unknown, theirs = ("faulty", [("listing_id", "unknown-listing")]), ("faulty", [("listing_id", "not-yours")])
    assert verdict(AGENT, ours, listing({}, list_agent_id=OTHER)) == unknown
    assert verdict(AGENT, ours, listing({}, list_agent_id=OTHER, removed_at=NOW)) == unknown
    assert verdict(AGENT, ours, listing(PUBLISHED, list_agent_id=OTHER, standard_status="Active")) == theirs


def replaced(row: PropertyRow, **columns: Any) -> PropertyRow:
    for name, value in columns.items():
        setattr(row, name, value)
    return row


def test_cells_replace_what_is_there() -> None:
    row = listing(PUBLISHED, standard_status="Active", list_agent_id=ME)
    one = decided(OWNER, good(list_price="340000", heating="Radiant", city=""), row, currency="USD")
    assert one.decision == "update"
    assert one.values == {"list_price": {"amount": 34_000_000, "currency": "USD"}, "heating": ["Radiant"]}
    assert verdict(OWNER, good(latitude="43"), row) == ("update", [])
    assert verdict(OWNER, good(list_price="$350,000", heating="Forced Air"), row) == ("unchanged", [])


def test_what_is_published_stays_complete() -> None:
    row = listing(PUBLISHED, standard_status="Active", list_agent_id=ME)
    assert verdict(OWNER, good(list_price="0"), row) == ("faulty", [("list_price", "incomplete")])
    assert verdict(OWNER, good(list_price="0"), replaced(row, standard_status="Incomplete")) == ("update", [])
    nobodys = listing(PUBLISHED, standard_status="Active")
    assert verdict(OWNER, good(city="Boone"), nobodys) == ("faulty", [("list_agent", "incomplete")])


def test_latitude_and_longitude_go_together() -> None:
    assert verdict(OWNER, good(latitude="42")) == ("faulty", [("longitude", "missing")])
    assert verdict(OWNER, good(longitude="-93"), listing({})) == ("faulty", [("latitude", "missing")])
    assert verdict(OWNER, good(latitude="42", longitude="-93")) == ("create", [])
