"""The stack's own subtree of control groups, on version 1 hierarchies as well as on version 2."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NEEDED = ("cpu", "cpuset", "memory", "pids")
# On a node all that is no pod is in one group, which pods outweigh. Here servers and tests are in none: each of their
# processes weighs as much as a group, and without more weight all pods together would get as little as one of them.
_WEIGHTS = {"cpu.shares": 20 * 1024, "cpu.weight": 20 * 100}


def hierarchies() -> list[Path]:
    """Every mounted hierarchy, once: version 1 controllers may share one through links."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in sorted(ROOT.iterdir()) if path.is_dir() and not path.is_symlink()]


def create(name: str) -> None:
    """Makes the subtree in every hierarchy; the kubelet demands that it is there."""
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (hierarchy / "cgroup.subtree_control").exists():
            _delegate(hierarchy)
            _delegate(group)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # A new version 1 cpuset is empty, and no process may enter an empty one.
            if (group / setting).exists() and (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())
        for setting, weight in _WEIGHTS.items():
            if (group / setting).exists():
                (group / setting).write_text(str(weight))


def _delegate(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text().split()
    enabled = (group / "cgroup.subtree_control").read_text().split()
    wanted = [f"+{controller}" for controller in offered if controller in NEEDED and controller not in enabled]
    if wanted:
        (group / "cgroup.subtree_control").write_text(" ".join(wanted))


def existing(name: str) -> list[Path]:
    """Where the subtree still is."""
    return [hierarchy / name for hierarchy in hierarchies() if (hierarchy / name).is_dir()]


def remove(name: str) -> list[Path]:
    """Removes the subtree, deepest groups first; gives back what could not be removed (it still has processes)."""
    stuck = []
    for top in existing(name):
        groups = sorted((path for path in top.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
        for group in [*groups, top]:
            try:
                group.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                stuck.append(group)
    return stuck
