"""A file of people on its way into the brokerage, and out of it again."""

from typing import Any

import pytest

from .bulk import Bulk, applied, bulk, checked, counts, errors, made, open_bulk, undone
from .conftest import create, done, people, read, timeline

_ = (bulk, made, open_bulk)  # fixtures
pytestmark = pytest.mark.integration
FILE = """Name,Email,Phone,Tags
Ada Canary,ada@client.test,(515) 232-0199,buyer; investor
Bea Canary,bea@client.test,,
,,,
Cleo Canary,cleo@client.test,515 232 0150,seller
"""


async def test_a_file_is_looked_at_applied_and_undone(bulk: Bulk) -> None:
    agent = bulk.agent
    shown = await checked(agent, FILE)
    assert (shown["rows"], counts(shown), shown["encoding"]) == (3, (3, 0, 0, 0), "utf-8")
    assert [(one["name"], one["field"]) for one in shown["columns"]] == [
        ("Name", "name"),
        ("Email", "emails"),
        ("Phone", "phones"),
        ("Tags", "tags"),
    ]
    assert shown["columns"][0]["sample"] == ["Ada Canary", "Bea Canary", "Cleo Canary"]
    assert await people(agent) == []
    shown = await applied(agent, shown)
    assert counts(shown) == (3, 0, 0, 0)
    assert sorted(await people(agent)) == ["Ada Canary", "Bea Canary", "Cleo Canary"]
    assert await people(agent, q="515 232-0150") == ["Cleo Canary"]
    (ada,) = done(await agent.get("/api/v1/people", params={"q": "ada@client"}))["items"]
    assert (ada["source"], ada["tags"], ada["can_edit"]) == ("Import", ["buyer", "investor"], True)
    assert [entry["kind"] for entry in await timeline(agent, ada)] == ["assignment"]
    shown = await undone(agent, shown)
    assert shown["undo"] == {"undone": 3, "kept": 0}
    assert await people(agent) == []
    assert bulk.database.rows("SELECT count(*) FROM crm.contacts") == [(0,)]
