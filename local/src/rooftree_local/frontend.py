"""The web app's build, in the cache and not in the checkout, whose node_modules may be in use."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rooftree_local import hashing, nodejs, paths, sources

if TYPE_CHECKING:
    from rooftree_local.steps import Work


def build(work: Work) -> None:
    """`npm ci` once for each lock file, then the app's own build."""
    source = paths.repository() / "frontend"
    pins = hashing.of_files(source, [source / "package.json", source / "package-lock.json"])
    folder = paths.cached("frontend", f"workspace-{pins}")
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.name not in {"node_modules", ".installed"}:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for file in hashing.sources(paths.repository(), "frontend"):
        copy = folder / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    environment = {"PATH": f"{nodejs.link()}:/usr/local/bin:/usr/bin:/bin", "CI": "1"}
    if not (folder / ".installed").exists():
        work.say("npm ci")
        work.command(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, env=environment)
        (folder / ".installed").touch()
    work.say("npm run build")
    work.command(["npm", "run", "build"], cwd=folder, env=environment)
    target = sources.frontend_dist()
    unfinished = target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(folder / "dist", unfinished)
    unfinished.replace(target)
