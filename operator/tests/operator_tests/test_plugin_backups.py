"""`backup`, `restore` and `backups`, as people type them."""

import asyncio
import json

import pytest
from rooftree_operator.adapters.kubernetes import BACKUP, OPERATION
from rooftree_operator.plugin.backups import size_of

from .plugin_world import FakeCluster, installed, said
from .test_tenant_scenarios import ready_world


@pytest.fixture
def cluster() -> FakeCluster:
    return installed(asyncio.run(ready_world()))


def test_a_backup_is_ordered_waited_for_and_listed(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(cluster, capsys, "backup", "acme", "--called", "before-fair", "--wait")
    assert code == 0
    assert "before-fair is done in 0 s: 0 rows, 0 files, as of 2026-11-24T12:00:00.000Z" in out
    listed = said(cluster, capsys, "backups", "acme")[1].splitlines()
    assert listed[0].split() == ["NAME", "PHASE", "TAKEN", "SIZE", "ROWS", "FILES", "VERSION", "PROVEN"]
    assert listed[1].split()[:2] == ["before-fair", "Complete"]
    assert json.loads(said(cluster, capsys, "backups", "acme", "-o", "json")[1])[0]["version"] == "1.0.0"


def test_a_restore_takes_the_newest_whole_backup_unless_told_which(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    for called in ("one", "two"):
        said(cluster, capsys, "backup", "acme", "--called", called, "--wait")
    cluster.kube.objects[BACKUP.kind, None, "one"]["status"]["takenAt"] = "2026-11-24T13:00:00.000Z"
    cluster.world.archive.fails.add("write")
    assert said(cluster, capsys, "backup", "acme", "--called", "half", "--wait")[0] == 1
    made = json.loads(said(cluster, capsys, "restore", "acme", "-o", "json")[1])
    assert made["spec"] == {"brokerage": "acme", "type": "Restore", "backup": "one"}
    made = json.loads(said(cluster, capsys, "restore", "acme", "--backup", "two", "-o", "json")[1])
    assert made["spec"]["backup"] == "two"


def test_a_failure_is_told_with_its_reason_and_ends_with_one(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.world.archive.fails.add("write")
    code, out, _ = said(cluster, capsys, "backup", "acme", "--called", "half", "--wait")
    assert code == 1
    assert "half has failed: writing the backup, 0 MiB so far failed: the disk is full" in out


def test_without_a_backup_nothing_is_ordered(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(cluster, capsys, "backups", "acme")[1] == "acme has no backups.\n"
    code, _, err = said(cluster, capsys, "restore", "acme")
    assert (code, err) == (1, "error: acme has no backup: `kubectl brokerage backup acme` writes one\n")
    said(cluster, capsys, "backup", "acme", "--called", "one", "--wait")
    code, _, err = said(cluster, capsys, "restore", "acme", "--backup", "other")
    assert (code, err) == (1, "error: acme has no complete backup 'other': see `kubectl brokerage backups acme`\n")
    assert [key[2] for key in cluster.kube.objects if key[0] == OPERATION.kind] == ["one"]


def test_a_backup_that_was_tried_shows_as_proven(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    said(cluster, capsys, "backup", "acme", "--called", "one", "--wait")
    assert said(cluster, capsys, "drill", "acme", "--wait")[0] == 0
    assert json.loads(said(cluster, capsys, "backups", "acme", "-o", "json")[1])[0]["provenAt"]
    cluster.world.archive.fails.add("read")
    assert said(cluster, capsys, "drill", "acme", "--backup", "one", "--wait")[0] == 1
    assert said(cluster, capsys, "backups", "acme")[1].splitlines()[1].split()[-1] == "no"


@pytest.mark.parametrize("verb", ["backup", "restore", "drill", "backups"])
def test_a_brokerage_that_is_not_there_is_one_line(
    verb: str, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(cluster, capsys, verb, "nobody")[::2] == (
        1,
        "error: there is no brokerage 'nobody': see `kubectl brokerage list`\n",
    )


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 B"), (999, "999 B"), (1024, "1.0 KiB"), (15 * 2**20, "15 MiB"), (2**50, "1024 TiB")]
)
def test_sizes_are_for_people(size: int, told: str) -> None:
    assert size_of(size) == told
