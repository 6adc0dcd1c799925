"""What people type becomes a query; nothing of it needs a server."""

from typing import Any

import pytest
from rooftree.modules.property import search_definition
from rooftree.modules.property.search import (
    Box,
    Point,
    Search,
    Term,
    parse_box,
    parse_point,
    parse_polygon,
    terms,
)
from rooftree.modules.property.search_engine import Breaker
from rooftree.modules.property.search_queries import page, suggestions


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("maple st", [[Term("maple st")]]),
        ("3br ranch", [[Term("3 br", is_phrase=True), Term("ranch")]]),
        ('maple -river "home by the"', [[Term("maple"), Term("river", is_negated=True), Term("home by the", True)]]),
        ("a or b", [[Term("a")], [Term("b")]]),
        ('-"two words"', [[Term("two words", is_phrase=True, is_negated=True)]]),
        ('"open', [[Term("open", is_phrase=True)]]),
        ("or", []),
    ],
)
def test_the_signs_of_the_search_language_are_read(text: str, alternatives: list[list[Term]]) -> None:
    assert [list(one) for one in terms(text)] == alternatives


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_box, "1,2,3"),
        (parse_box, "1,3,2,2"),
        (parse_box, "181,0,182,1"),
        (parse_box, "nan,0,1,1"),
        (parse_point, "91,0"),
        (parse_point, "here"),
        (parse_polygon, "0,0;1,1"),
        (parse_polygon, "0,0;1,1;2,2"),
        (parse_polygon, "0,0;1,1;0,0"),
        (parse_polygon, ";".join(f"{number % 7},{number / 10}" for number in range(201))),
    ],
)
def test_places_that_are_none_are_refused(parse: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)


def test_places_are_read() -> None:
    assert parse_box("-93.7,42,-93.6,42.1") == Box(-93.7, 42, -93.6, 42.1)
    assert parse_polygon("0,0;2,0;0,2;0,0") == (Point(0, 0), Point(0, 2), Point(2, 0))


def filters_of(query: dict[str, Any]) -> list[Any]:
    return query["query"]["bool"]["filter"]


@pytest.mark.parametrize("facets", [None, "USD"])
def test_every_query_begins_with_who_may_see_what(facets: str | None) -> None:
    everybody = [{"term": {"hidden": False}}]
    outsiders = [*everybody, {"term": {"internet_display": True}}]
    placed = [*outsiders, {"term": {"internet_address_display": True}}]
    for wanted, everything, expected in (
        (Search(), True, everybody),
        (Search(), False, outsiders),
        (Search(text="a"), False, placed),
        (Search(box=Box(0, 0, 1, 1)), False, placed),
    ):
        query = page(wanted, everything=everything, sort="-modified", size=1, facets=facets)
        assert filters_of(query)[: len(expected)] == expected
    assert filters_of(suggestions("am", everything=False, limit=3)) == placed


def test_a_facet_leaves_its_own_filter_out() -> None:
    wanted = Search(cities=("Ames",), statuses=("Active",))
    query = page(wanted, everything=True, sort="-modified", size=1, facets="USD")
    city, status = {"terms": {"city": ["Ames"]}}, {"terms": {"standard_status": ["Active"]}}
    assert query["post_filter"] == {"bool": {"filter": [status, city]}}
    assert query["aggs"]["city"]["filter"] == {"bool": {"filter": [status]}}
    assert query["aggs"]["status"]["filter"] == {"bool": {"filter": [city]}}
    assert query["aggs"]["rest"]["filter"] == {"bool": {"filter": [status, city]}}
    assert query["aggs"]["rest"]["aggs"].keys() == {"type", "subdivision", "bedrooms", "price"}


def test_a_changed_definition_has_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = search_definition.digest()
    monkeypatch.setitem(search_definition.PROPERTIES, "colour", {"type": "keyword"})
    assert search_definition.digest() != before


def test_after_a_failure_one_tries_and_its_luck_decides_for_all() -> None:
    now = 100.0
    breaker = Breaker(pause=3, now=lambda: now)
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    now += 3
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed()
    assert not breaker.allows()
    now += 3
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows(), breaker.allows()] == [True, True]
