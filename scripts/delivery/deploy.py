"""Brings this checkout's chart to a stage, or takes a stage back: `python -m delivery.deploy upgrade|rollback STAGE`.

The cluster is the one that KUBECONFIG names. Definitions of our kinds come first, because helm never changes those that
are there. An upgrade that is not ready within its time goes back to the revision before by itself, and the exit code
says so. With `--local` the local stack's addresses are put in place of the stage's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml
from rooftree_local import release, sources

from delivery import ROOT, chart

if TYPE_CHECKING:
    from collections.abc import Sequence

# Operator and edge start within seconds; images of 200 MB have to be pulled to each node first.
TIMEOUT = "5m"
# What `helm rollback` can go back to.
REVISIONS = 10
NEEDED = "gateways.gateway.networking.k8s.io"


class Failed(Exception):
    """A deployment did not succeed; the message says why."""


def run(argv: Sequence[str], content: str | None = None) -> str:
    """Runs a program whose words are shown while it runs; gives back its output."""
    done = subprocess.run(list(argv), input=content, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failed(f"`{' '.join(argv[:3])} …` ended with exit code {done.returncode}\n{done.stdout}".strip())
    return done.stdout


def manifest() -> str:
    """What the operator must know of the tenant app, from the app's own sources."""
    environment = os.environ | {"ROOFTREE_VERSION": sources.TENANT.version}
    return subprocess.run(
        [sys.executable, "-m", "rooftree.manifest"], env=environment, capture_output=True, text=True, check=True
    ).stdout


def values(stage: str, registry: str, *, local: bool) -> dict[str, Any]:
    """The stage's values, and the checkout's release; in a local stack, its addresses instead of the stage's."""
    own = yaml.safe_load(chart.stage_file(stage).read_text())
    told = chart.release_values(registry, manifest())
    return (localised(own) if local else own) | told


def localised(own: dict[str, Any]) -> dict[str, Any]:
    """A stage's values for the local stack: one node, nothing to pull, no Prometheus operator."""
    there = release.values("")
    changed = own | {name: own.get(name, {}) | there[name] for name in ("postgres", "elasticsearch", "edge")}
    changed |= {name: there[name] for name in ("telemetry", "smtp", "network")}
    changed |= {name: own.get(name, {}) | {"affinity": {}} for name in ("operator", "unknownHost", "activator")}
    changed["edge"] |= {"affinity": {}, "replicas": 1}
    return changed | {"imagePullSecrets": [], "serviceMonitor": {"enabled": False}}


def upgrade_words(timeout: str, *, dry_run: bool) -> list[str]:
    """The command line of helm; the values follow on standard input."""
    words = [chart.helm(), "upgrade", "--install", "rooftree", str(chart.CHART), f"--namespace={chart.NAMESPACE}"]
    words += ["--values=-", "--force-conflicts"]
    if dry_run:
        return [*words, "--dry-run=server"]
    waiting = ["--wait", "--rollback-on-failure", "--cleanup-on-fail", f"--timeout={timeout}"]
    return [*words, "--create-namespace", *waiting, f"--history-max={REVISIONS}"]


def upgrade(told: dict[str, Any], timeout: str, *, dry_run: bool) -> str:
    """Definitions, then the chart; gives back what helm says."""
    run(["kubectl", "get", "customresourcedefinition", NEEDED, "--output=name"])
    definitions = f"--filename={ROOT / 'crds'}"
    dry = ["--dry-run=server"] if dry_run else []
    run(["kubectl", "apply", "--server-side", "--force-conflicts", *dry, definitions])
    if not dry_run:
        run(["kubectl", "wait", definitions, "--for=condition=Established", "--timeout=60s"])
    return run(upgrade_words(timeout, dry_run=dry_run), json.dumps(told))


def rollback(revision: int, timeout: str) -> str:
    """Back to a revision, 0 for the one before; waits until it is ready."""
    words = [chart.helm(), "rollback", "rooftree", *([str(revision)] if revision else [])]
    return run([*words, f"--namespace={chart.NAMESPACE}", "--wait", "--force-conflicts", f"--timeout={timeout}"])


def main() -> int:
    """Deploys or goes back; 1 when that failed."""
    arguments = argparse.ArgumentParser(description="Brings this checkout to a stage, or takes a stage back.")
    arguments.add_argument("action", choices=["upgrade", "rollback"])
    arguments.add_argument("stage", choices=chart.STAGES)
    arguments.add_argument("--registry", default="localhost", help="where the images are")
    arguments.add_argument("--local", action="store_true", help="the cluster is a local stack")
    arguments.add_argument("--dry-run", action="store_true", help="ask the API server, and change nothing")
    arguments.add_argument("--timeout", default=TIMEOUT, help="how long to wait until everything is ready")
    arguments.add_argument("--revision", type=int, default=0, help="which to go back to; without it, the one before")
    given = arguments.parse_args()
    try:
        if given.action == "rollback":
            said = rollback(given.revision, given.timeout)
        else:
            told = values(given.stage, given.registry, local=given.local)
            said = upgrade(told, given.timeout, dry_run=given.dry_run)
    except (Failed, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    print(said.partition("NOTES:")[0].strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
