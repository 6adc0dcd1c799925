"""Whoever is killed within an import of listings or its undoing: each listing is made once, and none stays."""

from typing import Any

import pytest
from rooftree.bulk import undo

from ..bulk.crashing import ROWS, count
from ..bulk.files import made, open_bulk
from ..conftest import Tenant
from ..object_storage import password
from .bulk import CRASH

_ = (made, open_bulk)  # fixtures
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.mark.thorough
async def test_whoever_is_killed_each_listing_is_made_once_and_taken_back_once(
    open_bulk: Any, stored_tenant: Tenant
) -> None:
    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    shown = await CRASH.while_applied(bulk, tenant)
    assert shown["counts"] == {"create": ROWS, "update": 0, "unchanged": 0, "faulty": 0}
    made = bulk.database.rows("SELECT count(*), count(DISTINCT unparsed_address) FROM property.properties")
    assert made == [(ROWS, ROWS)]
    assert count(bulk, "property.edits") == ROWS
    await CRASH.while_undone(bulk, tenant, shown)
    assert (count(bulk, "property.properties"), count(bulk, "property.edits")) == (0, 0)
    assert bulk.database.rows("SELECT undone, kept FROM property.imports") == [(ROWS, 0)]


async def test_whoever_was_overtaken_while_it_is_undone_changes_nothing_more(
    open_bulk: Any, stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    monkeypatch.setattr(undo, "PAGE", 100)
    assert await CRASH.overtaken(bulk, tenant) == [(True, 100)]
