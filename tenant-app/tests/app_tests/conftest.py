"""A migrated database per test worker with production's roles and grants, emptied before each test that uses it."""

import base64
import json
import logging
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import psycopg
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from joserfc.jwk import ECKey
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import BaseModel
from rooftree import assembly
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel import middleware, migrating
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.database import SEARCH_PATH
from rooftree.kernel.rpc import RpcSettings
from rooftree.kernel.settings import DatabaseSettings, Secrets, Settings
from rooftree.manifest import manifest

from .certificates import Authority
from .ports import free_port

# structlog's default draws every frame with its variables, which takes seconds on a busy machine.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@contextmanager
def logging_given_back() -> Iterator[None]:
    """For tests that log as in production: the run gets its own logging back."""
    root, own = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**own)


PASSWORD = "Correct-horse-battery-9"
EMAIL = "olivia@acme.test"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


class FakeClock:
    """Starts now, moves only when told to."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self.time

    def advance(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@dataclass(frozen=True)
class TestDatabase:
    """One migrated database; `settings` connect as the tenant's app role."""

    __test__ = False

    host: str
    port: int
    name: str
    user: str
    password: str
    ca_file: str | None
    admin_dsn: str
    tables: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        return {
            "database_host": self.host,
            "database_port": self.port,
            "database_name": self.name,
            "database_user": self.user,
            "ca_file": self.ca_file,
        }

    def empty(self) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {', '.join(self.tables)} RESTART IDENTITY CASCADE".encode())

    @contextmanager
    def without_login(self) -> Iterator[None]:
        """As the operator leaves it when it deletes a tenant: the app's sessions end and it may not come back."""
        role = sql.Identifier(self.user)
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
            try:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [self.user])
                yield
            finally:
                admin.execute(sql.SQL("ALTER ROLE {} LOGIN").format(role))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look behind the app, as the database's administrator; says so if the app keeps it waiting."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '10s'")
            return connection.execute(query.encode()).fetchall()


def _admin_dsn() -> str:
    dsn = os.environ.get("ROOFTREE_TEST_POSTGRES")
    if not dsn:
        pytest.fail("Integration tests need ROOFTREE_TEST_POSTGRES: the DSN of a superuser (`make up-backends`).")
    return dsn


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDatabase]:
    """Create the roles, migrate as the owner, grant what the operator grants; drop all of it at the end."""
    dsn = _admin_dsn()
    given = conninfo_to_dict(dsn)
    name = f"apptest-{secrets.token_hex(6)}"
    owner, app, password = f"{name}.owner", f"{name}.app", secrets.token_urlsafe(16)
    with psycopg.connect(dsn, autocommit=True) as admin:
        _run(admin, "CREATE ROLE {} NOLOGIN", owner)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(app), password))
        _run(admin, "CREATE DATABASE {} OWNER {}", name, owner)
        _run(admin, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
        _run(admin, "GRANT CONNECT ON DATABASE {} TO {}", name, app)
    admin_dsn = make_conninfo(dsn, dbname=name, options=f"-c search_path={SEARCH_PATH}")
    ca_file = str(given["sslrootcert"]) if given.get("sslrootcert") else None
    host, port = str(given["host"]), int(given.get("port") or 5432)
    try:
        secret_folder = tmp_path_factory.mktemp("admin")
        (secret_folder / "database_password").write_text(str(given.get("password") or ""))
        settings = DatabaseSettings(
            database_host=host,
            database_port=port,
            database_name=name,
            database_user=str(given["user"]),
            ca_file=Path(ca_file) if ca_file else None,
            database_owner_role=owner,
        )
        migrating.upgrade(settings, Secrets(secret_folder), [assembly.folder(item) for item in assembly.names()])
        tables = _grant(admin_dsn, app)
        yield TestDatabase(host, port, name, app, password, ca_file, admin_dsn, tables)
    finally:
        with psycopg.connect(dsn, autocommit=True) as admin:
            _run(admin, "DROP DATABASE {} WITH (FORCE)", name)
            _run(admin, "DROP ROLE {}", app)
            _run(admin, "DROP ROLE {}", owner)


def _run(connection: psycopg.Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def _grant(admin_dsn: str, app: str) -> tuple[str, ...]:
    """What the operator grants in the manifest's schemas; returns the tables that hold tests' rows."""
    schemas: list[str] = manifest("test")["schemas"]
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for schema in schemas:
            _run(admin, "GRANT USAGE ON SCHEMA {} TO {}", schema, app)
            _run(admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}", schema, app)
            _run(admin, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}", schema, app)
        found = admin.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s)"
            " AND schemaname <> 'migrations' ORDER BY 1",
            [schemas],
        ).fetchall()
    return tuple(row[0] for row in found)


@pytest.fixture
def database(migrated_database: TestDatabase) -> TestDatabase:
    """The worker's database, empty."""
    migrated_database.empty()
    return migrated_database


@pytest.fixture(scope="session")
def signing_keys() -> str:
    keys = [ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True) for _ in range(2)]
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class HandClock:
    """Stands in for `time.perf_counter`: goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def break_after(self, seconds: float) -> None:
        """What takes so long and fails."""
        self.now += seconds
        raise LookupError


@pytest.fixture
def hand_clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr("time.perf_counter", clock)
    return clock


@pytest.fixture
def frontend_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Rooftree</title>")
    (folder / "theme.js").write_text("document.documentElement.dataset.theme = 'light'")
    (folder / "assets" / "main-1a2b.js").write_text("export {}")
    return folder


@dataclass(frozen=True)
class Tenant:
    """What makes one tenant's app in a test; `replace` it to get another tenant."""

    values: dict[str, Any]
    secret_files: dict[str, str]

    def settings(self) -> Settings:
        return Settings(**self.values)

    def secrets(self) -> Secrets:
        return Secrets(Path("/nonexistent"), self.secret_files)

    def but(self, *, secret_files: dict[str, str] | None = None, **values: Any) -> "Tenant":
        return replace(self, values=self.values | values, secret_files=self.secret_files | (secret_files or {}))

    @property
    def origin(self) -> str:
        return str(self.values["public_url"])


@pytest.fixture
def tenant(signing_keys: str, frontend_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A tenant whose database does not exist; enough for whatever needs none."""
    monkeypatch.setenv("ROOFTREE_OWNER_EMAIL", EMAIL)
    monkeypatch.setenv("ROOFTREE_OWNER_NAME", "Olivia Owner")
    values = {
        "tenant_id": "acme-0a1b2c3d",
        "slug": "acme",
        "display_name": "Acme Realty",
        "public_url": "https://acme.rooftree.localhost:8443",
        "version": "0.1.0-dev.test",
        "frontend_dir": frontend_dir,
        "database_host": "127.0.0.1",
        "database_port": 1,
        "database_name": "nowhere",
        "database_user": "nobody",
    }
    files = {
        "database_password": "canary-database-password",
        "owner_seed": base64.urlsafe_b64encode(b"canary-owner-seed-of-32-bytes-ok!").decode(),
        "signing_keys.json": signing_keys,
        "feeds.json": "[]",
    }
    return Tenant(values, files)


@pytest.fixture
def stored_tenant(tenant: Tenant, database: TestDatabase) -> Tenant:
    """The same tenant with its real, empty database."""
    return tenant.but(secret_files={"database_password": database.password}, **database.settings())


class Browser(httpx2.AsyncClient):
    """Keeps cookies and tells its origin, as browsers do for what the page's scripts send."""

    def __init__(self, app: Any, origin: str, **options: Any) -> None:
        super().__init__(transport=httpx2.ASGITransport(app=app), base_url=origin, **options)
        self.headers |= {"Origin": origin, "Sec-Fetch-Site": "same-origin", "User-Agent": CHROME}
        self.app: FastAPI = app

    async def get_parameters(self, url: str) -> dict[str, str]:
        """Follow one redirect's Location in thought: its query."""
        response = await self.get(url)
        assert response.status_code == 302, response.text
        return query(response.headers["location"])

    async def accept_owner(self, *, password: str = PASSWORD) -> None:
        link = await identity_of(self.app).owner_link()
        token = link.url.rpartition("/")[2]
        answer = await self.post(
            f"/api/v1/invitations/{token}/acceptance", json={"name": "Olivia Owner", "password": password}
        )
        assert answer.status_code == 201, answer.text

    async def start_sign_in(self, return_to: str = "/listings") -> str:
        """Up to the sign-in page; returns its `request`."""
        to_authorize = await self.get("/auth/login", params={"return_to": return_to})
        to_page = await self.get(to_authorize.headers["location"])
        assert to_page.headers["location"].startswith("/sign-in?"), to_page.headers["location"]
        return query(to_page.headers["location"])["request"]

    async def submit(self, request: str, *, email: str = EMAIL, password: str = PASSWORD) -> httpx2.Response:
        return await self.post("/oauth/sign-in", json={"request": request, "email": email, "password": password})

    async def sign_in(self, return_to: str = "/listings") -> httpx2.Response:
        """All of it; returns the callback's answer."""
        signed_in = await self.submit(await self.start_sign_in(return_to))
        assert signed_in.status_code == 200, signed_in.text
        return await self.get(signed_in.json()["redirect_to"])


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def identity_of(app: FastAPI) -> IdentityApi:
    parts: assembly.Parts = app.state.parts
    return parts.runtime.port(IdentityApi)


@pytest.fixture
async def start(clock: FakeClock) -> AsyncGenerator[Callable[..., Any]]:
    """`await start(tenant)` runs that tenant's app in this process and yields a browser on it."""
    async with AsyncExitStack() as stack:

        async def run(tenant: Tenant, *, run_jobs: bool = False) -> Browser:
            app = await _started(stack, tenant, clock=clock, run_jobs=run_jobs)
            return await stack.enter_async_context(Browser(app, tenant.origin))

        yield run


async def _started(stack: AsyncExitStack, tenant: Tenant, **options: Any) -> FastAPI:
    """The app that browsers reach. With TOPOLOGY=microservices it has each other module's beside it, over gRPC."""
    alone = os.environ.get("TOPOLOGY", "monolith") == "monolith"
    processes: dict[str, FastAPI] = {}
    for wanted, rpc in [(assembly.names(), None)] if alone else placements(stack):
        app = assembly.create_app(tenant.settings(), tenant.secrets(), wanted=wanted, rpc=rpc, **options)
        app.include_router(probe)
        await stack.enter_async_context(_running(app))
        processes |= dict.fromkeys(wanted, app)
    gateway = processes["gateway"]
    gateway.state.processes = processes
    return gateway


def parts_of(app: FastAPI, module: str) -> assembly.Parts:
    """What the process of this module is made of."""
    process: FastAPI = app.state.processes[module]
    return process.state.parts


def placements(stack: AsyncExitStack) -> list[tuple[Sequence[str], RpcSettings]]:
    """Each module for itself, the gateway last; certificates live as long as `stack`."""
    authority, folder = Authority(), Path(stack.enter_context(TemporaryDirectory()))
    modules = [name for name in assembly.names() if name != "gateway"]
    addresses = {name: f"127.0.0.1:{free_port()}" for name in modules}
    placed: list[tuple[Sequence[str], RpcSettings]] = []
    for name in (*modules, "gateway"):
        authority.write(folder / name, name)
        others = {other: address for other, address in addresses.items() if other != name}
        port = int(addresses.get(name, ":0").rpartition(":")[2])
        placed.append(([name], RpcSettings(rpc_addresses=others, rpc_port=port, rpc_dir=folder / name)))
    return placed


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for others' transactions may do so for longer than a person would: machines of tests are slow."""
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)


probe = APIRouter(prefix="/probe")


@probe.get("/whoami")
async def whoami(principal: CurrentPrincipal) -> dict[str, str]:
    """A protected route that belongs to no module."""
    return {"user_id": str(principal.user_id), "role": principal.role}


class ProbeInput(BaseModel):
    count: int


@probe.post("/echo")
async def echo(body: ProbeInput, limit: int = 1) -> dict[str, int]:
    return {"count": body.count * limit}


@probe.get("/bug")
async def bug() -> None:
    raise RuntimeError("canary-in-a-bug")


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncGenerator[None]:
    async with app.router.lifespan_context(app):
        yield


@pytest.fixture
async def browser(start: Callable[..., Any], stored_tenant: Tenant) -> Browser:
    """A browser on the tenant's app, nobody signed in."""
    opened: Browser = await start(stored_tenant)
    return opened


@pytest.fixture
async def owner(browser: Browser) -> Browser:
    """A browser in which the owner is signed in."""
    await browser.accept_owner()
    await browser.sign_in()
    return browser
