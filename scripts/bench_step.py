"""Measures how soon three times the load is answered with more pods: `make bench-step`, or in a stack.

One brokerage with a plan of 1 to 4 small pods, scaled by load, and an open-loop load of one person's list of 100
drafts. What a request takes is measured first; from that the policy's own formula gives the objective and the rate
that one pod bears with a third to spare. Each round: that rate for 40 s and a random moment of a tick more, then
three times as much, until a watch tells that the Deployment's count was changed; then the rate as before, until one
pod is left. Prints one JSON line for each figure; every trial is a line in `.bench/step-<time>.jsonl`, with the
operator's own reason. Ends with 1 when a figure misses its budget.

    step_p50, step_p95   s   from three times the load to the change of the Deployment's scale
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bench_edge
from bench_operator import api as apiserver
from bench_pacing import Dial, Pacer
from bench_trials import Lines, figure, grouped, percentile, told
from rooftree_operator.adapters.kubernetes import DEPLOYMENT
from rooftree_operator.scaling import erlang, limits
from rooftree_operator.scaling.policy import Limits, Settings

from tests.e2e.conftest import PLATFORM, TOPOLOGY, Kubectl, Tenant, fresh_name, manifest, plan_manifest
from tests.e2e.test_tokens import SESSION_COOKIE, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

BUDGETS = {"step_p95": 6.0}
FACTOR = 3.0
# Of what one pod bears, so much more than the load before the step: neither noise nor a slower minute needs a second.
SPARE = 1.5
# Requests a second before the step, where they are short enough; and how busy one pod is with them at most.
RATE, MOST_USE = 30.0, 0.3
MOST_RATE = 100.0  # three times that is what the sender and the edge bear beside the pods
OBJECTIVES = range(20, 2001)  # milliseconds, as plans may say
DRAFTS = 100
PATH = f"/api/v1/properties?mine=true&limit={DRAFTS}"
WARM_SECONDS, STEADY_SECONDS, TICK = 60.0, 40.0, 2.0
LONGEST = 60.0  # an answer that is not there by then counts as so long
BACK_SECONDS = 420.0
TRIES = 3
PLAN: dict[str, Any] = {
    "replicas": {"min": 1, "max": 4},
    "resources": {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"cpu": "1", "memory": "320Mi"}},
    "autoscaling": {"objectiveMilliseconds": OBJECTIVES[-1]},
}


def pods_for(load: float, demand: float, bounds: Limits) -> int:
    """As the policy sizes: for so many requests a second, each of so many seconds."""
    settings = Settings()
    return erlang.servers_for(
        load * demand,
        bounds.objective / demand,
        budget=settings.budget,
        utilisation=settings.utilisation,
        most=bounds.ceiling + 1,
    )


def borne_by_one(demand: float, bounds: Limits) -> float:
    """The most requests a second for which one pod is enough."""
    low, high = 0.0, 1.0 / demand
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if pods_for(middle, demand, bounds) == 1 else (low, middle)
    return low


def base_rate(demand: float, bounds: Limits) -> float:
    """Requests a second before the step: with a Poisson deviation on top, and `SPARE`, what one pod bears."""
    root = ((1.0 + 4.0 * borne_by_one(demand, bounds) / SPARE) ** 0.5 - 1.0) / 2.0
    return root * root


def objective_for(demand: float) -> int:
    """Milliseconds: the strictest objective with which one pod bears the rate that is wished for."""
    wished = min(RATE, MOST_USE / demand)
    for objective in OBJECTIVES:
        if base_rate(demand, Limits(objective / 1000)) >= wished:
            return objective
    raise RuntimeError(f"a request takes {demand:.3f} s, which is too long for a load on this machine")


def figures(lines: Iterable[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Of the raw lines of a whole run."""
    values = grouped(lines)["step"]
    return [
        figure("step_p50", statistics.median(values), "s", values, seed=seed),
        figure("step_p95", percentile(values, 0.95), "s", values, seed=seed),
    ]


@dataclass
class Seen:
    """What a watch tells of the Deployment; `changes` are counts, with the monotonic times at which they were told."""

    deployment: dict[str, Any] = field(default_factory=dict[str, Any])
    changes: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def take(self, deployment: dict[str, Any], at: float) -> None:
        self.deployment = deployment
        count = deployment["spec"].get("replicas", 1)
        if not self.changes or self.changes[-1][1] != count:
            self.changes.append((at, count))

    @property
    def replicas(self) -> int:
        return self.changes[-1][1] if self.changes else 0

    @property
    def has_one(self) -> bool:
        """One is declared, and the others are gone."""
        status = self.deployment.get("status", {})
        return self.replicas == 1 and status.get("replicas") == 1 == status.get("availableReplicas")

    def up_since(self, began: float) -> float | None:
        """When more than one was declared, after `began`."""
        return next((at for at, count in self.changes if at >= began and count > 1), None)


@asynccontextmanager
async def followed(namespace: str) -> AsyncIterator[Seen]:
    """What a watch tells of the Deployment `app` while this is open."""
    seen = Seen()

    async def follow(api: apiserver.Api) -> None:
        async with aclosing(api.follow(DEPLOYMENT, namespace=namespace)) as found:
            async for one in found:
                if one["metadata"]["name"] == "app":
                    seen.take(one, time.monotonic())

    async with apiserver.connect(apiserver.address()) as api, asyncio.TaskGroup() as group:
        following = group.create_task(follow(api))
        yield seen
        following.cancel()


@dataclass
class Bench:
    """A run on one brokerage, under a load that goes on all the time."""

    lines: Lines
    kubectl: Kubectl
    tenant: Tenant
    plan: str
    seen: Seen
    dial: Dial
    pacer: Pacer
    dice: random.Random

    async def demand(self) -> float:
        """Seconds that a request takes, as the operator reckons now."""
        wanted = f'max by (tenant) (rooftree_scaling_demand_seconds{{tenant="{self.tenant.id}"}})'

        async def known() -> float:
            return (await bench_edge.measured(wanted)).get(self.tenant.id, 0.0)

        return await apiserver.until(known, within=60, what="the operator told no demand", every=1.0)

    async def tune(self) -> Limits:
        """Gives the plan the objective that fits the machine; the limits as they stand on the Deployment then."""
        await asyncio.sleep(WARM_SECONDS)
        objective = objective_for(await self.demand())
        change = json.dumps({"spec": {"autoscaling": {"objectiveMilliseconds": objective}}})
        await asyncio.to_thread(self.kubectl.run, "patch", "brokerageplan", self.plan, "--type=merge", "-p", change)

        async def told_so() -> Limits | None:
            found = limits.of(self.seen.deployment)
            return found if found is not None and found.objective == objective / 1000 else None

        return await apiserver.until(told_so, within=60, what="the Deployment did not get the plan's objective")

    async def until_one(self) -> None:
        async def one() -> bool:
            return self.seen.has_one

        await apiserver.until(one, within=BACK_SECONDS, what="the brokerage did not get back to one pod", every=0.5)

    async def steady(self, bounds: Limits) -> float:
        """Holds a load that one pod bears for a while; its rate. Raises if more pods come nevertheless."""
        for _ in range(TRIES):
            await self.until_one()
            demand = await self.demand()
            self.dial.rate = base_rate(demand, bounds)
            if self.dial.rate > MOST_RATE or pods_for(FACTOR * self.dial.rate, demand, bounds) < 2:
                raise RuntimeError(f"requests of {demand:.4f} s are no load for this machine: list more drafts")
            self.lines.say(f"{self.dial.rate:.1f} requests/s of {demand * 1000:.1f} ms")
            await asyncio.sleep(STEADY_SECONDS + self.dice.uniform(0.0, TICK))
            if self.seen.has_one:
                return self.dial.rate
            self.lines.say(f"{self.seen.replicas} pods before the step: {await self.why()}")
        raise RuntimeError("the count does not rest at one pod: something else is going on")

    async def round(self, bounds: Limits) -> None:
        rate, sent = await self.steady(bounds), len(self.pacer.answers)
        began = time.monotonic()
        self.dial.rate = FACTOR * rate
        at = await self._up_since(began)
        seconds, why = LONGEST if at is None else at - began, await self.why()
        # Little until it is back at one pod: with two a request takes longer, and what swung is forgotten slowly.
        self.dial.rate = rate / FACTOR
        bad = sum(not one.is_good for one in self.pacer.answers[sent:])
        self.lines.note(
            "step", seconds, rate=round(rate, 2), replicas=self.seen.replicas, seen=at is not None, why=why, bad=bad
        )
        self.lines.say(f"{seconds:.2f} s: {why}")

    async def _up_since(self, began: float) -> float | None:
        async def up() -> float | None:
            return self.seen.up_since(began)

        try:
            return await apiserver.until(up, within=LONGEST, what="the count was not changed", every=0.02)
        except TimeoutError:
            return None

    async def why(self) -> str:
        """The operator's reason for the last change that it tells of."""
        words = ("logs", "-n", PLATFORM, "-l", "app.kubernetes.io/name=rooftree-operator", "--since=60s", "--tail=-1")
        text = (await asyncio.to_thread(self.kubectl.run, *words)).stdout
        return last_reason(text, self.tenant.id)


def last_reason(log: str, tenant: str) -> str:
    """Of the operator's log; empty if it tells of no change."""
    found = [json.loads(line) for line in log.splitlines() if '"scaled"' in line and line.startswith("{")]
    return next((one["why"] for one in reversed(found) if one.get("tenant_id") == tenant), "")


def signed_in(tenant: Tenant, link: str) -> str:
    """The owner's cookie, with drafts to list. `link`: the one with which the owner comes in."""
    person = Person(tenant, link)
    token = {"Authorization": f"Bearer {person.token()}"}
    for _ in range(DRAFTS):
        person.client.post("/api/v1/properties", json={}, headers=token).raise_for_status()
    cookie = f"{SESSION_COOKIE}={person.session()}"
    person.client.close()
    return cookie


async def measure(lines: Lines, kubectl: Kubectl, tenant: Tenant, plan: str, chosen: argparse.Namespace) -> None:
    cookie = {"Cookie": signed_in(tenant, kubectl.ask_app(tenant.namespace, "owner-link"))}
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(bench_edge.connect())

        async def send(_: int) -> bool:
            return await edge.status(tenant.host, PATH, cookie) == 200

        seen = await stack.enter_async_context(followed(tenant.namespace))
        dial, pacer = Dial(RATE / 2), Pacer(send)
        bench = Bench(lines, kubectl, tenant, plan, seen, dial, pacer, random.Random(chosen.seed))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        loading = group.create_task(pacer.run(dial.moments()))
        bounds = await bench.tune()
        lines.say(f"objective {bounds.objective * 1000:.0f} ms, {bounds.floor} to {bounds.ceiling} pods")
        for _ in range(chosen.rounds):
            await bench.round(bounds)
        dial.is_over = True
        await loading


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=10, help="steps")
    options.add_argument("--seed", type=int, default=20261130, help="of the moments of the steps")
    chosen = options.parse_args()
    if TOPOLOGY != "monolith":
        options.error("the steps are of a brokerage with all modules in its pods")
    lines, kubectl, name = Lines.of("step"), Kubectl(), fresh_name("bench")
    try:
        kubectl.apply(plan_manifest(name, **PLAN))
        kubectl.apply(manifest(name, plan=name, autoscaling={"mode": "loadTuned"}))
        asyncio.run(measure(lines, kubectl, Tenant.of(kubectl.wait_ready(name)), name, chosen))
    finally:
        kubectl.delete_brokerage(name)
        kubectl.run("delete", "brokerageplan", name, "--ignore-not-found")
    return told(figures(lines.read(), chosen.seed), BUDGETS)


if __name__ == "__main__":
    sys.exit(main())
