"""Filters of lists: what does not match is neither shown nor counted."""

from typing import Any

import pytest
from rooftree.contracts.identity.api import AGENT_ROLE

from ..conftest import FakeClock, TestDatabase
from ..identity.conftest import Brokerage, accept, brokerage
from ..property.conftest import feeds_file

_ = brokerage  # a fixture
pytestmark = pytest.mark.integration


async def names(brokerage: Brokerage, path: str, key: str = "name", **params: Any) -> list[str]:
    answer = await brokerage.owner.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["items"])
    return [item[key] for item in page["items"]]


async def test_offices_and_teams_are_found_by_a_part_of_the_name_and_teams_by_their_office(
    brokerage: Brokerage,
) -> None:
    for name in ("North Ames", "South Ames", "100% West_"):
        await brokerage.office(name)
    await brokerage.team("Lakes", "North Ames")
    await brokerage.team("Hills", "South Ames")
    assert await names(brokerage, "offices", q="AMES") == ["North Ames", "South Ames"]
    assert await names(brokerage, "offices", q="% w") == ["100% West_"]
    assert await names(brokerage, "offices", q="_") == ["100% West_"]
    assert await names(brokerage, "teams", office_id=brokerage.offices["North Ames"]) == ["Lakes"]
    assert await names(brokerage, "teams", q="l", office_id=brokerage.offices["South Ames"]) == ["Hills"]
    first = await brokerage.owner.get("/api/v1/offices", params={"q": "ames", "limit": 1})
    rest = {"q": "ames", "cursor": first.json()["next_cursor"]}
    assert [one["name"] for one in (await brokerage.owner.get("/api/v1/offices", params=rest)).json()["items"]] == [
        "South Ames"
    ]


async def test_invitations_are_found_by_their_state(brokerage: Brokerage, clock: FakeClock) -> None:
    for name in ("Expired", "Accepted", "Revoked"):
        made = (await brokerage.invite(name, AGENT_ROLE, "Main")).json()
        if name == "Accepted":
            await accept(await brokerage.browser(), made["link"], name)
        if name == "Revoked":
            await brokerage.owner.delete(f"/api/v1/user-invitations/{made['id']}")
    clock.advance(days=30)
    await brokerage.owner.sign_in()
    await brokerage.invite("Open", AGENT_ROLE, "Main")
    for name in ("Open", "Expired", "Revoked"):
        assert await names(brokerage, "user-invitations", state=name.lower()) == [name]
    assert "Accepted" in await names(brokerage, "user-invitations", state="accepted")
    assert (await brokerage.owner.get("/api/v1/user-invitations", params={"state": "lost"})).status_code == 422


async def test_runs_are_found_by_their_state(start: Any, stored_tenant: Any, database: TestDatabase) -> None:
    files = {"feeds.json": feeds_file(sample="https://127.0.0.1:1")}
    owner = await start(stored_tenant.but(secret_files=files))
    await owner.accept_owner()
    await owner.sign_in()
    assert (await owner.post("/api/v1/feeds/sample/runs")).status_code == 202
    for state, count in (("running", 1), ("failed", 0)):
        found = await owner.get("/api/v1/feeds/sample/runs", params={"state": state})
        assert len(found.json()["items"]) == count
    assert database.rows("SELECT state FROM property.feed_runs") == [("running",)]
