"""Asks a cluster whether what was deployed works: `python -m delivery.smoke STAGE`.

Everywhere: the platform's pods are ready, the API server serves our kinds, the operator knows the channel's release. On
staging a canary brokerage is made, becomes Ready (which takes one request through the edge on its own host), and goes
again without a trace. One that does not become Ready stays, so that somebody can look; the next run takes it on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from delivery import chart

if TYPE_CHECKING:
    from collections.abc import Callable

    Kubectl = Callable[..., str]

CANARY = "canary"
WITH_CANARY = {"staging"}
DEPLOYMENTS = ("rooftree-operator", "rooftree-edge", "unknown-host", "rooftree-activator")
KINDS = {"brokerages", "brokerageplans"}
# Seconds. A tenant is Ready within ten; the first one of a release waits for its template database, too.
READY, GONE = 300, 180


class Failed(Exception):
    """Something does not work; the message says what, and what the cluster says of it."""


def kubectl(*words: str, content: str | None = None) -> str:
    """Runs kubectl on the cluster that KUBECONFIG names."""
    done = subprocess.run(["kubectl", *words], input=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"kubectl {' '.join(words)}\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def canary() -> dict[str, Any]:
    """The smallest brokerage; it has no feed, and goes with all its data: that this is meant is said from the start."""
    owner = {"email": "canary@rooftree.example"}
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "Brokerage",
        "metadata": {"name": CANARY, "annotations": {"rooftree.dev/confirm-deletion": CANARY}},
        "spec": {"displayName": "Canary", "owner": owner, "plan": CANARY, "deletionPolicy": "Delete"},
    }


def plan() -> dict[str, Any]:
    """The canary's own plan, so that nobody's price list matters."""
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "BrokeragePlan",
        "metadata": {"name": CANARY},
        "spec": {"displayName": "Canary"},
    }


def pods_are_ready(ask: Kubectl) -> str:
    """All pods of the platform run the revision that was deployed."""
    for name in DEPLOYMENTS:
        ask("rollout", "status", f"deployment/{name}", f"--namespace={chart.NAMESPACE}", "--timeout=120s")
    return f"{', '.join(DEPLOYMENTS)} are ready"


def kinds_are_served(ask: Kubectl) -> str:
    """The API server answers to our kinds."""
    listed = json.loads(ask("get", "--raw", "/apis/rooftree.dev/v1alpha1"))["resources"]
    missing = KINDS - {one["name"] for one in listed}
    if missing:
        raise Failed(f"the API server does not serve {', '.join(sorted(missing))}")
    return f"rooftree.dev/v1alpha1 serves {', '.join(sorted(KINDS))}"


def channels_have_releases(ask: Kubectl) -> str:
    """Every channel leads to a release that is there."""
    here = f"--namespace={chart.NAMESPACE}"
    channels = json.loads(ask("get", "configmap", "channels", here, "--output=json"))["data"]
    for version in set(channels.values()):
        ask("get", "configmap", f"release-{version}", here, "--output=name")
    return ", ".join(f"channel {channel} is {version}" for channel, version in sorted(channels.items()))


def canary_lives_and_goes(ask: Kubectl) -> str:
    """A brokerage is made, becomes Ready and goes with its namespace."""
    objects = {"apiVersion": "v1", "kind": "List", "items": [plan(), canary()]}
    ask("apply", "--server-side", "--force-conflicts", "--filename=-", content=json.dumps(objects))
    one = f"brokerage/{CANARY}"
    try:
        ask("wait", one, "--for=condition=Ready", f"--timeout={READY}s")
    except Failed as error:
        raise Failed(f"{error}\n{ask('get', one, '--output=wide')}") from error
    status = json.loads(ask("get", one, "--output=json"))["status"]
    ask("delete", one, f"brokerageplan/{CANARY}", f"--timeout={GONE}s")
    if left := ask("get", "namespace", status["namespace"], "--ignore-not-found", "--output=name").strip():
        raise Failed(f"of the canary there is left: {left}")
    return f"{one} was Ready at {status['url']} with {status['version']}, and is gone"


def checks(stage: str) -> list[Callable[[Kubectl], str]]:
    """What is asked on a stage, in this order."""
    return [
        pods_are_ready,
        kinds_are_served,
        channels_have_releases,
        *([canary_lives_and_goes] if stage in WITH_CANARY else []),
    ]


def main() -> int:
    """Prints what works; 1 with the first thing that does not."""
    arguments = argparse.ArgumentParser(description="Asks a cluster whether what was deployed works.")
    arguments.add_argument("stage", choices=chart.STAGES)
    try:
        for check in checks(arguments.parse_args().stage):
            print(check(kubectl), flush=True)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
