"""Looks whether this machine can run a stack; every finding comes with a remedy."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from rooftree_local import cgroups, forward, jdk, packages, paths, tools
from rooftree_local.addresses import EDGE_DOMAIN, EDGE_PORT

if TYPE_CHECKING:
    from collections.abc import Callable

GIGABYTE = 1024**3
DISK_NEEDED = 15 * GIGABYTE  # cache 6, Go's own caches 4, state 3, and air
MEMORY_NEEDED = 6 * GIGABYTE  # node and backends 3, images' builds and a few tenants


@dataclass(frozen=True)
class Finding:
    """The result of one look; `remedy` is empty when all is well."""

    what: str
    remedy: str = ""

    @property
    def is_good(self) -> bool:
        return not self.remedy


def examine() -> list[Finding]:
    """All looks, in the order in which a person would mend them."""
    return [look() for look in LOOKS]


def _system() -> Finding:
    here = f"{platform.system()} {platform.machine()}"
    remedy = "" if here == "Linux x86_64" else "use a Linux x86-64 machine; elsewhere the charts run on kind"
    return Finding(f"system: {here}", remedy)


def _root() -> Finding:
    user = os.geteuid()
    return Finding(f"user id {user}", "" if user == 0 else "run as root: namespaces, mounts and cgroups need it")


def _python() -> Finding:
    version = platform.python_version()
    remedy = "" if sys.version_info[:2] == (3, 11) else "make distclean, then: make up PYTHON=/path/to/python3.11"
    return Finding(f"Python {version}", remedy)


def _packages() -> Finding:
    absent = packages.absent(packages.NODE | packages.BACKENDS | packages.MONITORING)
    if absent:
        return Finding(f"packages: {', '.join(absent)} missing", packages.command(absent))
    return Finding("packages: all there")


def _go() -> Finding:
    program = shutil.which("go")
    if program is None:
        return Finding("Go: missing", tools.GO_REMEDY)
    version = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    numbers = tuple(int(part) for part in version.removeprefix("go").split(".")[:2])
    return Finding(f"Go: {version}", "" if numbers >= tools.GO_VERSION else tools.GO_REMEDY)


def _java() -> Finding:
    home = jdk.find()
    if home is None:
        return Finding(f"JDK {jdk.OLDEST} or newer: missing", jdk.REMEDY)
    return Finding(f"JDK {jdk.version(home)}: {home}")


def _namespaces() -> Finding:
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    remedy = "" if done.returncode == 0 else f"allow new namespaces here: {done.stderr.strip()}"
    return Finding("namespaces: network, mount, PID", remedy)


def _kernel() -> Finding:
    """A bridge with its firewall, an nftables table and an overlay, tried in namespaces that vanish at once."""
    tries = {
        "bridge": "ip link add rooftree type bridge",
        "br_netfilter": "test -e /proc/sys/net/bridge/bridge-nf-call-iptables",
        "ipset": "ipset create rooftree hash:ip",
        "nftables": "nft add table ip rooftree",
        "overlay": "mount -t tmpfs tmpfs /mnt && mkdir /mnt/a /mnt/b /mnt/c && "
        "mount -t overlay overlay -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c /mnt/a",
    }
    lacking = []
    for name, command in tries.items():
        whole = ["unshare", "--net", "--mount", "sh", "-c", command]
        if subprocess.run(whole, capture_output=True, check=False).returncode:
            lacking.append(name)
    remedy = f"load or build the kernel's {', '.join(lacking)} (modprobe)" if lacking else ""
    return Finding(f"kernel {platform.release()}: bridge, firewall, overlay", remedy)


def _cgroups() -> Finding:
    hierarchies = cgroups.hierarchies() if cgroups.ROOT.is_dir() else []
    names = {path.name for path in hierarchies}
    if hierarchies == [cgroups.ROOT]:
        names = set((cgroups.ROOT / "cgroup.controllers").read_text().split())
    lacking = [name for name in cgroups.NEEDED if name not in names]
    remedy = f"mount the controllers {', '.join(lacking)} below {cgroups.ROOT}" if lacking else ""
    return Finding(f"control groups: {', '.join(cgroups.NEEDED)}", remedy)


def _disk() -> Finding:
    place = paths.cache()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    remedy = "" if free >= DISK_NEEDED else f"free {DISK_NEEDED // GIGABYTE} GB, or set ROOFTREE_CACHE to another disk"
    return Finding(f"disk: {free / GIGABYTE:.0f} GB free at {place}", remedy)


def _memory() -> Finding:
    available = psutil.virtual_memory().available
    remedy = "" if available >= MEMORY_NEEDED else f"end programs: {MEMORY_NEEDED // GIGABYTE} GB are needed"
    return Finding(f"memory: {available / GIGABYTE:.1f} GB available", remedy)


def _ports() -> Finding:
    ports = ", ".join(map(str, forward.DOORS))
    what = f"ports {ports} of this machine"
    if forward.runs(paths.Stack(paths.DEVELOPMENT_STACK)):
        return Finding(f"{what}: forwarded to the development stack")
    for port in forward.DOORS:
        try:
            for server in forward.listen(port):
                server.close()
        except OSError as error:
            return Finding(
                f"port {port} of this machine: {error}", f"end what listens there: ss -ltnp 'sport = :{port}'"
            )
    return Finding(f"{what}: free")


def _names() -> Finding:
    host = f"acme.{EDGE_DOMAIN}"
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, EDGE_PORT, type=socket.SOCK_STREAM)}
    except OSError:
        found = set()
    if found and found <= {"127.0.0.1", "::1"}:
        return Finding(f"names: {host} is this machine")
    return Finding(f"names: {host} does not resolve to this machine", packages.command(["libnss-myhostname"]))


LOOKS: tuple[Callable[[], Finding], ...] = (
    _system,
    _root,
    _python,
    _packages,
    _go,
    _java,
    _namespaces,
    _kernel,
    _cgroups,
    _disk,
    _memory,
    _ports,
    _names,
)
