"""The folder of one backup on a volume, as a Job sees it: that one and nothing else, which a restore may only read."""

import errno
from pathlib import Path

from .. import folders
from .manifest import NAME
from .store import Fetched, StoreError

MOST_BYTES = 64 * 2**20  # of a file: a segment has 8 MiB
MODE = 0o2770  # as the folder itself
PAGE = 1000  # of what is cleared at once
FULL = (errno.ENOSPC, errno.EDQUOT)


class Folder:
    """What is called `<backup>/…` lies in `root` under the rest of its name."""

    def __init__(self, root: Path, backup: str) -> None:
        self._root, self._backup = root, backup

    def put(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Whole or not at all. Raises `StoreError`, as all of these do; for a file of a volume there is no type."""
        *parents, file = self._parts(name)
        try:
            for depth, parent in enumerate(parents):
                with folders.opened(self._root, *parents[:depth]) as folder:
                    folders.make(folder, parent, MODE)
            with folders.opened(self._root, *parents) as folder:
                folders.write(folder, file, content)
        except OSError as error:
            raise _told("write", name, error) from error

    def get(self, name: str) -> Fetched:
        *parents, file = self._parts(name)
        try:
            with folders.opened(self._root, *parents) as folder:
                return Fetched(folders.read(folder, file, MOST_BYTES), "application/octet-stream")
        except folders.Strange as strange:
            raise StoreError(f"the volume holds something else than {name}: {strange}") from strange
        except OSError as error:
            raise _told("read", name, error) from error

    def begin(self) -> None:
        """Takes away what earlier tries of the same Job have left. Nothing is written over a backup that is whole."""
        try:
            with folders.opened(self._root) as folder:
                if folders.has(folder, NAME):
                    raise StoreError(f"backup {self._backup} is written already")
                while not folders.clear(folder, PAGE):
                    continue
        except OSError as error:
            raise _told("clear", self._backup, error) from error

    def _parts(self, name: str) -> list[str]:
        first, *rest = name.split("/")
        if first != self._backup or not rest or not all(map(folders.NAME.fullmatch, rest)):
            raise StoreError(f"{name} is no part of backup {self._backup}")
        return rest


def _told(verb: str, name: str, error: OSError) -> StoreError:
    words = error.strerror or type(error).__name__
    advice = ": a platform admin must make room on it" if error.errno in FULL else ""
    return StoreError(f"the volume of backups does not let us {verb} {name}: {words}{advice}")
