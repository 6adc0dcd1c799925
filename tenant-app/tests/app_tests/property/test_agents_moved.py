"""Listings go along when their agents move to another office."""

from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.identity.events import UserChanged
from rooftree.modules.property.agents_moved import CONSUMER

from ..conftest import Browser
from ..crm.conftest import hear
from ..identity.conftest import Brokerage, brokerage, change, me
from .editing import CLOSING, code, create, edit, edited, moved, published, read

pytestmark = pytest.mark.integration
_ = brokerage  # a fixture


async def move(brokerage: Brokerage, browser: Browser, sequence: int, **changes: Any) -> None:
    """And then property hears of it."""
    answer = await change(brokerage.owner, await me(browser), **changes)
    assert answer.status_code == 200, answer.text
    user = answer.json()
    event = UserChanged(
        user_id=UUID(user["id"]),
        change="deactivated" if user["state"] == "deactivated" else "updated",
        role=user["role"],
        office_id=UUID(user["office_id"]) if user["office_id"] else None,
        team_ids=(),
    )
    await hear(brokerage, event, sequence, module="property", name=CONSUMER)


async def test_open_listings_go_along_to_another_office_and_closed_ones_stay(brokerage: Brokerage) -> None:
    andy, mona = await brokerage.agent(), await brokerage.manager()
    wes = await brokerage.manager("West", name="Wes")
    draft, active = await create(andy), await published(andy)
    closed = await moved(andy, await published(andy), "Active Under Contract", "Pending", "Closed", **CLOSING)
    await move(brokerage, andy, 2, office_id=brokerage.offices["West"])
    for listing in (draft, active):
        shown = await read(wes, listing)
        assert (shown["can_edit"], shown["version"]) == (True, listing["version"])
    assert code(await edit(mona, active, city="Ames")) == (403, "forbidden")
    assert code(await mona.get(f"/api/v1/properties/{draft['id']}")) == (404, "property-not-found")
    assert (await read(mona, closed))["can_edit"] is True
    assert (await read(wes, closed))["can_edit"] is False


async def test_listings_of_who_leaves_stay_with_the_office(brokerage: Brokerage) -> None:
    andy, mona = await brokerage.agent(), await brokerage.manager()
    listing = await published(andy)
    user = await me(andy)
    answer = await change(brokerage.owner, user, office_id=await brokerage.office("West"), state="deactivated")
    assert answer.status_code == 200, answer.text
    west = UUID(brokerage.offices["West"])
    event = UserChanged(user_id=UUID(user["id"]), change="deactivated", role="agent", office_id=west, team_ids=())
    await hear(brokerage, event, 2, module="property", name=CONSUMER)
    assert (await read(mona, listing))["can_edit"] is True


async def test_a_manager_who_moved_still_edits_the_own_listing(brokerage: Brokerage) -> None:
    mona = await brokerage.manager()
    listing = await create(mona, list_agent_id=(await me(mona))["id"])
    answer = await change(brokerage.owner, await me(mona), office_id=await brokerage.office("West"))
    assert answer.status_code == 200, answer.text
    assert (await edited(mona, listing, city="Ames"))["city"] == "Ames"
