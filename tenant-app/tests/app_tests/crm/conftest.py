"""People and leads as colleagues' browsers and visitors handle them."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from rooftree.kernel import inbox, middleware
from rooftree.kernel.consumers import Consumer, Received
from rooftree.kernel.ids import new_id
from rooftree.modules.crm.departures import CONSUMER

from ..conftest import Browser, parts_of
from ..identity.conftest import Brokerage, brokerage

_ = brokerage  # a fixture
ADA: dict[str, Any] = {"name": "Ada Canary", "emails": ["ada@client.test"], "phones": ["(515) 232-0199"]}
VISITOR: dict[str, Any] = {"name": "Vic Visitor", "email": "vic@client.test", "consent": True}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for others' transactions may do so for longer than a person would: machines of tests are slow."""
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)


def pointers(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def done(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def version(shown: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{shown["version"]}"'}


async def create(browser: Browser, **values: Any) -> dict[str, Any]:
    answer = await browser.post("/api/v1/people", json=ADA | values)
    assert answer.headers.get("location") == f"/api/v1/people/{done(answer, 201)['id']}"
    return answer.json()


async def read(browser: Browser, person: dict[str, Any]) -> dict[str, Any]:
    answer = await browser.get(f"/api/v1/people/{person['id']}")
    assert answer.headers.get("etag") == f'"{done(answer)["version"]}"'
    return answer.json()


async def edit(browser: Browser, person: dict[str, Any], **changes: Any) -> httpx2.Response:
    return await browser.patch(f"/api/v1/people/{person['id']}", json=changes, headers=version(person))


async def move(browser: Browser, person: dict[str, Any], stage_id: str) -> httpx2.Response:
    path = f"/api/v1/people/{person['id']}/stage-changes"
    return await browser.post(path, json={"stage_id": stage_id}, headers=version(person))


async def assign(browser: Browser, person: dict[str, Any], user_id: str | None, **more: Any) -> httpx2.Response:
    path = f"/api/v1/people/{person['id']}/assignments"
    return await browser.post(path, json={"assigned_to": user_id} | more, headers=version(person))


async def claim(browser: Browser, person: dict[str, Any]) -> httpx2.Response:
    return await browser.post(f"/api/v1/people/{person['id']}/claim")


async def user_id(browser: Browser) -> str:
    return (await browser.get("/api/v1/session")).json()["user"]["id"]


async def stage_ids(browser: Browser) -> dict[str, str]:
    """By name, in their order."""
    return {stage["name"]: stage["id"] for stage in done(await browser.get("/api/v1/stages"))["items"]}


async def stage(browser: Browser, name: str) -> dict[str, Any]:
    (found,) = [one for one in done(await browser.get("/api/v1/stages"))["items"] if one["name"] == name]
    return found


async def people(browser: Browser, **params: Any) -> list[str]:
    """Names."""
    return [item["name"] for item in done(await browser.get("/api/v1/people", params=params))["items"]]


async def leads(browser: Browser, **params: Any) -> list[dict[str, Any]]:
    page = done(await browser.get("/api/v1/leads", params=params))
    assert page["total"] >= len(page["items"])
    return page["items"]


async def tasks(browser: Browser, **params: Any) -> list[str]:
    """Titles."""
    return [item["title"] for item in done(await browser.get("/api/v1/tasks", params=params))["items"]]


async def inquire(browser: Browser, address: str = "203.0.113.7", **values: Any) -> httpx2.Response:
    """As a visitor, whoever is signed in in this browser."""
    headers = {"X-Forwarded-For": address}
    return await browser.post("/api/v1/inquiries", json=VISITOR | values, headers=headers)


async def lead_of(browser: Browser, reader: Browser, **values: Any) -> dict[str, Any]:
    """The newest lead after an inquiry, as the reader sees it."""
    assert done(await inquire(browser, **values), 202) == {"received": True}
    return (await leads(reader))[0]


async def timeline(browser: Browser, person: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    path = f"/api/v1/people/{person['id']}/timeline"
    return done(await browser.get(path, params=[("kind", kind) for kind in kinds]))["items"]


def events(brokerage: Brokerage, kind: str) -> list[dict[str, Any]]:
    """Data of those that wait in the outbox, oldest first."""
    query = f"SELECT data::json FROM events.outbox WHERE type = 'dev.rooftree.crm.{kind}.v1' ORDER BY position"
    return [data for (data,) in brokerage.database.rows(query)]


async def hear(
    brokerage: Brokerage,
    event: Any,
    sequence: int = 1,
    event_id: UUID | None = None,
    *,
    module: str = "crm",
    name: str = CONSUMER,
) -> None:
    """What the stream does with an event, in a transaction with its inbox row."""
    parts = parts_of(brokerage.app, module)
    (consumer,) = [item for part in parts.built for item in part.consumers if item.name == name]
    assert isinstance(consumer, Consumer)
    received = Received(
        id=event_id or new_id(),
        event=event,
        aggregate_id=event.aggregate_id,
        sequence=sequence,
        time=parts.runtime.clock.now(),
        actor_id="system",
    )
    async with parts.runtime.unit_of_work() as session:
        if (taken := await inbox.take(session, name, received)) is not None:
            await consumer.handle(session, taken)
