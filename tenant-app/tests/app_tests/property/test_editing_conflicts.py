"""Two people edit one listing: nobody overwrites what they have not seen, however close they come."""

import asyncio
from typing import Any

import pytest

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage, brokerage, sign_in
from .editing import HOME, code, create, edit, edited, move, published, read, usd, user_id

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]
_ = brokerage  # a fixture
TOLD = (
    "SELECT data::jsonb ->> 'change', (data::jsonb ->> 'version')::int, data::jsonb -> 'changed', actor_id"
    " FROM events.outbox WHERE type LIKE '%listing-changed%' ORDER BY position"
)


async def test_a_change_says_which_version_it_is_of(owner: Browser) -> None:
    draft = await create(owner)
    path = f"/api/v1/properties/{draft['id']}"
    assert code(await owner.patch(path, json={"city": "Ames"})) == (428, "precondition-required")
    assert code(await owner.post(f"{path}/status-changes", json={"standard_status": "Delete"})) == (
        428,
        "precondition-required",
    )
    assert code(await owner.put(f"{path}/photos/order", json={"photo_ids": []})) == (428, "precondition-required")
    for header in ("*", '"x"', 'W/"1"'):
        answer = await owner.patch(path, json={"city": "Ames"}, headers={"If-Match": header})
        assert code(answer) == (400, "bad-request")
    assert await read(owner, draft) == draft


async def test_a_merge_patch_is_taken_by_its_own_name(owner: Browser) -> None:
    draft = await create(owner)
    headers = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    answer = await owner.patch(f"/api/v1/properties/{draft['id']}", content=b'{"city": "Ames"}', headers=headers)
    assert (answer.status_code, answer.json()["city"], answer.headers["etag"]) == (200, "Ames", '"2"')


async def test_who_comes_too_late_learns_what_was_changed_and_by_whom(brokerage: Brokerage) -> None:
    agent = await brokerage.agent()
    seen = await create(agent, **HOME)
    newer = await edited(agent, seen, city="Boone", public_remarks="Other words.")
    await edited(brokerage.owner, newer, list_price=usd(5))
    for late in (await edit(agent, seen, bedrooms_total=9), await move(agent, seen, "Active")):
        assert code(late) == (412, "version-conflict")
        told = late.json()
        assert (told["current_version"], told["changed_by"]) == (3, "Olivia Owner")
        assert told["changed_fields"] == ["city", "list_price", "public_remarks"]
        assert told["changed_at"]
    assert (await edit(agent, newer, bedrooms_total=9)).json()["changed_fields"] == ["list_price"]
    assert (await edit(agent, newer | {"version": 7}, bedrooms_total=9)).json()["changed_fields"] is None
    assert (await edit(agent, newer | {"version": 0}, bedrooms_total=9)).json()["changed_fields"] is None
    assert (await read(agent, seen))["bedrooms_total"] == HOME["bedrooms_total"]


async def test_of_20_edits_of_one_version_one_wins(
    brokerage: Brokerage, start: Any, stored_tenant: Tenant, database: TestDatabase
) -> None:
    """In two processes' worth of apps, on up to six connections of one PostgreSQL."""
    other: Browser = await start(stored_tenant)
    await sign_in(other, "olivia@acme.test")
    listing = await published(await brokerage.agent())
    price = listing["list_price"]
    answers = await asyncio.gather(
        *(
            edit(browser, listing, list_price=usd(number))
            for number, browser in enumerate([brokerage.owner, other] * 10, start=1)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    stored = await read(other, listing)
    assert (stored["version"], stored["list_price"]) == (listing["version"] + 1, won["list_price"])
    changed = "SELECT from_value, to_value FROM property.history WHERE change_type = 'Price Change'"
    assert database.rows(changed) == [(str(price["amount"]), str(won["list_price"]["amount"]))]
    assert [row[:2] for row in database.rows(TOLD)] == [("created", 1), ("updated", 2)]


async def test_of_many_moves_at_once_one_happens(brokerage: Brokerage, database: TestDatabase) -> None:
    listing = await published(brokerage.owner, list_agent_id=await user_id(brokerage.owner))
    answers = await asyncio.gather(
        *(move(brokerage.owner, listing, status) for status in ("Hold", "Withdrawn", "Expired", "Canceled") * 2)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert len(database.rows("SELECT 1 FROM property.history WHERE from_value = 'Active'")) == 1


async def test_events_tell_what_others_can_see(brokerage: Brokerage, database: TestDatabase) -> None:
    agent = await brokerage.agent()
    draft = await create(agent)
    draft = await edited(agent, draft, **HOME)
    assert database.rows(TOLD) == []
    listing = (await move(agent, draft, "Coming Soon")).json()
    listing = await edited(agent, listing, list_price=usd(5), city="Boone")
    listing = await edited(agent, listing, private_remarks="Only for us.")
    await edited(agent, listing, private_remarks="Only for us.")
    actor = await user_id(agent)
    everything = ["price", "status", "address", "facts", "details", "photos", "visibility"]
    assert database.rows(TOLD) == [
        ("created", 1, everything, actor),
        ("updated", 2, ["price", "address"], actor),
        ("updated", 3, ["details"], actor),
    ]
    (row,) = database.rows("SELECT version, revision FROM property.properties")
    assert row == (3, 5)


async def test_a_change_that_fails_leaves_nothing(brokerage: Brokerage, database: TestDatabase) -> None:
    agent = await brokerage.agent()
    listing = await published(agent)
    before = [database.rows(f"SELECT count(*) FROM property.{name}") for name in ("history", "edits", "photos")]
    told = database.rows(TOLD)
    assert (await edit(agent, listing, list_price=usd(1), city=None)).status_code == 422
    assert (await edit(agent, listing | {"version": 1}, list_price=usd(1))).status_code == 412
    assert (await move(agent, listing, "Closed")).status_code == 409
    assert [database.rows(f"SELECT count(*) FROM property.{name}") for name in ("history", "edits", "photos")] == before
    assert database.rows(TOLD) == told
    assert await read(agent, listing) == listing


async def test_old_edits_are_forgotten_and_the_conflict_says_so(
    brokerage: Brokerage, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    monkeypatch.setattr("rooftree.modules.property.history_repository.KEPT_EDITS", 3)
    seen = await create(brokerage.owner)
    listing = seen
    for number in range(1, 6):
        listing = await edited(brokerage.owner, listing, bedrooms_total=number)
    assert database.rows("SELECT revision FROM property.edits ORDER BY 1") == [(4,), (5,), (6,)]
    late = (await edit(brokerage.owner, seen, city="Ames")).json()
    assert (late["changed_fields"], late["changed_by"]) == (None, "Olivia Owner")
    late = (await edit(brokerage.owner, seen | {"version": 4}, city="Ames")).json()
    assert late["changed_fields"] == ["bedrooms_total"]
