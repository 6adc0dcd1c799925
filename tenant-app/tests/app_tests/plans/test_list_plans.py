"""No list reads a large table from end to end, whoever asks, by whichever filter, in whichever order."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from rooftree.kernel import database as kernel_database
from rooftree.kernel import middleware

from ..conftest import Browser, Tenant, TestDatabase
from ..identity.conftest import Brokerage, brokerage, me
from ..property.conftest import feeds_file
from . import data
from .operations import Operation, Query, operations
from .reading import Planner, Statement, sent, sizes

pytestmark = pytest.mark.integration
_ = brokerage  # a fixture
# An index, and a list that reads its table from end to end without it.
PLANTED = (
    ("property.properties_by_price", "search_properties", (("sort", "list_price"),)),
    ("crm.people_by_name", "list_people", (("sort", "name"),)),
    ("crm.leads_by_person", "list_person_timeline", ()),
)


@pytest.fixture
def tenant(tenant: Tenant) -> Tenant:
    return tenant.but(secret_files={"feeds.json": feeds_file(bench="http://127.0.0.1:1")})


@dataclass
class Office:
    """The brokerage of `data`, asked by people of three roles."""

    __test__ = False
    browsers: dict[str, Browser]
    planner: Planner
    ids: dict[str, tuple[str, ...]]
    known: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def operations(self) -> list[Operation]:
        return operations(self.ids)

    async def asked(self, operation: Operation, query: Query, browser: Browser) -> list[Statement]:
        """What the first two pages send."""
        path = operation.path.format(**{name: values[0] for name, values in self.ids.items()})
        found: list[Statement] = []
        with sent(browser.app.state.parts.database.engine) as statements:
            answer = await browser.get(path, params=list(query))
            if answer.status_code != 200:
                import pathlib

                with pathlib.Path("/tmp/reads-refused.txt").open("a") as f:
                    f.write(f"{operation.id} {query}: {answer.text}\n")
                return found
            if cursor := answer.json().get("next_cursor"):
                following = await browser.get(path, params=[*query, ("cursor", cursor)])
                assert following.status_code == 200, following.text
            found += statements
        assert any("SELECT" in one.text for one in found), f"{operation.id} asked nothing"
        return found

    async def complaints(self, operation: Operation, query: Query) -> list[str]:
        found: list[str] = []
        for role, browser in self.browsers.items():
            for statement in await self.asked(operation, query, browser):
                found += [
                    f"{operation.id} {dict(query)} of {role} reads all of {table}:\n{statement.text}"
                    for table in self.planner.read_from_end_to_end(statement)
                ]
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
    options = f"-c search_path={kernel_database.SEARCH_PATH}"
    dsn = make_conninfo(database.admin_dsn, user=database.user, password=database.password, options=options)
    with psycopg.connect(dsn, autocommit=True) as connection:
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
    complaints: list[str] = []
    for operation in office.operations():
        for query in operation.queries():
            more = await office.complaints(operation, query)
            with open("/tmp/reads-complaints.txt", "a") as f:
                f.writelines(m + chr(10) + chr(10) for m in more)
            complaints += more
    assert not complaints, f"{len(complaints)} statements:\n\n" + "\n\n".join(complaints)
