"""Files as colleagues bring and take them: people or listings, of a brokerage with storage whose jobs run."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from rooftree.kernel import job_queue
from rooftree.kernel.background import Background
from rooftree.kernel.database import Database
from rooftree.kernel.job_queue import JobQueue
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.spreadsheets import MEDIA_TYPES, Format

from ..conftest import Browser, FakeClock, Tenant, TestDatabase, parts_of
from ..crm.conftest import done, version
from ..identity.conftest import Brokerage
from ..object_storage import Bucket, made, password, settings

_ = made  # a fixture
MOVING = ("checking", "applying", "undoing")
MODULES = ("crm", "property")


@dataclass
class Bulk:
    """An agent, a brokerage with a bucket."""

    agent: Browser
    brokerage: Brokerage
    bucket: Bucket
    database: TestDatabase
    clock: FakeClock

    @property
    def owner(self) -> Browser:
        return self.brokerage.owner

    async def job(self, name: str, **payload: Any) -> None:
        """What a job without a run does, now."""
        module = name.partition(".")[0]
        (job,) = [job for job in parts_of(self.brokerage.app, module).queue.declared() if job.name == name]
        await job.run(**payload)


class Files:
    """The operations on files of one kind: `path` is what they begin with."""

    def __init__(self, path: str) -> None:
        self.imports, self.exports = f"/api/v1/{path}-imports", f"/api/v1/{path}-exports"

    async def send(
        self,
        browser: Browser,
        content: bytes | str,
        kind: Format = "csv",
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        body = content.encode() if isinstance(content, str) else content
        return await browser.post(
            self.imports,
            content=body,
            params={"file_name": "file.csv"},
            headers={"Content-Type": MEDIA_TYPES[kind]} | (headers or {}),
        )

    async def settled(self, browser: Browser, begun: httpx2.Response) -> dict[str, Any]:
        """The import when its step has ended."""
        shown = done(begun, 202)
        assert begun.headers["location"] == f"/api/v1/jobs/{shown['job_id']}"
        assert begun.headers["etag"] == f'"{shown["version"]}"'
        async with asyncio.timeout(60):
            while shown["state"] in MOVING:
                await asyncio.sleep(0.02)
                shown = done(await browser.get(f"{self.imports}/{shown['id']}"))
        return shown

    async def ended(self, browser: Browser, job_id: str) -> dict[str, Any]:
        """The job when it has."""
        async with asyncio.timeout(60):
            while (job := done(await browser.get(f"/api/v1/jobs/{job_id}")))["state"] in ("waiting", "running"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return job

    async def checked(self, browser: Browser, content: bytes | str, kind: Format = "csv") -> dict[str, Any]:
        shown = await self.settled(browser, await self.send(browser, content, kind))
        assert shown["state"] == "checked", shown
        return shown

    async def step(self, browser: Browser, shown: dict[str, Any], name: str, **headers: str) -> httpx2.Response:
        return await browser.post(f"{self.imports}/{shown['id']}/{name}", headers=version(shown) | headers)

    async def applied(self, browser: Browser, shown: dict[str, Any]) -> dict[str, Any]:
        shown = await self.settled(browser, await self.step(browser, shown, "application"))
        assert shown["state"] == "applied", shown
        return shown

    async def undone(self, browser: Browser, shown: dict[str, Any]) -> dict[str, Any]:
        shown = await self.settled(browser, await self.step(browser, shown, "undo"))
        assert shown["state"] == "undone", shown
        return shown

    async def errors(self, browser: Browser, shown: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
        return done(await browser.get(f"{self.imports}/{shown['id']}/errors", params={"limit": 100} | params))["items"]

    async def exported(self, browser: Browser, kind: Format = "csv", **params: Any) -> httpx2.Response:
        """The file, when it is made."""
        begun = await browser.post(self.exports, params={"format": kind} | params)
        export = done(begun, 202)
        job = await self.ended(browser, export["job_id"])
        assert (job["state"], job["result"]) == ("succeeded", f"{self.exports}/{export['id']}"), job
        return await browser.get(job["result"])


def table(content: bytes | str) -> list[list[str]]:
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    return list(csv.reader(io.StringIO(text, newline="")))


def written(*rows: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def objects(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def bomb() -> bytes:
    """A workbook of a few KiB that holds 84 MiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"<c/>" * (21 * 1024 * 1024))
    return out.getvalue()


def counts(shown: dict[str, Any]) -> tuple[int, int, int, int]:
    """To create, to update, unchanged, faulty."""
    told = shown["counts"]
    return told["create"], told["update"], told["unchanged"], told["faulty"]


@asynccontextmanager
async def working(browser: Browser, tenant: Tenant) -> AsyncGenerator[None]:
    """A worker for imports and exports alone: it begins at once."""
    pool, background = Database(tenant.settings(), tenant.secrets()), Background()
    queue = JobQueue(pool.engine, Metrics("test"), only_own=True)
    jobs = {job.name: job for module in MODULES for job in parts_of(browser.app, module).queue.declared()}
    queue.register(job for job in jobs.values() if job.tracked)
    queue.start(background)
    yield
    await queue.stop()
    await background.close(5)
    await pool.close()


Opener = Callable[..., Awaitable[Bulk]]


@pytest.fixture
async def open_bulk(
    start: Any,
    stored_tenant: Tenant,
    database: TestDatabase,
    made: Bucket,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Opener]:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    async with AsyncExitStack() as stack:

        async def open_one(endpoint: str | None = None, *, run_jobs: bool = True) -> Bulk:
            for name, value in settings(made.name, endpoint).items():
                monkeypatch.setenv(name, value)
            tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
            owner: Browser = await start(tenant)
            if run_jobs:
                await stack.enter_async_context(working(owner, tenant))
            await owner.accept_owner()
            await owner.sign_in()
            brokerage = Brokerage(owner, database, stack)
            return Bulk(await brokerage.agent(), brokerage, made, database, clock)

        yield open_one


@pytest.fixture
async def bulk(open_bulk: Opener) -> Bulk:
    return await open_bulk()
