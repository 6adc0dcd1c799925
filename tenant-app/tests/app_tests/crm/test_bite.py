"""A mistake that the tests of killed imports must notice; `make oracles`."""

from typing import Any

import pytest

from ..bulk.crashing import ROWS, count
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
