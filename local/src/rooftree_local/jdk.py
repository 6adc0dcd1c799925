"""The JDK that Kafka and Elasticsearch run on; the compiler is needed too."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rooftree_local.stack import CommandFailed

OLDEST = 21
FOLDERS = Path("/usr/lib/jvm")
REMEDY = (
    f"install a JDK {OLDEST} or newer (for example Temurin 25, https://adoptium.net) below {FOLDERS}, "
    "or point JAVA_HOME at one"
)


def version(home: Path) -> int:
    """The feature release of a JDK; 0 when there is none, or no compiler."""
    try:
        said = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.M)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return int(said[1]) if said and (home / "bin" / "javac").exists() else 0


def find() -> Path | None:
    """JAVA_HOME when it will do, else the newest of this machine that does."""
    chosen = os.environ.get("JAVA_HOME")
    if chosen and version(Path(chosen)) >= OLDEST:
        return Path(chosen).resolve()
    installed = [path for path in sorted(FOLDERS.glob("*")) if not path.is_symlink()]
    best = max(installed, key=version, default=None)
    return best if best and version(best) >= OLDEST else None


def require() -> Path:
    """The JDK, or an error that says how to get one."""
    found = find()
    if found is None:
        raise CommandFailed(f"a JDK {OLDEST} or newer is missing: {REMEDY}")
    return found
