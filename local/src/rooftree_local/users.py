"""Users of their own for servers that refuse root, or need not be it; they are known inside the stack only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rooftree_local.paths import write_private

if TYPE_CHECKING:
    from pathlib import Path

USERS = {
    "postgres": 70070,
    "kafka": 70071,
    "elasticsearch": 70072,
    "redis": 70073,
    "s3": 70074,
    "jaeger": 70075,
    "prometheus": 70076,
    "standby": 70077,
}


def as_user(name: str) -> tuple[str, ...]:
    """The words before a command line that is to run as that user."""
    number = USERS[name]
    return ("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--no-new-privs")


def furnish(name: str, folder: Path, files: dict[str, str]) -> None:
    """Writes files into a folder of that user's own, closed to others; what else lies there stays as it is."""
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        write_private(folder / file, content)
    for path in {folder, *(folder / file for file in files), *((folder / file).parent for file in files)}:
        os.chown(path, USERS[name], USERS[name])
    folder.chmod(0o700)
