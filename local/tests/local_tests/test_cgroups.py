"""What a stack, servers and pods, weighs beside tests and browsers."""

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
