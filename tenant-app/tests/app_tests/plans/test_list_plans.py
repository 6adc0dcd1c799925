"""No list reads a large table from end to end, whoever asks, by whichever filter, in whichever order."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from rooftree import assembly
from rooftree.contracts.access.policy import granted
from rooftree.contracts.access.routes import Need, OpenNeed
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.kernel import database as kernel_database
from rooftree.kernel import middleware
from rooftree.kernel.settings import DatabaseSettings, Secrets

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage, brokerage, me
from ..property.conftest import feeds_file
from . import data
from .operations import Operation, Query, operations
from .reading import Planner, Statement, sent, sizes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300, func_only=True)]  # some 50 s on a quiet machine
_ = brokerage  # a fixture
_SHORT = "a word of two letters has no trigram that an index could know; 100,000 people are read in 20 ms"
# What is not mended: operation, table, words asked for.
KNOWN = {
    ("list_people", "crm.people", "am"): _SHORT,
    ("get_people_board", "crm.people", "am"): _SHORT,
    ("list_users", "identity.users", "am"): _SHORT,
}
# An index, and a list that reads its table from end to end without it.
PLANTED = (
    ("property.properties_search_document", "search_properties", (("q", "maple"),)),
    ("property.properties_by_price", "search_properties", (("sort", "list_price"),)),
    ("crm.people_by_name", "list_people", (("sort", "name"),)),
    ("crm.leads_by_person", "list_person_timeline", ()),
    ("identity.users_words", "list_users", (("q", "agent 12"),)),
)


@pytest.fixture
def tenant(tenant: Tenant) -> Tenant:
    return tenant.but(secret_files={"feeds.json": feeds_file(bench="http://127.0.0.1:1")})


@dataclass(frozen=True)
class Complaint:
    operation: str
    table: str
    query: Query
    role: str
    statement: str

    @property
    def known_as(self) -> tuple[str, str, str]:
        return self.operation, self.table, dict(self.query).get("q", "")

    def __str__(self) -> str:
        return f"{self.operation} {dict(self.query)} of {self.role} reads all of {self.table}:\n{self.statement}"


@dataclass
class Office:
    """The brokerage of `data`, asked by somebody of each role. `small`: tables of few rows that lists read."""

    __test__ = False
    browsers: dict[str, Browser]
    planner: Planner
    ids: dict[str, tuple[str, ...]]
    patch: pytest.MonkeyPatch
    small: set[str] = field(default_factory=set[str])

    def operations(self) -> list[Operation]:
        return operations(self.ids)

    async def complaints(self, operation: Operation, query: Query) -> list[Complaint]:
        """Of all roles to whom the policy opens it."""
        found: list[Complaint] = []
        need, answers = _needs()[operation.id], 0
        for role, browser in self.browsers.items():
            if not granted(role, need.resource, need.action):
                continue
            statements = await self._asked(operation, query, browser)
            answers += bool(statements)
            for statement in statements:
                reading = self.planner.read_by(statement)
                self.small |= reading.small
                found += [Complaint(operation.id, table, query, role, statement.text) for table in reading.end_to_end]
        assert answers, f"{operation.id} answers nobody"
        return found

    async def _asked(self, operation: Operation, query: Query, browser: Browser) -> list[Statement]:
        """What the first page sends, and of each order the second; nothing about a record that is not for this one."""
        path = operation.path.format(**{name: values[0] for name, values in self.ids.items()})
        with sent(self.patch) as statements:
            answer = await browser.get(path, params=list(query))
            if path != operation.path and answer.status_code in {403, 404}:
                return []
            assert answer.status_code == 200, f"{operation.id} {query}: {answer.text}"
            is_another_order = not query or "sort" in dict(query)
            if is_another_order and (cursor := answer.json().get("next_cursor")):
                following = await browser.get(path, params=[*query, ("cursor", cursor)])
                assert following.status_code == 200, following.text
        assert any("SELECT" in one.text for one in statements), f"{operation.id} asked nothing"
        return statements


def _needs() -> dict[str, Need | OpenNeed]:
    """What the policy must grant, by operation."""
    routes = [found.original_route for module in assembly.find() for found in iter_route_contexts(module.router.routes)]
    return {
        route.name: one.dependency
        for route in routes
        if isinstance(route, APIRoute)
        for one in route.dependencies
        if isinstance(one.dependency, Need | OpenNeed)
    }


@pytest.fixture
async def office(brokerage: Brokerage, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Office]:
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    team = await brokerage.team("Lake", "Main")
    agent = await brokerage.join("Andy", AGENT_ROLE, "Main", team_ids=[team])
    browsers = {
        OWNER_ROLE: brokerage.owner,
        MANAGER_ROLE: await brokerage.manager(),
        AGENT_ROLE: agent,
        COORDINATOR_ROLE: await brokerage.coordinator(),
        CLIENT_ROLE: await brokerage.join("Carl", CLIENT_ROLE, "Main"),
    }
    await brokerage.join("Alma", AGENT_ROLE, "Main", team_ids=[team])
    await _delegate(agent, browsers[COORDINATOR_ROLE])
    assert (await brokerage.owner.get("/api/v1/stages")).status_code == 200
    data.fill(brokerage.database.admin_dsn)
    with _as_app(brokerage.database) as connection:
        ids = _ids(connection, (await me(agent))["id"])
        yield Office(browsers, Planner(connection, sizes(connection)), ids, monkeypatch)


async def _delegate(agent: Browser, coordinator: Browser) -> None:
    body = {
        "assistant_id": (await me(coordinator))["id"],
        "resources": ["listing", "person"],
        "expires_at": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
    }
    answer = await agent.post("/api/v1/delegations", json=body)
    assert answer.status_code == 201, answer.text


@contextmanager
def _as_app(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """With the settings that the app's own connections have."""
    settings, secrets = (
        DatabaseSettings(**database.settings()),
        Secrets(Path("/nonexistent"), {"database_password": database.password}),
    )
    arguments = kernel_database.connection_arguments(settings, secrets)
    with psycopg.connect(**arguments, autocommit=True) as connection:
        yield connection


def _ids(connection: psycopg.Connection, agent: str) -> dict[str, tuple[str, ...]]:
    queries = {
        "person_id": "SELECT id FROM crm.people WHERE assigned_to = %(assigned_to)s ORDER BY id LIMIT 1",
        "property_id": "SELECT id FROM property.properties WHERE removed_at IS NULL"
        " AND standard_status = 'Active' ORDER BY id LIMIT 1",
        "import_id": "SELECT id FROM crm.imports ORDER BY id LIMIT 1",
        "stage_id": "SELECT id FROM crm.stages ORDER BY position LIMIT 1",
        "office_id": "SELECT id FROM identity.offices ORDER BY id LIMIT 1",
    }
    found = {"name": ("bench",), "user_id": (agent,), "assigned_to": (agent,)}
    for name, query in queries.items():
        row = connection.execute(query.encode(), {"assigned_to": agent}).fetchone()
        assert row is not None, name
        found[name] = (str(row[0]),)
    return found


async def test_no_list_reads_a_large_table_from_end_to_end(office: Office, database: TestDatabase) -> None:
    found: list[Complaint] = []
    for operation in office.operations():
        for query in operation.queries():
            found += await office.complaints(operation, query)
    new = [complaint for complaint in found if complaint.known_as not in KNOWN]
    assert not new, f"{len(new)} statements:\n\n" + "\n\n".join(map(str, new))
    assert {complaint.known_as for complaint in found} == KNOWN.keys(), "what is mended is known no longer"
    assert office.small == data.FEW.keys(), (
        "the data does not fill what is read, or it fills what is said to stay small"
    )
    # The control: without an index of its own a list is told of.
    for index, operation_id, query in PLANTED:
        with _without(database, index):
            office.planner.forget()
            (operation,) = [one for one in office.operations() if one.id == operation_id]
            assert await office.complaints(operation, query), f"{operation_id} does not miss {index}"


@contextmanager
def _without(database: TestDatabase, index: str) -> Iterator[None]:
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        row = admin.execute("SELECT pg_get_indexdef(%s::regclass)", [index]).fetchone()
        assert row is not None
        admin.execute(f"DROP INDEX {index}".encode())
        try:
            yield
        finally:
            admin.execute(row[0].encode())
