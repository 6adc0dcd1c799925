"""A brokerage is written, loses its data by hand, and has all of it again; its neighbour notices nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import conninfo, sql

from .conftest import Edge, Kubectl, ObjectStore, Tenant, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

BACKUP_SECONDS, RESTORE_SECONDS = 240, 400
ROWS = 2000
# A million rows of a kilobyte that no compression makes much smaller.
GIGABYTE = """
INSERT INTO backup_test.home SELECT 10000 + i, string_agg(md5((i * 32 + j)::text), '')
FROM generate_series(1, 1000000) i, generate_series(1, 32) j GROUP BY i"""
# Events, jobs, answers and the search index's own rows change while nobody works with a brokerage.
TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('backup_test', 'crm', 'identity', 'migrations', 'property')
  AND c.relname NOT LIKE '%search%' ORDER BY 1"""


def database(admin_dsn: str, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo.make_conninfo(admin_dsn, dbname=name), autocommit=True)


def fill(connection: psycopg.Connection[Any]) -> None:
    """Rows that only this test knows, in a table of the owner's own."""
    connection.execute("CREATE SCHEMA backup_test")
    connection.execute("CREATE TABLE backup_test.home (id int PRIMARY KEY, words text)")
    statement = "INSERT INTO backup_test.home SELECT i, md5(i::text) FROM generate_series(1, %s) i"
    connection.execute(statement, (ROWS,))


def give(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    """What a superuser has made belongs to the tenant, as everything in its database does."""
    owner = sql.Identifier(f"{tenant.id}.owner")
    connection.execute(sql.SQL("ALTER SCHEMA backup_test OWNER TO {}").format(owner))
    connection.execute(sql.SQL("ALTER TABLE backup_test.home OWNER TO {}").format(owner))


def sums(admin_dsn: str, tenant: Tenant) -> dict[str, tuple[int, str]]:
    """Of each table that rests its rows and a hash of all that they hold."""
    with database(admin_dsn, tenant.database) as connection:
        names = [row[0] for row in connection.execute(TABLES)]
        found: dict[str, tuple[int, str]] = {}
        for name in names:
            schema, _, table = name.partition(".")
            text = "SELECT count(*), md5(coalesce(string_agg(t.*::text, '|' ORDER BY t.*::text), '')) FROM {}.{} AS t"
            row = connection.execute(sql.SQL(text).format(sql.Identifier(schema), sql.Identifier(table))).fetchone()
            assert row is not None
            found[name] = (row[0], row[1])
    return found


def operate(kubectl: Kubectl, name: str, seconds: float, **spec: Any) -> dict[str, Any]:
    """Orders an operation and waits for its end."""
    kubectl.apply(
        {
            "apiVersion": "rooftree.dev/v1alpha1",
            "kind": "BrokerageOperation",
            "metadata": {"name": name},
            "spec": spec,
        }
    )
    done = until(
        f"operation {name} is over",
        lambda: kubectl.get("brokerageoperation", name).get("status", {}),
        seconds=seconds,
        enough=lambda status: status.get("phase") in ("Succeeded", "Failed"),
        every=0.5,
    )
    assert done["phase"] == "Succeeded", json.dumps(done, indent=1)
    return done


@pytest.fixture(scope="module")
def operations(kubectl: Kubectl) -> Iterator[Callable[..., dict[str, Any]]]:
    made: list[str] = []

    def order(name: str, seconds: float, **spec: Any) -> dict[str, Any]:
        made.append(name)
        return operate(kubectl, name, seconds, **spec)

    yield order
    for kind in ("brokerageoperation", "brokeragebackup"):
        here = [name for name in made if kubectl.exists(kind, name)]
        if here:
            kubectl.run("delete", kind, *here, "--timeout=60s")


def figure(name: str, value: float, **more: Any) -> None:
    """One JSON line, as all figures are."""
    sys.stdout.write(json.dumps({"figure": name, "value": value, "unit": "s", **more}) + "\n")


def test_a_brokerage_that_lost_its_data_has_all_of_it_again_and_its_neighbour_changes_nothing(
    kubectl: Kubectl,
    brokerages: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    admin_dsn: str,
    edge: Edge,
) -> None:
    tenant, other, mark = brokerages(), brokerages(), secrets.token_hex(3)
    for one in (tenant, other):
        with database(admin_dsn, one.database) as connection:
            fill(connection)
            give(connection, one)
    store = ObjectStore.tenant(kubectl, tenant)
    photo = secrets.token_bytes(300_000)
    assert store.ask("PUT", f"/{tenant.id}/photos/1", photo).is_success
    before, neighbour = sums(admin_dsn, tenant), sums(admin_dsn, other)
    ordered = datetime.now(UTC)
    backup = operations(f"written-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")["result"]
    taken = datetime.fromisoformat(backup["takenAt"])
    tried = operations(f"tried-{mark}", RESTORE_SECONDS, brokerage=tenant.name, type="Drill")["result"]
    assert (tried["backup"], tried["rows"]) == (f"written-{mark}", backup["rows"])
    figure("drill_seconds", tried["seconds"])
    figure("backup_seconds", backup["seconds"], bytes=backup["size"], rpo=(taken - ordered).total_seconds())

    with database(admin_dsn, tenant.database) as connection:
        connection.execute("TRUNCATE backup_test.home")
        connection.execute("INSERT INTO backup_test.home VALUES (-1, 'written after the backup')")
    assert store.ask("DELETE", f"/{tenant.id}/photos/1").is_success
    assert sums(admin_dsn, tenant) != before

    back = operations(f"back-{mark}", RESTORE_SECONDS, brokerage=tenant.name, type="Restore", backup=f"written-{mark}")[
        "result"
    ]
    figure("restore_seconds", back["seconds"], closed=back["closedSeconds"], rows=back["rows"])
    assert sums(admin_dsn, tenant) == before
    assert hashlib.sha256(store.ask("GET", f"/{tenant.id}/photos/1").content).digest() == hashlib.sha256(photo).digest()
    assert edge.get(tenant.host, "/version").json()["tenant_id"] == tenant.id
    assert sums(admin_dsn, other) == neighbour


@pytest.mark.thorough
def test_credentials_are_rotated_during_a_backup_and_the_restore_gets_in_with_the_new_ones(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], operations: Callable[..., dict[str, Any]], admin_dsn: str
) -> None:
    tenant, mark = brokerages(), secrets.token_hex(3)
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        give(connection, tenant)
    before = sums(admin_dsn, tenant)
    kubectl.run("annotate", "brokerage", tenant.name, f"rooftree.dev/rotate={mark}")
    operations(f"rotated-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    until(
        "the former logins are shut out",
        lambda: kubectl.get("brokerage", tenant.name)["status"].get("rotation", {}).get("phase"),
        seconds=RESTORE_SECONDS,
        enough=lambda phase: phase in ("Draining", "Completing", "Completed"),
    )
    with database(admin_dsn, tenant.database) as connection:
        connection.execute("TRUNCATE backup_test.home")
    spec = {"brokerage": tenant.name, "type": "Restore", "backup": f"rotated-{mark}"}
    operations(f"rotated-back-{mark}", RESTORE_SECONDS, **spec)
    assert sums(admin_dsn, tenant) == before


@pytest.mark.thorough
@pytest.mark.timeout(2400)
def test_a_gigabyte_is_written_within_five_minutes_and_back_within_ten(
    brokerages: Callable[..., Tenant], operations: Callable[..., dict[str, Any]], admin_dsn: str
) -> None:
    tenant, mark = brokerages(), secrets.token_hex(3)
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        connection.execute(GIGABYTE)
        give(connection, tenant)
    before = sums(admin_dsn, tenant)
    backup = operations(f"large-{mark}", 600, brokerage=tenant.name, type="Backup")["result"]
    figure("backup_seconds", backup["seconds"], bytes=backup["size"], gigabytes=1)
    spec = {"brokerage": tenant.name, "type": "Restore", "backup": f"large-{mark}", "ttlSecondsAfterFinished": 60}
    back = operations(f"large-back-{mark}", 900, **spec)["result"]
    figure("restore_seconds", back["seconds"], closed=back["closedSeconds"], gigabytes=1)
    assert sums(admin_dsn, tenant) == before
    assert backup["seconds"] <= 300
    assert back["seconds"] <= 600


@pytest.mark.thorough
def test_a_new_brokerage_begins_with_the_backup_of_another_and_masks_its_people(
    kubectl: Kubectl,
    brokerages: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    admin_dsn: str,
    edge: Edge,
) -> None:
    tenant, mark = brokerages(), secrets.token_hex(3)
    office = (
        "INSERT INTO identity.offices (id, name, name_key, phone, version) VALUES (gen_random_uuid(), %s, %s, %s, 1)"
    )
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        give(connection, tenant)
        connection.execute(office, ("Downtown", "downtown", "+15155550100"))
    store = ObjectStore.tenant(kubectl, tenant)
    assert store.ask("PUT", f"/{tenant.id}/photos/1", b"a house").is_success
    operations(f"origin-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    clone = brokerages(source={"backup": f"origin-{mark}", "mask": True})
    assert clone.id != tenant.id
    assert edge.get(clone.host, "/version").json()["tenant_id"] == clone.id
    assert sums(admin_dsn, clone)["backup_test.home"] == sums(admin_dsn, tenant)["backup_test.home"]
    with database(admin_dsn, clone.database) as connection:
        row = connection.execute("SELECT name, phone FROM identity.offices WHERE name_key = 'downtown'").fetchone()
    assert row is not None
    assert (row[0], row[1][:5], row[1] != "+15155550100") == ("Downtown", "+1555", True)
    assert ObjectStore.tenant(kubectl, clone).ask("GET", f"/{clone.id}/photos/1").content == b"a house"
    # The operation ends a moment after the brokerage answers.
    told = until(
        "what it began with",
        lambda: kubectl.get("brokerage", clone.name)["status"].get("source"),
        seconds=RESTORE_SECONDS,
    )
    assert told["backup"] == f"origin-{mark}"
    kubectl.run("delete", "brokerageoperation", f"{clone.name}-clone", "--timeout=60s")


@pytest.mark.thorough
def test_a_snapshot_is_written_before_everything_goes_and_brings_it_back(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], admin_dsn: str, superuser: psycopg.Connection[Any]
) -> None:
    tenant = brokerages(deletionPolicy="Snapshot")
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        give(connection, tenant)
    kubectl.run("delete", "brokerage", tenant.name, f"--timeout={BACKUP_SECONDS}s")
    found = superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", (tenant.database,)).fetchone()
    assert found is None
    left = kubectl.items("brokeragebackups", "-l", f"rooftree.dev/tenant={tenant.id}")
    (name,) = [item["metadata"]["name"] for item in left]
    back = brokerages(tenant.name, source={"backup": name})
    assert back.id != tenant.id
    assert sums(admin_dsn, back)["backup_test.home"][0] == ROWS
    kubectl.run("delete", "brokeragebackup", name, "--timeout=60s")


@pytest.mark.thorough
def test_the_databases_that_a_restore_left_go_with_its_operation_and_the_files_with_the_backup(
    kubectl: Kubectl,
    brokerages: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    superuser: psycopg.Connection[Any],
) -> None:
    tenant, mark = brokerages(), secrets.token_hex(3)
    operations(f"kept-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    operations(f"again-{mark}", RESTORE_SECONDS, brokerage=tenant.name, type="Restore", backup=f"kept-{mark}")

    def beside() -> list[str]:
        rows = superuser.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{tenant.id}.%",))
        return [row[0] for row in rows]

    assert [name.partition(".")[2][:2] for name in beside()] == ["b-"]
    kubectl.run("delete", "brokerageoperation", f"again-{mark}", "--timeout=60s")
    assert beside() == []
    bucket = f"/{tenant.id}-backups"
    assert b"manifest.json" in ObjectStore.administrator().ask("GET", bucket).content
    kubectl.run("delete", "brokeragebackup", f"kept-{mark}", "--timeout=60s")
    assert b"manifest.json" not in ObjectStore.administrator().ask("GET", bucket).content


def test_what_lies_in_the_store_is_closed_to_the_brokerage_and_says_nothing(
    kubectl: Kubectl,
    brokerages: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    admin_dsn: str,
) -> None:
    tenant, mark, canary = brokerages(), secrets.token_hex(3), secrets.token_hex(12)
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        connection.execute("INSERT INTO backup_test.home VALUES (0, %s)", (canary,))
        give(connection, tenant)
    operations(f"closed-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    bucket = f"/{tenant.id}-backups"
    assert ObjectStore.tenant(kubectl, tenant).ask("GET", bucket).status_code == 403
    admin = ObjectStore.administrator()
    listed = admin.ask("GET", bucket).text
    names = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
    assert len(names) >= 2
    for name in names:
        content = admin.ask("GET", f"{bucket}/{name}").content
        assert canary.encode() not in content
        assert b"PGDMP" not in content
    left = kubectl.run("get", "secret,networkpolicy,job", "-n", tenant.namespace, "-o", "name").stdout.split()
    assert [name for name in left if "operation" in name] == []


@pytest.mark.thorough
def test_a_restore_from_a_backup_of_another_brokerage_is_refused_with_a_code(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], operations: Callable[..., dict[str, Any]]
) -> None:
    tenant, other, mark = brokerages(), brokerages(), secrets.token_hex(3)
    operations(f"mine-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    spec = {"brokerage": other.name, "type": "Restore", "backup": f"mine-{mark}"}
    with pytest.raises(AssertionError, match="BackupOfAnother"):
        operations(f"theft-{mark}", 60, **spec)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"type": "Restore"}, "spec.backup must name the backup of a Restore or Clone"),
        ({"type": "Backup", "backup": "x"}, "spec.backup is none of a Backup's"),
        ({"type": "Backup", "mask": True}, "spec.mask is of a Clone only"),
        ({"type": "Dance"}, "Unsupported value"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(kubectl: Kubectl, plans: None, spec: dict[str, Any], told: str) -> None:
    item = {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "BrokerageOperation",
        "metadata": {"name": f"senseless-{secrets.token_hex(3)}"},
        "spec": {"brokerage": "acme", **spec},
    }
    done = kubectl.run("create", "-f", "-", content=json.dumps(item), code=1)
    assert told in done.stderr
