"""Debian packages that the stack's processes come from."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rooftree_local.steps import Work

# Each package and a file by which it is recognised; a bare name is looked for on PATH.
# Tests ask an app on its own host, also where only the backends run.
NAMES = {"libnss-myhostname": "/usr/lib/x86_64-linux-gnu/libnss_myhostname.so.2"}
NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "etcd-server": "etcd",
    "iptables": "iptables",
    "nftables": "nft",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "iproute2": "ip",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "maven": "mvn",
    "git": "git",
    **NAMES,
}
IMAGES = {name: NODE[name] for name in ("buildah", "debootstrap", "git")}
BROWSER = {
    "chromium": "chromium",
    "fonts-liberation": "/usr/share/fonts/truetype/liberation",
    "libnss3-tools": "certutil",
}
# What Debian would start at boot.
UNITS = {
    "etcd-server": ("etcd",),
    "redis-server": ("redis-server",),
    "prometheus": ("prometheus",),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
}
POLICY = Path("/usr/sbin/policy-rc.d")
MONITORING = {"curl": "curl", "prometheus": "promtool", "prometheus-alertmanager": "prometheus-alertmanager"}
BACKENDS = {"iproute2": "ip", "maven": "mvn", "redis-server": "redis-server", "util-linux": "unshare", **NAMES}


def _is_there(witness: str) -> bool:
    return Path(witness).exists() if witness.startswith("/") else shutil.which(witness) is not None


def absent(wanted: dict[str, str]) -> list[str]:
    """The packages whose witness is not there."""
    return [package for package, witness in wanted.items() if not _is_there(witness)]


def command(packages: list[str]) -> str:
    """What a person types to install them."""
    return f"apt-get install --yes --no-install-recommends {' '.join(packages)}"


def install(wanted: dict[str, str], work: Work) -> None:
    """Installs what is missing, or says by which command that is done."""
    packages = absent(wanted)
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CommandFailed(
            f"these packages are missing: {', '.join(packages)}; install them with: {command(packages)}"
        )
    work.say(f"installing {', '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    work.command(["apt-get", "update", "-q"], env=quiet)
    with no_services():
        work.command(command(packages).split(), env=quiet)
    for package in UNITS.keys() & set(packages):
        # A stack starts its own; where systemd is not the first process there is nothing to switch off.
        if Path("/run/systemd/system").is_dir():
            work.command(["systemctl", "disable", "--quiet", *UNITS[package]])


@contextmanager
def no_services(policy: Path = POLICY) -> Iterator[None]:
    """Keeps packages from starting servers of the machine's own while they are installed."""
    if policy.exists():
        yield  # this machine has a policy already
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
