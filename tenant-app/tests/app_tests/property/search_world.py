"""Some hundred listings with few different values, a naive search over them, and the service over real servers."""

import asyncio
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from rooftree import assembly
from rooftree.contracts.identity.api import OWNER_ROLE
from rooftree.kernel.auth import Principal
from rooftree.modules.property.domain import HIDDEN_STATUSES, Listing, parse_record
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree.modules.property.search import Box, Circle, Point, Range, Search, Sort
from rooftree.modules.property.search_document import Json
from rooftree.modules.property.search_keeper import SearchKeeper
from rooftree.modules.property.search_service import Page, SearchService

from ..conftest import Tenant

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
WORDS = ("maple", "cedar", "river", "lake", "ranch")
TYPES = ("Townhouse", "Duplex", "Condominium", None)
STATUSES = ("Active", "Closed", "Pending", "Delete", "Incomplete")
CITIES = ("Ames", "Nevada", "Boone", None)
SUBDIVISIONS = ("Old Town", "College Creek", None)
SORTS: tuple[Sort, ...] = ("-list_price", "list_price", "-modified", "-area", "area", "-year", "year")
# Listings lie on a grid; shapes of searches have their sides between its lines.
SOUTH, WEST, STEP = 42.0, -93.7, 0.01


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
            "ModificationTimestamp": (NOW - timedelta(hours=dice.randrange(20), microseconds=7)).isoformat(),
            "PropertySubType": dice.choice(TYPES),
            "UnparsedAddress": f"{number} {dice.choice(WORDS)} Street",
            "BedroomsTotal": dice.choice([None, 1, 2, 3]),
            "BathroomsTotalInteger": dice.choice([None, 1, 2]),
            "LivingArea": dice.choice([None, 800, 1000, 1200]),
            "YearBuilt": dice.choice([None, 1950, 1980, 2010]),
            "City": dice.choice(CITIES),
            "PostalCode": dice.choice(["50010", "50014", None]),
            "SubdivisionName": dice.choice(SUBDIVISIONS),
            "InternetEntireListingDisplayYN": dice.random() > 0.2,
            "InternetAddressDisplayYN": dice.random() > 0.2,
            "PublicRemarks": f"A home by the {dice.choice(WORDS)}.",
        }
        if dice.random() > 0.2:
            record["Latitude"] = round(SOUTH + STEP * dice.randrange(10), 6)
            record["Longitude"] = round(WEST + STEP * dice.randrange(10), 6)
        parsed = parse_record(record, currency="USD", now=NOW)
        assert isinstance(parsed, Listing)
        found.append(parsed)
    return found


LISTINGS = make_listings()
BY_KEY = {listing.listing_key: listing for listing in LISTINGS}


def between(value: int | None, bounds: Range) -> bool:
    low, high = bounds
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def has_words(listing: Listing, wanted: Search) -> bool:
    text = f"{listing.search_text} {listing.details['public_remarks']}".lower()
    return all(word in text.replace(".", " ").split() for word in (wanted.text or "").split())


def metres(listing: Listing, center: Point) -> float:
    assert listing.latitude is not None
    assert listing.longitude is not None
    return metres_between(Point(listing.latitude, listing.longitude), center)


def metres_between(one: Point, other: Point) -> float:
    """By the law of cosines, on the sphere."""
    here, there = math.radians(other.latitude), math.radians(one.latitude)
    along = math.radians(one.longitude - other.longitude)
    cosine = math.sin(here) * math.sin(there) + math.cos(here) * math.cos(there) * math.cos(along)
    return 6_371_008.7714 * math.acos(min(1.0, cosine))


def inside(listing: Listing, corners: tuple[Point, ...]) -> bool:
    """A line to the east crosses the sides an odd number of times."""
    assert listing.latitude is not None
    assert listing.longitude is not None
    odd = False
    for first, second in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (first.latitude > listing.latitude) != (second.latitude > listing.latitude):
            share = (listing.latitude - first.latitude) / (second.latitude - first.latitude)
            odd ^= listing.longitude < first.longitude + share * (second.longitude - first.longitude)
    return odd


def is_at(listing: Listing, wanted: Search) -> bool:
    if not (wanted.box or wanted.near or wanted.polygon):
        return True
    if listing.latitude is None or listing.longitude is None:
        return False
    box, near = wanted.box, wanted.near
    return (
        (box is None or (box.west <= listing.longitude <= box.east and box.south <= listing.latitude <= box.north))
        and (near is None or metres(listing, near.center) <= near.radius)
        and (not wanted.polygon or inside(listing, wanted.polygon))
    )


def may_see(listing: Listing, wanted: Search, *, everything: bool) -> bool:
    if listing.standard_status in HIDDEN_STATUSES:
        return False
    return everything or (listing.internet_display and (listing.internet_address_display or not wanted.tells_the_place))


def expected(wanted: Search, *, everything: bool = True) -> set[str]:
    """The naive search: one listing after the other."""
    return {
        listing.listing_key
        for listing in LISTINGS
        if may_see(listing, wanted, everything=everything)
        and between(listing.list_price, wanted.list_price)
        and between(listing.living_area, wanted.living_area)
        and between(listing.bedrooms_total, wanted.bedrooms)
        and between(listing.bathrooms_total, (wanted.min_bathrooms, None))
        and between(listing.year_built, wanted.year_built)
        and (not wanted.sub_types or listing.property_sub_type in wanted.sub_types)
        and (not wanted.statuses or listing.standard_status in wanted.statuses)
        and (not wanted.cities or listing.city in wanted.cities)
        and (not wanted.postal_codes or listing.postal_code in wanted.postal_codes)
        and (not wanted.subdivisions or listing.details["subdivision_name"] in wanted.subdivisions)
        and is_at(listing, wanted)
        and has_words(listing, wanted)
    }


SORT_VALUES = {
    "list_price": lambda listing: listing.list_price,
    "modified": lambda listing: listing.modification_timestamp,
    "area": lambda listing: listing.living_area or 0,
    "year": lambda listing: listing.year_built or 0,
}


class World:
    """The service over servers that hold LISTINGS, from code that is not async."""

    def __init__(self, tenant: Tenant, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.parts = assembly.build(assembly.find(["identity", "property"]), tenant.settings(), tenant.secrets())
        (self.service,) = [s for b in self.parts.built for s in b.services if isinstance(s, SearchService)]
        jobs = {job.name: job for job in self.parts.queue.declared()}
        rebuild = jobs.get("property.rebuild_search")
        self.keeper: SearchKeeper | None = rebuild.run.__self__ if rebuild else None  # type: ignore[attr-defined]
        runner.run(self.save(*LISTINGS))
        if self.keeper:
            runner.run(self.keeper.rebuild())

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    async def save(self, *listings: Listing) -> int:
        """How many were new or changed."""
        async with self.parts.runtime.unit_of_work() as session:
            return len(await ListingWriter(session, "feed").save(listings, currency="USD", now=NOW))

    def pages(
        self, wanted: Search, *, sort: Sort = "-modified", limit: int = 100, who: Principal = OWNER
    ) -> list[Page]:
        """All of them; asserts that they come from where they should."""
        source = "search" if self.keeper else "database"
        found: list[Page] = []
        cursor: str | None = None
        while True:
            page: Page = self.run(self.service.find(who, wanted, sort=sort, limit=limit, cursor=cursor))
            assert len(page.items) <= limit
            assert page.source == source
            found.append(page)
            cursor = page.next_cursor
            if cursor is None:
                assert page.total == sum(len(page.items) for page in found)
                return found

    def items(self, wanted: Search, **options: Any) -> list[Json]:
        return [item for page in self.pages(wanted, **options) for item in page.items]

    def all(self, wanted: Search, **options: Any) -> list[str]:
        """The keys of all pages, in order."""
        return [item["listing_key"] for item in self.items(wanted, **options)]

    def close(self) -> None:
        self.run(self.parts.close())


def bounds(values: list[int]) -> st.SearchStrategy[Range]:
    bound = st.none() | st.sampled_from([v + d for v in values for d in (-1, 0, 1)])
    return st.tuples(bound, bound)


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


def _line(start: float) -> st.SearchStrategy[float]:
    """Between two lines of the grid, at different distances from them."""
    return st.tuples(st.integers(-2, 11), st.sampled_from([0.00313, 0.00571, 0.00747])).map(
        lambda pair: round(start + STEP * pair[0] + pair[1], 6)
    )


POINTS = st.builds(Point, _line(SOUTH), _line(WEST))
# What lies on the edge of a shape is each engine's own decision: Elasticsearch keeps places to the centimetre.
GRID = [
    Point(round(SOUTH + STEP * row, 6), round(WEST + STEP * column, 6)) for row in range(10) for column in range(10)
]


def circle_is_clear_of_the_grid(circle: Circle) -> bool:
    return all(abs(metres_between(point, circle.center) - circle.radius) > 0.1 for point in GRID)


CIRCLES = st.builds(Circle, POINTS, st.sampled_from([700, 1900, 4300, 100_000])).filter(circle_is_clear_of_the_grid)


def twice_the_area(corners: tuple[Point, Point, Point]) -> float:
    a, b, c = corners
    return (b.latitude - a.latitude) * (c.longitude - a.longitude) - (c.latitude - a.latitude) * (
        b.longitude - a.longitude
    )


BOXES = st.tuples(POINTS, POINTS).map(
    lambda pair: Box(
        min(pair[0].longitude, pair[1].longitude),
        min(pair[0].latitude, pair[1].latitude),
        max(pair[0].longitude, pair[1].longitude),
        max(pair[0].latitude, pair[1].latitude),
    )
)


def triangle_is_clear_of_the_grid(corners: tuple[Point, Point, Point]) -> bool:
    sides = zip(corners, (*corners[1:], corners[0]), strict=True)
    return all(abs(twice_the_area((first, second, point))) > 1e-7 for first, second in sides for point in GRID)


TRIANGLES = (
    st.tuples(POINTS, POINTS, POINTS)
    .filter(lambda corners: abs(twice_the_area(corners)) > 1e-6)
    .filter(triangle_is_clear_of_the_grid)
)
FILTERS: dict[str, Any] = {
    "list_price": bounds([10_000_000, 15_000_000, 20_000_000, 25_000_000]),
    "living_area": bounds([0, 800, 1000, 1200]),
    "bedrooms": bounds([0, 1, 2, 3]),
    "min_bathrooms": st.none() | st.integers(0, 3),
    "year_built": bounds([1950, 1980, 2010]),
    "sub_types": some(["Townhouse", "Duplex", "Cabin"]),
    "statuses": some(list(STATUSES)),
    "cities": some(["Ames", "Nevada", "ames"]),
    "postal_codes": some(["50010", "50011"]),
    "subdivisions": some(["Old Town", "old town"]),
    "box": st.none() | BOXES,
    "near": st.none() | CIRCLES,
    "polygon": st.just(()) | TRIANGLES,
}
TEXTS = st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
# Few filters at once, or nothing is ever found.
WITHOUT_TEXT = st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True).flatmap(
    lambda names: st.builds(Search, **{name: FILTERS[name] for name in names})
)
SEARCHES = st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True).flatmap(
    lambda names: st.builds(Search, text=TEXTS, **{name: FILTERS[name] for name in names})
)
FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
