"""Reads .gitlab-ci.yml as GitLab does, and runs one job of it here: `python -m delivery.pipeline JOB`.

A job runs as GitLab's shell executor would run it: on a clean clone of the last commit, with the variables of the file,
`before_script` and `script` in one shell that ends at the first error. Caches, artifacts, rules and what only GitLab
knows (its registry, its clusters) are not imitated; a job that needs them fails with bash's own words.
"""

from __future__ import annotations

import argparse
import graphlib
import os
import re
import string
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rooftree_local import paths

from delivery import ROOT

FILE = ".gitlab-ci.yml"
# Keys at the top of the file that are no jobs.
GLOBAL = {"workflow", "stages", "variables", "default", "include", "spec"}
INHERITED = ("before_script", "after_script", "cache", "tags", "interruptible", "timeout", "image", "retry")
# What was compiled and downloaded here before is used again, as GitLab's caches would bring it; they lie in a checkout.
OWN_CACHES = {
    "ROOFTREE_CACHE": str(paths.cache()),
    "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
    "npm_config_cache": os.environ.get("npm_config_cache", str(Path.home() / ".npm")),  # noqa: SIM112 - npm's own name
}
# Without a stage of its own a job belongs to this one.
DEFAULT_STAGE = "test"


@dataclass(frozen=True)
class Pipeline:
    """The file's stages and variables, and its jobs with `extends` and `default` resolved."""

    stages: list[str]
    variables: dict[str, str]
    jobs: dict[str, dict[str, Any]]


def parse(text: str) -> Pipeline:
    """The pipeline that a file's text describes; ValueError with the job's name when `extends` does not resolve."""
    content = yaml.safe_load(text)
    defaults = {key: value for key, value in content.get("default", {}).items() if key in INHERITED}
    jobs = {
        name: defaults | _extended(content, name, ())
        for name in content
        if name not in GLOBAL and not name.startswith(".")
    }
    return Pipeline(content["stages"], content.get("variables", {}), jobs)


def load(root: Path = ROOT) -> Pipeline:
    """The pipeline of a checkout."""
    return parse((root / FILE).read_text())


def _extended(content: dict[str, Any], name: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """A job over all that it extends; maps are merged deeply, everything else is replaced."""
    if name in seen or name not in content:
        raise ValueError(
            f"{seen[0] if seen else name} extends {name}, which {'is itself' if name in seen else 'is not there'}"
        )
    own = dict(content[name])
    parents = own.pop("extends", [])
    merged: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        merged = _merged(merged, _extended(content, parent, (*seen, name)))
    return _merged(merged, own)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(base[key], over[key])
        for key in base.keys() & over.keys()
        if isinstance(base[key], dict) and isinstance(over[key], dict)
    }
    return base | over | both


def needs(job: dict[str, Any]) -> list[str] | None:
    """The jobs that a job waits for, or None if it waits for all earlier stages."""
    listed = job.get("needs")
    return None if listed is None else [one if isinstance(one, str) else one["job"] for one in listed]


def findings(pipeline: Pipeline) -> list[str]:
    """What GitLab would refuse, or would never run: unknown stages and needs, needs of later stages, no script."""
    found = []
    place = {stage: number for number, stage in enumerate(pipeline.stages)}
    for name, job in pipeline.jobs.items():
        stage = job.get("stage", DEFAULT_STAGE)
        if stage not in place:
            found.append(f"{name}: there is no stage {stage}")
            continue
        if not job.get("script"):
            found.append(f"{name}: has no script")
        for other in needs(job) or []:
            if other not in pipeline.jobs:
                found.append(f"{name}: needs {other}, which is no job")
            elif place.get(pipeline.jobs[other].get("stage", DEFAULT_STAGE), -1) > place[stage]:
                found.append(f"{name}: needs {other} of a later stage")
    used = {job.get("stage", DEFAULT_STAGE) for job in pipeline.jobs.values()}
    found += [f"stage {stage} has no job" for stage in pipeline.stages if stage not in used]
    try:
        graphlib.TopologicalSorter({name: needs(job) or [] for name, job in pipeline.jobs.items()}).prepare()
    except graphlib.CycleError as error:
        found.append(f"jobs need each other: {' → '.join(sorted(set(error.args[1])))}")
    return found


def targets(job: dict[str, Any]) -> list[str]:
    """The targets of make that a job's script calls."""
    called = [line.split()[1:] for line in job["script"] if line.startswith("make ")]
    return [word for words in called for word in words if re.fullmatch(r"[a-z][a-z0-9-]*", word)]


def script(pipeline: Pipeline, name: str) -> str:
    """A job as the text of one shell script."""
    job = pipeline.jobs[name]
    lines = [*job.get("before_script", []), *job["script"]]
    return "\n".join(["set -eo pipefail", *(f"echo {_quoted(f'$ {line}')}\n{line}" for line in lines)]) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def environment(pipeline: Pipeline, name: str, folder: Path) -> dict[str, str]:
    """The variables of a job in a clone; GitLab's own are those that our file uses everywhere."""
    known = {"CI": "true", "CI_PROJECT_DIR": str(folder), "CI_JOB_NAME": name}
    for key, value in {**pipeline.variables, **pipeline.jobs[name].get("variables", {})}.items():
        known[key] = string.Template(str(value)).safe_substitute(os.environ | known)
    return known


def run(name: str) -> int:
    """Runs a job on a clean clone, which is gone afterwards; gives back its exit code."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as parent:
        folder = Path(parent) / "checkout"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
        pipeline = load(folder)
        if name not in pipeline.jobs:
            print(f"there is no job {name!r}; there are: {', '.join(pipeline.jobs)}", file=sys.stderr)
            return 2
        variables = os.environ | environment(pipeline, name, folder) | OWN_CACHES
        try:
            return _shell(script(pipeline, name), folder, variables)
        finally:
            for line in pipeline.jobs[name].get("after_script", []):
                _shell(line, folder, variables)


def _shell(text: str, folder: Path, variables: dict[str, str]) -> int:
    # What make gave to us is not for the make of the job.
    clean = {
        key: value for key, value in variables.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONPATH"}
    }
    return subprocess.run(["bash", "-c", text], cwd=folder, env=clean, check=False).returncode


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Runs a job of .gitlab-ci.yml on a clean clone.")
    arguments.add_argument("job")
    sys.exit(run(arguments.parse_args().job))
