"""`fields` leaves out what nobody asked for, and nothing else changes."""

from typing import Any

import pytest
from pydantic import BaseModel
from rooftree.kernel.sparse import fields_of

from ..conftest import Browser
from ..crm.conftest import create
from ..identity.conftest import Brokerage, brokerage, problem
from ..property.editing import published

_ = brokerage  # a fixture


class Line(BaseModel):
    id: int
    name: str


class Page(BaseModel):
    items: list[Line]
    next_cursor: str | None


def test_of_a_list_it_is_about_its_items() -> None:
    assert fields_of(Page) == (True, frozenset({"id", "name"}))
    assert fields_of(Line) == (False, frozenset({"id", "name"}))


async def read(browser: Browser, path: str, **params: Any) -> Any:
    answer = await browser.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.integration
async def test_lists_and_records_have_only_the_fields_asked_for(brokerage: Brokerage) -> None:
    owner = brokerage.owner
    people = [await create(owner, name=name, even_if_known=True) for name in ("Ada", "Bea", "Cleo")]
    first = await read(owner, "/api/v1/people", sort="name", limit=2, fields="name,version")
    assert [set(item) for item in first["items"]] == [{"id", "name", "version"}] * 2
    assert first["total"] == 3
    rest = await read(owner, "/api/v1/people", sort="name", limit=2, fields="name", cursor=first["next_cursor"])
    assert [item["name"] for item in rest["items"]] == ["Cleo"]
    path = f"/api/v1/people/{people[0]['id']}"
    whole, part = await owner.get(path), await owner.get(path, params={"fields": " name , tags"})
    assert part.json() == {name: whole.json()[name] for name in ("id", "name", "tags")}
    assert part.headers["etag"] == whole.headers["etag"]
    assert part.headers["content-length"] == str(len(part.content))


@pytest.mark.integration
async def test_what_is_encoded_by_hand_is_sparse_too(brokerage: Brokerage) -> None:
    andy = await brokerage.agent()
    await published(andy)
    page = await read(andy, "/api/v1/properties", fields="city,list_price")
    assert [set(item) for item in page["items"]] == [{"id", "city", "list_price"}]


@pytest.mark.integration
async def test_what_is_masked_is_not_had_by_asking_for_it(brokerage: Brokerage) -> None:
    andy, other = await brokerage.agent(), await brokerage.agent("West", "Wanda")
    listing = await published(andy, private_remarks="Canary: the key is under the mat")
    path = f"/api/v1/properties/{listing['id']}"
    asked = {"fields": "private_remarks"}
    assert "Canary" in (await andy.get(path, params=asked)).text
    whole, part = (await other.get(path)).json(), (await other.get(path, params=asked)).json()
    assert part == {name: value for name, value in whole.items() if name in ("id", "private_remarks")}
    assert "Canary" not in str(part)


@pytest.mark.integration
async def test_a_field_that_there_is_not_is_named(brokerage: Brokerage) -> None:
    for fields in ("nothing", "name,nothing", "", "name,", "items", "name;id"):
        answer = await brokerage.owner.get("/api/v1/people", params={"fields": fields})
        assert (fields, *problem(answer)) == (fields, 400, "unknown-field")
        assert answer.json()["errors"][0]["pointer"] == "?fields"
        assert "tags" in answer.json()["detail"]


@pytest.mark.integration
async def test_what_is_refused_stays_refused(brokerage: Brokerage) -> None:
    owner = brokerage.owner
    assert (await owner.get("/api/v1/people", params={"fields": "name", "nonsense": "1"})).status_code == 422
    assert (await owner.get("/api/v1/people", params={"fields": "name", "limit": "0"})).status_code == 422
    assert (await (await brokerage.browser()).get("/api/v1/people?fields=name")).status_code == 401
