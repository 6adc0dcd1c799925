"""Every module as a real process of its own: what one process does, they do together."""

import asyncio
import base64
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rooftree import assembly
from rooftree.kernel import middleware
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.settings import Settings as FeedSettings

from .certificates import Authority
from .conftest import EMAIL, PASSWORD, Browser, TestDatabase
from .identity.conftest import token_of
from .ports import free_port
from .property.conftest import CLIENT, RunningServer, Server, feeds_file
from .test_process import _PROGRAM, Process

pytestmark = pytest.mark.integration
MODULES = assembly.names()
ORIGIN = "https://acme.rooftree.localhost:8443"
START_SECONDS = 90.0  # all at once on a machine that is busy with other tests
MODULE_MEMORY_MIB = 170
GATEWAY_MEMORY_MIB = 150


@dataclass
class Brokerage:
    """A tenant's processes by module."""

    environment: dict[str, str]
    folder: Path
    ports: dict[str, int]
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self, module: str) -> Process:
        others = {name: f"127.0.0.1:{port}" for name, port in self.ports.items() if name not in (module, "gateway")}
        told = {
            "ROOFTREE_BIND_PORT": str(free_port()),
            "ROOFTREE_RPC_ADDRESSES": str(others).replace("'", '"'),
            "ROOFTREE_RPC_PORT": "0" if module == "gateway" else str(self.ports[module]),
            "ROOFTREE_RPC_DIR": str(self.folder / module),
        }
        command = [sys.executable, "-c", _PROGRAM, "--modules", module]
        with (self.folder / f"{module}.log").open("ab") as log:
            child = subprocess.Popen(command, env=self.environment | told, stdout=log, stderr=log)
        self.processes[module] = Process(child, int(told["ROOFTREE_BIND_PORT"]))
        return self.processes[module]

    def browser(self) -> "_Browser":
        return _Browser(self.processes["gateway"].port)

    def log(self, module: str) -> str:
        return (self.folder / f"{module}.log").read_text()

    def wait_for_line(self, module: str, text: str) -> None:
        deadline = time.monotonic() + 10
        while text not in self.log(module):
            assert time.monotonic() < deadline, f"{module} never logged {text}"
            time.sleep(0.05)

    def owner_link(self) -> str:
        command = [sys.executable, "-m", "rooftree.cli", "owner-link"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()


class _Plain(httpx2.AsyncHTTPTransport):
    """The edge: takes what goes to the tenant's address to the gateway's port."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        taken = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await super().handle_async_request(taken)


class _Browser(Browser):
    def __init__(self, port: int) -> None:
        httpx2.AsyncClient.__init__(self, transport=_Plain(port), base_url=ORIGIN, timeout=30)
        self.headers |= {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "User-Agent": "test"}


@pytest.fixture(scope="module")
def feed() -> Iterator[Server]:
    with RunningServer(Server(build_app(FeedSettings(*CLIENT)))) as server:
        yield server


@pytest.fixture(scope="module")
def brokerage(
    migrated_database: TestDatabase, signing_keys: str, feed: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Brokerage]:
    """They begin on an empty database; tests leave all of them running."""
    migrated_database.empty()
    folder, authority = tmp_path_factory.mktemp("processes"), Authority()
    files = {
        "database_password": migrated_database.password,
        "owner_seed": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "signing_keys.json": signing_keys,
        "feeds.json": feeds_file(ames=feed.origin),
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    for module in MODULES:
        authority.write(folder / module, module)
    (folder / "index.html").write_text("<!doctype html><title>Rooftree</title>")
    values = {
        "tenant_id": "acme-0a1b2c3d",
        "slug": "acme",
        "display_name": "Acme Realty",
        "public_url": ORIGIN,
        "owner_email": EMAIL,
        "secrets_dir": folder,
        "frontend_dir": folder,
        "bind_host": "127.0.0.1",
        "metrics_port": 0,
        "drain_seconds": 0.5,
        **{name: value for name, value in migrated_database.settings().items() if value is not None},
    }
    environment = os.environ | {f"ROOFTREE_{name.upper()}": str(value) for name, value in values.items()}
    made = Brokerage(environment, folder, {module: free_port() for module in MODULES})
    try:
        for module in MODULES:
            made.start(module)
        for process in made.processes.values():
            process.wait_until("/readyz", 200, seconds=START_SECONDS)
        yield made
    finally:
        for process in made.processes.values():
            process.child.kill()
            process.child.wait()


@pytest.fixture
async def owner(brokerage: Brokerage) -> AsyncGenerator[_Browser]:
    """Signed in, through all of it."""
    async with brokerage.browser() as browser:
        link = brokerage.owner_link()
        if "/invite/" in link:
            path = f"/api/v1/invitations/{link.rpartition('/')[2]}/acceptance"
            accepted = await browser.post(path, json={"name": "Olivia Owner", "password": PASSWORD})
            assert accepted.status_code == 201, accepted.text
        entered = await browser.sign_in()
        assert entered.status_code == 302, entered.text
        yield browser


def done(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def found(browser: Browser, listing_key: str) -> dict[str, Any]:
    """The listing, once the feed that another process reads has brought it."""
    deadline = time.monotonic() + 60
    while True:
        items = done(await browser.get("/api/v1/properties", params={"q": listing_key}))["items"]
        if items:
            return items[0]
        assert time.monotonic() < deadline, "the feed brought nothing"
        await asyncio.sleep(0.2)


async def test_a_brokerage_works_as_in_one_process(
    brokerage: Brokerage, owner: _Browser, migrated_database: TestDatabase
) -> None:
    session = done(await owner.get("/api/v1/session"))
    assert session["user"]["name"] == "Olivia Owner"
    assert [one["name"] for one in done(await owner.get("/api/v1/users"))["items"]] == ["Olivia Owner"]
    sessions = done(await owner.get("/api/v1/sessions"))["items"]
    assert [one["is_current"] for one in sessions].count(True) == 1
    listing = await found(owner, "AMES-00001")
    photo = await owner.get(listing["photo"]["url"])
    assert (photo.status_code, photo.headers["content-type"]) == (200, "image/jpeg")
    assert photo.content[:3] == b"\xff\xd8\xff"
    # A visitor asks crm, which asks property, and shows it to the owner.
    asked = {"name": "Vic", "email": "vic@client.test", "consent": True, "property_id": listing["id"]}
    async with brokerage.browser() as visitor:
        assert done(await visitor.post("/api/v1/inquiries", json=asked), 202) == {"received": True}
        refused = await visitor.get("/api/v1/leads")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    (lead,) = done(await owner.get("/api/v1/leads"))["items"]
    assert lead["person"]["name"] == "Vic"
    person = done(await owner.post("/api/v1/people", json={"name": "Ada", "emails": ["ada@client.test"]}), 201)
    stale = await owner.patch(f"/api/v1/people/{person['id']}", json={"name": "B"}, headers={"If-Match": '"7"'})
    problem = done(stale, 412)
    assert (problem["current_version"], problem["type"].rpartition("/")[2]) == (1, "version-conflict")
    assert (await owner.post("/auth/logout")).status_code == 204
    assert (await owner.get("/api/v1/people")).status_code == 401
    failed = "SELECT task_name, queue_name FROM jobs.procrastinate_jobs WHERE status = 'failed' AND queue_name <> 'crm'"
    assert migrated_database.rows(failed) == []
    (queue,) = set(
        migrated_database.rows("SELECT queue_name FROM jobs.procrastinate_jobs WHERE task_name LIKE 'property%'")
    )
    assert queue == ("property",)


async def test_a_bearer_token_is_good_at_every_module(brokerage: Brokerage, owner: _Browser) -> None:
    token = (await token_of(owner, EMAIL))["access_token"]
    async with brokerage.browser() as client:
        bearer = {"Authorization": f"Bearer {token}"}
        for path in ("/api/v1/users", "/api/v1/properties", "/api/v1/people", "/api/v1/sessions"):
            assert (await client.get(path, headers=bearer)).status_code == 200, path
            forged = await client.get(path, headers={"Authorization": f"Bearer {token[:-4]}AAAA"})
            assert (forged.status_code, forged.json()["type"].rpartition("/")[2]) == (401, "token-refused"), path


async def test_what_no_module_knows_is_answered_as_in_one_process(brokerage: Brokerage, owner: _Browser) -> None:
    assert (await owner.get("/listings", headers={"Accept": "text/html"})).text.startswith("<!doctype html>")
    for path, status in (("/api/v1/nothing", 404), ("/api/v1/properties/none/of/these", 404)):
        assert done(await owner.get(path), status)["status"] == status
    refused = await owner.delete("/api/v1/leads")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    large = await owner.post("/api/v1/people", content=b"x" * (middleware.MAX_BODY + 1))
    assert done(large, 413)["type"].endswith("payload-too-large")
    picture = await owner.post(
        "/api/v1/properties/01900000-0000-7000-8000-000000000000/photos", content=b"x" * (3 * middleware.MAX_BODY)
    )
    assert picture.status_code not in (413, 500), "a picture may be larger"


async def test_a_request_has_one_id_and_one_set_of_headers(brokerage: Brokerage, owner: _Browser) -> None:
    answer = await owner.get("/api/v1/people")
    (request_id,) = answer.headers.get_list("x-request-id")
    assert len(answer.headers.get_list("content-security-policy")) == 1
    for module in ("gateway", "crm"):
        brokerage.wait_for_line(module, request_id)
    problem = done(await owner.get("/api/v1/people/01900000-0000-7000-8000-000000000000"), 404)
    for module in ("gateway", "crm"):
        brokerage.wait_for_line(module, problem["request_id"])


async def test_the_plain_port_of_a_module_answers_probes_only(brokerage: Brokerage) -> None:
    crm = brokerage.processes["crm"]
    assert crm.get("/livez") == 200
    for path in ("/version", "/api/v1/people", "/api/v1/stages"):
        assert crm.get(path, Host="acme.rooftree.localhost") == 404


async def test_a_module_that_is_away_takes_only_itself_with_it(brokerage: Brokerage, owner: _Browser) -> None:
    brokerage.processes["crm"].child.kill()
    brokerage.processes["crm"].child.wait()
    began = time.monotonic()
    problem = await owner.get("/api/v1/people")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert int(problem.headers["retry-after"]) >= 1
    assert time.monotonic() - began < 3
    assert (await owner.get("/api/v1/properties")).status_code == 200
    brokerage.start("crm").wait_until("/readyz", 200, seconds=START_SECONDS)
    deadline = time.monotonic() + 10
    while (await owner.get("/api/v1/people")).status_code != 200:
        assert time.monotonic() < deadline, "the module was not found again"


async def test_processes_are_small_and_end_in_time(brokerage: Brokerage, owner: _Browser) -> None:
    assert (await owner.get("/api/v1/people")).status_code == 200
    sizes = {module: process.memory_mib() for module, process in brokerage.processes.items()}
    print({module: f"{size:.0f} MiB" for module, size in sizes.items()})  # noqa: T201 - figures of the release
    assert sizes["gateway"] <= GATEWAY_MEMORY_MIB
    assert max(sizes.values()) <= MODULE_MEMORY_MIB
    for module in ("crm", "gateway"):
        process, began = brokerage.processes[module], time.monotonic()
        process.child.send_signal(signal.SIGTERM)
        assert process.child.wait(20) in (0, -signal.SIGTERM)
        print(f"{module} ended in {time.monotonic() - began:.1f} s")  # noqa: T201
        assert time.monotonic() - began <= 0.5 + 8, module
        assert "Traceback" not in brokerage.log(module), module
        brokerage.start(module).wait_until("/readyz", 200, seconds=START_SECONDS)


def test_wrong_neighbours_end_the_process_with_words(brokerage: Brokerage, tmp_path: Path) -> None:
    def words(**told: str) -> str:
        command = [sys.executable, "-m", "rooftree.main", "--modules", "crm"]
        done = subprocess.run(command, env=brokerage.environment | told, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        return done.stderr

    assert "needs IdentityApi, PropertyApi" in words()
    addresses = '{"identity": "127.0.0.1:1", "property": "127.0.0.1:1"}'
    nowhere = str(tmp_path / "nowhere")
    assert "ca.crt cannot be read" in words(ROOFTREE_RPC_ADDRESSES=addresses, ROOFTREE_RPC_DIR=nowhere)
    Authority().write(tmp_path / "here", "crm")
    more = addresses.replace("{", '{"gateway": "127.0.0.1:1", ')
    assert "names gateway" in words(ROOFTREE_RPC_ADDRESSES=more, ROOFTREE_RPC_DIR=str(tmp_path / "here"))
    assert os.environ.get("ROOFTREE_RPC_ADDRESSES") is None
