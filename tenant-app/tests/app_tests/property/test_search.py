"""Search in real Postgres against the same search written naively in Python."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree.modules.property.domain import HIDDEN_STATUSES
from rooftree.modules.property.search import Box, Circle, Point, Search, Sort
from rooftree.modules.property.search_repository import SearchRepository
from sqlalchemy.dialects import postgresql

from ..conftest import Tenant
from .search_world import BY_KEY, FAST, LISTINGS, SEARCHES, SORT_VALUES, SORTS, STRANGER, World, expected, metres

pytestmark = pytest.mark.integration
HERE = Circle(Point(42.051, -93.653), 3000)


@pytest.fixture
def world(stored_tenant: Tenant) -> Iterator[World]:
    with asyncio.Runner() as runner:
        opened = World(stored_tenant, runner)
        yield opened
        opened.close()


def plan(world: World, wanted: Search, sort: Sort) -> str:
    async def explain() -> str:
        async with world.parts.runtime.unit_of_work() as session:
            query = SearchRepository(session, everything=True).search_query(wanted, sort=sort, limit=24, after=None)
            compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
            connection = await session.connection()
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            if wanted == Search():
                await connection.exec_driver_sql("SET LOCAL enable_sort = off")
            rows = await connection.exec_driver_sql("EXPLAIN " + str(compiled).replace("%%", "%"))
            return "\n".join(row[0] for row in rows)

    return world.run(explain())


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


def test_people_from_outside_see_only_what_may_be_shown_on_the_internet(world: World) -> None:
    everything, shown = set(world.all(Search())), set(world.all(Search(), who=STRANGER))
    assert everything == expected(Search())
    assert shown == expected(Search(), everything=False)
    assert shown < everything


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("mapel street", "maple street"),  # a typing error is forgiven when nothing matches exactly
        ("RIVER", "river"),
        ("rivers", "river"),
        ("mäple", "maple"),
    ],
)
def test_text_is_found_in_spite_of_case_ending_accent_and_typing_errors(world: World, text: str, same_as: str) -> None:
    found = set(world.all(Search(text=text)))
    assert found
    in_address = {item.listing_key for item in LISTINGS if same_as in item.search_text.lower()}
    assert found == {key for key in expected(Search(text=same_as)) if text != "mapel street" or key in in_address}


def test_signs_of_the_search_language_count_and_forgive_nothing(world: World) -> None:
    maple, river = (set(world.all(Search(text=word))) for word in ("maple", "river"))
    assert set(world.all(Search(text="maple -river"))) == maple - river
    assert set(world.all(Search(text="maple or river"))) == maple | river
    assert set(world.all(Search(text='"home by the maple"'))) < maple
    assert world.all(Search(text='"mapel street"')) == []


@pytest.mark.parametrize("text", ["'", "& | ! ( )", "\\", "%", "a:*", "<->", "😀", "-", '"', "the"])
def test_any_text_is_a_search(world: World, text: str) -> None:
    assert len(world.all(Search(text=text))) <= len(LISTINGS)


def test_a_full_key_or_address_finds_that_one_listing(world: World) -> None:
    visible = next(item for item in LISTINGS if item.standard_status == "Active")
    assert world.all(Search(text=visible.listing_key)) == [visible.listing_key]
    assert world.all(Search(text=visible.unparsed_address)) == [visible.listing_key]


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (Search(), "-modified", "properties_by_modified"),
        (Search(), "list_price", "properties_by_price"),
        (Search(), "-area", "properties_by_area"),
        (Search(box=Box(-93.7, 42, -93.69, 42.01)), "list_price", "properties_by_place"),
        (Search(near=Circle(Point(42, -93.7), 900)), "distance", "properties_by_place"),
        (Search(polygon=(Point(42, -93.7), Point(42.01, -93.7), Point(42, -93.69))), "year", "properties_by_place"),
    ],
)
def test_every_order_and_place_has_an_index(world: World, wanted: Search, sort: Sort, index: str) -> None:
    found = plan(world, wanted, sort)
    assert index in found
    if wanted == Search():
        assert "Sort" not in found


def test_a_changed_listing_replaces_row_and_photos_and_keeps_its_id(world: World) -> None:
    first = LISTINGS[0]
    changed = replace(first, list_price=1, fingerprint=b"new")

    assert world.run(world.save(first)) == 0
    assert world.run(world.save(changed)) == 1
    assert world.run(world.save(changed, *LISTINGS[1:])) == 0
    priced = world.all(Search(list_price=(None, 1)))
    assert priced == ([first.listing_key] if first.standard_status not in HIDDEN_STATUSES else [])


def test_the_nearest_come_first_and_every_page_goes_on_where_the_last_ended(world: World) -> None:
    found = world.all(Search(near=HERE), sort="distance", limit=7)
    assert len(found) > 14
    assert set(found) == expected(Search(near=HERE))
    distances = [metres(BY_KEY[key], HERE.center) for key in found]
    assert distances == pytest.approx(sorted(distances), abs=0.001)


def test_the_best_match_comes_first(world: World) -> None:
    found = world.all(Search(text="maple"), sort="relevance", limit=7)
    assert len(found) == len(set(found))
    in_address = ["maple" in BY_KEY[key].unparsed_address for key in found]
    assert True in in_address
    assert False in in_address
    assert in_address == sorted(in_address, reverse=True)


def test_outsiders_get_no_place_where_the_address_must_not_be_shown(world: World) -> None:
    shown = {item["listing_key"]: item for item in world.items(Search(), who=STRANGER)}
    withheld = [item for key, item in shown.items() if not BY_KEY[key].internet_address_display]
    assert withheld
    for item in withheld:
        text = str(item)
        assert (item["latitude"], item["longitude"]) == (None, None)
        assert BY_KEY[item["listing_key"]].unparsed_address not in text
    assert any(item["latitude"] for item in shown.values())
    everywhere = Search(box=Box(-180, -90, 180, 90))
    for wanted in (everywhere, Search(text="street"), Search(near=HERE)):
        assert all(BY_KEY[key].internet_address_display for key in world.all(wanted, who=STRANGER))


def test_a_box_across_the_date_line_has_two_sides(world: World) -> None:
    west_of_it = Search(box=Box(170, 40, -93.6951, 50))
    assert set(world.all(west_of_it)) == expected(Search(box=Box(-180, 40, -93.6951, 50)))
