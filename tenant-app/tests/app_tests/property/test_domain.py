"""RESO record -> listing or reasons, without a database."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree.modules.property.domain import Listing, Rejected, address_line, parse_page, parse_record
from rooftree.modules.property.search import Search
from rooftree.modules.property.values import MAX_NAME, STANDARD_STATUSES, clean, origin_of
from rooftree_mls_feed.store import load_records

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "ListingKey": "A-1",
    "StandardStatus": "Active",
    "ListPrice": 199_999.99,
    "ModificationTimestamp": "2026-05-30T12:00:00-05:00",
    "PropertyType": "Residential",
    "PropertySubType": "Townhouse",
    "UnparsedAddress": "1 Sample Street, Ames, IA 50010",
    "BedroomsTotal": 3,
    "BathroomsFull": 2,
    "BathroomsHalf": 1,
    "LivingArea": 1500,
    "LotSizeSquareFeet": 8000,
    "YearBuilt": 1999,
    "Heating": ["Forced Air"],
    "Media": [
        {"MediaURL": "http://mls.test/b.jpg", "Order": 2},
        {"MediaURL": "http://mls.test/a.jpg", "Order": 1, "ImageWidth": 800, "ShortDescription": " Front "},
    ],
}


def parse(**changes: Any) -> Listing | Rejected:
    return parse_record(GOOD | changes, currency="USD", now=NOW)


def listing(**changes: Any) -> Listing:
    parsed = parse(**changes)
    assert isinstance(parsed, Listing), parsed
    return parsed


def reasons(**changes: Any) -> list[tuple[str, str]]:
    parsed = parse(**changes)
    assert isinstance(parsed, Rejected), parsed
    return [(reason.field, reason.message) for reason in parsed.reasons]


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        (42.03, -93.6, (42.03, -93.6)),
        (42, -93, (42.0, -93.0)),
        (0, 0, (None, None)),
        (0, 10, (0.0, 10.0)),
        (91, 0, (None, None)),
        (10, 180.5, (None, None)),
        (10**400, 1, (None, None)),
        ("42", -93, (None, None)),
        (True, 5, (None, None)),
        (42.03, None, (None, None)),
    ],
)
def test_a_place_that_cannot_be_is_left_out(latitude: Any, longitude: Any, place: tuple[Any, Any]) -> None:
    found = listing(Latitude=latitude, Longitude=longitude)
    assert (found.latitude, found.longitude) == place


@pytest.mark.parametrize(("value", "year"), [("2026-05-01T00:00:00Z", 2026), ("yesterday", None), (5, None)])
def test_a_time_of_photos_that_cannot_be_read_is_no_reason_to_refuse(value: Any, year: int | None) -> None:
    changed = listing(PhotosChangeTimestamp=value).photos_change_timestamp
    assert (changed.year if changed else None) == year


def test_the_address_is_shown_unless_the_feed_says_otherwise() -> None:
    assert listing().internet_address_display
    assert not listing(InternetAddressDisplayYN=False).internet_address_display


def test_reads_a_good_record() -> None:
    found = listing()
    assert found.listing_key == "A-1"
    assert found.list_price == 19_999_999
    assert found.modification_timestamp == datetime(2026, 5, 30, 17, tzinfo=UTC)
    assert (found.bedrooms_total, found.bathrooms_total, found.living_area) == (3, 3, 1500)
    assert [photo.url for photo in found.photos] == ["http://mls.test/a.jpg", "http://mls.test/b.jpg"]
    assert (found.photos[0].description, found.photos[0].width, found.photos[0].height) == ("Front", 800, None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("ListingKey", None, "is missing"),
        ("ListingKey", "  ", "is missing"),
        ("ListingKey", 17, "must be text, not 17"),
        ("ListingKey", "k" * 256, "is longer than 255 characters"),
        ("StandardStatus", None, "is missing"),
        ("StandardStatus", "active", '"active" is not a status of the Data Dictionary'),
        ("ListPrice", None, "is missing"),
        ("ListPrice", -1, "-1 is not between 0 and 1,000,000,000,000"),
        ("ListPrice", "200000", 'must be a number, not "200000"'),
        ("ListPrice", True, "must be a number, not true"),
        ("ListPrice", float("nan"), 'must be a number, not "nan"'),
        ("ClosePrice", -0.01, "-0.01 is not between 0 and 1,000,000,000,000"),
        ("ModificationTimestamp", None, "is missing"),
        (
            "ModificationTimestamp",
            "last Tuesday",
            '"last Tuesday" is not a time with its offset (2026-05-31T17:00:00Z)',
        ),
        (
            "ModificationTimestamp",
            "2026-05-30T12:00:00",
            '"2026-05-30T12:00:00" is not a time with its offset (2026-05-31T17:00:00Z)',
        ),
        ("ModificationTimestamp", "2026-06-02T00:00:00Z", '"2026-06-02T00:00:00Z" is in the future'),
        (
            "ModificationTimestamp",
            "0026-05-30T12:00:00Z",
            '"0026-05-30T12:00:00Z" is not a time with its offset (2026-05-31T17:00:00Z)',
        ),
        ("BedroomsTotal", "three", 'must be a number, not "three"'),
        ("BedroomsTotal", 2.5, "must be a whole number, not 2.5"),
        ("BathroomsTotalInteger", -1, "-1 is not between 0 and 1,000"),
        ("LivingArea", 10**10, "10000000000 is not between 0 and 2,000,000,000"),
        ("LotSizeSquareFeet", [], "must be a number, not []"),
        ("YearBuilt", 2126, "2126 is not between 1,600 and 2,029"),
        ("CloseDate", "31/05/2026", '"31/05/2026" is not a date (2026-05-31)'),
        ("InternetEntireListingDisplayYN", "no", 'must be true or false, not "no"'),
        ("Heating", {"a": 1}, 'must be a list of texts, not {"a": 1}'),
        ("Heating", ["a", 1], 'must be a list of texts, not ["a", 1]'),
        ("Media", "photo.jpg", 'must be a list, not "photo.jpg"'),
        ("PublicRemarks", "x" * 20_001, "is longer than 20,000 characters"),
    ],
)
def test_names_field_and_reason(field: str, value: Any, message: str) -> None:
    assert reasons(**{field: value}) == [(field, message)]


def test_tells_all_faults_at_once() -> None:
    told = reasons(ListingKey=None, ListPrice=-5, StandardStatus="Sold", BedroomsTotal="three", YearBuilt=3000)
    assert [field for field, _ in told] == ["ListingKey", "StandardStatus", "ListPrice", "BedroomsTotal", "YearBuilt"]


@pytest.mark.parametrize("raw", [None, 1, "text", [], [GOOD]])
def test_what_is_no_object_is_rejected(raw: object) -> None:
    parsed = parse_record(raw, currency="USD", now=NOW)
    assert isinstance(parsed, Rejected)
    assert parsed.reasons[0].message == "the record is not an object"


@pytest.mark.parametrize(
    ("changes", "square_feet"),
    [
        ({"LotSizeSquareFeet": None, "LotSizeArea": 2, "LotSizeUnits": "Acres"}, 87_120),
        ({"LotSizeSquareFeet": None, "LotSizeArea": 100, "LotSizeUnits": "Square Meters"}, 1076),
        ({"LotSizeSquareFeet": 0, "LotSizeArea": 2, "LotSizeUnits": "Acres"}, 0),
        ({"LotSizeSquareFeet": None}, None),
    ],
)
def test_lot_size_is_in_square_feet(changes: dict[str, Any], square_feet: int | None) -> None:
    assert listing(**changes).lot_size_area == square_feet


def test_area_in_an_unknown_unit_is_rejected_not_guessed() -> None:
    assert reasons(LivingAreaUnits="Tsubo") == [("LivingAreaUnits", '"Tsubo" is not a unit that we can convert')]


@pytest.mark.parametrize(
    ("changes", "baths"),
    [
        ({"BathroomsTotalInteger": 5}, 5),
        ({"BathroomsTotalInteger": None, "BathroomsHalf": None}, 2),
        ({"BathroomsFull": None, "BathroomsHalf": None}, None),
    ],
)
def test_bathrooms_are_the_total_or_the_sum(changes: dict[str, Any], baths: int | None) -> None:
    assert listing(**changes).bathrooms_total == baths


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("USD", 10.005, 1001), ("JPY", 10.5, 11), ("KWD", 1.2345, 1235), ("USD", 0.1, 10)]
)
def test_prices_are_minor_units_of_the_currency(currency: str, amount: float, minor: int) -> None:
    parsed = parse_record(GOOD | {"ListPrice": amount}, currency=currency, now=NOW)
    assert isinstance(parsed, Listing)
    assert parsed.list_price == minor


def test_media_without_a_usable_address_are_left_out() -> None:
    media = [
        {"MediaURL": "javascript:alert(1)"},
        {"MediaURL": "file:///etc/passwd"},
        {"MediaURL": "http://user:secret@mls.test/a.jpg"},
        {"MediaURL": None},
        {"MediaURL": "http://mls.test/tour.mp4", "MediaCategory": "Video"},
        "text",
        {"MediaURL": "http://mls.test/a.jpg"},
    ]
    assert [photo.url for photo in listing(Media=media).photos] == ["http://mls.test/a.jpg"]


def test_a_private_field_is_not_kept() -> None:
    found = listing(PrivateRemarks="canary", ShowingInstructions="canary", LockBoxSerialNumber="canary")
    assert "canary" not in json.dumps(found.details) + found.search_text + found.kind_text


def test_fingerprint_changes_with_any_field_and_with_nothing_else() -> None:
    same = parse_record(dict(reversed(GOOD.items())), currency="USD", now=NOW.replace(day=30))
    assert isinstance(same, Listing)
    assert same.fingerprint == listing().fingerprint
    assert listing(PublicRemarks="new").fingerprint != listing().fingerprint
    assert listing(Media=[]).fingerprint != listing().fingerprint


def test_of_two_records_with_one_key_the_newer_counts() -> None:
    old = GOOD | {"ListPrice": 1, "ModificationTimestamp": "2026-05-01T00:00:00Z"}
    for page in ([old, GOOD], [GOOD, old]):
        listings, rejected = parse_page(page, currency="USD", now=NOW)
        assert [found.list_price for found in listings.values()] == [19_999_999]
        assert rejected == {}


def test_rejections_without_a_key_are_known_again_by_their_content() -> None:
    bad = {name: value for name, value in GOOD.items() if name != "ListingKey"}
    _, rejected = parse_page([bad, dict(bad), bad | {"City": "Ames"}], currency="USD", now=NOW)
    assert len(rejected) == 2


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://MLS.test/odata", "http://mls.test:80"),
        ("https://mls.test", "https://mls.test:443"),
        ("http://mls.test:8080/x?y", "http://mls.test:8080"),
        ("http://[::1]:8080/", "http://::1:8080"),
    ],
)
def test_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["", "mls.test", "ftp://mls.test", "http://", "http://a:b@mls.test", "http://mls.test:99999", "//mls.test"]
)
def test_other_addresses_have_no_origin(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's words differ
        origin_of(url)


@pytest.mark.parametrize(
    ("text", "forgiving"),
    [
        ("ranch", True),
        ("ranch orr", True),
        ("ranch -garage", False),
        ('"two story"', False),
        ("a OR b", False),
        ("", False),
    ],
)
def test_only_plain_words_may_be_spelled_nearly_right(text: str, forgiving: bool) -> None:
    assert Search(text=text).is_forgiving is forgiving


def test_sample_feed_has_2930_listings_and_20_rejections() -> None:
    listings, rejected = parse_page(load_records(), currency="USD", now=NOW)
    assert (len(listings), len(rejected)) == (2930, 20)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*GOOD, "CloseDate", "LivingAreaUnits", "LotSizeArea", "LotSizeUnits", "Basement", "TaxAnnualAmount"]
ODD = (
    JSON
    | st.sampled_from([*STANDARD_STATUSES, "Acres", "2026-02-30", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"])
    | st.lists(st.fixed_dictionaries({}, optional={"MediaURL": st.text() | st.just("http://[x"), "Order": JSON}))
)


@given(st.dictionaries(st.sampled_from(FIELDS), ODD), st.sampled_from(["USD", "JPY", "KWD"]))
def test_any_record_becomes_a_storable_listing_or_reasons(changes: dict[str, Any], currency: str) -> None:
    parsed = parse_record(GOOD | changes, currency=currency, now=NOW)
    if isinstance(parsed, Rejected):
        assert parsed.reasons
        assert all(reason.field in FIELDS and reason.message for reason in parsed.reasons)
        assert len(parsed.identity) <= MAX_NAME + 4
        stored = json.dumps([parsed.record, [reason.message for reason in parsed.reasons]], allow_nan=False)
    else:
        assert 0 <= parsed.list_price < 2**63
        assert parsed.listing_key == parsed.listing_key.strip() != ""
        assert parsed.standard_status in STANDARD_STATUSES
        for area in (parsed.living_area, parsed.lot_size_area):
            assert area is None or 0 <= area < 2**31
        stored = json.dumps([parsed.details, parsed.search_text, parsed.kind_text], allow_nan=False)
    assert "\\u0000" not in stored.replace("\\\\", "")
    json.loads(stored.encode("ascii")).__repr__().encode("utf-8")


@given(JSON)
def test_cleaning_changes_only_what_cannot_be_stored_and_once(value: Any) -> None:
    cleaned = clean(value)
    assert clean(cleaned) == cleaned
    assert json.loads(json.dumps(cleaned, allow_nan=False)) == cleaned


@pytest.mark.parametrize(
    ("address", "city", "line"),
    [
        ("5 Oak Street", "Ames", "5 Oak Street, Ames"),
        ("5 Oak Street, ames, IA 50010", "Ames", "5 Oak Street, ames, IA 50010"),
        ("5 Ames Street", "Ames", "5 Ames Street, Ames"),
        ("5 Oak Street", None, "5 Oak Street"),
        ("", "Ames", "Ames"),
        ("", None, ""),
    ],
)
def test_an_address_line_names_the_city_once(address: str, city: str | None, line: str) -> None:
    assert address_line(address, city) == line
