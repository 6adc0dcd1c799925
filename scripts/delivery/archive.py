"""Reads single files out of an image as it is kept: a docker-archive, layer over layer."""

from __future__ import annotations

import json
import tarfile
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# How a layer says that a file, or all that was in a folder before, is gone.
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


def files(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The contents of the wanted files by their path without a leading slash, as a container sees them."""
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as outer:
        (manifest,) = json.load(_opened(outer, "manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=_opened(outer, name)) as layer:
                _apply(layer, wanted, found)
    return found


def _opened(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} in the archive is no file")
    return file


def _apply(layer: tarfile.TarFile, wanted: Callable[[str], bool], found: dict[str, bytes]) -> None:
    links: dict[str, str] = {}
    for member in layer:
        path = PurePosixPath(member.name.removeprefix("./").strip("/"))
        if path.name.startswith(WHITEOUT):
            gone = str(path.parent if path.name == OPAQUE else path.parent / path.name.removeprefix(WHITEOUT))
            for name in [name for name in found if name == gone or name.startswith(f"{gone}/")]:
                del found[name]
        elif member.issym():
            links[str(path)] = str(path.parent / member.linkname)
        elif member.isfile() and wanted(str(path)):
            found[str(path)] = _opened(layer, member.name).read()
    # Packages of one source share a folder of documentation by a link.
    for link, target in links.items():
        for name in [name for name in found if name.startswith(f"{target}/")]:
            if wanted(alias := link + name.removeprefix(target)):
                found[alias] = found[name]
