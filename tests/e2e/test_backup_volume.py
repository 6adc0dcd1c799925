"""The operator keeps backups on a volume: one is written, tried, brought back and cloned, and only its Job sees it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from rooftree_local import release

from .conftest import (
    OPERATOR,
    Kubectl,
    ObjectStore,
    Tenant,
    fresh_name,
    helm,
    inventory,
    manifest,
    required,
    until,
    upgrade,
)
from .test_backup import BACKUP_SECONDS, RESTORE_SECONDS, database, fill, give, operate, sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(900)]

GONE_SECONDS = 90  # a pod that ends, and then Kubernetes lets its claim and its volume go


class Installation:
    """The chart, with its values as they are now; `folder` is where this machine sees the volume."""

    def __init__(self, kubectl: Kubectl, chart: str) -> None:
        self._kubectl, self._chart = kubectl, chart
        self.folder = Path(required("ROOFTREE_CA_FILE")).parents[1] / release.BACKUPS
        self._before: dict[str, Any] = json.loads(helm("get", "values", "rooftree", "--output=json"))

    def keep_backups(self, volume: dict[str, Any] | None) -> None:
        """Has them lie there; None: as it was before."""
        values = self._before if volume is None else {**self._before, "backups": {"volume": volume}}
        upgrade(self._chart, "--reset-values", "--values=-", content=json.dumps(values))

    def lying(self, tenant: Tenant) -> dict[str, set[str]]:
        """Of each backup of the tenant its files."""
        own = self.folder / tenant.id
        found = [path.relative_to(own).parts for path in own.rglob("*") if path.is_file()] if own.exists() else []
        return {backup: {"/".join(rest) for first, *rest in found if first == backup} for backup, *_ in found}


@pytest.fixture(scope="module")
def installation(kubectl: Kubectl, plans: None, pytestconfig: pytest.Config) -> Iterator[Installation]:
    made = Installation(kubectl, str(pytestconfig.rootpath / "charts" / "rooftree"))
    made.keep_backups(release.backups_volume())
    yield made
    made.keep_backups(None)


@pytest.fixture
def made(kubectl: Kubectl, installation: Installation) -> Iterator[Callable[..., Tenant]]:
    """Makes ready brokerages; they, and with them their backups, are deleted while those can be reached."""
    names: list[str] = []

    def make(**spec: Any) -> Tenant:
        names.append(fresh_name("volume"))
        kubectl.apply(manifest(names[-1], **spec))
        tenant = Tenant.of(kubectl.wait_ready(names[-1]))
        quota = ("resourcequota", "tenant", "-n", tenant.namespace)
        until(
            f"{tenant.namespace} takes one claim",
            lambda: kubectl.get(*quota)["spec"]["hard"]["persistentvolumeclaims"],
            seconds=60,
            enough=lambda count: count == "1",
        )
        return tenant

    yield make
    kubectl.delete_brokerage(*names)


@pytest.fixture
def operations(kubectl: Kubectl, made: Callable[..., Tenant]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Before brokerages go: so `made` is asked for first."""
    names: list[str] = []

    def order(name: str, seconds: float, **spec: Any) -> dict[str, Any]:
        names.append(name)
        return operate(kubectl, name, seconds, **spec)["result"]

    yield order
    if names:
        kubectl.run("delete", "brokerageoperation", *names, "--ignore-not-found", "--timeout=60s")


def ways(kubectl: Kubectl, tenant: Tenant) -> list[str]:
    """What leads to backups of or for a tenant in the cluster."""
    volumes = kubectl.items("persistentvolumes", "-l", f"rooftree.dev/tenant={tenant.id}")
    claims = kubectl.items("persistentvolumeclaims", "-n", tenant.namespace)
    return [item["metadata"]["name"] for item in (*volumes, *claims)]


def closed(kubectl: Kubectl, tenant: Tenant) -> None:
    until(f"no way to backups for {tenant.id}", lambda: not ways(kubectl, tenant), seconds=GONE_SECONDS)


def test_a_brokerage_is_written_to_the_volume_tried_and_brought_back(
    kubectl: Kubectl,
    installation: Installation,
    made: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    admin_dsn: str,
) -> None:
    tenant, mark, canary = made(), secrets.token_hex(3), secrets.token_hex(12)
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        connection.execute("INSERT INTO backup_test.home VALUES (0, %s)", (canary,))
        give(connection, tenant)
    store = ObjectStore.tenant(kubectl, tenant)
    assert store.ask("PUT", f"/{tenant.id}/photos/1", b"a house").is_success
    before, backup = sums(admin_dsn, tenant), f"volume-{mark}"
    written = operations(backup, BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    assert written["objects"] == 1
    told = kubectl.get("brokeragebackup", backup)["status"]
    assert told["store"]["path"] == f"{tenant.id}/{backup}"
    assert installation.lying(tenant).keys() == {backup}
    files = installation.lying(tenant)[backup]
    assert "manifest.json" in files
    assert not any(name.endswith(".partial") for name in files)
    own = installation.folder / tenant.id / backup
    assert all(canary.encode() not in (own / name).read_bytes() for name in files)
    closed(kubectl, tenant)

    tried = operations(f"tried-{mark}", RESTORE_SECONDS, brokerage=tenant.name, type="Drill")
    assert (tried["backup"], tried["rows"]) == (backup, written["rows"])
    with database(admin_dsn, tenant.database) as connection:
        connection.execute("TRUNCATE backup_test.home")
    assert store.ask("DELETE", f"/{tenant.id}/photos/1").is_success
    operations(f"back-{mark}", RESTORE_SECONDS, brokerage=tenant.name, type="Restore", backup=backup)
    assert sums(admin_dsn, tenant) == before
    assert store.ask("GET", f"/{tenant.id}/photos/1").content == b"a house"
    closed(kubectl, tenant)
    kubectl.run("delete", "brokeragebackup", backup, "--timeout=60s")
    assert not (installation.folder / tenant.id).exists()


def test_a_new_brokerage_begins_with_what_lies_on_the_volume_of_another(
    kubectl: Kubectl,
    installation: Installation,
    made: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
    admin_dsn: str,
) -> None:
    tenant, mark = made(), secrets.token_hex(3)
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        give(connection, tenant)
    operations(f"origin-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    clone = made(source={"backup": f"origin-{mark}"})
    assert sums(admin_dsn, clone)["backup_test.home"] == sums(admin_dsn, tenant)["backup_test.home"]
    closed(kubectl, clone)
    assert installation.lying(clone) == {}
    kubectl.run("delete", "brokerageoperation", f"{clone.name}-clone", "--timeout=60s")


def test_a_brokerage_that_goes_with_its_data_leaves_nothing_on_the_volume(
    kubectl: Kubectl,
    installation: Installation,
    made: Callable[..., Tenant],
    operations: Callable[..., dict[str, Any]],
) -> None:
    tenant, mark = made(), secrets.token_hex(3)
    operations(f"last-{mark}", BACKUP_SECONDS, brokerage=tenant.name, type="Backup")
    assert installation.lying(tenant)
    kubectl.delete_brokerage(tenant.name)
    assert not (installation.folder / tenant.id).exists()
    # A volume goes a moment after the pod that had it.
    until(
        f"nothing is left of {tenant.id}",
        lambda: inventory(tenant.id)["items"],
        seconds=GONE_SECONDS,
        enough=lambda items: items == [],
        every=2.0,
    )


def test_a_snapshot_on_the_volume_stays_when_its_brokerage_goes_and_brings_it_back(
    kubectl: Kubectl,
    installation: Installation,
    made: Callable[..., Tenant],
    admin_dsn: str,
    superuser: psycopg.Connection[Any],
) -> None:
    tenant = made(deletionPolicy="Snapshot")
    with database(admin_dsn, tenant.database) as connection:
        fill(connection)
        give(connection, tenant)
    kubectl.run("delete", "brokerage", tenant.name, f"--timeout={BACKUP_SECONDS}s")
    assert superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", (tenant.database,)).fetchone() is None
    (name,) = installation.lying(tenant)
    back = made(source={"backup": name})
    with database(admin_dsn, back.database) as connection:
        row = connection.execute("SELECT count(*) > 0 FROM backup_test.home").fetchone()
    assert row == (True,)
    kubectl.run("delete", "brokerageoperation", f"{back.name}-clone", "--timeout=60s")
    kubectl.run("delete", "brokeragebackup", name, "--timeout=60s")
    assert not (installation.folder / tenant.id).exists()


def test_a_backup_that_lies_in_the_object_store_is_refused_with_a_code_and_stays(
    kubectl: Kubectl, made: Callable[..., Tenant], operations: Callable[..., dict[str, Any]]
) -> None:
    tenant, name = made(), f"bucket-{secrets.token_hex(3)}"
    head = {"apiVersion": "rooftree.dev/v1alpha1", "kind": "BrokerageBackup"}
    labels = {"rooftree.dev/tenant": tenant.id, "rooftree.dev/brokerage": tenant.name}
    kubectl.apply(
        {
            **head,
            "metadata": {"name": name, "labels": labels},
            "spec": {"brokerage": tenant.name, "tenantID": tenant.id},
        }
    )
    store = {"bucket": f"{tenant.id}-backups", "key": f"{name}/"}
    status = {"phase": "Complete", "manifest": "0" * 64, "takenAt": "2026-01-01T00:00:00.000Z", "store": store}
    patch = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    kubectl.run("patch", "brokeragebackup", name, *patch)
    try:
        with pytest.raises(AssertionError, match="BackupElsewhere"):
            operations(f"{name}-back", 60, brokerage=tenant.name, type="Restore", backup=name)
        assert kubectl.get("brokeragebackup", name)["status"]["phase"] == "Complete"
    finally:
        kubectl.run("delete", "brokeragebackup", name, "--timeout=60s")


def volume(name: str, path: str, **spec: Any) -> dict[str, Any]:
    claim = {"kind": "PersistentVolumeClaim", "namespace": "tenant-x", "name": "operation"}
    general: dict[str, Any] = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": claim,
        "hostPath": {"path": path},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {**general, **spec}}


BASE = release.backups_volume()["hostPath"]["path"]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (volume("rooftree-operation-x", f"{BASE}/a/b"), None),
        (volume("rooftree-operation-x", "/etc"), "of the volume of backups only"),
        (volume("rooftree-operation-x", BASE), "of the volume of backups only"),
        (volume("rooftree-operation-x", f"{BASE}/../../etc"), "must not contain '..'"),
        (volume("anything", f"{BASE}/a/b"), "for the claims of operations only"),
        (volume("rooftree-operation-x", f"{BASE}/a/b", claimRef=None), "for the claims of operations only"),
        (
            volume("rooftree-operation-x", f"{BASE}/a/b", persistentVolumeReclaimPolicy="Recycle"),
            "what is on them stays",
        ),
    ],
    ids=["its-own", "a-node", "all-of-it", "upwards", "another-name", "for-nobody", "emptied-afterwards"],
)
def test_the_operator_could_make_no_other_volume_than_those_of_operations(
    kubectl: Kubectl, installation: Installation, item: dict[str, Any], told: str | None
) -> None:
    words = ("create", "--dry-run=server", f"--as={OPERATOR}", "-f", "-")
    done = kubectl.run(*words, content=json.dumps(item), code=None)
    assert (done.returncode == 0) is (told is None), done.stderr
    assert (told or "") in done.stderr


def test_the_operator_could_delete_no_volume_of_anybody_else(kubectl: Kubectl, installation: Installation) -> None:
    name = f"somebodys-{secrets.token_hex(3)}"
    kubectl.apply(volume(name, "/srv/nothing", claimRef=None))
    try:
        done = kubectl.run("delete", "persistentvolume", name, f"--as={OPERATOR}", code=1)
        assert "the operator deletes the volumes of operations only" in done.stderr
    finally:
        kubectl.run("delete", "persistentvolume", name, "--timeout=60s")


def test_a_namespace_takes_no_claim_that_is_larger_than_an_operations(
    kubectl: Kubectl, made: Callable[..., Tenant]
) -> None:
    tenant = made()
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "large", "namespace": tenant.namespace}
    item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    done = kubectl.run("create", "--dry-run=server", "-f", "-", content=json.dumps(item), code=1)
    assert "exceeded quota" in done.stderr
