"""The sandbox image of every pod: one static program."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import buildah, hashing, paths
from rooftree_local.render import PAUSE_IMAGE

if TYPE_CHECKING:
    from rooftree_local.steps import Work


def _source() -> Path:
    return paths.repository() / "local" / "images" / "pause"


def archive() -> Path:
    return paths.cached("images", f"pause-{hashing.of_files(_source(), _source().iterdir())}.tar")


def make(work: Work) -> None:
    """Compiles the program and puts it into an image of its own."""
    with tempfile.TemporaryDirectory(prefix="rooftree-pause-") as folder:
        context = Path(folder)
        work.command(["gcc", "-Os", "-static", "-s", "-o", str(context / "pause"), str(_source() / "pause.c")])
        shutil.copy(_source() / "Dockerfile", context)
        buildah.build(
            work, context=context, dockerfile=context / "Dockerfile", reference=PAUSE_IMAGE, archive=archive()
        )
