"""Measures how long a first request of a sleeping brokerage waits: `make bench-wake`, or in a stack with its variables.

One brokerage, left alone by the operator, whose route leads to the activator. Rounds alternate a start by hand (the
scale of its Deployments from 0 to 1, as `kubectl scale` sends it, until a watch tells that the pods are ready;
kubectl's own start is not in it) and a wake by one request, from its connection to the edge until its answer. In the
end 1,000 requests come at once. Prints one JSON line for each figure; every trial is a line in
`.bench/wake-<time>.jsonl`. Ends with 1 when a figure misses its budget.

    wake_ratio            1   median of the wakes over median of the starts by hand
    wake_p50, wake_p95    s   a first request is answered
    wake_lost             1   of 1,000 first requests those that were not answered by the app
    wake_crowd_p99        s   how long they waited, 99 of 100
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from bench_operator import api as apiserver
from bench_trials import Lines, figure, grouped, percentile, told
from rooftree_local.kubectl import is_ready
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, POD

from tests.e2e.conftest import TOPOLOGY, Edge, Kubectl, Tenant, fresh_name, manifest
from tests.e2e.sleeping import OWN_PODS, deployments, first_requests, led_to_activator, put_to_sleep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BUDGETS = {"wake_ratio": 1.2, "wake_p95": 5.0, "wake_lost": 0.0}
FIRST = 1_000
READY_SECONDS = 60.0


async def start_by_hand(api: apiserver.Api, namespace: str, names: Sequence[str]) -> float:
    """Seconds from the request that scales these Deployments from 0 to 1 until each has a pod that is ready."""
    follows, ready = asyncio.Event(), set[str]()

    async def watch() -> float:
        async with aclosing(api.follow(POD, labels=OWN_PODS, namespace=namespace, begun=follows)) as pods:
            async for pod in pods:
                if is_ready(pod):
                    ready.add(pod["metadata"]["labels"][OWN_PODS])
                if ready.issuperset(names):
                    break
        return time.monotonic()

    async with asyncio.timeout(READY_SECONDS), asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await follows.wait()
        began = time.monotonic()
        for name in names:
            await api.merge(DEPLOYMENT, name, {"spec": {"replicas": 1}}, namespace, "/scale")
    return watching.result() - began


def wake(lines: Lines, tenant: Tenant) -> None:
    (one,) = asyncio.run(first_requests(tenant.host, 1))
    if one.answer != tenant.id:
        raise RuntimeError(f"the first request was answered by {one.answer}")
    lines.note("wake", one.seconds)
    lines.say(f"woken in {one.seconds:.2f} s")


def by_hand(lines: Lines, tenant: Tenant, names: Sequence[str]) -> None:
    async def start() -> float:
        async with apiserver.connect(apiserver.address()) as api:
            return await start_by_hand(api, tenant.namespace, names)

    seconds = asyncio.run(start())
    lines.note("by_hand", seconds)
    lines.say(f"ready in {seconds:.2f} s after a start by hand")


def crowd(lines: Lines, tenant: Tenant) -> None:
    answers = asyncio.run(first_requests(tenant.host, FIRST))
    for one in answers:
        lines.note("crowd", one.seconds, lost=one.answer != tenant.id)
    lines.say(f"{FIRST} at once: {Counter(one.answer for one in answers).most_common(5)}")


def figures(trials: Iterable[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Of the raw lines of a whole run. Pure."""
    every = list(trials)
    values, lost = grouped(every), [float(one["lost"]) for one in every if one["trial"] == "crowd"]
    woken, hand = values["wake"], values["by_hand"]
    ratios = [one / other for one, other in zip(woken, hand, strict=True)]
    ratio = statistics.median(woken) / statistics.median(hand)
    return [
        figure("wake_ratio", ratio, "1", ratios, seed=seed),
        figure("wake_p50", statistics.median(woken), "s", woken, seed=seed),
        figure("wake_p95", percentile(woken, 0.95), "s", woken, seed=seed),
        figure("by_hand_p50", statistics.median(hand), "s", hand, seed=seed),
        figure("wake_lost", sum(lost), "1", lost, seed=seed),
        figure("wake_crowd_p99", percentile(values["crowd"], 0.99), "s", values["crowd"], seed=seed),
    ]


def measure(lines: Lines, kubectl: Kubectl, tenant: Tenant, rounds: int) -> None:
    edge, names = Edge(), deployments(kubectl, tenant)
    try:
        with led_to_activator(kubectl, tenant):
            for number in range(rounds):
                for turn in (number, number + 1):
                    put_to_sleep(kubectl, edge, tenant)
                    if turn % 2:
                        wake(lines, tenant)
                    else:
                        by_hand(lines, tenant, names)
            put_to_sleep(kubectl, edge, tenant)
            crowd(lines, tenant)
    finally:
        edge.close()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20, help="starts by hand, and as many wakes")
    options.add_argument("--seed", type=int, default=1, help="only noted: nothing is left to chance")
    chosen = options.parse_args()
    lines, kubectl, name = Lines.of("wake"), Kubectl(), fresh_name("bench")
    lines.say(f"a brokerage of its own, {TOPOLOGY}")
    try:
        kubectl.apply(manifest(name))
        measure(lines, kubectl, Tenant.of(kubectl.wait_ready(name)), chosen.rounds)
    finally:
        kubectl.delete_brokerage(name)
    return told(figures(lines.read(), chosen.seed), BUDGETS)


if __name__ == "__main__":
    sys.exit(main())
