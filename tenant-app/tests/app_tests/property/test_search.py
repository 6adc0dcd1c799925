"""Search in real Postgres against the same search written naively in Python."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rooftree import assembly
from rooftree.contracts.identity.api import OWNER_ROLE
from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES, Listing, parse_record
from rooftree.modules.property.repository import PropertyRepository
from rooftree.modules.property.search import Search, Sort
from rooftree.modules.property.service import PropertyService
from sqlalchemy.dialects import postgresql

from ..conftest import Tenant

pytestmark = pytest.mark.integration

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
WORDS = ("maple", "cedar", "river", "lake", "ranch")
TYPES = ("Townhouse", "Duplex", "Condominium", None)
STATUSES = ("Active", "Closed", "Pending", "Delete", "Incomplete")
SORTS: tuple[Sort, ...] = ("-list_price", "list_price", "-modified", "-area", "area")


def principal(role: str) -> Principal:
    return Principal(user_id=UUID(int=1), tenant_id="t", role=role, client_id="c", scopes=frozenset())


OWNER, STRANGER = principal(OWNER_ROLE), principal("client")


def make_listings(count: int = 300) -> list[Listing]:
    """Few different values, so that ties, bounds and gaps are common."""
    dice = random.Random(7)
    found: list[Listing] = []
    for number in range(count):
        record: dict[str, Any] = {
            "ListingKey": f"K{number:04}",
            "StandardStatus": dice.choice(STATUSES),
            "ListPrice": dice.choice([100, 150, 200, 250]) * 1000,
            "ModificationTimestamp": (NOW - timedelta(hours=dice.randrange(20))).isoformat(),
            "PropertySubType": dice.choice(TYPES),
            "UnparsedAddress": f"{number} {dice.choice(WORDS)} Street",
            "BedroomsTotal": dice.choice([None, 1, 2, 3]),
            "BathroomsTotalInteger": dice.choice([None, 1, 2]),
            "LivingArea": dice.choice([None, 800, 1000, 1200]),
            "InternetEntireListingDisplayYN": dice.random() > 0.2,
            "PublicRemarks": f"A home by the {dice.choice(WORDS)}.",
        }
        parsed = parse_record(record, currency="USD", now=NOW)
        assert isinstance(parsed, Listing)
        found.append(parsed)
    return found


LISTINGS = make_listings()


def expected(wanted: Search, *, everything: bool = True) -> set[str]:
    """The naive search: one listing after the other."""

    def between(value: int | None, bounds: tuple[int | None, int | None]) -> bool:
        low, high = bounds
        if low is None and high is None:
            return True
        return value is not None and (low is None or value >= low) and (high is None or value <= high)

    def has_words(listing: Listing) -> bool:
        text = f"{listing.search_text} {listing.details['public_remarks']}".lower()
        return all(word in text.replace(".", " ").split() for word in (wanted.text or "").split())

    return {
        listing.listing_key
        for listing in LISTINGS
        if listing.standard_status not in HIDDEN_STATUSES
        and (everything or listing.internet_display)
        and between(listing.list_price, wanted.list_price)
        and between(listing.living_area, wanted.living_area)
        and between(listing.bedrooms_total, (wanted.min_bedrooms, None))
        and between(listing.bathrooms_total, (wanted.min_bathrooms, None))
        and (not wanted.sub_types or listing.property_sub_type in wanted.sub_types)
        and (not wanted.statuses or listing.standard_status in wanted.statuses)
        and has_words(listing)
    }


SORT_VALUES = {
    "list_price": lambda listing: listing.list_price,
    "modified": lambda listing: listing.modification_timestamp,
    "area": lambda listing: listing.living_area or 0,
}


class Searcher:
    """The service over a database that holds LISTINGS, from code that is not async."""

    def __init__(self, tenant: Tenant, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.parts = assembly.build(assembly.find(["identity", "property"]), tenant.settings(), tenant.secrets())
        (self.service,) = [s for b in self.parts.built for s in b.services if isinstance(s, PropertyService)]
        runner.run(self._fill())

    async def _fill(self) -> None:
        async with self.parts.runtime.unit_of_work() as session:
            await PropertyRepository(session).save_listings("feed", LISTINGS, currency="USD", now=NOW)

    def all(self, wanted: Search, *, sort: Sort = "-modified", limit: int = 100, who: Principal = OWNER) -> list[str]:
        """The keys of all pages, in order."""
        keys: list[str] = []
        cursor: str | None = None
        while True:
            page = self._runner.run(self.service.search(who, wanted, sort=sort, limit=limit, cursor=cursor))
            assert len(page.items) <= limit
            keys += [found.row.listing_key for found in page.items]
            cursor = page.next_cursor
            if cursor is None:
                assert page.total == len(keys)
                return keys

    def plan(self, wanted: Search, sort: Sort) -> str:
        async def explain() -> str:
            async with self.parts.runtime.unit_of_work() as session:
                query = PropertyRepository(session).search_query(wanted, sort=sort, limit=24, after=None)
                compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
                connection = await session.connection()
                await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                rows = await connection.exec_driver_sql("EXPLAIN " + str(compiled).replace("%%", "%"))
                return "\n".join(row[0] for row in rows)

        return self._runner.run(explain())

    def close(self) -> None:
        self._runner.run(self.parts.close())


@pytest.fixture
def searcher(stored_tenant: Tenant) -> Iterator[Searcher]:
    with asyncio.Runner() as runner:
        opened = Searcher(stored_tenant, runner)
        yield opened
        opened.close()


def bounds(values: list[int]) -> st.SearchStrategy[tuple[int | None, int | None]]:
    bound = st.none() | st.sampled_from([v + d for v in values for d in (-1, 0, 1)])
    return st.tuples(bound, bound)


SEARCHES = st.builds(
    Search,
    text=st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    list_price=bounds([10_000_000, 15_000_000, 20_000_000, 25_000_000]),
    living_area=bounds([0, 800, 1000, 1200]),
    min_bedrooms=st.none() | st.integers(0, 4),
    min_bathrooms=st.none() | st.integers(0, 3),
    sub_types=st.lists(st.sampled_from(["Townhouse", "Duplex", "Cabin"]), max_size=2).map(tuple),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=3).map(tuple),
)
FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(wanted=SEARCHES, sort=st.sampled_from(SORTS), limit=st.sampled_from([7, 24, 100]))
def test_finds_what_a_naive_search_finds_each_once_and_in_order(
    searcher: Searcher, wanted: Search, sort: Sort, limit: int
) -> None:
    found = searcher.all(wanted, sort=sort, limit=limit)
    assert len(found) == len(set(found))
    assert set(found) == expected(wanted)
    by_key = {listing.listing_key: listing for listing in LISTINGS}
    values = [SORT_VALUES[sort.lstrip("-")](by_key[key]) for key in found]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_people_from_outside_see_only_what_may_be_shown_on_the_internet(searcher: Searcher) -> None:
    everything, shown = set(searcher.all(Search())), set(searcher.all(Search(), who=STRANGER))
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
def test_text_is_found_in_spite_of_case_ending_accent_and_typing_errors(
    searcher: Searcher, text: str, same_as: str
) -> None:
    found = set(searcher.all(Search(text=text)))
    assert found
    in_address = {item.listing_key for item in LISTINGS if same_as in item.search_text.lower()}
    assert found == {key for key in expected(Search(text=same_as)) if text != "mapel street" or key in in_address}


def test_signs_of_the_search_language_count_and_forgive_nothing(searcher: Searcher) -> None:
    maple, river = (set(searcher.all(Search(text=word))) for word in ("maple", "river"))
    assert set(searcher.all(Search(text="maple -river"))) == maple - river
    assert set(searcher.all(Search(text="maple or river"))) == maple | river
    assert set(searcher.all(Search(text='"home by the maple"'))) < maple
    assert searcher.all(Search(text='"mapel street"')) == []


@pytest.mark.parametrize("text", ["'", "& | ! ( )", "\\", "%", "a:*", "<->", "😀", "-", '"', "the"])
def test_any_text_is_a_search(searcher: Searcher, text: str) -> None:
    assert len(searcher.all(Search(text=text))) <= len(LISTINGS)


def test_a_full_key_or_address_finds_that_one_listing(searcher: Searcher) -> None:
    visible = next(item for item in LISTINGS if item.standard_status == "Active")
    assert searcher.all(Search(text=visible.listing_key)) == [visible.listing_key]
    assert searcher.all(Search(text=visible.unparsed_address)) == [visible.listing_key]


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (Search(), "-modified", "properties_by_modified"),
        (Search(), "list_price", "properties_by_price"),
        (Search(), "-area", "properties_by_area"),
        (Search(text="maple -river"), "-modified", "properties_search_document"),
    ],
)
def test_every_order_and_the_text_have_an_index(searcher: Searcher, wanted: Search, sort: Sort, index: str) -> None:
    plan = searcher.plan(wanted, sort)
    assert index in plan
    if not wanted.text:
        assert "Sort" not in plan


def test_a_changed_listing_replaces_row_and_photos_and_keeps_its_id(searcher: Searcher) -> None:
    first = LISTINGS[0]
    changed = replace(first, list_price=1, fingerprint=b"new")

    async def save(*listings: Listing) -> int:
        async with searcher.parts.runtime.unit_of_work() as session:
            return await PropertyRepository(session).save_listings("feed", listings, currency="USD", now=NOW)

    run = searcher._runner.run
    assert run(save(first)) == 0
    assert run(save(changed)) == 1
    assert run(save(changed, *LISTINGS[1:])) == 0
    priced = searcher.all(Search(list_price=(None, 1)))
    assert priced == ([first.listing_key] if first.standard_status not in HIDDEN_STATUSES else [])
