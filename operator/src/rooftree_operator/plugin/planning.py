"""`plan -f FILE`: what an apply of the file would do to which brokerages.

The API server says what the objects would be (a dry run of the apply), the operator's own plans what it would make of
them. Nothing is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from .. import serving
from ..adapters.kubernetes import BROKERAGE, PLAN, Kubernetes
from ..api.brokerage import BrokerageSpec
from ..api.plan import BrokeragePlanSpec
from ..drift import Object
from ..errors import Blocked
from ..hands import Hands, Reach
from ..provisioners import modules
from ..release import GATEWAY
from ..tenant import Tenant
from . import brokerages as b
from . import changes, installed, parts
from .cluster import Cluster
from .installed import Installation, Resolved
from .output import PLAIN, Answer, Style
from .problems import Problem

RELEASE_FIELDS = ("version", "channel")


@dataclass(frozen=True)
class Step:
    """A field that changes; `rolls` says whether the pods are replaced for it."""

    path: str
    before: Any
    after: Any
    rolls: bool


@dataclass(frozen=True)
class Effect:
    """What happens to one brokerage."""

    name: str
    how: str  # created, changed, unchanged, or blocked with the reason
    held: str = ""  # why the operator may not do it, or not all of it
    steps: list[Step] = field(default_factory=list[Step])
    objects: list[changes.Change] = field(default_factory=list[changes.Change])
    backends: list[str] = field(default_factory=list[str])

    @property
    def rolls(self) -> bool:
        return any(step.rolls for step in self.steps) and not self.held


async def plan(
    cluster: Cluster, file: str, *, content: str | None, now: Callable[[], datetime], style: Style = PLAIN
) -> Answer:
    """Fine unless a brokerage would be blocked. `content` is what the file `-` holds."""
    wanted = _wanted(cluster.run("apply", "--dry-run=server", "--filename", file, "--output=json", content=content))
    kube = cluster.kube
    live = {b.name_of(one): one for one in await kube.list(BROKERAGE, labels={})}
    plans = {b.name_of(one): one for one in await kube.list(PLAN, labels={})}
    later = plans | {b.name_of(one): one for one in wanted if one["kind"] == PLAN.kind}
    mine = {b.name_of(one): one for one in wanted if one["kind"] == BROKERAGE.kind}
    given = sorted(b.name_of(one) for one in wanted if one["kind"] == PLAN.kind)
    told = [(name, _of_plan(plans.get(name), later[name])) for name in given]
    touched = {name for name, how in told if how != ["unchanged"]}
    affected = mine | {name: one for name, one in live.items() if name not in mine and one["spec"]["plan"] in touched}
    here = await installed.found(kube) if affected else None
    effects: list[Effect] = []
    if here is not None:
        looking = _Looking(kube, here, plans, later, now)
        effects = [await looking.effect(live.get(name), affected[name]) for name in sorted(affected)]
    text = "\n".join(_lines(told, effects, style)) or "The file holds nothing."
    return Answer(text, [asdict(one) for one in effects], not any(one.how.startswith("blocked") for one in effects))


def _wanted(output: str) -> list[Object]:
    """The objects that the API server would store."""
    found = json.loads(output)
    items: list[Object] = found["items"] if found["kind"] == "List" else [found]
    for item in items:
        if item["kind"] not in (BROKERAGE.kind, PLAN.kind):
            raise Problem(f"the file holds a {item['kind']}: this looks at Brokerages and BrokeragePlans only")
    return items


def _of_plan(before: Object | None, after: Object) -> list[str]:
    """What changes in a plan, in words."""
    if before is None:
        return ["created"]
    old, new = (_dumped(installed.specified(BrokeragePlanSpec, one)) for one in (before, after))
    return [f"{path}: {_turn(old.get(path), new.get(path))}" for path in _differing(old, new)] or ["unchanged"]


@dataclass(frozen=True)
class _Looking:
    kube: Kubernetes
    here: Installation
    plans: Mapping[str, Object]
    later: Mapping[str, Object]
    now: Callable[[], datetime]

    async def effect(self, before: Object | None, after: Object) -> Effect:
        name = b.name_of(after)
        try:
            told = await installed.resolved(self.kube, self.here, after, self.later)
        except Blocked as block:
            return Effect(name, f"blocked, {block.reason}: {block.message}")
        wanted, present = told.tenant, await self._present(before)
        made = bool(before and "tenantID" in b.status_of(before))
        steps = _steps(present, wanted) if present else []
        objects = await self._objects(told, made=made)
        backends = list(_in_backends(present if made else None, wanted, told.hands))
        refused = f"blocked, PlanTooSmall: {told.refusal}" if told.refusal else ""
        blocked = refused or next((one.how for one in objects if one.how.startswith("blocked")), "")
        how = "created" if before is None else "changed" if steps or objects or backends else "unchanged"
        rest = [one for one in objects if one.how != blocked]
        is_held = bool(backends or any(one.held for one in rest)) or told.hands.reach is Reach.NOTHING
        return Effect(name, blocked or how, told.hands.why if is_held else "", steps, rest, backends)

    async def _objects(self, told: Resolved, *, made: bool) -> list[changes.Change]:
        """What is done in Kubernetes; `made`: there is something of the tenant already."""
        if told.hands.reach is Reach.NOTHING:
            return []
        view = self.kube if made else changes.Unmade(self.kube, told.tenant.namespace)
        found: list[changes.Change] = []
        for part in parts.of_kubernetes(view, self.here.ca, self.now, self.here.platform.namespace):
            found += await changes.of_part(part, told.tenant, view, told.hands)
        return found

    async def _present(self, before: Object | None) -> Tenant | None:
        """The tenant as it is declared now; None if there is none, or if it cannot be resolved."""
        if before is None:
            return None
        try:
            return (await installed.resolved(self.kube, self.here, before, self.plans)).tenant
        except Blocked:
            return None


def _steps(before: Tenant, after: Tenant) -> list[Step]:
    """The fields that change for this tenant, those of its plan behind those of its own."""
    found: list[Step] = []
    for prefix, model, old, new in (
        ("spec.", BrokerageSpec, before.spec, after.spec),
        ("plan.", BrokeragePlanSpec, before.plan, after.plan),
    ):
        was, will = _dumped(old), _dumped(new)
        for path in _differing(was, will):
            mixed = model.model_validate(_nested(was | {path: will.get(path)}))
            alone = replace(before, **{"spec" if model is BrokerageSpec else "plan": mixed})
            if path in RELEASE_FIELDS:
                alone = replace(alone, release=after.release)
            found.append(
                Step(f"{prefix}{path}", was.get(path), will.get(path), _templates(before) != _templates(alone))
            )
    if before.release != after.release and not any(step.path.endswith(RELEASE_FIELDS) for step in found):
        versions = before.release.version, after.release.version
        found.append(Step("release", *versions, rolls=True))
    return found


def _templates(tenant: Tenant) -> dict[str, Any]:
    """The pods of each Deployment. What they read of the feeds is in a Secret, which restarts them, too."""
    reads = serving.Reading(serving.digest([feed.model_dump() for feed in tenant.spec.mls]))
    names = () if modules.refused(tenant) else tenant.modules
    built = {
        "app": serving.build_deployment(tenant, "app", reads, module=GATEWAY if names else None),
        **{name: serving.build_deployment(tenant, name, reads, module=name) for name in names},
    }
    return {name: deployment["spec"]["template"] for name, deployment in built.items()}


def _in_backends(before: Tenant | None, after: Tenant, may: Hands) -> Iterator[str]:
    """None if nothing is looked at. What is declared anew there is no upkeep, so that all of it is held or none."""
    if may.reach is Reach.NOTHING:
        return
    held = "" if may.reach is Reach.ALL else ", held"
    old = parts.from_nothing(before) if before else {}
    for system, actions in parts.from_nothing(after).items():
        if before is None:
            yield f"{system}: {', '.join(map(parts.words, actions))}{held}"
            continue
        for what, values in parts.changed(old.get(system, []), actions):
            told = ", ".join(f"{key} {_turn(*pair)}" for key, pair in values.items())
            yield f"{system}: {what}: {told}{held}"
    if before and (job := parts.migrates(before, after)):
        yield f"PostgreSQL: migrations of {after.release.version} run in Job {job}{held}"


def _dumped(spec: BrokerageSpec | BrokeragePlanSpec) -> dict[str, Any]:
    """A spec's values by their paths; a list is one value."""
    return parts.leaves(spec.model_dump(by_alias=True, mode="json"))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `leaves`. A part that was not there as a whole, such as a price, is None or its fields."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *parents, last = path.split(".")
        place = found
        for parent in parents:
            if not isinstance(place.get(parent), dict):
                place[parent] = {}
            place = place[parent]
        if value is not None or last not in place:
            place[last] = value
    return found


def _turn(before: Any, after: Any) -> str:
    return f"{changes.shown(before)} → {changes.shown(after)}"


def _lines(told: list[tuple[str, list[str]]], effects: list[Effect], style: Style) -> Iterator[str]:
    for name, words in told:
        yield style("bold", f"BrokeragePlan {name}") + (f": {words[0]}" if len(words) == 1 else ": changed")
        yield from (f"  {word}" for word in words if len(words) > 1)
    for one in effects:
        colour = "bad" if one.how.startswith("blocked") else "faint" if one.how == "unchanged" else "busy"
        rolls = ", its pods are replaced one after the other" if one.rolls else ""
        yield style("bold", f"Brokerage {one.name}") + f": {style(colour, one.how)}{rolls}"
        if one.held:
            yield f"  held: {one.held}"
        for step in one.steps:
            yield f"  {step.path}: {_turn(step.before, step.after)}" + ("   pods roll" if step.rolls else "")
        yield from changes.lines(one.objects)
        yield from (f"  {line}" for line in one.backends)
