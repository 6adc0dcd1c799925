"""Whether the API's documents break clients of those that landed last (`python -m delivery.api_diff`).

Compared with where this work left main; on main itself, with the commit before the documents' last change. API_BASE
names another commit. What is broken on purpose stands in `tenant-app/openapi/breaking.txt`, in oasdiff's own words.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rooftree_local import tools

from delivery import ROOT

DOCUMENTS = "tenant-app/openapi"
WANTED = "breaking.txt"
MAINS = ("origin/main", "main")


class NoHistory(Exception):
    """There is no earlier commit to compare with, as in a shallow clone."""


def git(root: Path, *words: str) -> str:
    """What git says, or nothing when it fails."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def base(root: Path) -> str:
    """The commit that has the documents clients rely on. Raises `NoHistory`."""
    head = git(root, "rev-parse", "HEAD")
    for main in MAINS:
        found = git(root, "merge-base", "HEAD", main)
        if found and found != head:
            return found
    last = git(root, "log", "-1", "--format=%H", "--", DOCUMENTS)
    before = git(root, "rev-parse", "--verify", "--quiet", f"{last}^") if last else ""
    if not before:
        raise NoHistory("no earlier commit is here to compare with; in a shallow clone: git fetch --unshallow")
    return before


def breaks(root: Path, commit: str) -> list[str]:
    """What each module's document breaks of what it was in the commit; a whole document that is gone, too."""
    files = git(root, "ls-tree", "--name-only", commit, f"{DOCUMENTS}/").splitlines()
    names = [Path(file).name for file in files if file.endswith(".json")]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            old, new = Path(folder, name), root / DOCUMENTS / name
            old.write_text(git(root, "show", f"{commit}:{DOCUMENTS}/{name}"))
            found += [f"{name}: {line}" for line in compare(old, new)] if new.exists() else [f"{name} is gone"]
    return found


def compare(old: Path, new: Path) -> list[str]:
    """oasdiff's findings without those that are wanted, one a line, as they stand in that file."""
    wanted = new.parent / WANTED
    ignored = [f"--err-ignore={wanted}", f"--warn-ignore={wanted}"] if wanted.exists() else []
    command = [str(tools.OASDIFF.path), "breaking", str(old), str(new), "--format=json"]
    done = subprocess.run([*command, "--fail-on=WARN", *ignored], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise ValueError(f"oasdiff ended with exit code {done.returncode}: {done.stderr.strip()}")
    return [f"{one['operation']} {one['path']} {one['text']} [{one['id']}]" for one in json.loads(done.stdout or "[]")]


def main() -> int:
    try:
        commit = os.environ.get("API_BASE") or base(ROOT)
    except NoHistory as error:
        # A clone without its history is no fault of the documents.
        print(f"API documents are NOT compared: {error}", file=sys.stderr)
        return 0
    found = breaks(ROOT, commit)
    if found:
        print(f"Clients of {commit[:7]} break ({DOCUMENTS}/{WANTED} lists what is wanted):", *found, sep="\n  ")
        return 1
    print(f"API documents: nothing breaks since {commit[:7]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
