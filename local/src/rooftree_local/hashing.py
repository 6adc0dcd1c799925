"""Hashes of source trees: what decides whether an image or a build is still the right one."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LENGTH = 12
NOT_SHIPPED = ("/tests/", "/docs/")


def of_text(*parts: str) -> str:
    """A short hash of several texts; the parts' borders count."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return digest.hexdigest()[:LENGTH]


def of_files(root: Path, files: Iterable[Path]) -> str:
    """A short hash of files' paths below `root`, modes and contents."""
    digest = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        mode = "x" if file.stat().st_mode & 0o100 else "-"
        digest.update(f"{file.relative_to(root).as_posix()}\0{mode}{len(content)}\0".encode() + content)
    return digest.hexdigest()[:LENGTH]


def sources(root: Path, *trees: str) -> list[Path]:
    """The files that git tracks or would track below the given paths, without tests and docs."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *trees]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    wanted = {name for name in listed if name and not any(part in f"/{name}" for part in NOT_SHIPPED)}
    # A file that was removed but not committed yet is still listed.
    return [path for name in sorted(wanted) if (path := root / name).is_file()]


def of_trees(root: Path, *trees: str) -> str:
    """A short hash of everything under the given paths of the checkout."""
    return of_files(root, sources(root, *trees))
