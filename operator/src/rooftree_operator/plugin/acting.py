"""`logs`, `open`, `suspend`, `resume`, `rotate`: what kubectl itself does, spelled for a brokerage."""

import json
from datetime import datetime
from typing import Any

from .. import holds, names, rotation
from . import brokerages as b
from .cluster import Cluster
from .output import Answer
from .problems import Problem

GATEWAY, APP = "gateway", "app"
TAIL = 50
STREAMS = 60  # more than the pods of any brokerage; kubectl follows five unless told


async def logs(
    cluster: Cluster,
    name: str,
    *,
    module: str | None,
    follow: bool = False,
    since: str | None = None,
    tail: int | None = None,
    old: bool = False,
) -> list[str]:
    """kubectl's words for the logs of the app's pods. `old`: of the containers that ran before."""
    one = await b.one(cluster.kube, name)
    space, wanted = b.namespace_of(one), f"{names.LABEL_TENANT}={b.status_of(one)['tenantID']},{names.LABEL_NAME}"
    if module is not None:
        if one["spec"].get("topology", "monolith") == "monolith" and module != APP:
            raise Problem(f"{name} runs all its modules in the pods of the app: leave --module out")
        wanted += f"={APP if module == GATEWAY else module}"
    # A pod that has not begun has no log, and would end the command before the others are read.
    words = ["logs", f"--namespace={space}", f"--selector={wanted}", "--all-containers", "--prefix", "--ignore-errors"]
    words += [f"--tail={tail if tail is not None else -1 if since else TAIL}", f"--max-log-requests={STREAMS}"]
    words += [f"--since={since}"] if since else []
    return words + ["--follow"] * follow + ["--previous"] * old


async def address(cluster: Cluster, name: str, *, link: bool) -> Answer:
    """Where it answers; or the owner's one-time link, which a pod of its own makes."""
    one = await b.one(cluster.kube, name)
    if link:
        command = ("python", "-m", "rooftree.cli", "owner-link")
        said = cluster.run(
            "exec", f"--namespace={b.namespace_of(one)}", "deploy/app", "--container=app", "--", *command
        )
        return Answer(said.strip(), said.strip())
    url = b.status_of(one).get("url")
    if not url:
        raise Problem(f"{name} has no address yet: see `kubectl brokerage why {name}`")
    return Answer(url, url)


async def suspend(cluster: Cluster, name: str, *, reason: str, message: str | None) -> Answer:
    """Declares that it is out of service."""
    wanted = {"reason": reason, **({"message": message} if message else {})}
    return await _declare(cluster, name, wanted, f"{name} is suspended ({reason}); `kubectl brokerage resume {name}`")


async def resume(cluster: Cluster, name: str) -> Answer:
    """Declares that it is in service again."""
    return await _declare(cluster, name, None, f"{name} is resumed")


async def rotate(cluster: Cluster, name: str, *, now: datetime) -> Answer:
    """Wants all credentials and signing keys of it to be replaced."""
    one = await b.one(cluster.kube, name)
    known: dict[str, Any] = b.status_of(one).get("rotation") or {"phase": "Pending"}
    last, wanted = rotation.wanted_of(one["metadata"]), f"{now:%Y-%m-%dT%H:%M:%SZ}"
    is_asked = bool(last) and known["phase"] == "Pending" and "scheduled" not in known
    if rotation.is_running(known) or last not in ("", known.get("id")) or is_asked:
        phase = known["phase"] if rotation.is_running(known) else "Pending"
        raise Problem(f"{name} is being rotated already ({phase}): see `kubectl brokerage status {name}`")
    patch = json.dumps({"metadata": {"annotations": {rotation.ANNOTATION: wanted}}})
    cluster.run("patch", f"brokerage/{name}", "--type=merge", f"--patch={patch}", "--output=json")
    done = f"the credentials of {name} are rotated (rotation {wanted}), which takes about 13 minutes"
    waits = holds.level(one["spec"])
    about = f"that waits, the operator is held back ({waits}): `kubectl brokerage why {name}`" if waits else ""
    done = f"{done}; {about or f'`kubectl brokerage status {name}` tells the phase'}"
    return Answer(done, done)


async def _declare(cluster: Cluster, name: str, wanted: dict[str, str] | None, done: str) -> Answer:
    await b.one(cluster.kube, name)
    patch = json.dumps({"spec": {"suspend": wanted}})
    given = cluster.run("patch", f"brokerage/{name}", "--type=merge", f"--patch={patch}", "--output=json")
    spec = json.loads(given)["spec"]
    # The API server drops a field that it does not know without a word.
    if spec.get("suspend") != wanted:
        raise Problem("this installation does not know spec.suspend: a platform admin must update its definitions")
    if level := holds.level(spec):
        done = f"{done}; that waits, the operator is held back ({level}): `kubectl brokerage why {name}`"
    return Answer(done, done)
