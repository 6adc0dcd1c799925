"""Wheelhouses: the wheels of one requirements file, kept by its hash, so that image builds need no network."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from rooftree_local import hashing, paths

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.steps import Work


def _requirements(member: str) -> Path:
    return paths.repository() / "requirements" / f"{member}.txt"


def house(member: str) -> Path:
    """The folder of wheels of `requirements/<member>.txt`."""
    return paths.cached("wheels", f"{member}-{hashing.of_text(_requirements(member).read_text())}")


def fetch(member: str, work: Work) -> None:
    """Downloads the wheels, each checked against its hash."""
    target = house(member)
    unfinished = target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    requirements = ["--requirement", str(_requirements(member)), "--dest", str(unfinished)]
    work.command([sys.executable, "-m", "pip", "download", *options, *requirements])
    unfinished.replace(target)
