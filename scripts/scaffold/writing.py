"""Writes a plan, formats it, and generates what follows from it: all of it, or nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from scaffold.names import Refused
from scaffold.plan import Plan

# What `make gen` writes and a module changes.
_GENERATED = (
    "tenant-app/openapi",
    "tenant-app/event-schemas",
    "tenant-app/asyncapi.json",
    "tenant-app/src/rooftree_pb",
    "frontend/src/shared/api/schema.d.ts",
)
_GENERATORS = (
    (".", (sys.executable, "scripts/protos.py")),
    (".", (sys.executable, "-m", "rooftree.openapi")),
    (".", (sys.executable, "-m", "rooftree.event_schemas")),
    ("frontend", ("node", "scripts/gen.mjs")),
)


def _run(root: Path, folder: str, command: Sequence[str]) -> None:
    path = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root / "tenant-app/src"),
    }
    done = subprocess.run(
        command, cwd=root / folder, env=os.environ | path, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"{' '.join(command)} fails:\n{done.stdout}{done.stderr}")


def write(root: Path, plan: Plan) -> None:
    """Raises `Refused` when something cannot be generated; then the tree is as it was."""
    with _all_or_nothing(root, plan):
        for path, content in plan.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        _format(root, plan)
        for folder, command in _GENERATORS:
            _run(root, folder, command)


def _format(root: Path, plan: Plan) -> None:
    """As the repository's formatters want it: the length of names decides where lines break and what imports follow."""
    python = [path for path in plan if path.endswith(".py")]
    web = [path.removeprefix("frontend/") for path in plan if path.endswith((".ts", ".tsx"))]
    _run(root, ".", (sys.executable, "-m", "ruff", "check", "--fix-only", "--quiet", *python))
    _run(root, ".", (sys.executable, "-m", "ruff", "format", "--quiet", *python))
    _run(root, "frontend", ("node_modules/.bin/biome", "check", "--write", *web))


@contextmanager
def _all_or_nothing(root: Path, plan: Plan) -> Generator[None]:
    before = {path: (root / path).read_bytes() for path in plan if (root / path).exists()}
    before |= _stored(root)
    folders = {top for path in plan if (top := _first_new_folder(root, root / path))}
    try:
        yield
    except BaseException:  # whatever ended it, also an interrupt
        _restore(root, before, {*plan, *_stored(root)}, folders)
        raise


def _stored(root: Path) -> dict[str, bytes]:
    """What is generated now."""
    files = (
        file for name in _GENERATED for file in ([root / name] if (root / name).is_file() else (root / name).rglob("*"))
    )
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in files if file.is_file()}


def _first_new_folder(root: Path, file: Path) -> Path | None:
    new = [folder for folder in file.parents if folder.is_relative_to(root) and not folder.exists()]
    return new[-1] if new else None


def _restore(root: Path, before: Mapping[str, bytes], written: set[str], folders: set[Path]) -> None:
    for path in written - before.keys():
        (root / path).unlink(missing_ok=True)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path, content in before.items():
        (root / path).write_bytes(content)
