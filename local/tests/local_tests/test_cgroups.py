"""What a stack, servers and pods, weighs beside tests and browsers."""

import os
from pathlib import Path

import pytest
from rooftree_local import cgroups


@pytest.mark.parametrize(("where", "setting", "common"), [("cpu/x", "cpu.shares", 1024), ("x", "cpu.weight", 100)])
def test_a_stack_weighs_as_much_as_several_processes_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, setting: str, common: int
) -> None:
    group = tmp_path / where
    group.mkdir(parents=True)
    (group / setting).write_text(str(common))
    if where == "x":
        for path in (tmp_path, group):
            (path / "cgroup.controllers").write_text("cpu memory")
            (path / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    cgroups.create("x")
    assert int((group / setting).read_text()) >= 4 * common


def test_servers_weigh_as_much_as_all_pods_and_are_in_a_group_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = tmp_path / "cpu/x/servers"
    servers.parent.mkdir(parents=True)
    (servers.parent / "cpu.shares").touch()
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    cgroups.create("x")
    for setting in ("cpu.shares", "cgroup.procs"):  # as the kernel does in a new group
        (servers / setting).touch()
    cgroups.create("x")
    cgroups.become_server("x")
    assert (servers / "cpu.shares").read_text() == str(1024 * (os.cpu_count() or 0))
    assert (servers / "cgroup.procs").read_text() == "0"
    assert not (tmp_path / "memory/x/servers").exists()
