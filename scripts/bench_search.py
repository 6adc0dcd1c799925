"""Measures search: `make bench-search`, or inside a stack's network with its variables set (backends are enough).

50,000 seeded listings in a tenant of its own; 8 clients over HTTP on loopback against the real process, one query
after the other, with a person's session. 6,000 other searches come first: a Java process that has just started costs
several times as much until it has compiled what it runs, and one that tests have used would begin otherwise. Prints
one JSON line for each figure: {"figure", "value", "unit", "n", "spread", "seed"}. Every trial is a line in
`.bench/search-<time>.jsonl`; the figures are computed from those lines. Ends with 1 when a figure misses its budget.
Other work on the machine spoils it.

    search_p95            ms   a page of listings: words, filters, facets, box, polygon, radius, next pages
    search_p95_postgres   ms   the same queries answered by PostgreSQL (full text and GiST), in the same run
    first_page_rate       1/s  answers to the same first page with facets, as people arrive; from the cache
    first_page_rate_uncached   the same without a cache, in the same run
    suggest_p95, map_p95  ms   what a few letters may become; a view of the map (no cache)
    visible_p99           s    commit of a change → the search answers with it, by outbox, Kafka and projection
    rebuild               s    asked for → the new index answers, most of all
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
from bench_tenant import ScratchTenant, scratch_tenant
from rooftree import assembly
from rooftree.kernel.outbox import Outbox
from rooftree.modules.property.domain import Listing, parse_record
from rooftree.modules.property.listings_repository import ListingWriter
from rooftree_mls_feed.store import load_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench_server import Server
    from rooftree.kernel.unit_of_work import UnitOfWork

BUDGETS = {"search_p95": 50.0, "visible_p99": 2.0, "rebuild": 60.0}
CLIENTS = 8
WARM_UP = 6000
BATCH = 1000
CITIES = ("Ames", "Nevada", "Boone", "Ankeny", "Story City", "Huxley", "Gilbert", "Slater", "Roland", "Maxwell")
STREETS = ("Maple", "Cedar", "River", "Lake", "Ridge", "Elm", "Walnut", "Park", "Prairie", "Hickory", "Lincoln")
WORDS = ("fireplace", "garage", "basement", "ranch", "patio", "deck", "brick", "pool", "corner lot", "air conditioning")
HOME = (42.03, -93.62)  # latitude and longitude of the middle


def make_listings(count: int, seed: int) -> Iterator[Listing]:
    """Variations of the sample's homes in ten towns, spread over some 60 km."""
    dice, samples = random.Random(seed), [record for record in load_records() if _is_good(record)]
    now = datetime.now(UTC)
    for number in range(count):
        record = dict(samples[number % len(samples)])
        city = dice.randrange(len(CITIES))
        record |= {
            "ListingKey": f"BENCH-{number:06}",
            "UnparsedAddress": f"{dice.randrange(1, 9999)} {dice.choice(STREETS)} {dice.choice(('Street', 'Avenue'))}",
            "City": CITIES[city],
            "PostalCode": f"50{100 + city}",
            "ListPrice": round(record["ListPrice"] * dice.uniform(0.6, 1.8) / 100) * 100,
            "Latitude": HOME[0] + 0.08 * (city % 4 - 1.5) + dice.gauss(0, 0.02),
            "Longitude": HOME[1] + 0.1 * (city // 4 - 1) + dice.gauss(0, 0.03),
            "ModificationTimestamp": (now - timedelta(minutes=dice.randrange(500_000))).isoformat(),
        }
        parsed = parse_record(record, currency="USD", now=now)
        assert isinstance(parsed, Listing), parsed
        yield parsed


def _is_good(record: dict[str, Any]) -> bool:
    return isinstance(parse_record(record, currency="USD", now=datetime.now(UTC)), Listing)


def queries(seed: int) -> Iterator[list[tuple[str, str]]]:
    """What people ask: words, a few filters, often a place; half of them with facets."""
    dice = random.Random(seed)
    while True:
        asked: list[tuple[str, str]] = []
        if dice.random() < 0.4:
            asked.append(("q", _words(dice)))
        if dice.random() < 0.5:
            low = dice.randrange(80, 300) * 1000
            asked += [("min_price", str(low)), ("max_price", str(low + dice.randrange(50, 250) * 1000))]
        if dice.random() < 0.4:
            asked.append(("min_beds", str(dice.randrange(1, 4))))
        if dice.random() < 0.3:
            asked += [("city", city) for city in dice.sample(CITIES, dice.randrange(1, 3))]
        if dice.random() < 0.3:
            asked.append(("status", "Active"))
        asked += _place(dice)
        if dice.random() < 0.5:
            asked.append(("facets", "true"))
        if dice.random() < 0.3 and not any(name == "sort" for name, _ in asked):
            asked.append(("sort", dice.choice(("list_price", "-list_price", "-area", "-year"))))
        yield asked


def _words(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.3:
        return f"{dice.choice(STREETS)} {dice.choice(('st', 'ave', 'street'))}"
    if kind < 0.4:
        return "mpale street"
    return f"{dice.randrange(2, 5)} br {dice.choice(WORDS)}" if kind < 0.6 else dice.choice(WORDS)


def _place(dice: random.Random) -> list[tuple[str, str]]:
    latitude, longitude = HOME[0] + dice.gauss(0, 0.08), HOME[1] + dice.gauss(0, 0.08)
    size, kind = dice.uniform(0.01, 0.1), dice.random()
    west, south, east, north = longitude - size, latitude - size, longitude + size, latitude + size
    if kind < 0.25:
        return [("bbox", f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}")]
    if kind < 0.35:
        corners = ((west, south), (longitude, latitude - 2 * size), (east, south), (east, north), (west, latitude))
        return [("polygon", ";".join(f"{x:.5f},{y:.5f}" for x, y in corners))]
    if kind < 0.5:
        near = [("near", f"{latitude:.5f},{longitude:.5f}"), ("radius", str(dice.randrange(500, 10_000)))]
        return near + ([("sort", "distance")] if dice.random() < 0.5 else [])
    return []


def views(seed: int) -> Iterator[list[tuple[str, str]]]:
    """A map that is moved and zoomed."""
    dice = random.Random(seed)
    while True:
        zoom = dice.randrange(9, 16)
        latitude, longitude, wide = HOME[0] + dice.gauss(0, 0.05), HOME[1] + dice.gauss(0, 0.05), 360 * 2.5 / 2**zoom
        west, south, east, north = longitude - wide, latitude - wide / 2, longitude + wide, latitude + wide / 2
        view = [("bbox", f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}"), ("zoom", str(zoom))]
        yield view + ([("status", "Active")] if dice.random() < 0.5 else [])


def beginnings(seed: int) -> Iterator[list[tuple[str, str]]]:
    """Letters as they are typed."""
    dice = random.Random(seed)
    while True:
        text = dice.choice(
            (f"{dice.randrange(1, 9999)} {dice.choice(STREETS)}", dice.choice(CITIES), "BENCH-0123", "501")
        )
        yield [("q", text[: dice.randrange(2, max(3, len(text)))])]


@dataclass
class Bench:
    """A run; `trials` holds the raw measurements of each kind."""

    path: Path
    seed: int
    trials: dict[str, list[float]] = field(default_factory=dict)

    def note(self, kind: str, value: float, **more: Any) -> None:
        self.trials.setdefault(kind, []).append(value)
        with self.path.open("a") as file:
            file.write(json.dumps({"trial": kind, "value": value, "at": datetime.now(UTC).isoformat(), **more}) + "\n")

    async def load(self, kind: str, server: Server, path: str, asked: Iterator[list[tuple[str, str]]], n: int) -> None:
        """`n` requests by 8 clients, each sending its next one when the last was answered; after a warm-up."""
        left = iter(range(n + CLIENTS * 5))

        async def client() -> None:
            for number in left:
                query = next(asked)
                began = time.perf_counter()
                answer = await server.get(path, query)
                milliseconds = (time.perf_counter() - began) * 1000
                if number >= CLIENTS * 5:
                    self.note(kind, milliseconds, query=query, source=answer.get("source"), total=answer.get("total"))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        sys.stderr.write(
            f"{kind}: p50 {statistics.median(self.trials[kind]):.1f}, p95 {p95(self.trials[kind]):.1f} ms\n"
        )

    async def first_page(self, kind: str, server: Server, n: int) -> None:
        """Five rounds of `n` requests by 8 clients for the page that everybody sees first."""
        query = [("facets", "true"), ("limit", "24")]

        async def client() -> None:
            for _ in range(n // CLIENTS):
                await server.get("/api/v1/properties", query)

        await client()
        for _ in range(5):
            began = time.perf_counter()
            await asyncio.gather(*(client() for _ in range(CLIENTS)))
            self.note(kind, n // CLIENTS * CLIENTS / (time.perf_counter() - began))
        sys.stderr.write(f"{kind}: {statistics.median(self.trials[kind]):.0f} a second\n")

    async def rebuild(self, server: Server, rows: int) -> None:
        before = (await server.get("/api/v1/search/status"))["index"]
        began = time.monotonic()
        await server.post("/api/v1/search/rebuilds")
        status = await server.until(
            "/api/v1/search/status", lambda it: it["state"] == "ready" and it["index"] != before and bool(it["index"])
        )
        assert status["documents"] == status["rows"] == rows, status
        self.note("rebuild", time.monotonic() - began, documents=rows)

    async def visible(self, server: Server, unit_of_work: UnitOfWork, listings: list[Listing], n: int) -> None:
        """Changes at random moments, one at a time."""
        dice = random.Random(self.seed)
        for number in range(n):
            price = 7_000_000_000 + number
            changed = replace(dice.choice(listings), list_price=price * 100, fingerprint=f"bench {number}".encode())
            await asyncio.sleep(dice.uniform(0, 1))
            await save(unit_of_work, [changed], tell=True)
            began = time.monotonic()
            query = [("min_price", str(price)), ("max_price", str(price))]
            await server.until("/api/v1/properties", lambda it: it["total"] == 1 and it["source"] == "search", query)
            self.note("visible", time.monotonic() - began)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[94]


async def save(unit_of_work: UnitOfWork, listings: list[Listing], *, tell: bool) -> None:
    """As the import writes; `tell`: with its events."""
    async with unit_of_work() as session:
        changes = await ListingWriter(session, "bench").save(listings, currency="USD", now=datetime.now(UTC))
        if tell:
            await Outbox().add(session, [change.event("bench") for change in changes])


RULES: dict[str, tuple[str, Callable[[list[float]], float], str]] = {
    "search_p95": ("search", p95, "ms"),
    "search_p95_postgres": ("postgres", p95, "ms"),
    "first_page_rate": ("first_page", statistics.median, "1/s"),
    "first_page_rate_uncached": ("first_page_uncached", statistics.median, "1/s"),
    "suggest_p95": ("suggest", p95, "ms"),
    "map_p95": ("map", p95, "ms"),
    "visible_p99": ("visible", lambda values: statistics.quantiles(values, n=100)[98], "s"),
    "rebuild": ("rebuild", max, "s"),
}


def figures(trials: dict[str, list[float]], seed: int) -> list[dict[str, Any]]:
    """The figures, each from its raw trials; the spread is the least and the most of them."""
    return [
        {
            "figure": name,
            "value": round(rule(trials[kind]), 3),
            "unit": unit,
            "n": len(trials[kind]),
            "spread": [round(min(trials[kind]), 3), round(max(trials[kind]), 3)],
            "seed": seed,
        }
        for name, (kind, rule, unit) in RULES.items()
        if kind in trials
    ]


async def measure(bench: Bench, tenant: ScratchTenant, chosen: argparse.Namespace) -> None:
    listings = list(make_listings(chosen.listings, bench.seed))
    parts = assembly.build(assembly.find(), tenant.settings(), tenant.secrets())
    unit_of_work = parts.runtime.unit_of_work
    try:
        for start in range(0, len(listings), BATCH):
            await save(unit_of_work, listings[start : start + BATCH], tell=False)
        tenant.analyze()
        sys.stderr.write(f"{len(listings)} listings are stored\n")
        async with tenant.server() as server:
            await server.until("/api/v1/search/status", lambda it: it["state"] == "ready")
            await bench.load("warm_up", server, "/api/v1/properties", queries(bench.seed + 1), chosen.warm_up)
            await bench.load("search", server, "/api/v1/properties", queries(bench.seed), chosen.n)
            await bench.load("suggest", server, "/api/v1/properties/suggestions", beginnings(bench.seed), chosen.n // 4)
            await bench.load("map", server, "/api/v1/properties/map", views(bench.seed), chosen.n // 4)
            await bench.first_page("first_page_uncached", server, chosen.n // 10)
            await bench.visible(server, unit_of_work, listings, chosen.changes)
            for _ in range(chosen.rebuilds):
                await bench.rebuild(server, len(listings))
        async with tenant.server(redis=True) as server:
            await server.until("/api/v1/search/status", lambda it: it["state"] == "ready")
            await bench.first_page("first_page", server, chosen.n // 10)
        async with tenant.server(elasticsearch=False) as server:
            await bench.load("postgres", server, "/api/v1/properties", queries(bench.seed), chosen.n // 4)
    finally:
        await parts.close()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", type=int, default=4000, help="searches; a quarter of each other kind")
    options.add_argument("--warm-up", type=int, default=WARM_UP, help="searches that are not measured")
    options.add_argument("--listings", type=int, default=50_000)
    options.add_argument("--changes", type=int, default=200)
    options.add_argument("--rebuilds", type=int, default=3)
    options.add_argument("--seed", type=int, default=20261125)
    chosen = options.parse_args()
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    bench = Bench(folder / f"search-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl", chosen.seed)
    with scratch_tenant() as tenant:
        asyncio.run(measure(bench, tenant, chosen))
    missed = 0
    for figure in figures(bench.trials, chosen.seed):
        print(json.dumps(figure), flush=True)
        missed += figure["value"] > BUDGETS.get(figure["figure"], float("inf"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
