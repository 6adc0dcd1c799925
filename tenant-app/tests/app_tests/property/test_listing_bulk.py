"""What rows of a file do to listings in a real database: made, changed, taken back, and out again."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from rooftree.bulk.columns import Column
from rooftree.bulk.subject import Line, Outcome
from rooftree.contracts.access.askers import asker
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.auth import Principal
from rooftree.kernel.database import patience
from rooftree.kernel.ids import new_id
from rooftree.kernel.module import Runtime
from rooftree.modules.property.agents_moved import CONSUMER
from rooftree.modules.property.import_rows import Candidate
from rooftree.modules.property.import_subject import ListingBulk
from rooftree.modules.property.own_photos_repository import OwnPhotos

from ..conftest import Browser, FakeClock, TestDatabase, parts_of
from ..crm.conftest import hear
from ..identity.conftest import Brokerage, brokerage, change, me
from .editing import CLOSING, code, create, edit, edited, history, mine, moved, published, read, usd, user_id

pytestmark = pytest.mark.integration
_ = brokerage  # a fixture
TOLD = """
    SELECT data::jsonb ->> 'listing_key', data::jsonb -> 'changed' FROM events.outbox
    WHERE type LIKE '%listing-changed%' ORDER BY position
"""


@dataclass
class Files:
    """What jobs do with rows, for whoever signed in with a browser."""

    brokerage: Brokerage

    @property
    def runtime(self) -> Runtime:
        return parts_of(self.brokerage.app, "property").runtime

    @property
    def identity(self) -> IdentityApi:
        return self.runtime.port(IdentityApi)  # type: ignore[type-abstract]

    @property
    def bulk(self) -> ListingBulk:
        return ListingBulk(self.runtime.unit_of_work, self.runtime.outbox, self.identity, self.runtime.settings)

    async def principal(self, browser: Browser) -> Principal:
        """Nobody waits for jobs, as for the requests of a test."""
        asked_by = UUID(await user_id(browser))
        patience.set(None)
        return await asker(self.identity, asked_by)

    async def candidates(self, principal: Principal, rows: Sequence[Mapping[str, str]]) -> list[Candidate]:
        names = list(dict.fromkeys(name for row in rows for name in row))
        lines = [
            Line(number, [row.get(name, "") for name in names], None, None, ()) for number, row in enumerate(rows, 2)
        ]
        columns = [Column(name, (), name) for name in names]
        directory = await self.bulk.directory(principal, columns, lines)
        found: list[Candidate] = []
        for line in lines:
            candidate, errors = self.bulk.parsed(line.number, line.cells, [(one, one) for one in names], directory)
            assert candidate is not None, errors
            found.append(candidate)
        return found

    async def verdicts(self, browser: Browser, *rows: Mapping[str, str]) -> list[tuple[str, list[str]]]:
        principal = await self.principal(browser)
        page = await self.candidates(principal, rows)
        async with self.runtime.unit_of_work() as session:
            judged = await self.bulk.judged(session, principal, page)
        assert [one.number for one in judged] == [one.number for one in page]
        return [(one.decision, [error["code"] for error in one.errors]) for one in judged]

    async def take(self, browser: Browser, *rows: Mapping[str, str]) -> list[Outcome]:
        principal = await self.principal(browser)
        return await self.take_page(principal, await self.candidates(principal, rows))

    async def take_page(
        self, principal: Principal, page: Sequence[Candidate], updates: Collection[int] = ()
    ) -> list[Outcome]:
        async with self.runtime.unit_of_work() as session:
            now = self.runtime.clock.now()
            taken = await self.bulk.take(session, principal, new_id(), page, updates=updates, now=now)
            await taken.finish()
        assert {one.number for one in taken.outcomes} == {one.number for one in page}
        return sorted(taken.outcomes, key=lambda one: one.number)

    async def take_back(self, browser: Browser, outcomes: Sequence[Outcome]) -> list[bool]:
        principal = await self.principal(browser)
        former = await self.bulk.former(principal, outcomes)
        async with self.runtime.unit_of_work() as session:
            now = self.runtime.clock.now()
            taken = await self.bulk.take_back(session, principal, outcomes, former=former, now=now)
            await taken.finish()
        return [taken.undone[one.number] for one in outcomes]

    async def exported(self, browser: Browser, *statuses: str) -> list[Mapping[str, Any]]:
        principal, wanted = await self.principal(browser), {"status": list(statuses)}
        pages = [page async for page in self.bulk.pages(principal, wanted)]
        rows = [row for page in pages for row in page.rows]
        assert await self.bulk.count(principal, wanted) == len(rows)
        assert all(page.total == len(rows) for page in pages)
        return rows


@pytest.fixture
def files(brokerage: Brokerage) -> Files:
    return Files(brokerage)


def codes(outcomes: Sequence[Outcome]) -> list[tuple[str, list[str]]]:
    return [(one.outcome, [error["code"] for error in one.errors]) for one in outcomes]


async def shown(browser: Browser, outcome: Outcome) -> dict[str, Any]:
    return await read(browser, {"id": outcome.record_id})


# -- drafts -----------------------------------------------------------------------------------------------------------


async def test_a_new_listing_is_as_if_its_agent_had_made_it(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    made = await create(andy, unparsed_address="12 Canary Court", list_price=usd(350_000), heating=["Forced Air"])
    (outcome,) = await files.take(
        andy, {"unparsed_address": "12 Canary Court", "list_price": "$350,000", "heating": "Forced Air"}
    )
    one = await shown(andy, outcome)
    differing = {name for name, value in one.items() if value != made[name]}
    assert differing - {"modification_timestamp", "updated_at"} == {"id", "listing_key", "listing_id", "source"} - (
        {"source"} if one["source"] == made["source"] else set()
    )
    assert outcome == Outcome(number=2, outcome="create", record_id=UUID(one["id"]), revision=one["version"])
    assert one["listing_key"] == one["listing_id"] > made["listing_key"]
    rows = database.rows("""
        SELECT search_text, search_document::text, details - 'listing_id', version, fields
        FROM property.properties JOIN property.edits ON property_id = id ORDER BY listing_key
    """)
    keys = (made["listing_key"], one["listing_key"])
    by_hand, by_file = (
        [str(value).lower().replace(key.lower(), "key").replace(key[3:], "key") for value in row]
        for row, key in zip(rows, keys, strict=True)
    )
    assert by_file == by_hand


async def test_nobody_is_told_of_drafts(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    before = database.rows(TOLD)
    with psycopg.connect(database.admin_dsn, autocommit=True) as ears:
        ears.execute("LISTEN live")
        outcomes = await files.take(andy, {"city": "Ames"}, {"city": "Boone"})
        assert await files.take_back(andy, outcomes) == [True, True]
        assert [one for one in ears.notifies(timeout=0.2) if '"listing"' in one.payload] == []
    assert database.rows(TOLD) == before
    assert database.rows("SELECT 1 FROM property.history") == []
    assert database.rows("SELECT 1 FROM property.properties") == []


async def test_drafts_are_of_whoever_their_maker_would_make_them(files: Files) -> None:
    brokerage = files.brokerage
    andy, mona = await brokerage.agent(), await brokerage.manager()
    wes = await brokerage.agent("West", "Wes")
    main, west = brokerage.offices["Main"], brokerage.offices["West"]

    async def whose(browser: Browser, **row: str) -> tuple[str | None, str | None, str | None]:
        (outcome,) = await files.take(browser, {"city": "Ames"} | row)
        one = await shown(browser, outcome)
        return one["list_agent_id"], one["list_agent_full_name"], one["list_office_id"]

    assert await whose(andy) == (await user_id(andy), "Andy", main)
    assert await whose(mona) == (None, None, main)
    assert await whose(mona, list_agent="ANDY@acme.test") == (await user_id(andy), "Andy", main)
    boss = await me(brokerage.owner)
    assert await whose(brokerage.owner) == (boss["id"], boss["name"], boss["office_id"])
    assert await whose(brokerage.owner, list_agent="wes@acme.test") == (await user_id(wes), "Wes", west)
    assert codes(await files.take(mona, {"list_agent": "wes@acme.test"})) == [("faulty", ["unknown-colleague"])]


async def test_a_given_id_is_kept_and_is_of_one_listing(files: Files, database: TestDatabase) -> None:
    andy, bert = await files.brokerage.agent(), await files.brokerage.agent(name="Bert")
    (outcome,) = await files.take(andy, {"listing_id": "MLS-4711", "city": "Ames"})
    one = await shown(andy, outcome)
    assert (one["listing_id"], one["listing_key"]) == ("MLS-4711", "MLS-4711")
    assert await files.verdicts(andy, {"listing_id": "MLS-4711", "city": "Ames"}) == [("unchanged", [])]
    assert await files.verdicts(andy, {"listing_id": "MLS-4711", "city": "Boone"}) == [("update", [])]
    assert await files.verdicts(bert, {"listing_id": "MLS-4711", "city": "Ames"}) == [("faulty", ["not-yours"])]
    assert await files.verdicts(bert, {"listing_id": "RT-999999", "city": "Ames"}) == [("faulty", ["unknown-listing"])]
    # Numbers of feeds are other people's.
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE property.properties SET feed = 'ames'")
    assert codes(await files.take(andy, {"listing_id": "MLS-4711", "city": "Ames"})) == [("create", [])]


async def test_ours_tells_nobody_of_what_they_may_not_see(files: Files) -> None:
    andy, bert = await files.brokerage.agent(), await files.brokerage.agent(name="Bert")
    draft, active = await create(andy, city="Ames"), await published(andy)
    rows = [{"listing_id": one["listing_id"], "city": "Boone"} for one in (draft, active)]
    assert await files.verdicts(bert, *rows) == [("faulty", ["unknown-listing"]), ("faulty", ["not-yours"])]


async def test_a_deleted_draft_gives_its_id_back(files: Files, database: TestDatabase) -> None:
    andy, bert = await files.brokerage.agent(), await files.brokerage.agent(name="Bert")
    row = {"listing_id": "MLS-4711", "city": "Ames"}
    (first,) = await files.take(andy, row)
    await moved(andy, await shown(andy, first), "Delete")
    assert await files.verdicts(bert, row) == [("faulty", ["not-yours"])]
    assert await files.verdicts(andy, row) == [("create", [])]
    (again,) = await files.take(andy, row)
    assert codes([again]) == [("create", [])]
    assert database.rows("SELECT id, standard_status FROM property.properties") == [(again.record_id, "Incomplete")]
    assert await files.take_back(andy, [again]) == [True]
    # Its photos are still to be removed.
    (pictured,) = await files.take(andy, row)
    async with files.runtime.unit_of_work() as session:
        assert pictured.record_id is not None
        await OwnPhotos(session).add(new_id(), pictured.record_id, description=None, now=files.runtime.clock.now())
    await moved(andy, await shown(andy, pictured), "Delete")
    assert await files.verdicts(andy, row) == [("faulty", ["deleted"])]
    assert codes(await files.take(andy, row)) == [("faulty", ["deleted"])]


async def test_what_was_found_to_be_a_change_is_never_made_new(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    (first,) = await files.take(andy, {"listing_id": "MLS-4711", "city": "Ames"})
    principal = await files.principal(andy)
    page = await files.candidates(principal, [{"listing_id": "MLS-4711", "city": "Boone"}])
    await moved(andy, await shown(andy, first), "Delete")
    assert codes(await files.take_page(principal, page, updates={2})) == [("faulty", ["unknown-listing"])]
    assert await files.take_back(andy, [first]) == [False]
    assert codes(await files.take_page(principal, page)) == [("create", [])]
    assert database.rows("SELECT count(*) FROM property.properties") == [(1,)]


async def test_two_files_at_once_make_one_listing_of_one_id(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    principal = await files.principal(andy)
    rows = [{"listing_id": f"MLS-{number}", "city": "Ames"} for number in range(40)]
    pages = [await files.candidates(principal, one) for one in (rows, rows[::-1])]
    taken = await asyncio.gather(*(files.take_page(principal, page) for page in pages * 2))
    assert sorted(one.outcome for outcomes in taken for one in outcomes) == ["create"] * 40 + ["unchanged"] * 120
    assert database.rows("SELECT count(*), count(DISTINCT listing_key) FROM property.properties") == [(40, 40)]


async def test_many_drafts_have_keys_of_their_own(files: Files) -> None:
    andy = await files.brokerage.agent()
    first = await create(andy)
    outcomes = await files.take(andy, *[{"city": "Ames"}] * 60, {"listing_id": "MLS-1", "city": "Ames"})
    keys = await mine(andy, limit=100)
    assert len(set(keys)) == len(outcomes) + 1 == 62
    assert min(keys[:-1]) == "MLS-1"
    following = await create(andy)
    assert following["listing_key"] == f"RT-{int(first['listing_key'][3:]) + 61:06d}"


# -- listings that there are ------------------------------------------------------------------------------------------


async def test_what_is_published_is_changed_as_by_an_edit(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    one = await published(andy, list_price=usd(350_000))
    told = len(database.rows(TOLD))
    (outcome,) = await files.take(
        andy, {"listing_id": one["listing_id"], "list_price": "340000", "heating": "Radiant;Gas", "city": ""}
    )
    after = await read(andy, one)
    assert (after["list_price"], after["heating"], after["city"]) == (usd(340_000), ["Radiant", "Gas"], "Ames")
    assert (outcome.outcome, outcome.revision) == ("update", after["version"])
    assert after["version"] == one["version"] + 1
    assert outcome.before == {"list_price": 35_000_000, "heating": ["Forced Air"]}
    assert (await history(andy, one))[0] == ("Price Change", "list_price", 35_000_000, 34_000_000, "Andy")
    assert database.rows(TOLD)[told:] == [(one["listing_key"], ["price", "details"])]
    found = (await andy.get("/api/v1/properties", params={"q": "radiant"})).json()["items"]
    assert [item["id"] for item in found] == [one["id"]]
    assert code(await edit(andy, one, city="Boone")) == (412, "version-conflict")


async def test_pages_hear_who_changed_or_that_many_have(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    rows = [{"listing_id": f"MLS-{number}", "city": "Ames"} for number in range(60)]
    await files.take(andy, *rows)
    database_rows = database.rows("SELECT id FROM property.properties ORDER BY listing_key")
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE property.properties SET standard_status = 'Active'")
        admin.execute("UPDATE property.properties SET unparsed_address = 'A', property_type = 'Farm', list_price = 1")
        admin.execute("LISTEN live")
        await files.take(andy, *[row | {"list_price": "5"} for row in rows[:3]])
        (few,) = [one.payload for one in admin.notifies(timeout=10, stop_after=1) if '"listing"' in one.payload]
        assert all(str(id_) in few for (id_,) in database_rows[:1])
        await files.take(andy, *[row | {"list_price": "6"} for row in rows])
        (many,) = [one.payload for one in admin.notifies(timeout=10, stop_after=1) if '"listing"' in one.payload]
        assert '"records":[]' in many
    assert len(database.rows(TOLD)) == 63
    assert database.rows("SELECT DISTINCT version FROM property.properties ORDER BY 1") == [(1,), (2,)]


async def test_rights_are_those_of_when_it_is_taken(files: Files) -> None:
    brokerage = files.brokerage
    andy, bert = await brokerage.agent(), await brokerage.agent(name="Bert")
    one = await published(andy)
    principal = await files.principal(andy)
    page = await files.candidates(principal, [{"listing_id": one["listing_id"], "city": "Boone"}])
    await edited(brokerage.owner, one, list_agent_id=await user_id(bert))
    assert codes(await files.take_page(principal, page)) == [("faulty", ["not-yours"])]
    mona = await brokerage.manager()
    closed = await published(andy)
    closed = await moved(andy, closed, "Active Under Contract", "Pending", "Closed", **CLOSING)
    row = {"listing_id": closed["listing_id"], "bedrooms_total": "5"}
    assert codes(await files.take(andy, row)) == [("faulty", ["closed"])]
    assert codes(await files.take(mona, row)) == [("update", [])]
    assert (await read(mona, closed))["bedrooms_total"] == 5


async def test_one_faulty_row_hinders_no_other(files: Files) -> None:
    andy = await files.brokerage.agent()
    one = await published(andy)
    outcomes = await files.take(
        andy,
        {"listing_id": one["listing_id"], "list_price": "0"},
        {"city": "Ames"},
        {"latitude": "42"},
        {"listing_id": one["listing_id"], "city": "Ames"},
    )
    assert codes(outcomes) == [("faulty", ["incomplete"]), ("create", []), ("faulty", ["missing"]), ("unchanged", [])]
    assert (await read(andy, one))["version"] == one["version"]


# -- undo -------------------------------------------------------------------------------------------------------------


async def test_drafts_go_unless_somebody_touched_them(files: Files) -> None:
    andy = await files.brokerage.agent()
    row = {"unparsed_address": "1 Main St", "city": "Ames", "list_price": "5", "property_type": "Farm"}
    outcomes = await files.take(andy, *[row | {"listing_id": f"MLS-{number}"} for number in range(5)])
    untouched, changed, shot, gone, active = outcomes
    await edited(andy, await shown(andy, changed), city="Boone")
    await moved(andy, await shown(andy, gone), "Delete")
    await moved(andy, await shown(andy, active), "Active")
    async with files.runtime.unit_of_work() as session:
        assert shot.record_id is not None
        now = files.runtime.clock.now()
        await OwnPhotos(session).add(new_id(), shot.record_id, description=None, now=now)
    assert await files.take_back(andy, outcomes) == [True, False, False, False, False]
    assert (await shown(andy, active))["standard_status"] == "Active"
    assert sorted(await mine(andy, status=["Incomplete"])) == ["MLS-1", "MLS-2"]
    again = await files.take(andy, {"city": "Nevada", "listing_id": "MLS-0"})
    assert codes(again) == [("create", [])]
    assert again[0].record_id != untouched.record_id


async def test_changes_are_taken_back_by_an_edit(files: Files, database: TestDatabase) -> None:
    andy = await files.brokerage.agent()
    one, other = await published(andy), await published(andy)
    rows = [{"listing_id": listing["listing_id"], "list_price": "1000", "roof": "Slate"} for listing in (one, other)]
    outcomes = await files.take(andy, *rows)
    await edited(andy, await read(andy, other), bedrooms_total=9)
    told = len(database.rows(TOLD))
    bert = await files.brokerage.agent(name="Bert")
    assert await files.take_back(bert, outcomes) == [False, False]
    assert await files.take_back(andy, outcomes) == [True, False]
    after = await read(andy, one)
    assert (after["list_price"], after["roof"], after["version"]) == (one["list_price"], None, one["version"] + 2)
    assert (await read(andy, other))["list_price"] == usd(1_000)
    assert (await history(andy, one))[0] == ("Price Change", "list_price", 100_000, 35_000_000, "Andy")
    assert database.rows(TOLD)[told:] == [(one["listing_key"], ["price", "details"])]


async def test_a_listing_goes_back_to_its_agent_as_they_are_now(files: Files) -> None:
    brokerage = files.brokerage
    andy, bert = await brokerage.agent(), await brokerage.agent(name="Bert")
    ones = [await published(andy), await published(bert)]
    rows = [{"listing_id": one["listing_id"], "list_agent": "wes@acme.test"} for one in ones]
    wes = await brokerage.agent("West", "Wes")
    outcomes = await files.take(brokerage.owner, *rows)
    for one in ones:
        assert (await read(wes, one))["list_agent_full_name"] == "Wes"
    lake = await brokerage.office("Lake")
    assert (await change(brokerage.owner, await me(andy), office_id=lake, name="Andrew")).status_code == 200
    assert (await change(brokerage.owner, await me(bert), state="deactivated")).status_code == 200
    assert await files.take_back(brokerage.owner, outcomes) == [True, False]
    back = await read(andy, ones[0])
    assert (back["list_agent_id"], back["list_agent_full_name"], back["list_office_id"]) == (
        ones[0]["list_agent_id"],
        "Andrew",
        lake,
    )
    assert (await read(wes, ones[1]))["list_agent_full_name"] == "Wes"


async def test_an_office_gets_back_what_nobody_had(files: Files) -> None:
    brokerage = files.brokerage
    mona, andy = await brokerage.manager(), await brokerage.agent()
    draft = await create(mona, city="Ames")
    outcomes = await files.take(mona, {"listing_id": draft["listing_id"], "list_agent": "andy@acme.test"})
    assert (await read(andy, draft))["can_edit"]
    assert await files.take_back(mona, outcomes) == [True]
    back = await read(mona, draft)
    assert (back["list_agent_id"], back["list_agent_full_name"]) == (None, None)
    assert back["list_office_id"] == draft["list_office_id"]
    # Also what went along with its new agent to another office since.
    outcomes = await files.take(mona, {"listing_id": draft["listing_id"], "list_agent": "andy@acme.test"})
    west = await brokerage.office("West")
    assert (await change(brokerage.owner, await me(andy), office_id=west)).status_code == 200
    moving = UserChanged(
        user_id=UUID(await user_id(andy)), change="updated", role="agent", office_id=UUID(west), team_ids=()
    )
    await hear(brokerage, moving, 2, module="property", name=CONSUMER)
    assert (await read(andy, draft))["list_office_id"] == west
    assert await files.take_back(brokerage.owner, outcomes) == [True]
    assert (await read(mona, draft))["list_office_id"] == draft["list_office_id"]


# -- exports ----------------------------------------------------------------------------------------------------------


async def test_what_comes_out_comes_in_unchanged(files: Files, clock: FakeClock) -> None:
    brokerage = files.brokerage
    andy, mona = await brokerage.agent(), await brokerage.manager()
    one = await published(andy, roof="Slate, Metal", private_remarks="Key\nunder the mat", garage_spaces=2.5)
    draft = await create(mona)
    closed = await moved(andy, await published(andy), "Active Under Contract", "Pending", "Closed", **CLOSING)
    clock.advance(minutes=1)
    await edited(andy, await read(andy, one), city="Boone")
    rows = await files.exported(mona)
    assert [row["listing_id"] for row in rows] == [item["listing_id"] for item in (one, draft, closed)]
    assert rows[0]["list_agent"] == "andy@acme.test"
    assert (rows[0]["list_price"], rows[0]["roof"], rows[0]["garage_spaces"]) == (
        "350000.00",
        ["Slate", "Metal"],
        "2.5",
    )
    assert (rows[1]["list_price"], rows[1]["list_agent"], rows[1]["internet_display"]) == ("", "", "yes")
    cells = [
        {name: value if isinstance(value, str) else ";".join(value) for name, value in row.items()} for row in rows
    ]
    assert await files.verdicts(mona, *cells) == [("unchanged", [])] * 3
    assert await files.verdicts(brokerage.owner, *cells) == [("unchanged", [])] * 3
    (own,) = await files.exported(andy)
    assert (own["listing_id"], "list_agent" in own) == (one["listing_id"], False)
    assert [row["listing_id"] for row in await files.exported(mona, "Closed", "Active")] == [
        one["listing_id"],
        closed["listing_id"],
    ]
    assert (await change(brokerage.owner, await me(andy), state="deactivated")).status_code == 200
    assert [row["list_agent"] for row in await files.exported(mona)] == ["", "", ""]
