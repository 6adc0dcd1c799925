"""Image builds without a daemon and without a registry; storage is in the cache, apart from the machine's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooftree_local import paths

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.steps import Work

ENVIRONMENT = {"BUILDAH_ISOLATION": "chroot"}


def argv(*words: str) -> list[str]:
    """A command line of buildah."""
    storage = [f"--root={paths.cached('buildah', 'storage')}", f"--runroot={paths.cached('buildah', 'run')}"]
    return ["buildah", *storage, "--storage-driver=overlay", *words]


def run(work: Work, *words: str) -> str:
    """Runs buildah; gives back its output."""
    return work.command(argv(*words), env=ENVIRONMENT)


def build(
    work: Work, *, context: Path, dockerfile: Path, reference: str, archive: Path, labels: dict[str, str] | None = None
) -> None:
    """Builds an ordinary Dockerfile and keeps the result as an archive."""
    options = ["--pull=never", "--layers", "--format=docker"]
    options += [f"--label={name}={value}" for name, value in (labels or {}).items()]
    run(work, "build", *options, f"--file={dockerfile}", f"--tag={reference}", str(context))
    save(work, reference, archive)


def save(work: Work, reference: str, archive: Path) -> None:
    """Writes an image to a file that containerd can import, whole or not at all."""
    unfinished = archive.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    run(work, "push", reference, f"docker-archive:{unfinished}:{reference}")
    unfinished.replace(archive)
