"""A file of own listings on its way into the brokerage, and out of it again."""

import os
import time
from dataclasses import replace
from typing import Any

import pytest
from rooftree.bulk import desk, export
from rooftree.kernel import spreadsheets
from rooftree.kernel.spreadsheets import FORMATS, Format
from rooftree.modules.property import own_repository
from rooftree.modules.property.import_subject import ListingBulk
from sqlalchemy import true

from ..bulk.files import Bulk, bulk, counts, made, open_bulk, table, written
from ..conftest import Browser
from ..crm.bulk import FILES as PEOPLE
from ..crm.conftest import done, version
from ..identity.conftest import problem, sign_in
from .bulk import FILES, IMPORTS, applied, checked, errors, exported, send, settled, undone
from .editing import HOME, create, edited, mine, moved, published, read, usd

_ = (bulk, made, open_bulk)  # fixtures
pytestmark = pytest.mark.integration
# 10,000 for a release-like change.
MANY = int(os.environ.get("ROOFTREE_TEST_ROWS", "1000"))
FILE = """MLS #,Address,City,List price,Beds,Heating
A-1,1 Canary Court,Ames,"$525,000",3,Forced Air; Radiant
A-2,2 Canary Court,Ames,410000,,
,3 Canary Court,Ames,,4,
"""


async def own(browser: Browser) -> list[dict[str, Any]]:
    """Listings that they may edit, by address."""
    found = done(await browser.get("/api/v1/properties", params={"mine": "true"}))["items"]
    return sorted(found, key=lambda one: one["unparsed_address"])


async def test_a_file_is_looked_at_applied_and_undone(bulk: Bulk) -> None:
    agent = bulk.agent
    shown = await checked(agent, FILE)
    assert (shown["kind"], shown["rows"], counts(shown)) == ("properties", 3, (3, 0, 0, 0))
    assert [one["field"] for one in shown["columns"]] == [
        "listing_id",
        "unparsed_address",
        "city",
        "list_price",
        "bedrooms_total",
        "heating",
    ]
    assert "list_agent" not in [one["name"] for one in shown["fields"]]
    assert await mine(agent) == []
    shown = await applied(agent, shown)
    assert counts(shown) == (3, 0, 0, 0)
    drafts = await own(agent)
    assert [(one["standard_status"], one["unparsed_address"]) for one in drafts] == [
        ("Incomplete", f"{n} Canary Court") for n in (1, 2, 3)
    ]
    found = await read(agent, drafts[0])
    assert (found["listing_key"], found["list_price"], found["heating"]) == (
        "A-1",
        usd(525_000),
        ["Forced Air", "Radiant"],
    )
    shown = await undone(agent, shown)
    assert shown["undo"] == {"undone": 3, "kept": 0}
    assert bulk.database.rows("SELECT count(*) FROM property.properties") == [(0,)]


async def test_what_is_published_gets_what_the_file_says_and_gets_back_what_was(bulk: Bulk) -> None:
    agent = bulk.agent
    listing = await published(agent, **HOME)
    same = await published(agent, **HOME | {"unparsed_address": "14 Canary Court"})
    rows = [[listing["listing_key"], "365000", ""], [same["listing_key"], "350,000.00", "Ames"]]
    shown = await checked(agent, written(["Listing ID", "List price", "City"], *rows))
    assert counts(shown) == (0, 1, 1, 0)
    shown = await applied(agent, shown)
    assert counts(shown) == (0, 1, 1, 0)
    changed = await read(agent, listing)
    assert (changed["list_price"], changed["city"], changed["version"]) == (
        usd(365_000),
        "Ames",
        listing["version"] + 1,
    )
    shown = await undone(agent, shown)
    assert shown["undo"] == {"undone": 1, "kept": 0}
    assert (await read(agent, listing))["list_price"] == usd(350_000)


async def test_what_is_wrong_with_a_row_is_told_and_hinders_no_other(bulk: Bulk) -> None:
    west = await bulk.brokerage.agent("West", "Wanda")
    theirs = await create(west, city="Ames")
    rows = [
        ["Listing ID", "List price", "Beds", "Property type"],
        ["B-1", "12,34", "3", "residential"],
        ["B-2", "125000", "many", "Castle"],
        ["RT-999999", "1", "", ""],
        [theirs["listing_key"], "1", "", ""],
        ["B-3", "1", "", ""],
        ["b-3", "2", "", ""],
    ]
    shown = await checked(bulk.agent, written(*rows))
    assert counts(shown) == (1, 0, 0, 5)
    told = [(one["row"], one["column"], one["value"], one["code"]) for one in await errors(bulk.agent, shown)]
    assert told == [
        (2, "List price", "12,34", "not-an-amount"),
        (3, "Beds", "many", "not-a-number"),
        (3, "Property type", "Castle", "unknown-type"),
        (4, "Listing ID", "RT-999999", "unknown-listing"),
        (5, "Listing ID", theirs["listing_key"], "unknown-listing"),
        (7, "Listing ID", "b-3", "repeated"),
    ]
    assert {one["field"] for one in (await errors(bulk.agent, shown))[3:]} == {"listing_id"}
    repeated = (await errors(bulk.agent, shown))[-1]
    assert repeated["message"] == "Row 6 is about the same listing."
    returned = table((await bulk.agent.get(f"{IMPORTS}/{shown['id']}/errors.csv")).content)
    assert ([row[0] for row in returned[1:]], returned[0][-1]) == (
        ["B-1", "B-2", "RT-999999", theirs["listing_key"], "b-3"],
        "error",
    )
    assert counts(await applied(bulk.agent, shown)) == (1, 0, 0, 5)
    assert await mine(bulk.agent) == ["B-3"]


async def test_columns_mean_what_one_says(bulk: Bulk) -> None:
    shown = await checked(bulk.agent, written(["Where", "Town"], ["1 Canary Court", "Ames"]))
    assert [one["field"] for one in shown["columns"]] == [None, "city"]
    path, old = f"{IMPORTS}/{shown['id']}", version(shown)
    wrong = {"mapping": {"Where": "city", "Town": "list_agent"}}
    refused = await bulk.agent.patch(path, json=wrong, headers=old)
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/mapping/Town"]
    shown = await settled(
        bulk.agent, await bulk.agent.patch(path, json={"mapping": {"Where": "unparsed_address"}}, headers=old)
    )
    await applied(bulk.agent, shown)
    assert [one["unparsed_address"] for one in await own(bulk.agent)] == ["1 Canary Court"]


async def test_files_of_people_and_of_listings_are_apart(bulk: Bulk) -> None:
    agent = bulk.agent
    listings, people = await checked(agent, FILE), await PEOPLE.checked(agent, "Name\nAda\n")
    for path, own, other in ((IMPORTS, listings, people), (PEOPLE.imports, people, listings)):
        assert [one["id"] for one in done(await agent.get(path))["items"]] == [own["id"]]
        assert problem(await agent.get(f"{path}/{other['id']}")) == (404, "import-not-found")
    assert problem(await PEOPLE.step(agent, listings, "application")) == (404, "import-not-found")
    bulk.clock.advance(days=8)
    await bulk.job("crm.forget_files")
    assert bulk.bucket.names() == [f"imports/{listings['id']}/file"]
    await bulk.job("property.forget_files")
    assert bulk.bucket.names() == []
    assert bulk.database.rows("SELECT count(*) FROM property.import_lines") == [(0,)]


async def test_who_makes_no_listings_brings_none_and_exports_what_they_edit(bulk: Bulk) -> None:
    helper = await bulk.brokerage.coordinator()
    assert problem(await send(helper, FILE)) == (403, "forbidden")
    await published(bulk.agent, **HOME)
    assert table((await exported(helper)).content)[1:] == []
    manager = await bulk.brokerage.manager()
    assert len(table((await exported(manager)).content)) == 2


async def test_an_export_has_what_its_asker_may_edit(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    await published(bulk.agent, **HOME)
    west = await bulk.brokerage.agent("West", "Wanda")
    await create(west, unparsed_address="1 West Street")

    async def addresses() -> list[str]:
        return [row[1] for row in table((await exported(west)).content)[1:]]

    assert await addresses() == ["1 West Street"]
    monkeypatch.setattr(own_repository, "editable_rows", lambda _: true())  # planted: without a scope
    assert len(await addresses()) == 2


@pytest.mark.parametrize("kind", FORMATS)
async def test_what_was_exported_is_unchanged_when_it_comes_back(bulk: Bulk, kind: Format) -> None:
    owner = bulk.owner
    await published(bulk.agent, **HOME)
    draft = await create(bulk.agent, public_remarks="=1+1", roof="Slate, Tile", internet_display=False)
    await edited(bulk.agent, draft, levels=["One; Two", 'Split "level"'], lot_size_acres=0.1)
    content = (await exported(owner, kind)).content
    again = await checked(owner, content, kind)
    assert counts(again) == (0, 0, 2, 0)
    only = await checked(owner, (await exported(owner, kind, status="Incomplete")).content, kind)
    assert counts(only) == (0, 0, 1, 0)


async def test_what_is_found_when_it_is_applied_names_its_cell(bulk: Bulk) -> None:
    agent = bulk.agent
    listing = await published(agent, **HOME)
    draft = await create(agent, city="Ames")
    rows = [[listing["listing_key"], "0"], [draft["listing_key"], "5"]]
    shown = await checked(agent, written(["MLS #", "List price"], *rows))
    assert counts(shown) == (0, 1, 0, 1)
    await moved(agent, draft, "Delete")
    assert counts(await applied(agent, shown)) == (0, 0, 0, 2)
    told = [(one["row"], one["column"], one["field"], one["value"], one["code"]) for one in await errors(agent, shown)]
    assert told == [
        (2, "List price", "list_price", "0", "incomplete"),
        (3, "MLS #", "listing_id", draft["listing_key"], "unknown-listing"),
    ]


async def test_an_export_that_could_not_come_in_again_says_so(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await create(bulk.agent, public_remarks=f"{number}" * 3_000)
    monkeypatch.setattr(export, "MAX_BYTES", 9_000)
    begun = done(await bulk.agent.post("/api/v1/property-exports?format=jsonl"), 202)
    job = await FILES.ended(bulk.agent, begun["job_id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "export-too-large")
    assert job["error"]["detail"].endswith("Filter more narrowly.")
    assert bulk.bucket.names() == []


async def test_a_workbook_for_which_there_is_too_little_memory_says_so(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(bulk.agent, city="Ames")
    monkeypatch.setattr(spreadsheets, "_LIMITS", replace(spreadsheets._LIMITS, data_bytes=1024**2))
    begun = done(await bulk.agent.post("/api/v1/property-exports?format=xlsx"), 202)
    job = await FILES.ended(bulk.agent, begun["job_id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "export-too-large")
    assert job["error"]["detail"].endswith("to write it. Filter more narrowly.")


async def test_pages_of_rows_with_much_text_are_small(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "PAGE_LETTERS", 100)
    pages: list[int] = []
    take = ListingBulk.take

    async def counted(self: Any, session: Any, principal: Any, import_id: Any, page: Any, **given: Any) -> Any:
        pages.append(len(page))
        return await take(self, session, principal, import_id, page, **given)

    monkeypatch.setattr(ListingBulk, "take", counted)
    rows = [[f"C-{number}", "x" * letters] for number, letters in enumerate((20, 20, 300, 20, 20, 20, 20, 20))]
    shown = await checked(bulk.agent, written(["MLS #", "Remarks"], *rows))
    assert counts(await applied(bulk.agent, shown)) == (8, 0, 0, 0)
    assert pages == [2, 1, 4, 1]


async def test_an_export_is_fetched_by_whoever_asked_for_a_day(bulk: Bulk) -> None:
    await create(bulk.agent, city="Ames")
    answer = await exported(bulk.agent)
    assert answer.headers["content-disposition"].startswith('attachment; filename="listings-')
    (name,) = bulk.bucket.names()
    path = f"/api/v1/property-{name.removesuffix('/file')}"
    assert problem(await bulk.owner.get(path)) == (404, "export-not-found")
    assert problem(await bulk.agent.get(path.replace("property", "people"))) == (404, "export-not-found")
    bulk.clock.advance(hours=24)
    await sign_in(bulk.agent, "andy@acme.test")
    assert problem(await bulk.agent.get(path)) == (404, "export-not-found")


async def test_ten_thousand_drafts_are_in_within_a_minute(bulk: Bulk) -> None:
    rows = [[f"{n} Canary Court", "Ames", str(100_000 + n), "3"] for n in range(MANY)]
    shown = await checked(bulk.agent, written(["Address", "City", "List price", "Beds"], *rows))
    began = time.monotonic()
    shown = await applied(bulk.agent, shown)
    assert time.monotonic() - began < 60 * max(MANY, 5_000) / 10_000
    query: Any = "SELECT count(*), count(DISTINCT listing_key) FROM property.properties"
    assert (counts(shown), bulk.database.rows(query)) == ((MANY, 0, 0, 0), [(MANY, MANY)])
    began = time.monotonic()
    assert (await undone(bulk.agent, shown))["undo"] == {"undone": MANY, "kept": 0}
    assert time.monotonic() - began < 60 * max(MANY, 5_000) / 10_000
