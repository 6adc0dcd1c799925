"""Mistakes that the tests of killed imports must notice; `make oracles`."""

from typing import Any

import pytest
from rooftree.bulk import undo
from rooftree.kernel.job_runs import Claim

from ..bulk.crashing import ROWS, Stopped, count
from ..bulk.files import made, open_bulk
from ..conftest import Tenant
from ..object_storage import password
from .bulk import CRASH

_ = (made, open_bulk)  # fixtures


@pytest.mark.torture
@pytest.mark.timeout(180)
async def test_planted_without_its_position_an_import_makes_people_twice(open_bulk: Any, stored_tenant: Tenant) -> None:
    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    await CRASH.while_applied(bulk, tenant, "no position")
    assert count(bulk, "crm.people") > ROWS


@pytest.mark.torture
async def test_planted_without_a_claim_an_undo_says_that_people_stayed_who_are_gone(
    open_bulk: Any, stored_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        return

    bulk = await open_bulk(run_jobs=False)
    tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
    monkeypatch.setattr(undo, "PAGE", 100)
    monkeypatch.setattr(Claim, "hold", nothing)
    assert await CRASH.overtaken(bulk, tenant, ends=Stopped) == [(False, 100)]
    assert count(bulk, "crm.people") == ROWS - 100
