"""Search, listing, photos and feeds over HTTP, as the owner's browser uses them, on the imported sample feed."""

import io
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from rooftree_mls_feed.store import load_records

from ..conftest import Browser, Tenant, TestDatabase
from .conftest import Server, connected, sync

pytestmark = pytest.mark.integration


@pytest.fixture
async def owner_with_listings(start: Any, stored_tenant: Tenant, mls: Server) -> Browser:
    tenant = connected(stored_tenant, ames=mls.origin)
    await sync(tenant)
    browser: Browser = await start(tenant)
    await browser.accept_owner()
    await browser.sign_in()
    return browser


async def listing_with_key(browser: Browser, key: str) -> dict[str, Any]:
    body = (await browser.get("/api/v1/properties", params={"q": key})).json()
    assert [item["listing_key"] for item in body["items"]] == [key]
    return body["items"][0]


async def test_walk_from_search_to_listing_to_photo(owner_with_listings: Browser) -> None:
    browser = owner_with_listings
    record = next(record for record in load_records() if record.get("ListingKey") == "AMES-00001")
    summary = await listing_with_key(browser, "AMES-00001")
    assert summary["list_price"] == {"amount": record["ListPrice"] * 100, "currency": "USD"}
    assert summary["photo"]["url"] == f"/api/v1/properties/{summary['id']}/photos/1"
    detail = (await browser.get(f"/api/v1/properties/{summary['id']}")).json()
    assert summary.pop("highlight") is None
    assert detail | summary == detail
    assert detail["public_remarks"] == record["PublicRemarks"]
    assert detail["heating"] == ["Forced Air", "Natural Gas"]
    assert detail["roof"] == "Composition, Shingle"
    assert detail["close_date"] == record["CloseDate"]
    assert detail["source"]["feed"] == "ames"
    assert detail["source"]["originating_system_name"] == "Ames Sample MLS"
    assert [photo["width"] for photo in detail["photos"]] == [800] * 4
    answer = await browser.get(detail["photos"][3]["url"])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, max-age=86400"
    assert Image.open(io.BytesIO(answer.content)).size == (800, 600)
    assert (await browser.get(f"/api/v1/properties/{summary['id']}/photos/5")).status_code == 404


async def test_owner_sees_what_may_not_be_shown_on_the_internet(
    owner_with_listings: Browser, database: TestDatabase
) -> None:
    ((hidden,),) = database.rows(
        "UPDATE property.properties SET internet_display = false WHERE listing_key = 'AMES-00001' RETURNING id"
    )
    assert (await listing_with_key(owner_with_listings, "AMES-00001"))["id"] == str(hidden)
    for path in (f"/api/v1/properties/{hidden}", f"/api/v1/properties/{hidden}/photos/1"):
        assert (await owner_with_listings.get(path)).status_code == 200


async def test_feeds_tell_counts_and_rejections_are_paged(owner_with_listings: Browser) -> None:
    (feed,) = (await owner_with_listings.get("/api/v1/feeds")).json()["items"]
    assert (feed["name"], feed["state"], feed["imported"], feed["rejected"]) == ("ames", "idle", 2930, 20)
    assert feed["last_finished_at"] >= feed["last_started_at"]
    seen, cursor = [], None
    while True:
        params = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = (await owner_with_listings.get("/api/v1/feeds/ames/rejections", params=params)).json()
        assert page["total"] == 20
        seen += page["items"]
        if not (cursor := page["next_cursor"]):
            break
    assert len(seen) == 20
    assert all(item["reasons"] and item["record"]["PublicRemarks"] for item in seen)
    assert [item["reasons"][0]["field"] for item in seen if item["listing_key"] is None] == ["ListingKey"] * 4


async def test_nothing_is_told_to_strangers(browser: Browser) -> None:
    for path in (
        "/api/v1/properties",
        f"/api/v1/properties/{uuid4()}",
        f"/api/v1/properties/{uuid4()}/photos/1",
        "/api/v1/feeds",
        "/api/v1/feeds/ames/rejections",
    ):
        answer = await browser.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_not_there_is_a_404_problem(owner: Browser) -> None:
    for path, code in (
        (f"/api/v1/properties/{uuid4()}", "property-not-found"),
        (f"/api/v1/properties/{uuid4()}/photos/1", "photo-not-found"),
        ("/api/v1/feeds/none/rejections", "feed-not-found"),
    ):
        answer = await owner.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["type"].endswith(f"/{code}")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("min_price=-1", "?min_price"),
        ("max_price=lots", "?max_price"),
        ("min_beds=1.5", "?min_beds"),
        ("status=Sold", "?status.0"),
        ("sort=price", "?sort"),
        ("limit=101", "?limit"),
        ("limit=0", "?limit"),
        ("cursor=nonsense", "?cursor"),
        ("sort=area&cursor=WyItbW9kaWZpZWQiLDEsImEiXQ", "?cursor"),
        ("q=a%00b", "?q"),
        ("q=" + "a" * 201, "?q"),
        ("colour=red", "?colour"),
    ],
)
async def test_a_query_with_errors_is_a_422_problem_that_points_at_them(
    owner: Browser, query: str, pointer: str
) -> None:
    answer = await owner.get(f"/api/v1/properties?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_malformed_id_is_a_422_problem(owner: Browser) -> None:
    assert (await owner.get("/api/v1/properties/17")).status_code == 422


async def test_feed_that_was_never_read_is_idle_and_empty(start: Any, stored_tenant: Tenant) -> None:
    browser: Browser = await start(connected(stored_tenant, ames="http://127.0.0.1:1"))
    await browser.accept_owner()
    await browser.sign_in()
    (feed,) = (await browser.get("/api/v1/feeds")).json()["items"]
    assert (feed["state"], feed["imported"], feed["rejected"]) == ("idle", 0, 0)


async def test_photos_come_from_the_feeds_own_origin_only(
    owner_with_listings: Browser, database: TestDatabase, mls: Server
) -> None:
    listing = await listing_with_key(owner_with_listings, "AMES-00002")
    url = listing["photo"]["url"]
    for address in ("http://127.0.0.1:1/x.jpg", f"{mls.origin}/healthz", f"{mls.origin}/nothing"):
        database.rows(f"UPDATE property.media SET url = '{address}' WHERE property_id = '{listing['id']}' RETURNING 1")
        answer = await owner_with_listings.get(url)
        assert answer.status_code == 502, address
        assert answer.json()["type"].endswith("/photo-unavailable")
