"""The warm pool: spare tenants of a plan, made up to what needs no Brokerage, so that a new one finds most of it there.

A spare is a tenant like any other, made and removed by the same provisioners, without pods, route and certificates. The
registry gives it to a new Brokerage on the same plan and version; its first pass puts right what names the Brokerage.
One pass takes one step, so that whatever somebody waits for comes in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import structlog
from prometheus_client import Gauge

from . import declaration, names, plans
from .adapters.kubernetes import PLAN, Kubernetes
from .api.brokerage import BrokerageSpec
from .conditions import State
from .deletion import Deletion, Overtaken
from .errors import Blocked, Waiting
from .graph import AnyProvisioner, Graph
from .hands import FREE, Hands, Reach
from .names import TenantId
from .plans import Named
from .reconcile import Outcome, outcome
from .release import Release, Releases
from .spares import Spare, Spares, SpareState
from .tenant import Fit, Platform, Tenant

log = structlog.get_logger(__name__)

SPARES = Gauge("rooftree_operator_spares", "Spare tenants, by plan and state.", ["plan", "state"])
WANTED = Gauge("rooftree_operator_spares_wanted", "Spare tenants that the plan wants.", ["plan"])
SHOWN = (SpareState.MAKING, SpareState.READY, SpareState.GOING)
# All that tells nothing of the brokerage. The rest follows its pods, or the topology that it asks for.
PARTS = (
    "namespace", "credentials", "database", "topics", "search", "cache", "storage", "policies", "migrations",
)  # fmt: skip
LOOK = 10.0  # seconds between two looks at a pool that lacks nothing
ONLY_LOOK = Hands(Reach.LOOK)
NOBODY = {"displayName": "Spare", "owner": {"email": "nobody@spare.invalid"}}


@dataclass(frozen=True)
class Wanted:
    """The spares that a plan shall have: how many, and what they are made from."""

    plan: Named
    release: Release
    platform: Platform

    @property
    def count(self) -> int:
        return self.plan.spec.warm

    def tenant(self, spare: TenantId) -> Tenant:
        """The spare as provisioners are given it. What is said of its brokerage is in none of its parts."""
        spec = BrokerageSpec.model_validate({**NOBODY, "plan": self.plan.name})
        return Tenant(spare, "", 1, spec, self.plan.spec, self.release, self.platform)

    @cached_property
    def digest(self) -> str:
        """Of all that they are made from; it is the same for every id."""
        return declaration.digest(self.tenant(names.mint_spare(bytes(4))))


@dataclass(frozen=True)
class Add:
    """Begin a new spare."""

    fit: Fit


@dataclass(frozen=True)
class Prepare:
    """Make all of it, or bring it to what its plan, the operator and this installation want now."""

    spare: Spare
    wanted: Wanted


@dataclass(frozen=True)
class Remove:
    """Take it away with all that it has."""

    spare: Spare


Step = Add | Prepare | Remove


def supply(parts: Graph) -> tuple[AnyProvisioner, ...]:
    """The provisioners of a spare, the very same objects: what they have proven of it holds for its Brokerage, too."""
    return tuple(parts.by_name[name] for name in PARTS)


def next_step(found: Sequence[Spare], wanted: Wanted | None) -> Step | None:
    """What to do next. `found`: spares of this plan; `wanted`: None wants none."""
    count, version, digest = (wanted.count, wanted.release.version, wanted.digest) if wanted else (0, "", "")
    there = [spare for spare in found if spare.state in (SpareState.MAKING, SpareState.READY)]
    fitting = [spare for spare in there if spare.version == version]
    # Of too many those go first that are not ready.
    ranked = sorted(fitting, key=lambda spare: spare.state is not SpareState.READY)
    going = [spare for spare in found if spare.state is SpareState.GOING]
    if leaving := [*going, *(spare for spare in there if spare.version != version), *ranked[count:]]:
        return Remove(leaving[0])
    if wanted is None:
        return None
    for spare in fitting:
        if spare.state is SpareState.MAKING or spare.digest != digest:
            return Prepare(spare, wanted)
    taken = sum(spare.state is SpareState.TAKEN for spare in found)
    return Add(Fit(wanted.plan.name, version)) if len(fitting) + taken < count else None


@dataclass(frozen=True)
class Pool:
    """One level-triggered, idempotent pass over the spares of one plan. `graph` has only their parts."""

    kube: Kubernetes
    spares: Spares
    releases: Releases
    graph: Graph
    deletion: Deletion
    platform: Platform

    async def plans(self, found: Sequence[Spare]) -> list[str]:
        """The plans to look at: those that want spares, and those that have some of `found`."""
        there = await self.kube.list(PLAN, labels={})
        wanting = {item["metadata"]["name"] for item in there if item["spec"].get("warm")}
        return sorted(wanting | {spare.plan for spare in found})

    async def reconcile(self, plan: str) -> Outcome:
        """Takes the next step of the pool of `plan`, if there is one to take."""
        found = [spare for spare in await self.spares.found() if spare.plan == plan]
        tell(plan, found)
        try:
            wanted = await self._wanted(plan)
        except Blocked as problem:
            # Brokerages on this plan say the same in their conditions; the next round looks again.
            log.warning("pool_blocked", plan=plan, reason=problem.reason, message=problem.message)
            return Outcome()
        match next_step(found, wanted):
            case Add(fit):
                spare = await self.spares.add(fit)
                log.info("spare_begun", plan=plan, spare=spare.id.value, version=spare.version)
                return Outcome(again_in=0.0)
            case Prepare(spare, recipe):
                return await self._prepare(spare, recipe)
            case Remove(spare):
                return await self._remove(spare)
            case None:
                return Outcome(again_in=LOOK if wanted else None)

    async def look(self, name: str) -> Outcome:
        """Looks at the ready spare with this id, changing nothing of it: somebody may be taking it just now.

        From one that lacks something the next Brokerage is kept away, until the pool has prepared it anew.
        """
        ready = (spare for spare in await self.spares.found() if spare.state is SpareState.READY)
        spare = next((spare for spare in ready if spare.id.value == name), None)
        if spare is None:
            return Outcome(gone=True)
        try:
            wanted = await self._wanted(spare.plan)
        except Blocked:
            return Outcome()  # the pool says so
        if wanted is None or wanted.digest != spare.digest:
            return Outcome()  # the pool's next step
        seen = await self.graph.run(wanted.tenant(spare.id), ONLY_LOOK, settled=False)
        if seen.held and await self.spares.move(spare, SpareState.MAKING, spare.digest):
            log.warning("spare_amiss", plan=spare.plan, spare=spare.id.value, parts=seen.held)
        return Outcome()

    async def _wanted(self, name: str) -> Wanted | None:
        plan = await plans.find(partial(self.kube.get, PLAN), name)
        WANTED.labels(name).set(plan.spec.warm if plan else 0)
        if plan is None or not plan.spec.warm:
            return None
        return Wanted(plan, await self.releases.find(None, plan.spec.channel), self.platform)

    async def _prepare(self, spare: Spare, wanted: Wanted) -> Outcome:
        """One pass over its parts. While it is not ready nobody gets it, so nobody else works on it either."""
        making = replace(spare, state=SpareState.MAKING)
        if spare != making and not await self.spares.move(spare, SpareState.MAKING, spare.digest):
            return Outcome(again_in=0.0)
        seen = await self.graph.run(wanted.tenant(spare.id), FREE, settled=False)
        self.graph.told(spare.id, seen.repaired)
        if seen.is_done:
            await self.spares.move(making, SpareState.READY, wanted.digest)
            log.info("spare_ready", plan=spare.plan, spare=spare.id.value)
            return Outcome(again_in=0.0)
        open_ = [f"{one.condition}: {one.reason}: {one.message}" for one in seen.reports if one.state is not State.DONE]
        log.warning("spare_unfinished", plan=spare.plan, spare=spare.id.value, parts=open_)
        found = outcome(seen.reports)
        return found if found.failed else Outcome(again_in=LOOK if found.again_in is None else found.again_in)

    async def _remove(self, spare: Spare) -> Outcome:
        """Nobody gets it any more from the first moment on; its row goes last."""
        going = replace(spare, state=SpareState.GOING)
        if spare != going and not await self.spares.move(spare, SpareState.GOING):
            return Outcome(again_in=0.0)
        try:
            await self.deletion.erase(spare.id)
        except Overtaken as change:
            log.warning("spare_stays", plan=spare.plan, spare=spare.id.value, reason=str(change))
            return Outcome(failed=True)
        except Waiting as wait:
            return Outcome(again_in=wait.retry_in)
        await self.spares.move(going, SpareState.GONE)
        log.info("spare_removed", plan=spare.plan, spare=spare.id.value)
        return Outcome(again_in=0.0)


def tell(plan: str, found: Sequence[Spare]) -> None:
    """Counts them for whoever watches the pool."""
    for state in SHOWN:
        SPARES.labels(plan, state.value).set(sum(spare.state is state for spare in found))
