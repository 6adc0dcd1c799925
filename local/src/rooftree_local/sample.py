"""The sample: an MLS feed, the plans, and a brokerage whose listings come from that feed."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import yaml

from rooftree_local import hashing, kubectl, paths, release, sources
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

FEED_NAMESPACE = "mls-feed"
FEED_SECRET = "mls-feed-client"  # noqa: S105 - an object's name
BROKERAGE = "acme"
READY_SECONDS = 240
IMPORT_SECONDS = 180
POLL_SECONDS = 1.0


def _examples() -> Path:
    return paths.repository() / "examples"


def feed_missing() -> str | None:
    """Why the sample feed cannot be deployed, if so."""
    if not list((_examples() / "mls-feed" / "deploy").glob("*.yaml")):
        return "there is nothing in examples/mls-feed/deploy yet"
    return sources.MLS_FEED.missing


def brokerage_missing() -> str | None:
    """Why there can be no sample brokerage, if so."""
    for name in ("plans.yaml", f"{BROKERAGE}.yaml"):
        if not (_examples() / name).is_file():
            return f"there is no examples/{name} yet"
    return feed_missing() or release.chart_missing()


def feed_fingerprint() -> str:
    """Changes when the feed's manifests or image do."""
    return hashing.of_text(hashing.of_trees(paths.repository(), "examples/mls-feed/deploy"), sources.MLS_FEED.reference)


def brokerage_fingerprint(target: Stack) -> str:
    """Changes when the brokerage's manifests or the release do."""
    files = [_examples() / "plans.yaml", _examples() / f"{BROKERAGE}.yaml"]
    return hashing.of_text(hashing.of_files(_examples(), files), sources.TENANT.version, release.fingerprint(target))


def deploy_feed(target: Stack, work: Work) -> None:
    """The feed with a client of its own, whose secret is generated."""
    client = secret_values(target)
    secret = release.secret(FEED_SECRET, FEED_NAMESPACE, client)
    kubectl.apply(target, work, content=release.as_list(release.namespace(FEED_NAMESPACE), secret))
    manifests = sorted((_examples() / "mls-feed" / "deploy").glob("*.yaml"))
    text = "\n---\n".join(path.read_text() for path in manifests).replace("IMAGE", sources.MLS_FEED.reference)
    kubectl.apply(target, work, content=text)
    # A rollout, for an old Deployment is Available too.
    names = kubectl.run(target, "get", "deployments", f"--namespace={FEED_NAMESPACE}", "--output=name").split()
    with kubectl.explained(target, work, FEED_NAMESPACE):
        for name in names:
            wait = ["rollout", "status", name, f"--namespace={FEED_NAMESPACE}", "--timeout=120s"]
            work.command(kubectl.argv(target, *wait))


def secret_values(target: Stack) -> dict[str, str]:
    """The feed's one client, generated when first asked for."""
    return {
        "client_id": f"rooftree-{target.name}",
        "client_secret": paths.generated(target.secret_file("mls-client-secret")),
    }


def apply_brokerage(target: Stack, work: Work) -> None:
    """Plans, feed credentials and the brokerage; waits until it is ready in the present version."""
    file = _examples() / f"{BROKERAGE}.yaml"
    kubectl.apply(target, work, content=release.as_list(*credentials(target, file.read_text())))
    apply_plans(target, work)
    kubectl.apply(target, work, content=claiming(file.read_text(), tenant_id(target)))
    work.say(f"waiting for {BROKERAGE} to be Ready")
    wait = ["wait", f"brokerage/{BROKERAGE}", f"--timeout={READY_SECONDS}s"]
    with kubectl.explained(target, work, release.NAMESPACE, f"brokerage/{BROKERAGE}"):
        work.command(kubectl.argv(target, *wait, f"--for=jsonpath={{.status.version}}={sources.TENANT.version}"))
        work.command(kubectl.argv(target, *wait, "--for=condition=Ready"))


def apply_plans(target: Stack, work: Work) -> None:
    """The plans that brokerages name."""
    kubectl.apply(target, work, "-f", str(_examples() / "plans.yaml"))


def tenant_id(target: Stack) -> str:
    """The id that the brokerage has claimed, or by which it is kept since it was deleted; empty if there is none."""
    if brokerage_uid(target):
        return str(brokerage(target)["spec"].get("tenantID", ""))
    kept = ["secrets", f"--namespace={release.NAMESPACE}", f"--selector=rooftree.dev/kept={BROKERAGE}"]
    return kubectl.run(target, "get", *kept, "--output=jsonpath={.items[*].metadata.labels.rooftree\\.dev/tenant}")


def claiming(manifest: str, tenant: str) -> str:
    """The manifest of a brokerage that takes on the tenant with this id, if there is one."""
    documents = [document for document in yaml.safe_load_all(manifest) if document]
    for document in documents:
        document["spec"] |= {"tenantID": tenant} if tenant else {}
    return yaml.safe_dump_all(documents)


def credentials(target: Stack, manifest: str) -> list[dict[str, Any]]:
    """A Secret for each feed that the brokerage names, labelled as that brokerage's."""
    wanted = [document for document in yaml.safe_load_all(manifest) if document and document["kind"] == "Brokerage"]
    return [
        release.secret(
            feed["credentialsSecretRef"]["name"],
            release.NAMESPACE,
            secret_values(target),
            metadata={"labels": {"rooftree.dev/brokerage": document["metadata"]["name"]}},
        )
        for document in wanted
        for feed in document["spec"].get("mls", [])
    ]


def brokerage_uid(target: Stack) -> str:
    """Tells one life of the brokerage from the next; empty when it was deleted."""
    only = f"--field-selector=metadata.name={BROKERAGE}"
    return kubectl.run(target, "get", "brokerages", only, "--output=jsonpath={.items[*].metadata.uid}")


def brokerage(target: Stack) -> dict[str, Any]:
    """The brokerage as the cluster has it."""
    return json.loads(kubectl.run(target, "get", f"brokerage/{BROKERAGE}", "--output=json"))


def ask_app(target: Stack, *command: str) -> str:
    """Runs a command of the tenant app in one of its pods that is ready: others may not be let out to backends yet."""
    space = f"--namespace={brokerage(target)['status']['namespace']}"
    pods = json.loads(kubectl.run(target, "get", "pods", space, "--selector=app.kubernetes.io/name=app", "-ojson"))
    ready = [pod["metadata"]["name"] for pod in pods["items"] if kubectl.is_ready(pod)]
    if not ready:
        raise CommandFailed(f"no pod of {BROKERAGE} is ready")
    words = ["exec", space, ready[0], "--container=app", "--", "python", "-m", "rooftree.cli", *command]
    return kubectl.run(target, *words)


def wait_for_listings(target: Stack, work: Work) -> None:
    """Waits until every feed of the brokerage has been read to its end."""
    deadline = time.monotonic() + IMPORT_SECONDS
    said = ""
    while True:
        feeds = [json.loads(line) for line in ask_app(target, "feeds").splitlines()]
        summary = ", ".join(f"{feed['name']}: {feed['imported']} in, {feed['rejected']} refused" for feed in feeds)
        if summary != said:
            said = summary
            work.say(summary)
        failed = [feed for feed in feeds if feed["state"] == "failed"]
        if failed:
            raise CommandFailed(f"the feed {failed[0]['name']} failed: {failed[0].get('last_error')}")
        if feeds and all(feed["state"] == "idle" and feed["imported"] for feed in feeds):
            return
        if time.monotonic() > deadline:
            raise CommandFailed(f"the listings were not in within {IMPORT_SECONDS} s: {feeds}")
        time.sleep(POLL_SECONDS)


def welcome(target: Stack) -> str:
    """What a newcomer needs next: the address, the owner's link and three commands."""
    url = brokerage(target)["status"]["url"]
    link = ask_app(target, "owner-link").strip()
    is_default = target.name == paths.DEVELOPMENT_STACK
    kubectl_path = ".local/bin/kubectl" if is_default else f".local/{target.name}/bin/kubectl"
    return f"""
{BROKERAGE} is open at  {url}
Its owner starts at  {link}
  (a one-time link for 24 hours; first let your browser trust {os.path.relpath(target.pki / "ca.crt")})

Next:
  {kubectl_path} get brokerages --watch
  {kubectl_path} describe brokerage {BROKERAGE}
  make status{"" if is_default else f" STACK={target.name}"}
"""
