"""Replays traces on real pods under the operator's scaler and under an HPA: `make bench-scaling-live`.

Each trace, an hour, is made as short as asked for and scaled so that four replicas work on average. Two workloads of
equal pods get the very same requests at the same moments, open loop; only who counts their pods differs. A replica is
a virtual core: one request at a time, a sleep (`replica.py`). Requests wait in one queue for the first pod that is
idle, as they do in the simulated world, and are in flight at a pod meanwhile. Five minutes are lived through before
anything is counted. Then the same seconds are simulated with the start of pods and the work of requests as they were
measured. Prints one JSON line for each figure; every trial and every change is a line in `.bench/live-<time>.jsonl`.
Ends with 1 when a figure misses its budget. `docs/scaling-evaluation.md` says what each figure means.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import statistics
import sys
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
import uvloop
from bench_operator import api as apiserver
from bench_pacing import Pacer
from bench_scaling import cases
from bench_trials import Lines, told
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, NAMESPACE, POD, Kubernetes
from rooftree_operator.adapters.prometheus import Prometheus
from rooftree_operator.health import Health
from rooftree_operator.scaling.policy import Limits
from rooftree_operator.workqueue import WorkQueue

from bench_live import figures, policies, replica, seconds
from bench_live.fleet import Fleet
from bench_live.objects import Workload
from bench_live.seconds import HPA, OBJECTIVE, OURS, WARM_UP, Requests

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from rooftree_operator.adapters.kubernetes import Kind

PLATFORM, OPERATOR = "rooftree-system", "rooftree-operator"
START = 6.0  # seconds that a replica waits before it is ready: with a pod's own start, about what an app takes
READY_SECONDS = 180.0
PATIENCE = aiohttp.ClientTimeout(total=60)


@dataclass
class Contender:
    """A workload, its policy and its requests."""

    workload: Workload
    requests: Requests
    session: aiohttp.ClientSession
    fleet: Fleet = field(default_factory=Fleet)
    worked: list[float] = field(default_factory=list[float])
    """Seconds that each request's work took."""

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.send)

    async def send(self, number: int) -> bool:
        """At an idle pod, or else when it is this one's turn; a pod counts it as in flight while it waits."""
        began, work = time.monotonic(), self.requests.works[number]
        if (idle := self.fleet.begin()) is not None:
            return await self._work(idle, f"work?seconds={work:.6f}")
        place = self.fleet.queue()
        try:
            entrance = self.fleet.enter()
        except LookupError:
            return await self._work(await place, f"work?seconds={work:.6f}")
        await self._ask(entrance, "enter")
        is_good = await self._work(await place, f"labour?seconds={work:.6f}")
        await self._ask(entrance, f"leave?seconds={time.monotonic() - began:.6f}")
        self.fleet.leave(entrance)
        return is_good

    async def _work(self, name: str, what: str) -> bool:
        try:
            took = await self._ask(name, what)
        finally:
            self.fleet.done(name)
        if took is not None:
            self.worked.append(float(took))
        return took is not None

    async def _ask(self, name: str, what: str) -> str | None:
        """What a pod answers; None if it does not."""
        address = self.fleet.pods[name]["status"]["podIP"]
        try:
            async with self.session.get(f"http://{address}:{replica.PORT}/{what}") as answer:
                return await answer.text() if answer.ok else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def follow(self, api: apiserver.Api) -> None:
        """Keeps the fleet as the apiserver tells of it, without end."""
        async with asyncio.TaskGroup() as group:
            for kind, take in ((DEPLOYMENT, self.fleet.take_deployment), (POD, self.fleet.take_pod)):
                group.create_task(self._follow(api, kind, take))

    async def _follow(self, api: apiserver.Api, kind: Kind, take: Any) -> None:
        async with aclosing(api.follow(kind, namespace=self.workload.namespace)) as found:
            async for one in found:
                take(one, time.monotonic())

    async def until_ready(self) -> None:
        async def ready() -> bool:
            return len(self.fleet.ready) >= self.requests.initial

        what = f"the first replicas in {self.workload.namespace} were not ready"
        await apiserver.until(ready, within=READY_SECONDS, what=what)

    def trial(self, began: float, trace: str) -> dict[str, Any]:
        """What is told of the replay, beside its core-seconds."""
        since, until = began + WARM_UP, began + self.requests.seconds
        counted = [one for one in self.pacer.answers if one.due >= WARM_UP]
        return {
            "value": self.fleet.core_seconds(since, until),
            "policy": self.workload.policy,
            "trace": trace,
            "requests": len(counted),
            "over": sum(one.seconds > OBJECTIVE or not one.is_good for one in counted),
            "lost": sum(not one.is_good for one in counted),
            "changes": self.fleet.changes(since, until),
            "start": statistics.median(self.fleet.starts),
            "work": statistics.fmean(self.worked),
        }


@dataclass
class Replay:
    """A trace under both policies at once."""

    lines: Lines
    kube: Kubernetes
    api: apiserver.Api
    prometheus: Prometheus
    session: aiohttp.ClientSession

    async def run(self, trace: str, requests: Requests) -> None:
        word, image = secrets.token_hex(4), await self._image()
        bounds = Limits(OBJECTIVE, 1, seconds.CEILING)
        workloads = [Workload(policy, word, image, START, bounds) for policy in (OURS, HPA)]
        contenders = [Contender(one, requests, self.session) for one in workloads]
        async with AsyncExitStack() as stack:
            for one in workloads:
                stack.push_async_callback(self.kube.delete, NAMESPACE, one.namespace)
            began = await self._lived(contenders)
        for one in contenders:
            await self._tell(one, began, trace)

    async def _lived(self, contenders: list[Contender]) -> float:
        """All requests are answered; when the first one was due."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.follow(self.api)) for one in contenders]
            for one in contenders:
                for made in one.workload.objects(one.requests.initial):
                    await self.kube.create(made)
            for one in contenders:
                await one.until_ready()
            began = time.monotonic()
            tasks += [group.create_task(self._counting(one)) for one in contenders]
            await asyncio.gather(*(one.pacer.run(one.requests.moments, began) for one in contenders))
            for task in tasks:
                task.cancel()
        return began

    def _counting(self, one: Contender) -> Coroutine[Any, Any, None]:
        """Sets the count of its Deployment until it is cancelled."""
        if one.workload.policy == OURS:
            health = Health(WorkQueue(time.monotonic), time.monotonic)
            return policies.ours(self.kube, self.prometheus, one.workload.namespace).run(health)
        return policies.LiveHpa(self.kube, one.fleet, one.workload.namespace, self.session, seconds.TARGET).run()

    async def _tell(self, one: Contender, began: float, trace: str) -> None:
        """The trial beside its simulation, and each change."""
        trial, policy = one.trial(began, trace), one.workload.policy
        guessed = await asyncio.to_thread(seconds.simulated, one.requests, policy, trial["work"], trial["start"])
        values = [outcome.core_seconds for outcome in guessed]
        self.lines.note(
            "live",
            trial.pop("value"),
            **trial,
            simulated=statistics.fmean(values),
            simulated_spread=[min(values), max(values)],
            simulated_over=statistics.fmean(outcome.over for outcome in guessed),
            simulated_changes=[outcome.changes for outcome in guessed],
        )
        for at, count in one.fleet.declared:
            self.lines.note("change", count, policy=policy, trace=trace, second=round(at - began, 2))

    async def _image(self) -> str:
        """The operator's: it is on the node, and has the Python that replicas need."""
        found = await self.kube.get(DEPLOYMENT, OPERATOR, PLATFORM)
        if found is None:
            raise RuntimeError(f"no operator is in {PLATFORM}: `make up` first")
        return found["spec"]["template"]["spec"]["containers"][0]["image"]


async def measure(lines: Lines, traces: list[Path], chosen: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(await Kubernetes.connect())
        api = await stack.enter_async_context(apiserver.connect(apiserver.address()))
        prometheus = Prometheus(os.environ["ROOFTREE_TEST_PROMETHEUS_URL"])
        stack.push_async_callback(prometheus.close)
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=PATIENCE))
        replay = Replay(lines, kube, api, prometheus, session)
        for trace in traces:
            rates = seconds.scaled(seconds.compressed(cases.read_trace(trace), round(60 * chosen.minutes)))
            requests = Requests.of(rates, chosen.seed)
            lines.say(f"{trace.stem}: {len(requests.moments)} requests in {requests.seconds} s, twice")
            await replay.run(trace.stem, requests)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("traces", nargs="*", type=Path, help="files of one request rate a line, one line a second")
    options.add_argument("--minutes", type=float, default=10.0, help="that each trace is made to last, 5 or more")
    options.add_argument("--seed", type=int, default=1, help="of moments and work of requests")
    chosen = options.parse_args()
    traces = chosen.traces or sorted(cases.TRACES.glob("*.txt"))
    if not traces:
        options.error(f"no traces in {cases.TRACES}: name files")
    if 60 * chosen.minutes < WARM_UP:
        options.error(f"the {WARM_UP} s that are lived through before are the first ones backwards: 5 minutes at least")
    # Standard output is for figures.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    lines = Lines.of("live")
    uvloop.run(measure(lines, traces, chosen))
    return told(figures.of(lines.read(), chosen.seed), figures.BUDGETS)


if __name__ == "__main__":
    sys.exit(main())
