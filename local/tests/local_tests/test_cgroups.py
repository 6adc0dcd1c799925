"""What pods of a stack weigh beside what is no pod."""

from pathlib import Path

import pytest
from rooftree_local import cgroups


@pytest.mark.parametrize(("where", "setting", "common"), [("cpu/x", "cpu.shares", 1024), ("x", "cpu.weight", 100)])
def test_all_pods_together_weigh_more_than_a_few_processes(
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
    assert int((group / setting).read_text()) >= 10 * common
