"""No list reads a large table from end to end, whoever asks, by whichever filter, in whichever order."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from rooftree.kernel import database as kernel_database
from rooftree.kernel import middleware
from rooftree.kernel.settings import DatabaseSettings, Secrets

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage, brokerage, me
from ..property.conftest import feeds_file
from . import data
from .operations import Operation, Query, operations
from .reading import Planner, Statement, sent, sizes

pytestmark = pytest.mark.integration
_ = brokerage  # a fixture
_SHORT = "a word of two letters has no trigram that an index could know"
# What is not mended: operation, table, words asked for.
KNOWN = {
    ("list_people", "crm.people", "am"): _SHORT,
    ("get_people_board", "crm.people", "am"): _SHORT,
}
# An index, and a list that reads its table from end to end without it.
PLANTED = (
    ("property.properties_by_price", "search_properties", (("sort", "list_price"),)),
    ("crm.people_by_name", "list_people", (("sort", "name"),)),
    ("crm.leads_by_person", "list_person_timeline", ()),
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
    """The brokerage of `data`, asked by people of three roles."""

    __test__ = False
    browsers: dict[str, Browser]
    planner: Planner
    ids: dict[str, tuple[str, ...]]

    def operations(self) -> list[Operation]:
        return operations(self.ids)

    async def asked(self, operation: Operation, query: Query, browser: Browser) -> list[Statement]:
        """What the first two pages send."""
        path = operation.path.format(**{name: values[0] for name, values in self.ids.items()})
        found: list[Statement] = []
        with sent(browser.app.state.parts.database.engine) as statements:
            answer = await browser.get(path, params=list(query))
            assert answer.status_code == 200, f"{operation.id} {query}: {answer.text}"
            if cursor := answer.json().get("next_cursor"):
                following = await browser.get(path, params=[*query, ("cursor", cursor)])
                assert following.status_code == 200, following.text
            found += statements
        assert any("SELECT" in one.text for one in found), f"{operation.id} asked nothing"
        return found

    async def complaints(self, operation: Operation, query: Query) -> list[Complaint]:
        found: list[Complaint] = []
        for role, browser in self.browsers.items():
            for statement in await self.asked(operation, query, browser):
                tables = self.planner.read_from_end_to_end(statement)
                found += [Complaint(operation.id, table, query, role, statement.text) for table in tables]
        return found


@pytest.fixture
async def office(brokerage: Brokerage, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Office]:
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    manager, agent = await brokerage.manager("Main"), await brokerage.agent("Main")
    assert (await brokerage.owner.get("/api/v1/people")).status_code == 200
    data.fill(brokerage.database.admin_dsn)
    with _as_app(brokerage.database) as connection:
        ids = _ids(connection, (await me(agent))["id"])
        browsers = {"owner": brokerage.owner, "manager": manager, "agent": agent}
        yield Office(browsers, Planner(connection, sizes(connection)), ids)


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
