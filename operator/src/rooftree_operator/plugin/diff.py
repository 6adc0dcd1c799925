"""`diff`: what is declared for one tenant against what is there, by the operator's own plans over what is observed."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from ..adapters.kubernetes import PLAN
from ..drift import Object
from ..errors import Blocked
from . import brokerages as b
from . import changes, installed, parts
from .cluster import Cluster
from .output import PLAIN, Answer, Style, wrapped
from .problems import Problem


async def diff(cluster: Cluster, name: str, *, now: Callable[[], datetime], style: Style = PLAIN) -> Answer:
    """Fine when nothing differs."""
    kube = cluster.kube
    brokerage = await b.one(kube, name)
    if "tenantID" not in b.status_of(brokerage):
        raise Problem(f"nothing of {name} has been made yet: see `kubectl brokerage plan` and `kubectl brokerage why`")
    here = await installed.found(kube)
    plans = {b.name_of(plan): plan for plan in await kube.list(PLAN, labels={})}
    try:
        told = await installed.resolved(kube, here, brokerage, plans)
    except Blocked as block:
        raise Problem(f"{name} cannot be resolved ({block.reason}): {block.message}") from block
    found: list[changes.Change] = []
    for part in parts.of_kubernetes(kube, here.ca, now, here.platform.namespace):
        found += await changes.of_part(part, told.tenant, kube, told.hands)
    head = "nothing differs in Kubernetes" if not found else f"{len(found)} differ in Kubernetes, declared on the right"
    limits = [line for words in (told.refusal, told.hands.why) if words for line in wrapped("held", words)]
    text = [f"{style('bold', name)}: {head}", *changes.lines(found), *limits, "", *_unseen(brokerage)]
    return Answer("\n".join(text), [asdict(one) for one in found], not found)


def _unseen(brokerage: Object) -> list[str]:
    """What this command cannot look at, and what the operator said of it last."""
    conditions = b.conditions_of(brokerage)
    types = ("DatabaseReady", "TopicsReady", "SearchReady", "CacheReady", "StorageReady", "MigrationsApplied")
    said = [f"{kind} {conditions[kind]['reason']}" for kind in types if kind in conditions]
    systems = ", ".join(parts.SYSTEMS.values())
    lines = wrapped("not seen", f"what is in {systems}: only the operator has logins there. Its last words:")
    return [*lines, *wrapped("", ", ".join(said) or "none")]
