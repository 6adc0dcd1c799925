"""What process 1 of a stack does first: mounts, users and network of the new namespaces.

Everything here goes away with the namespaces. Only standard library: its process lives as long as the stack.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from rooftree_local.addresses import CACHE, NODE_IP, POD_CIDR, SERVICE_CIDR, STATE
from rooftree_local.users import USERS

# The kubelet sets these for the whole machine; inside the stack it gets files of its own in their place.
MACHINE_WIDE_SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
NODE_BRIDGE = "node"
IPV6_OFF = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")  # for interfaces to come; absent without IPv6


def prepare(state: Path, cache: Path) -> None:
    """Makes the namespaces of this process ready for the components."""
    _mounts(state, cache)
    _hide_machine_wide_settings()
    _add_users()
    _network()


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"`{' '.join(argv)}` failed: {done.stderr.strip() or done.stdout.strip()}")


def _mounts(state: Path, cache: Path) -> None:
    _run("mount", "--no-mtab", "-t", "proc", "proc", "/proc")
    # Built aside and moved: a new /run could hide a checkout or a cache that lies below it.
    staging = state / "run"
    staging.mkdir(exist_ok=True)
    _run("mount", "--no-mtab", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(staging))
    for target, source in ((STATE, state), (CACHE, cache)):
        inside = staging / target.removeprefix("/run/")
        inside.mkdir(parents=True)
        _run("mount", "--no-mtab", "--bind", str(source), str(inside))
    _run("mount", "--no-mtab", "--move", str(staging), "/run")
    for folder in ("/run/netns", "/run/lock", "/run/var/upper", "/run/var/work"):
        Path(folder).mkdir(parents=True)
    _run("mount", "--no-mtab", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")  # noqa: S108 - PostgreSQL's segments
    # Kubelet and CNI have fixed paths under /var: what they write there stays in memory.
    _run(
        "mount",
        "--no-mtab",
        "-t",
        "overlay",
        "overlay",
        "-o",
        "lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work",
        "/var",
    )


def _hide_machine_wide_settings() -> None:
    folder = Path("/run/rooftree/settings")
    for setting in MACHINE_WIDE_SETTINGS:
        copy = folder / setting
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(Path("/proc/sys", setting).read_text())
        _run("mount", "--no-mtab", "--bind", str(copy), f"/proc/sys/{setting}")


def _add_users() -> None:
    lines = {
        "passwd": [
            f"rooftree-{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin" for name, number in USERS.items()
        ],
        "group": [f"rooftree-{name}:x:{number}:" for name, number in USERS.items()],
    }
    for file, added in lines.items():
        copy = Path("/run/rooftree", file)
        copy.write_text("\n".join([Path("/etc", file).read_text().rstrip("\n"), *added]) + "\n")
        _run("mount", "--no-mtab", "--bind", str(copy), f"/etc/{file}")


def _network() -> None:
    _run("ip", "link", "set", "lo", "up")
    # Only loopback speaks IPv6 here. An interface that gives itself an address, as each pod's would, is a change of
    # network to a browser in this namespace: it drops the requests that are under way.
    if IPV6_OFF.exists():
        IPV6_OFF.write_text("1")
    # A bridge without ports carries the node's address: kubelet refuses loopback, and not every kernel has `dummy`.
    _run("ip", "link", "add", NODE_BRIDGE, "type", "bridge")
    _run("ip", "address", "add", f"{NODE_IP}/32", "dev", NODE_BRIDGE)
    _run("ip", "link", "set", NODE_BRIDGE, "up")
    # There must be a route for what kube-proxy rewrites and for pods that are not there (yet).
    _run("ip", "route", "add", SERVICE_CIDR, "dev", NODE_BRIDGE)
    _run("ip", "route", "add", POD_CIDR, "dev", NODE_BRIDGE, "metric", "100")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Without it what pods of one bridge say to each other passes no firewall. It holds for this network namespace only.
    Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")
