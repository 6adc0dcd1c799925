"""Builds our images from their Dockerfiles and gives them to the node.

The build context is a folder laid out like the repository that holds only what the image is made of:
its trees, its requirements file, its wheels and, for the tenant app, the built web app.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import base_image, buildah, hashing, paths, sources, wheels

if TYPE_CHECKING:
    from rooftree_local.sources import Image
    from rooftree_local.steps import Work

KEPT_ARCHIVES = 3


def build(image: Image, work: Work) -> None:
    """Builds the image and keeps it as an archive; older ones of the same name go."""
    base_image.ensure_in_storage(work)
    with tempfile.TemporaryDirectory(prefix=f"context-{image.name}-", dir=paths.cached("images", "x").parent) as folder:
        context = Path(folder)
        stage(image, context)
        dockerfile = context / image.dockerfile
        buildah.build(
            work,
            context=context,
            dockerfile=dockerfile,
            reference=image.reference,
            archive=image.archive,
            labels=image.labels,
        )
    _forget_old(image, work)


def stage(image: Image, context: Path) -> None:
    """Lays out the build context."""
    root = paths.repository()
    for file in hashing.sources(root, image.dockerfile, *image.trees):
        _copy(file, context / file.relative_to(root))
    _copy(root / "requirements" / f"{image.requirements}.txt", context / "requirements" / f"{image.requirements}.txt")
    shutil.copytree(wheels.house(image.requirements), context / "wheels", copy_function=os.link)
    if image.has_frontend:
        target = context / "frontend" / "dist"
        target.mkdir(parents=True)
        if not sources.frontend_missing():
            shutil.copytree(sources.frontend_dist(), target, dirs_exist_ok=True)


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    # Not the checkout's own modes: a strict umask would make files that the image's user cannot read.
    target.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _forget_old(image: Image, work: Work) -> None:
    archives = sorted(image.archive.parent.glob(f"{image.name}-*.tar"), key=lambda path: -path.stat().st_mtime)
    for old in archives[KEPT_ARCHIVES:]:
        old.unlink()
    known = buildah.run(work, "images", "--format", "{{.Name}}:{{.Tag}}").split()
    prefix = image.reference.rpartition(":")[0]
    kept = {
        f"{prefix}:{sources.PRODUCT_VERSION}-dev.{path.stem.removeprefix(f'{image.name}-')}"
        for path in archives[:KEPT_ARCHIVES]
    }
    for reference in known:
        if reference.startswith(f"{prefix}:") and reference not in kept:
            buildah.run(work, "rmi", reference)
