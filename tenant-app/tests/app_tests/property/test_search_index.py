"""Search in the real Elasticsearch: it finds what PostgreSQL and a naive search find, and more comfortably."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree.modules.property.domain import Listing
from rooftree.modules.property.search import Box, Circle, Point, Search, Sort
from rooftree.modules.property.search_document import Json
from rooftree.modules.property.search_repository import SearchRepository

from ..conftest import Tenant
from .search_world import (
    BY_KEY,
    FAST,
    LISTINGS,
    OWNER,
    SEARCHES,
    SORT_VALUES,
    SORTS,
    STRANGER,
    WITHOUT_TEXT,
    World,
    expected,
    metres,
)

pytestmark = pytest.mark.integration
HERE = Circle(Point(42.051, -93.653), 3000)
EVERYWHERE = Box(-180, -85, 180, 85)


@pytest.fixture
def world(indexed_tenant: Tenant) -> Iterator[World]:
    with asyncio.Runner() as runner:
        opened = World(indexed_tenant, runner)
        yield opened
        opened.close()


@FAST
@given(wanted=SEARCHES, sort=st.sampled_from(SORTS), limit=st.sampled_from([7, 24, 100]))
def test_finds_what_a_naive_search_finds_each_once_and_in_order(
    world: World, wanted: Search, sort: Sort, limit: int
) -> None:
    found = world.all(wanted, sort=sort, limit=limit)
    assert len(found) == len(set(found))
    assert set(found) == expected(wanted)
    values = [SORT_VALUES[sort.lstrip("-")](BY_KEY[key]) for key in found]
    assert values == sorted(values, reverse=sort.startswith("-"))


@FAST
@given(wanted=WITHOUT_TEXT, sort=st.sampled_from([*SORTS, "distance"]), everything=st.booleans())
def test_both_engines_give_the_same_items_in_the_same_order(
    world: World, wanted: Search, sort: Sort, everything: bool
) -> None:
    if sort == "distance" and wanted.near is None:
        sort = "area"

    async def from_database() -> list[Json]:
        async with world.parts.runtime.unit_of_work() as session:
            repository = SearchRepository(session, everything=everything)
            rows = await repository.search(wanted, sort=sort, limit=100, after=None)
            return [row.source for row in rows]

    assert world.keeper is not None
    answer = world.run(world.keeper.index.find(wanted, everything=everything, sort=sort, size=100))
    rows: list[Json] = world.run(from_database())
    left_out = {"public_remarks", "features"}  # searched, not shown
    shown = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    found = [hit.source for hit in answer.hits]
    if sort == "distance":
        shown.sort(key=lambda row: row["id"])
        found.sort(key=lambda row: row["id"])
    assert found == shown


def test_outsiders_see_the_same_in_both_engines(world: World) -> None:
    everywhere = Search(box=EVERYWHERE)
    for wanted in (Search(), everywhere, Search(text="street"), Search(near=HERE)):
        assert set(world.all(wanted, who=STRANGER)) == expected(wanted, everything=False)
    for item in world.items(Search(), who=STRANGER):
        if not BY_KEY[item["listing_key"]].internet_address_display:
            assert (item["latitude"], item["longitude"], item["unparsed_address"]) == (None, None, "Address withheld")


def test_text_is_found_in_spite_of_case_ending_accent_abbreviation_and_typing_errors(world: World) -> None:
    for text, same_as in (
        ("mapel street", "maple street"),  # a typing error is forgiven when nothing matches exactly
        ("RIVER", "river"),
        ("rivers", "river"),
        ("mäple", "maple"),
        ("maple st", "maple street"),
        ("maple home", "maple house"),
    ):
        found = set(world.all(Search(text=text)))
        assert found, text
        assert found == set(world.all(Search(text=same_as))), text


def test_rooms_are_found_however_they_are_written(world: World) -> None:
    two = {key for key in expected(Search()) if BY_KEY[key].bedrooms_total == 2}
    for text in ("2br", "2 br", "2 bdrm", "2-bedroom", "2 BEDS", "2 bedrooms"):
        assert set(world.all(Search(text=text))) == two, text


def test_signs_of_the_search_language_count_and_forgive_nothing(world: World) -> None:
    maple, river = (set(world.all(Search(text=word))) for word in ("maple", "river"))
    assert set(world.all(Search(text="maple -river"))) == maple - river
    assert set(world.all(Search(text="maple or river"))) == maple | river
    assert set(world.all(Search(text='"home by the maple"'))) < maple
    assert set(world.all(Search(text="-maple"))) == expected(Search()) - maple
    assert world.all(Search(text='"mapel street"')) == []


@pytest.mark.parametrize("sort", ["relevance", "-modified"])
def test_any_text_is_a_search(world: World, sort: Sort) -> None:
    for text in ("'", "& | ! ( )", "\\", "%", "a:*", "<->", "😀", "-", '"', "the", "or", "or or", "-or", "a" * 200):
        assert len(world.all(Search(text=text), sort=sort)) <= len(LISTINGS)


def test_a_full_key_or_address_finds_that_one_listing(world: World) -> None:
    visible = next(item for item in LISTINGS if item.standard_status == "Active")
    assert world.all(Search(text=visible.listing_key)) == [visible.listing_key]
    assert world.all(Search(text=visible.unparsed_address)) == [visible.listing_key]


def test_the_best_match_comes_first_and_pages_follow_each_other(world: World) -> None:
    found = world.all(Search(text="maple"), sort="relevance", limit=7)
    assert len(found) == len(set(found))
    in_address = ["maple" in BY_KEY[key].unparsed_address for key in found]
    assert {True, False} == set(in_address)
    assert in_address == sorted(in_address, reverse=True)


def test_what_was_found_in_remarks_is_marked(world: World) -> None:
    items = world.items(Search(text="cedar"), sort="relevance")
    marked = [item["highlight"] for item in items if item["highlight"]]
    assert marked
    for parts in marked:
        assert [part["text"] for part in parts if part["hit"]] == ["cedar"]
        assert "".join(part["text"] for part in parts) == "A home by the cedar."


def test_the_nearest_come_first_and_every_page_goes_on_where_the_last_ended(world: World) -> None:
    found = world.all(Search(near=HERE), sort="distance", limit=7)
    assert set(found) == expected(Search(near=HERE))
    distances = [metres(BY_KEY[key], HERE.center) for key in found]
    assert distances == pytest.approx(sorted(distances), abs=0.1)


def test_pages_stay_together_while_listings_come_and_go(world: World) -> None:
    first = world.run(world.service.find(OWNER, Search(), sort="list_price", limit=50, cursor=None))
    world.run(world.save(*(_repriced(key, 1) for key in [item["listing_key"] for item in first.items[:20]])))
    assert world.keeper is not None
    world.run(world.keeper.reconcile())
    world.run(world.keeper.index.refresh("live"))
    rest = world.run(world.service.find(OWNER, Search(), sort="list_price", limit=100, cursor=first.next_cursor))
    everything = [item["listing_key"] for item in (*first.items, *rest.items)]
    assert len(everything) == len(set(everything))
    visible = sorted(expected(Search()), key=lambda key: BY_KEY[key].list_price)
    assert Counter(BY_KEY[key].list_price for key in everything) == Counter(
        BY_KEY[key].list_price for key in visible[: len(everything)]
    )


def _repriced(key: str, amount: int) -> Listing:
    return replace(BY_KEY[key], list_price=amount, fingerprint=f"at {amount}".encode())


# -- facets -----------------------------------------------------------------------------------------------------------

CHOICES: dict[str, Any] = {
    "status": ("statuses", lambda listing: listing.standard_status),
    "type": ("sub_types", lambda listing: listing.property_sub_type),
    "city": ("cities", lambda listing: listing.city),
    "subdivision": ("subdivisions", lambda listing: listing.details["subdivision_name"]),
    "bedrooms": ("bedrooms", lambda listing: listing.bedrooms_total),
}


@FAST
@given(wanted=SEARCHES)
def test_facets_count_what_each_value_would_give_whatever_is_chosen_of_it(world: World, wanted: Search) -> None:
    find = world.service.find(OWNER, wanted, sort="-modified", limit=1, cursor=None, facets=True)
    page = world.run(find)
    assert page.total == len(expected(wanted))
    for name, (chosen, value) in CHOICES.items():
        without = replace(wanted, **{chosen: (None, None) if name == "bedrooms" else ()})
        counts = Counter(value(BY_KEY[key]) for key in expected(without))
        counts.pop(None, None)
        assert {one["value"]: one["count"] for one in page.facets[name]} == dict(counts)
    prices = Counter(BY_KEY[key].list_price // 100 for key in expected(replace(wanted, list_price=(None, None))))
    for one in page.facets["price"]:
        inside = sum(count for price, count in prices.items() if one["from"] <= price < (one["to"] or 10**12))
        assert one["count"] == inside


# -- map and suggestions ----------------------------------------------------------------------------------------------


def test_the_map_shows_few_listings_as_points_and_many_as_clusters(world: World) -> None:
    wanted = Search(box=EVERYWHERE)
    shown = world.run(world.service.map(OWNER, wanted, zoom=10))
    placed = expected(wanted)
    assert (shown.total, shown.clusters) == (len(placed), [])
    assert len(shown.points) == len(placed)
    assert world.keeper is not None
    clustered = world.run(world.keeper.index.map(wanted, everything=True, precision=14, few=10))
    in_database = world.run(_cells(world, wanted, 14))
    assert clustered.total == len(placed)
    assert {(int(cell["x"]), int(cell["y"])): cell["count"] for cell in clustered.cells} == {
        (int(cell["x"]), int(cell["y"])): cell["count"] for cell in in_database if cell["count"] > 1
    }
    assert len(clustered.documents) == sum(cell["count"] == 1 for cell in in_database)
    assert sum(cell["count"] for cell in clustered.cells) + len(clustered.documents) == len(placed)
    for cell in clustered.cells:
        assert cell["west"] <= cell["longitude"] <= cell["east"]
        assert cell["south"] <= cell["latitude"] <= cell["north"]
        assert cell["min_price"] >= 10_000_000


async def _cells(world: World, wanted: Search, precision: int) -> list[Json]:
    async with world.parts.runtime.unit_of_work() as session:
        return await SearchRepository(session, everything=True).clusters(wanted, precision=precision)


def suggested(world: World, text: str, **options: Any) -> list[Json]:
    return json.loads(world.run(world.service.suggest(options.pop("who", OWNER), text, limit=options.get("limit", 8))))


def test_a_few_letters_become_places_addresses_and_keys(world: World) -> None:
    assert suggested(world, "am")[0] == {
        "kind": "city",
        "text": "Ames",
        "property_id": None,
        "count": len(expected(Search(cities=("Ames",)))),
    }
    assert suggested(world, "coll")[0]["text"] == "College Creek"
    assert suggested(world, "creek")[0]["kind"] == "subdivision"
    assert suggested(world, "5001")[0]["kind"] == "postal_code"
    visible = next(item for item in LISTINGS if item.standard_status == "Active")
    assert suggested(world, visible.listing_key.lower())[0]["kind"] == "listing"
    number, street, _ = visible.unparsed_address.split()
    assert visible.unparsed_address in {one["text"] for one in suggested(world, f"{number} {street[:3]}")}
    assert suggested(world, "a") == []
    assert suggested(world, "zzzz") == []


def test_a_typing_error_is_forgiven_from_four_letters_on(world: World) -> None:
    assert {one["text"].split()[1] for one in suggested(world, "mpale")} == {"maple"}
    assert suggested(world, "nevdaa")[0]["text"] == "Nevada"
    assert suggested(world, "nve") == []


def test_outsiders_are_not_told_addresses_that_must_not_be_shown(world: World) -> None:
    for number, listing in enumerate(LISTINGS):
        if not listing.internet_address_display and listing.standard_status == "Active" and listing.internet_display:
            text = f"{number} {listing.unparsed_address.split()[1]}"
            assert listing.unparsed_address in {one["text"] for one in suggested(world, text)}
            assert listing.unparsed_address not in {one["text"] for one in suggested(world, text, who=STRANGER)}
