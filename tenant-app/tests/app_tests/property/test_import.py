"""The copy of the sample feed in a real database: complete, resumable, idempotent, undisturbed by bad records."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rooftree_mls_feed.store import load_records

from ..conftest import Tenant, TestDatabase
from .conftest import Server, connected, sync

pytestmark = pytest.mark.integration

IMPORT_SECONDS = 30
STATE = (
    "SELECT p.feed, p.listing_key, p.standard_status, p.list_price, p.close_price, p.unparsed_address,"
    " p.bedrooms_total, p.bathrooms_total, p.living_area, p.lot_size_area, p.year_built, p.modification_timestamp,"
    " p.details, p.fingerprint, p.search_text, p.search_document::text,"
    " (SELECT array_agg(m.number || ' ' || m.url ORDER BY m.number) FROM property.media m WHERE m.property_id = p.id)"
    " FROM property.properties p ORDER BY p.feed, p.listing_key"
)
REJECTED = "SELECT feed, identity, listing_key, reasons::text, record::text FROM property.rejections ORDER BY identity"


def rows(database: TestDatabase, query: str) -> list[tuple[Any, ...]]:
    return database.rows(query)


async def test_imports_every_good_record_and_lists_every_bad_one(
    stored_tenant: Tenant, database: TestDatabase, mls: Server
) -> None:
    started = time.monotonic()
    await sync(connected(stored_tenant, ames=mls.origin))
    assert time.monotonic() - started < IMPORT_SECONDS
    good = {r["ListingKey"]: r for r in load_records() if not r["PublicRemarks"].startswith("A deliberately broken")}
    stored = rows(database, "SELECT listing_key, list_price, unparsed_address, living_area FROM property.properties")
    assert {key: values for key, *values in stored} == {
        key: [r["ListPrice"] * 100, r["UnparsedAddress"], r["LivingArea"]] for key, r in good.items()
    }
    photos = rows(database, "SELECT count(*) FROM property.media")[0][0]
    assert photos == sum(record["PhotosCount"] for record in good.values())
    reasons = rows(database, "SELECT reasons FROM property.rejections")
    assert sorted((r["field"], r["message"]) for (found,) in reasons for r in found) == sorted(
        4
        * [
            ("ListingKey", "is missing"),
            ("StandardStatus", '"Sort of sold" is not a status of the Data Dictionary'),
            ("ModificationTimestamp", '"last Tuesday" is not a time with its offset (2026-05-31T17:00:00Z)'),
            ("BedroomsTotal", 'must be a number, not "three"'),
        ]
        + [
            ("ListPrice", f"{r['ListPrice']} is not between 0 and 1,000,000,000,000")
            for r in load_records()
            if isinstance(r["ListPrice"], int) and r["ListPrice"] < 0
        ]
    )
    (feed,) = rows(database, "SELECT state, checkpoint, last_error FROM property.feeds")
    assert feed == ("idle", None, None)


async def test_a_second_run_asks_for_changes_only_and_writes_nothing(
    stored_tenant: Tenant, database: TestDatabase, mls: Server
) -> None:
    tenant = connected(stored_tenant, ames=mls.origin)
    await sync(tenant)
    versions = "SELECT xmin::text, ctid::text FROM property.properties ORDER BY id"
    rejected = "SELECT xmin::text, ctid::text FROM property.rejections ORDER BY id"
    before, refused, asked = rows(database, versions), rows(database, rejected), len(mls.pages())
    await sync(tenant)
    assert (rows(database, versions), rows(database, rejected)) == (before, refused)
    assert [page for page in mls.pages()[asked:] if "ModificationTimestamp%20gt%202010-07-" not in page] == []
    # Nor does reading all of it again, as after a lost feed row.
    database.rows("DELETE FROM property.feeds RETURNING 1")
    await sync(tenant)
    assert (rows(database, versions), rows(database, rejected)) == (before, refused)


def environment(tenant: Tenant, folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    for name, content in tenant.secret_files.items():
        (folder / name).write_text(content)
    values = {name: str(value) for name, value in tenant.values.items() if value is not None}
    values |= {"secrets_dir": str(folder), "owner_email": "olivia@acme.test"}
    return {**os.environ, **{f"ROOFTREE_{name.upper()}": value for name, value in values.items()}}


PROGRAM = """
import asyncio
from rooftree import assembly
from rooftree.kernel.settings import Secrets, Settings, load

async def main():
    settings = load(Settings)
    parts = assembly.build(assembly.find(), settings, Secrets(settings.secrets_dir))
    (job,) = [job for job in parts.queue.declared() if job.name == "property.sync_feeds"]
    await job.run()
    await parts.close()

asyncio.run(main())
"""


def kill_midway(variables: dict[str, str], database: TestDatabase) -> None:
    """Run the import in a process of its own and kill it when some 1,500 records are stored."""
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], env=variables, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while rows(database, "SELECT count(*) FROM property.properties")[0][0] < 1400:
        assert child.poll() is None, "the import ended before it could be killed"
        assert time.monotonic() < deadline, "the import does not come forward"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()


async def test_a_run_killed_at_record_1500_goes_on_where_it_was(
    stored_tenant: Tenant, database: TestDatabase, mls: Server, tmp_path: Path
) -> None:
    tenant = connected(stored_tenant, ames=mls.origin)
    kill_midway(environment(tenant, tmp_path / "secrets"), database)
    stored = rows(database, "SELECT count(*) FROM property.properties")[0][0]
    (checkpoint,) = rows(database, "SELECT checkpoint FROM property.feeds")[0]
    assert 1400 <= stored < 2930
    assert checkpoint is not None
    asked = len(mls.pages())

    await sync(tenant)

    again = mls.pages()[asked:]
    assert again[0] == checkpoint.removeprefix(mls.origin)
    assert all("$skiptoken=" in page for page in again)
    tokens = [int(page.rpartition("$skiptoken=")[2]) for page in again]
    assert min(tokens) >= 1400
    assert tokens == sorted(set(tokens))
    runs = rows(database, "SELECT kind, state, seen, created, total, checkpoint FROM property.feed_runs ORDER BY id")
    assert runs == [("full", "succeeded", 2950, 2930, 2950, None), ("purge", "succeeded", 2946, 0, 2950, None)]
    told = rows(database, "SELECT count(*), count(DISTINCT aggregate_id) FROM events.outbox")
    assert told == [(2930, 2930)]
    resumed = (rows(database, STATE), rows(database, REJECTED))
    database.empty()
    await sync(tenant)
    assert resumed == (rows(database, STATE), rows(database, REJECTED))
    assert len(resumed[0]) == 2930
    assert len(resumed[1]) == 20
