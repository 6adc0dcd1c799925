"""Own listings as their editors' browsers handle them."""

from typing import Any

import httpx2

from ..conftest import Browser

HOME: dict[str, Any] = {
    "unparsed_address": "12 Canary Court",
    "city": "Ames",
    "state_or_province": "IA",
    "postal_code": "50010",
    "property_type": "Residential",
    "list_price": {"amount": 35_000_000, "currency": "USD"},
    "bedrooms_total": 3,
    "heating": ["Forced Air"],
    "public_remarks": "A quiet street behind the old library.",
}
CLOSING: dict[str, Any] = {"close_price": {"amount": 34_000_000, "currency": "USD"}, "close_date": "2026-01-31"}


def usd(major: int) -> dict[str, Any]:
    return {"amount": major * 100, "currency": "USD"}


def code(answer: httpx2.Response) -> tuple[int, str]:
    """Status and the last part of the problem's type."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def pointers(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def create(browser: Browser, **values: Any) -> dict[str, Any]:
    answer = await browser.post("/api/v1/properties", json=values)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/properties/{answer.json()['id']}"
    return answer.json()


async def read(browser: Browser, listing: dict[str, Any]) -> dict[str, Any]:
    answer = await browser.get(f"/api/v1/properties/{listing['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    return answer.json()


async def edit(browser: Browser, listing: dict[str, Any], **changes: Any) -> httpx2.Response:
    """As a merge patch of the version that `listing` is."""
    return await browser.patch(
        f"/api/v1/properties/{listing['id']}", json=changes, headers={"If-Match": f'"{listing["version"]}"'}
    )


async def edited(browser: Browser, listing: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await edit(browser, listing, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def move(browser: Browser, listing: dict[str, Any], status: str, **more: Any) -> httpx2.Response:
    return await browser.post(
        f"/api/v1/properties/{listing['id']}/status-changes",
        json={"standard_status": status} | more,
        headers={"If-Match": f'"{listing["version"]}"'},
    )


async def moved(browser: Browser, listing: dict[str, Any], *statuses: str, **more: Any) -> dict[str, Any]:
    for status in statuses:
        answer = await move(browser, listing, status, **(more if status == "Closed" else {}))
        assert answer.status_code == 200, answer.text
        listing = answer.json()
    return listing


async def published(browser: Browser, **values: Any) -> dict[str, Any]:
    """A complete listing of the person who is signed in, Active."""
    return await moved(browser, await create(browser, **(HOME | values)), "Active")


async def user_id(browser: Browser) -> str:
    return (await browser.get("/api/v1/session")).json()["user"]["id"]


async def history(browser: Browser, listing: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Newest first: what, from what, to what, by whom."""
    answer = await browser.get(f"/api/v1/properties/{listing['id']}/history")
    assert answer.status_code == 200, answer.text
    return [
        (item["change_type"], item["field"], _plain(item["from_value"]), _plain(item["to_value"]), item["actor_name"])
        for item in answer.json()["items"]
    ]


def _plain(value: Any) -> Any:
    return value["amount"] if isinstance(value, dict) else value


async def mine(browser: Browser, **params: Any) -> list[str]:
    answer = await browser.get("/api/v1/properties", params={"mine": "true", **params})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return [item["listing_key"] for item in answer.json()["items"]]
