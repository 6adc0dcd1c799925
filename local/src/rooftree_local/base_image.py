"""The base of all Python images, made by debootstrap under the name that the Dockerfiles use.

The same Dockerfiles build on the official image wherever there is a registry: what they rely on
(`python`, `pip`, a Debian bookworm with CA certificates) is the same in both.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import buildah, hashing, paths

if TYPE_CHECKING:
    from rooftree_local.steps import Work

REFERENCE = "docker.io/library/python:3.11-slim-bookworm"
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
LINKS = {"python": "python3", "python3": "python3", "pip": "pip3", "pip3": "pip3"}
REMOVED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/man", "usr/share/locale", "var/log")
# Whoever passes on a package passes on its licence; the rest of its documentation goes.
KEPT_DOCUMENTATION = "copyright"


def key() -> str:
    """Changes whenever the image would."""
    return hashing.of_text(SUITE, *PACKAGES, *LINKS, *REMOVED, KEPT_DOCUMENTATION, "1")


def archive() -> Path:
    return paths.cached("images", f"base-{key()}.tar")


def make(work: Work) -> None:
    """Makes the base image; about a minute and a half."""
    root = Path(tempfile.mkdtemp(prefix="base-", dir=paths.cached("images", "x").parent))
    try:
        work.say("debootstrap")
        packages = ",".join(PACKAGES)
        work.command(["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(root)])
        _trim(root)
        work.say("saving it")
        container = buildah.run(work, "from", "scratch").strip()
        buildah.run(work, "add", "--quiet", container, str(root), "/")
        settings = ["--env=PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "--env=LANG=C.UTF-8"]
        buildah.run(work, "config", *settings, "--cmd=python3", container)
        buildah.run(work, "commit", "--quiet", "--rm", container, REFERENCE)
        buildah.save(work, REFERENCE, archive())
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _trim(root: Path) -> None:
    for name in REMOVED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    for path in (root / "usr/share/doc").glob("*/*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != KEPT_DOCUMENTATION:
            path.unlink()
    for link, target in LINKS.items():
        path = root / "usr/local/bin" / link
        path.unlink(missing_ok=True)
        path.symlink_to(f"/usr/bin/{target}")
    # The official image's Python belongs to nobody's package manager.
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()


def ensure_in_storage(work: Work) -> None:
    """Loads the base into the build storage if that lost it."""
    known = buildah.run(work, "images", "--format", "{{.Name}}:{{.Tag}}").split()
    if REFERENCE not in known:
        pulled = buildah.run(work, "pull", "--quiet", f"docker-archive:{archive()}").strip().splitlines()[-1]
        buildah.run(work, "tag", pulled, REFERENCE)
