"""The stack's own subtree of control groups, on version 1 hierarchies as well as on version 2."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NEEDED = ("cpu", "cpuset", "memory", "pids")
SERVERS = "servers"
# Beside the stack are tests and browsers, each process of which weighs as much as a group: 1024, or 100.
_WEIGHTS = {"cpu.shares": 4 * 1024, "cpu.weight": 4 * 100}
# A cluster's databases run elsewhere. Here they share the cores with pods, and a busy pod must not take them away: all
# servers together weigh what the kubelet gives all pods together, 1024 a core; version 2 counts it as KEP-2254 does.
_SHARES = 1024 * (os.cpu_count() or 1)
_SERVERS_WEIGHTS = {"cpu.shares": _SHARES, "cpu.weight": 1 + (_SHARES - 2) * 9999 // 262142}


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
        if _weigh(group, _WEIGHTS):
            (group / SERVERS).mkdir(exist_ok=True)
            _weigh(group / SERVERS, _SERVERS_WEIGHTS)


def _weigh(group: Path, weights: dict[str, int]) -> bool:
    """Whether the hierarchy weighs CPU at all."""
    settings = [group / setting for setting in weights if (group / setting).exists()]
    for setting in settings:
        setting.write_text(str(weights[setting.name]))
    return bool(settings)


def become_server(name: str) -> None:
    """This process, and all that it starts, share the CPU as the stack's servers; containers do not."""
    for hierarchy in hierarchies():
        processes = hierarchy / name / SERVERS / "cgroup.procs"
        if processes.exists():
            processes.write_text("0")  # whoever writes


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
