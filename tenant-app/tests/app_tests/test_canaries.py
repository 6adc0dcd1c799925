"""No secret and no personal value leaves by a side door: logs, spans, metrics, events and error answers, all searched.

Every canary takes part in the flow; the test fails if one of them shows up where it does not belong.
"""

import asyncio
import io
import json
import logging
import os
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import structlog
from aiosmtpd.controller import Controller
from opentelemetry.trace import SpanKind
from prometheus_client.exposition import generate_latest
from rooftree import assembly
from rooftree.kernel import job_queue, logs
from rooftree.kernel.jobs import Job
from rooftree.kernel.mail import Mail, MailRefused, SmtpSettings
from rooftree.kernel.telemetry import span
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .collector import Collector, collecting
from .conftest import (
    EMAIL,
    PASSWORD,
    Browser,
    FakeClock,
    Tenant,
    TestDatabase,
    identity_of,
    logging_given_back,
    probe,
    query,
)
from .object_storage import bucket, password, settings
from .ports import free_port
from .property import elasticsearch
from .property.conftest import Server
from .property.editing import HOME, create, edit, edited, move, moved, usd, user_id
from .property.test_pictures import located, picture
from .test_mail import Sink, certificate

pytestmark = pytest.mark.integration
_ = certificate  # a fixture

FEED_SECRET = "canary-feed-secret"
FEED_TOKEN = "canary-feed-token"
REMARKS = "Call Canaria Agentson at +1 515 555 0199, lockbox-4711-box"
PERSONAL = (EMAIL, "olivia", "Olivia", "Canaria", "555 0199", "lockbox-4711", "canary")


class Feed:
    """A feed that works until it is told to fail; then it repeats in its answers what it was sent."""

    def __init__(self) -> None:
        self.failing = False
        self.asked = 0
        routes = [Route("/oauth/token", self.token, methods=["POST"]), Route("/odata/Property", self.page)]
        self.app = Starlette(routes=routes)

    async def token(self, request: Request) -> Response:
        self.asked += 1
        if self.failing:
            return Response(await request.body(), 401)
        return JSONResponse({"access_token": FEED_TOKEN})

    async def page(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {FEED_TOKEN}"
        good = {"ListingKey": "1", "StandardStatus": "Active", "ListPrice": 100_000}
        good |= {"ModificationTimestamp": "2026-05-01T00:00:00Z", "PublicRemarks": REMARKS}
        good |= {"ListAgentFullName": "Canaria Agentson", "ListAgentEmail": "canary.agent@mls.test"}
        return JSONResponse({"value": [good, {"ListingKey": "2", "StandardStatus": "canary-status"}]})


@dataclass
class World:
    """One tenant's running app and everything that comes out of it by a side door."""

    browser: Browser
    collector: Collector
    feed: Feed
    database: TestDatabase
    log: io.StringIO
    secrets: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def parts(self) -> assembly.Parts:
        return self.browser.app.state.parts

    async def keep_problems(self, answer: httpx2.Response) -> None:
        if answer.headers.get("content-type") == "application/problem+json":
            await answer.aread()
            # That a conflict names who was faster is its purpose; nobody learns it who may not see the listing.
            told = {name: value for name, value in answer.json().items() if name != "changed_by"}
            self.problems.append(json.dumps(told) + str(answer.headers))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the app logs, as in production and with nothing held back."""
    with logging_given_back():
        logs.configure("DEBUG", tenant_id="acme-0a1b2c3d")
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        written = io.StringIO()
        handler.setStream(written)
        for name in ("mail.log", "PIL"):  # the test's mail server and its way to make pictures, which are not ours
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield written


@pytest.fixture
async def world(
    stored_tenant: Tenant,
    database: TestDatabase,
    clock: FakeClock,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[World]:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    feed = Feed()
    with (
        collecting() as collector,
        Server(feed.app).run() as mls,
        elasticsearch.tenant_in(elasticsearch.Cluster.given()) as (tenant_id, search_password),
        bucket(database.ca_file) as photos,
    ):
        for name, value in (_backends(collector, tenant_id) | settings(photos.name)).items():
            monkeypatch.setenv(f"ROOFTREE_{name.removeprefix('ROOFTREE_')}", value)
        tenant = stored_tenant.but(
            tenant_id=tenant_id,
            secret_files={
                "feeds.json": _feeds(mls.origin),
                "elasticsearch_password": search_password,
                "redis_password": os.environ["ROOFTREE_TEST_REDIS_PASSWORD"],
                "s3_secret_key": password(),
            },
        )
        async with _running(tenant, clock) as browser:
            running = World(browser, collector, feed, database, log, _values_of(tenant))
            browser.event_hooks["response"].append(running.keep_problems)
            yield running


def _backends(collector: Collector, tenant_id: str) -> dict[str, str]:
    """Real ones; the cache by its administrator, whose password is the more a secret."""
    return {
        "OTLP_ENDPOINT": collector.url,
        "ELASTICSEARCH_URL": os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"],
        "ELASTICSEARCH_USER": f"{tenant_id}.app",
        **{f"REDIS_{name}": os.environ[f"ROOFTREE_TEST_REDIS_{name}"] for name in ("HOST", "PORT", "USER")},
    }


def _feeds(origin: str) -> str:
    entry = {"name": "mls", "url": f"{origin}/odata", "token_url": f"{origin}/oauth/token"}
    return json.dumps([entry | {"client_id": "canary-client", "client_secret": FEED_SECRET}])


@asynccontextmanager
async def _running(tenant: Tenant, clock: FakeClock) -> AsyncGenerator[Browser]:
    app = assembly.create_app(tenant.settings(), tenant.secrets(), clock=clock)
    parts: assembly.Parts = app.state.parts
    parts.queue.register([Job(name="probe.fail", run=_failing_job)])
    app.include_router(probe)
    async with app.router.lifespan_context(app), Browser(app, tenant.origin) as browser:
        assert (await browser.get("/readyz")).status_code == 200
        await _until(lambda: parts.telemetry.recording, "telemetry did not start")
        yield browser


def _values_of(tenant: Tenant) -> list[str]:
    """Every value in every secret file."""
    values: list[str] = []

    def collect(item: Any) -> None:
        if isinstance(item, dict | list):
            for part in item.values() if isinstance(item, dict) else item:
                collect(part)
        elif len(str(item)) >= 12 and not str(item).startswith("http"):
            values.append(str(item))

    for content in tenant.secret_files.values():
        collect(json.loads(content) if content.startswith(("{", "[")) else content)
    return values


async def _until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def _failing_job(recipient: str) -> None:
    raise ValueError(f"cannot write to {recipient}")


async def sign_in_well_and_badly(world: World) -> None:
    browser = world.browser
    token = (await identity_of(browser.app).owner_link()).url.rpartition("/")[2]
    await browser.get(f"/api/v1/invitations/{token}")
    await browser.get(f"/invite/{token}", headers={"Accept": "text/html"})
    await browser.post(f"/api/v1/invitations/{token}/acceptance", json={"name": 1, "password": "canary-short"})
    await browser.accept_owner()
    await browser.post(f"/api/v1/invitations/{token}/acceptance", json={"name": "Olivia", "password": PASSWORD})
    request = await browser.start_sign_in()
    await browser.submit(request, password="canary-wrong-password")
    await browser.submit(request, email="canary-nobody@client.test")
    await browser.post("/oauth/sign-in", json={"request": request, "email": "canary not an address", "password": 1})
    callback = (await browser.submit(request)).json()["redirect_to"]
    await browser.get(callback)
    session = browser.cookies["__Host-session"]
    world.secrets += [token, request, query(callback)["code"], session, PASSWORD]
    await browser.get("/api/v1/session")


async def invite_well_and_badly(world: World) -> None:
    browser, path = world.browser, "/api/v1/user-invitations"
    body = {"email": "canary.colleague@client.test", "name": "Canary Colleague", "role": "agent"}
    invited = (await browser.post(path, json=body)).json()
    token = invited["link"].rpartition("/")[2]
    world.secrets.append(token)
    for wrong in ({}, {"email": "canary no address"}, {"name": "canary" * 99}, {"office_id": str(UUID(int=1))}):
        await browser.post(path, json=body | wrong)
    await browser.post(f"/api/v1/invitations/{token}/acceptance", json={"name": "Canary", "password": PASSWORD})
    await browser.get("/api/v1/users", params={"q": "canary"})
    user_id = (await browser.get("/api/v1/session")).json()["user"]["id"]
    changed = {"name": "Canaria Owner", "role": "agent"}
    await browser.patch(f"/api/v1/users/{user_id}", json=changed, headers={"If-Match": '"1"'})
    await browser.patch(f"/api/v1/users/{user_id}", json={"name": "Canaria"}, headers={"If-Match": '"1"'})
    await browser.get("/probe/whoami", headers={"Authorization": "Bearer canary-bearer"})
    form = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "canary-refresh"}
    await browser.post("/oauth/token", data=form)
    await browser.post("/probe/echo?limit=canary-query", json={"count": "canary-body"})


async def search(world: World) -> None:
    async def ask(target: str) -> httpx2.Response:
        return await world.browser.get(target)

    async with asyncio.timeout(30):
        while (await ask("/api/v1/properties?q=canary+Olivia")).json()["source"] != "search":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for target in (
        "/api/v1/properties?city=canary-city&facets=true",
        "/api/v1/properties?sort=canary-sort&cursor=canary",
        "/api/v1/properties/map?bbox=-94,41,-93,42&zoom=10&q=canary",
        "/api/v1/properties/canary-id",
    ):
        await ask(target)
    cached = 'rooftree_cache_requests_total{result="hit"}'
    async with asyncio.timeout(30):
        while cached not in generate_latest(world.parts.runtime.metrics.registry).decode():
            await ask("/api/v1/properties/suggestions?q=canary")
            await asyncio.sleep(0.05)


async def import_well_and_badly(world: World) -> None:
    rows = "SELECT 1 FROM property.properties"
    await _until(lambda: world.database.rows(rows), "the feed was not imported")
    world.feed.failing = True
    before = world.feed.asked
    await world.parts.queue.defer("property.sync_feeds")
    await _until(lambda: world.feed.asked > before, "the feed was not asked again")
    failed = "SELECT 1 FROM property.feeds WHERE last_error IS NOT NULL"
    await _until(lambda: world.database.rows(failed), "the feed did not fail")
    await world.browser.get("/api/v1/feeds")


PRIVATE = {
    "private_remarks": "canary-private: the seller must leave by June",
    "showing_instructions": "canary-showing: the code is lockbox-4711-box",
    "public_remarks": "Ask Canaria Agentson",
    "unparsed_address": "1 Canary Court",
}


async def edit_listings_well_and_badly(world: World) -> None:
    browser = world.browser
    draft = await create(browser, **(HOME | PRIVATE), list_agent_id=await user_id(browser))
    listing = await moved(browser, draft, "Active")
    await edited(browser, listing, list_price=usd(7), private_remarks="canary-private: changed")
    for late in (await edit(browser, listing, private_remarks="canary-late"), await move(browser, listing, "Hold")):
        assert late.status_code == 412
    await edit(browser, listing, private_remarks=1, showing_instructions=["canary-list"], odd_member="canary-x")
    await browser.post("/api/v1/properties", json={"city": "canary\0city"})
    await browser.get(f"/api/v1/properties/{listing['id']}/history?cursor=canary")
    photos = f"/api/v1/properties/{listing['id']}/photos"
    for content in (located(), b"canary-no-picture", picture(size=(400, 300))[:400]):
        headers = {"Content-Type": "image/jpeg"}
        await browser.post(photos, content=content, headers=headers, params={"description": "canary-description"})
    states = "SELECT 1 FROM property.photos WHERE state IN ('ready', 'failed') HAVING count(*) = 2"
    await _until(lambda: world.database.rows(states), "the photos were not looked at")
    for photo in (await browser.get(f"/api/v1/properties/{listing['id']}")).json()["photos"]:
        await browser.get(f"{photo['url']}&canary=1")
        await browser.delete(f"/api/v1/photos/{photo['id']}")


PERSON = {"name": "Canaria Buyer", "emails": ["canary.buyer@client.test"], "phones": ["+1 515 555 0199 ext. 7"]}


async def work_leads_well_and_badly(world: World) -> None:
    browser = world.browser
    asked = {"name": "Canaria Visitor", "email": "canary.visitor@client.test", "message": "canary-message"}
    asked |= {"phone": "+1 515 555 0199", "consent": True, "utm": {"source": "newsletter"}}
    for wrong in ({}, {}, {"email": "canary no address"}, {"utm": {"term": "canary@client.test"}}, {"odd": "canary"}):
        await browser.post("/api/v1/inquiries", json=asked | wrong)
    made = (await browser.post("/api/v1/people", json=PERSON)).json()
    assert (await browser.post("/api/v1/people", json=PERSON)).status_code == 409
    path = f"/api/v1/people/{made['id']}"
    late = {"If-Match": '"7"'}
    assert (await browser.patch(path, json={"name": "Canaria"}, headers=late)).status_code == 412
    stages = (await browser.get("/api/v1/stages")).json()["items"]
    moved = await browser.post(f"{path}/stage-changes", json={"stage_id": stages[1]["id"]}, headers={"If-Match": '"1"'})
    assert moved.status_code == 200
    for kind, body, status in (
        ("notes", {"text": "canary-note"}, 201),
        ("tasks", {"title": "canary-title"}, 201),
        ("activities", {"kind": "call", "direction": "outgoing", "outcome": "canary-outcome"}, 201),
        ("activities", {"kind": "canary-kind"}, 422),
        ("assignments", {"assigned_to": "canary"}, 422),
    ):
        answer = await browser.post(f"{path}/{kind}", json=body, headers={"If-Match": '"2"'})
        assert answer.status_code == status, kind
    claimed = await browser.post(f"/api/v1/people/{made['id']}/claim")
    assert claimed.status_code == 200
    for target in ("people?q=canaria", "people/board?q=canary", "people/duplicates?email=canary.buyer@client.test"):
        await browser.get(f"/api/v1/{target}")
    await browser.get(f"{path}/timeline?kind=canary&cursor=canary")


async def fail_everywhere(world: World) -> None:
    browser, parts = world.browser, world.parts

    @browser.app.get("/probe/duplicate")
    async def duplicate() -> None:
        values = "(:a, :e, :e, 'n', 'r', 'h', now(), null)"
        async with parts.runtime.unit_of_work() as session:
            await session.execute(
                text(f"INSERT INTO identity.users VALUES {values}, {values}"), {"a": "0" * 32, "e": EMAIL}
            )

    async def crash() -> None:
        raise KeyError(EMAIL)

    await browser.get("/probe/bug")
    await browser.get("/probe/duplicate")
    parts.runtime.background.spawn("probe", crash())
    await parts.queue.defer("probe.fail", recipient="canary.recipient@client.test")
    metrics = parts.runtime.metrics
    failed = 'rooftree_jobs_total{job="probe.fail",result="failed"} 1.0'
    await _until(lambda: failed in generate_latest(metrics.registry).decode(), "the job did not fail")


async def mail_well_and_badly(world: World, keys: tuple[Path, Path], clock: FakeClock) -> None:
    sink = Sink()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*keys)
    sink.port = free_port()
    controller = Controller(sink, "127.0.0.1", sink.port, tls_context=context, require_starttls=True)
    settings = SmtpSettings(smtp_host="127.0.0.1", smtp_port=sink.port)
    metrics = world.parts.runtime.metrics
    mail = Mail(settings, display_name="Acme", ca_file=keys[0], clock=clock, metrics=metrics)
    controller.start()
    try:
        with span("job probe.mail", SpanKind.CONSUMER):
            await mail.send(EMAIL, "For Olivia", "canary text", "<p>canary</p>")
        sink.refusal = "550 canary unknown"
        with pytest.raises(MailRefused) as refused:
            await mail.send(EMAIL, "For Olivia", "canary text", "<p>canary</p>")
        structlog.get_logger("rooftree.mail").warning("mail_failed", exc_info=refused.value)
    finally:
        controller.stop()
    assert len(sink.mails) == 1


async def test_no_canary_leaves_by_a_side_door(world: World, certificate: tuple[Path, Path], clock: FakeClock) -> None:
    steps: list[Callable[[World], Awaitable[None]]] = [sign_in_well_and_badly, import_well_and_badly, search]
    steps += [invite_well_and_badly, edit_listings_well_and_badly, work_leads_well_and_badly, fail_everywhere]
    for step in steps:
        await step(world)
    await mail_well_and_badly(world, certificate, clock)
    await world.browser.post("/auth/logout")
    world.collector.wait_for("POST /auth/logout")
    outbox = world.database.rows("SELECT row_to_json(o)::text FROM events.outbox o")
    doors = {
        "log": world.log.getvalue(),
        "spans": b"".join(world.collector.raw).decode("latin-1"),
        "metrics": generate_latest(world.parts.runtime.metrics.registry).decode(),
        "events": str(outbox),
        "problems": "\n".join(world.problems),
    }
    found = [
        (door, canary, content[max(0, place - 100) : place + 100])
        for door, content in doors.items()
        for canary in {*PERSONAL, *world.secrets}
        if (place := content.lower().find(canary.lower())) >= 0
    ]
    assert found == []
    # All of that would be true of empty doors, too.
    assert doors["log"].count('"message": "request"') >= 25
    assert {"unhandled_error", "job_failed", "feed_import_failed", "background_task_failed", "mail_failed"} <= {
        json.loads(line)["message"] for line in doors["log"].splitlines()
    }
    names = {item.name for item in world.collector.spans}
    assert {"POST /oauth/sign-in", "GET /api/v1/properties", "job property.sync_feeds", "send mail"} <= names
    assert {"PATCH /api/v1/properties/{property_id}", "PUT object", "GET object"} <= names
    assert "photo_unusable" in doors["log"]
    assert {"POST", "INSERT property.properties", "INSERT events.sequences", "POST _search", "GET", "SET"} <= names
    assert 'job="property.sync_feeds"' in doors["metrics"]
    assert "listing-changed" in doors["events"]
    assert all(kind in doors["events"] for kind in ("user-changed", "lead-received", "lead-assigned", "stage-changed"))
    assert len(world.problems) >= 10
