"""Query options -> records, without a server."""

import pytest
from rooftree_mls_feed.odata import BadQuery, parse_query, run_query, select_fields

RECORDS = (
    {"ListingKey": "a", "ListPrice": 100, "ModificationTimestamp": "2010-01-01T00:00:00Z", "City": "O'Brien"},
    {"ListingKey": "b", "ListPrice": 300, "ModificationTimestamp": "2010-03-01T00:00:00Z", "City": "Ames"},
    {"ListingKey": "c", "ListPrice": 200, "ModificationTimestamp": "last Tuesday", "City": "Ames"},
    {"ListingKey": "d", "ListPrice": "much", "ModificationTimestamp": "2010-02-01T01:00:00+02:00"},
)


def keys(page_size: int = 10, **options: str) -> str:
    page = run_query(parse_query({f"${name}": value for name, value in options.items()}), RECORDS, page_size)
    return "".join(str(record["ListingKey"]) for record in page.records)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "abcd"),
        ("ListPrice gt 100", "bc"),
        ("ListPrice ge 100.0", "abc"),
        ("ListPrice ne 100", "bc"),
        ("City eq 'O''Brien'", "a"),
        ("ModificationTimestamp gt 2010-01-01T00:00:00Z", "bd"),
        ("ModificationTimestamp le 2010-01-31T23:00:00Z", "ad"),
        ("ListPrice gt 100 and City eq 'Ames' and ListPrice lt 300", "c"),
        ("YearBuilt gt 1900", ""),
        ("ListingKey eq 'a' or ListingKey eq 'd'", "ad"),
        ("City eq 'Ames' and ListPrice gt 250 or ListingKey eq 'a'", "ab"),
    ],
)
def test_filter_keeps_the_records_that_match_and_drops_values_of_another_type(text: str, found: str):
    assert keys(filter=text) == found


def test_order_sorts_by_several_fields_and_puts_unreadable_values_first():
    assert keys(orderby="City desc,ListPrice") == "acbd"
    assert keys(orderby="ModificationTimestamp") == "cadb"


def test_top_and_skip_bound_the_whole_answer():
    assert keys(top="2", skip="1") == "bc"


def test_pages_by_skiptoken_hold_each_record_once():
    query, seen, token = {"$top": "3"}, "", 0
    while token is not None:
        page = run_query(parse_query(query | {"$skiptoken": str(token)}), RECORDS, 2)
        seen, token = seen + "".join(str(record["ListingKey"]) for record in page.records), page.next_skiptoken
    assert seen == "abc"


def test_count_is_of_all_that_match_not_of_the_page():
    assert run_query(parse_query({"$top": "1", "$count": "true"}), RECORDS, 1).total == 4


def test_select_leaves_the_named_fields_that_a_record_has():
    assert select_fields(RECORDS[3], ("City", "ListingKey")) == {"ListingKey": "d"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("$filter", "Nonsense gt 1"),
        ("$filter", "ListPrice near 1"),
        ("$filter", "ListPrice gt 1 xor ListPrice lt 0"),
        ("$filter", "ListPrice gt abc"),
        ("$filter", "City eq Ames"),
        ("$filter", "ModificationTimestamp gt yesterday"),
        ("$filter", "ModificationTimestamp gt 2010-01-01T00:00:00"),
        ("$orderby", "Nonsense"),
        ("$orderby", "ListPrice sideways"),
        ("$orderby", "  , "),
        ("$select", "Nonsense"),
        ("$expand", "Office"),
        ("$count", "yes"),
        ("$top", "-1"),
        ("$skiptoken", "1e3"),
        ("$apply", "aggregate"),
    ],
)
def test_refuses_what_it_does_not_do_and_names_the_option(option: str, value: str):
    with pytest.raises(BadQuery) as refusal:
        parse_query({option: value})
    assert refusal.value.target == option
