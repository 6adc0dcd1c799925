"""`why`: one chain from the condition to the next command. Pure, but for the reading that `evidence` does.

condition → step → effect (what was tried, on which object) → last error → who acts, and whether it is retried → next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .. import codes, holds
from ..codes import Audience
from ..drift import Object
from . import brokerages as b
from . import evidence, happenings
from .cluster import Cluster
from .evidence import Evidence
from .output import PLAIN, Answer, Style, since, wrapped
from .pod_causes import Cause

UNSEEN = "Unseen"
HELD = ("ChangesHeld", "DeletionHeld", "Everything")
OPERATOR_LOG = "kubectl logs -n {platform} -l app.kubernetes.io/component=operator --tail=-1 --since=10m"
OPERATOR_PODS = "kubectl describe pods -n {platform} -l app.kubernetes.io/name=rooftree-operator"
BACKENDS = {
    "DatabaseReady": ("PostgreSQL", "database"),
    "MigrationsApplied": ("PostgreSQL", "database"),
    "TopicsReady": ("Kafka", "topics"),
    "SearchReady": ("Elasticsearch", "indices"),
    "CacheReady": ("Redis", "keys"),
    "StorageReady": ("S3", "bucket"),
}


@dataclass(frozen=True)
class Chain:
    """The links, each as data. `held_up` waits for this; `also` is wrong besides."""

    brokerage: str
    condition: str
    code: str
    since: str
    means: str
    step: str
    effect: list[str]
    last_error: str
    log: list[str]
    audience: str
    retried: bool
    next: str
    held_up: list[str] = field(default_factory=list[str])
    also: list[str] = field(default_factory=list[str])

    @property
    def status(self) -> str:
        """What the condition is; what was said of another generation does not count."""
        return "Unknown" if self.code == UNSEEN else "True" if self.condition in holds.CONDITIONS else "False"

    @property
    def page(self) -> str:
        return codes.find(self.code).page if self.code in codes.CODES else ""

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.brokerage,
            "ready": False,
            "condition": {"type": self.condition, "code": self.code, "since": self.since, "means": self.means},
            "step": self.step,
            "effect": self.effect,
            "lastError": self.last_error,
            "log": self.log,
            "whoActs": self.audience,
            "retried": self.retried,
            "next": self.next,
            "page": self.page,
            "heldUp": self.held_up,
            "also": self.also,
        }


async def why(cluster: Cluster, name: str, *, wide: bool, now: datetime, style: Style = PLAIN) -> Answer:
    """Fine when it is ready."""
    brokerage = await b.one(cluster.kube, name)
    if b.is_ready(brokerage):
        ready = b.ready_of(brokerage)
        begun = ready["lastTransitionTime"]
        text = f"{style('bold', name)} is {style('good', 'ready')} for {since(begun, now)}: {ready['message']}"
        data = {"name": name, "ready": True, "since": begun, "message": ready["message"]}
        wrong = {"errors": errors} if (errors := b.status_of(brokerage).get("errors")) else {}
        aside = [*_aside(brokerage), *_not_begun(brokerage, now)]
        return Answer("\n".join([text, *aside]), data | wrong | _held_back(brokerage))
    chain = linked(brokerage, await evidence.gathered(cluster, brokerage), now)
    return Answer("\n".join(rendered(chain, wide=wide, now=now, style=style)), chain.as_data(), fine=False)


def linked(brokerage: Object, seen: Evidence, now: datetime) -> Chain:
    """The chain of a Brokerage that is not ready."""
    worst = b.worst_of(brokerage)
    if worst is None or not (b.is_seen(brokerage) or b.rests(brokerage)):
        return _unseen(brokerage, seen)
    cause, reason = seen.cause, worst["code"]
    facts = b.facts_of(brokerage) | (_of_cause(cause, seen) if cause else {})
    # A pod that only is not ready yet explains nothing as long as it is waited for.
    starting = cause is not None and cause.reason == "Unready" and worst["audience"] == Audience.NOBODY.value
    blamed = cause if cause and not starting else None
    conditions = b.conditions_of(brokerage).values()
    return Chain(
        brokerage=b.name_of(brokerage),
        condition=worst["condition"],
        code=reason,
        since=worst.get("since") or "",
        means=codes.find(reason).means,
        step=_step(brokerage, now),
        effect=_effect(brokerage, worst, seen),
        last_error=(blamed and (blamed.words or _told(seen, blamed.pod))) or worst["message"],
        log=[] if starting else list(seen.log),
        audience=Audience.PLATFORM.value if blamed else worst["audience"],
        retried=worst["retryable"],
        next=codes.filled(blamed.hint, facts) if blamed else worst["hint"] or codes.filled(codes.LOOK, facts),
        held_up=[entry["type"] for entry in conditions if entry["reason"] == "AwaitingDependency"],
        also=_also(brokerage, worst),
    )


def _held_back(brokerage: Object) -> dict[str, Any]:
    """How far the operator is held back, and the command that ends it; empty if it is not."""
    hold = b.hold_of(brokerage)
    if hold is None:
        return {}
    go_on = codes.filled(codes.find(hold["reason"]).hint, b.facts_of(brokerage))
    return {"heldBack": {"level": hold["reason"], "message": hold["message"], "next": go_on}}


def _aside(brokerage: Object) -> Iterator[str]:
    """What is wrong though it answers, and how far the operator is held back; for people."""
    for error in b.status_of(brokerage).get("errors", []):
        text = f"{error['condition']}: {error['code']}: {error['message']}"
        yield from ("", *wrapped("also wrong", text), "", f"  next        {error['hint']}")
    for hold in _held_back(brokerage).values():
        yield from ("", *wrapped("held back", hold["message"]), "", f"  next        {hold['next']}")


def _not_begun(brokerage: Object, now: datetime) -> Iterator[str]:
    """A rotation that is wanted or due, and waits: nothing is wrong with the brokerage, and yet it is not as wanted."""
    if b.status_of(brokerage).get("rotation", Object()).get("phase") == "Pending":
        yield from ("", *wrapped("rotation", b.rotation(brokerage, now)))


def _also(brokerage: Object, worst: dict[str, Any]) -> list[str]:
    """What is wrong besides, and that the operator is held back, unless that is what it is about."""
    told = [(one["condition"], one["code"]) for one in b.status_of(brokerage).get("errors", [])]
    hold = b.hold_of(brokerage)
    held = [(hold["type"], hold["reason"])] if hold and worst["code"] not in HELD else []
    first = (worst["condition"], worst["code"])
    return [f"{condition}: {code}" for condition, code in (*told, *held) if (condition, code) != first]


def _of_cause(cause: Cause, seen: Evidence) -> dict[str, str]:
    """The pod, and the version that it is of: not the one that runs, but the one that does not come up."""
    found = {"pod": cause.pod, "namespace": cause.namespace}
    containers = [one["spec"]["template"]["spec"]["containers"][0] for one in (*seen.deployments, *seen.jobs)]
    values = [entry for container in containers for entry in container.get("env", [])]
    versions = [entry["value"] for entry in values if entry["name"] == "ROOFTREE_VERSION"]
    return found | ({"version": versions[0]} if versions else {})


def _step(brokerage: Object, now: datetime) -> str:
    over = "finishedAt" in (b.status_of(brokerage).get("operation") or {})
    return f"nothing is being changed; {b.doing(brokerage, now)}" if over else b.doing(brokerage, now)


def _unseen(brokerage: Object, seen: Evidence) -> Chain:
    """The operator has not looked at what is declared."""
    found = seen.operator
    available = (found or {}).get("status", {}).get("availableReplicas", 0)
    facts = b.facts_of(brokerage) | ({"platform": found["metadata"]["namespace"]} if found else {})
    where = (
        f"Deployment {found['metadata']['namespace']}/{b.name_of(found)}: {available} pods available" if found else ""
    )
    missing = "you may not see the operator" if seen.hidden else "no operator is installed"
    generation, looked_at = brokerage["metadata"].get("generation"), b.status_of(brokerage).get("observedGeneration")
    well = bool(available)
    return Chain(
        brokerage=b.name_of(brokerage),
        condition="Ready",
        code=UNSEEN,
        since=brokerage["metadata"].get("creationTimestamp", "") if looked_at is None else "",
        means="The operator has not looked at what is declared yet.",
        step=f"generation {generation} is declared, {looked_at or 'none'} was looked at",
        effect=[where or missing],
        last_error="" if well else "the operator does not run",
        log=[],
        audience=Audience.NOBODY.value if well else Audience.PLATFORM.value,
        retried=well,
        next=codes.filled(OPERATOR_LOG if well else OPERATOR_PODS, facts),
    )


def _effect(brokerage: Object, worst: dict[str, Any], seen: Evidence) -> list[str]:
    """What was tried, on which object, and what came of it."""
    reason, spec = worst["code"], brokerage["spec"]
    hidden = [f"(you may not see {kind})" for kind in seen.hidden]
    if reason in ("PlanUnknown", "ReleaseUnknown"):
        sought = (
            f"BrokeragePlan {spec.get('plan')!r}" if reason == "PlanUnknown" else f"release {spec.get('version')!r}"
        )
        there = f"there are: {', '.join(seen.choices)}" if seen.choices else "there is none at all"
        return [f"looked for {sought}", *(hidden or [there])]
    if reason in evidence.ROLLOUTS:
        told = [_pods_of(one) for one in seen.deployments]
        return [*told, *([seen.cause.told] if seen.cause else []), *hidden] or ["started the app's pods"]
    if reason in evidence.JOBS:
        told = [_job(one) for one in seen.jobs]
        return [*told, *([seen.cause.told] if seen.cause else []), *hidden] or ["a migration Job"]
    if reason in HELD:
        return [f"nothing was applied: {b.name_of(brokerage)} is held back by its spec"]
    if reason.startswith("Feed"):
        feeds = [f"feed {feed['name']}: Secret {feed['credentialsSecretRef']['name']}" for feed in spec.get("mls", [])]
        return feeds or ["looked at the feeds"]
    return [_looked_at(brokerage, worst["condition"])]


def _looked_at(brokerage: Object, condition: str) -> str:
    """The object that a condition is about."""
    status, name = b.status_of(brokerage), b.name_of(brokerage)
    if condition == "RouteReady":
        return f"HTTPRoute {status.get('namespace', '')}/app"
    if condition in BACKENDS:
        system, what = BACKENDS[condition]
        return f"asked {system} for the {what} of {status.get('tenantID', name)}"
    return f"Brokerage {name}"


def _pods_of(deployment: Object) -> str:
    metadata, status = deployment["metadata"], deployment.get("status", {})
    wanted, available = deployment["spec"].get("replicas", 1), status.get("availableReplicas", 0)
    return f"Deployment {metadata['namespace']}/{metadata['name']}: {available} of {wanted} pods available"


def _job(job: Object) -> str:
    metadata, status = job["metadata"], job.get("status", {})
    failed = next((c for c in status.get("conditions", []) if c["type"] == "Failed" and c["status"] == "True"), None)
    state = f"failed ({failed.get('reason', '')})" if failed else "done" if status.get("succeeded") else "running"
    return f"Job {metadata['namespace']}/{metadata['name']}: {state}"


def _told(seen: Evidence, name: str) -> str:
    """The newest warning about an object."""
    warnings = [one for one in seen.events if one.get("type") == "Warning" and one["regarding"].get("name") == name]
    return max(warnings, key=happenings.when)["note"] if warnings else ""


def rendered(chain: Chain, *, wide: bool, now: datetime, style: Style = PLAIN) -> Iterator[str]:
    """The chain for people, within 80 columns except for the command, which is to be copied."""
    waits = chain.audience == Audience.NOBODY.value
    word = style("busy", "on its way") if waits else style("bad", "not ready")
    rests = {**dict.fromkeys(HELD, "held back"), "Suspended": "suspended"}
    word = style("busy", rests[chain.code]) if chain.code in rests else word
    age = since(chain.since, now)
    yield f"{style('bold', chain.brokerage)} is {word}" + (f" for {age}" if age else "")
    yield ""
    yield from wrapped("condition", f"{chain.condition} is {chain.status}: {chain.code}")
    yield from wrapped("", chain.means)
    if chain.step:
        yield from wrapped("step", chain.step)
    yield from _listed("effect", chain.effect)
    if chain.last_error:
        yield from wrapped("now" if waits or chain.code in HELD else "last error", chain.last_error)
    for line in chain.log if wide else chain.log[-3:]:
        yield style("faint", f"              | {line if wide else line[:64]}")
    if chain.held_up:
        yield from wrapped("held up", ", ".join(chain.held_up))
    yield from wrapped("who acts", _who(chain))
    yield from _listed("also wrong", chain.also)
    yield ""
    yield f"  {style('bold', 'next')}        {chain.next}"
    if chain.page:
        yield f"  {style('faint', f'about it    {chain.page}')}"


def _listed(label: str, entries: Sequence[str]) -> Iterator[str]:
    for i, entry in enumerate(entries):
        yield from wrapped("" if i else label, entry)


def _who(chain: Chain) -> str:
    if chain.audience == Audience.NOBODY.value:
        return "nobody: it goes on by itself" if chain.retried else "nobody: it is as declared"
    who = {
        Audience.TENANT.value: "the brokerage itself",
        Audience.RESELLER.value: "whoever applied it",
        Audience.PLATFORM.value: "a platform admin",
    }[chain.audience]
    retried = "retried by itself" if chain.retried else "not retried until something changes"
    return f"{chain.audience} ({who}); {retried}"
